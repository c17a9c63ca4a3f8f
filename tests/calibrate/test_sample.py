"""Which rows are taken and which held out does not depend on the machine, the order or the day."""

import numpy as np
import polars as pl

from llmsweep.calibrate.sample import alternating, hashes, held_out, smallest

SHAPES = pl.DataFrame({"n": [float(i % 10) for i in range(100)], "k": [float(i // 10) for i in range(100)]})
TIMED = SHAPES.with_columns(pl.lit("any").alias("engine"), pl.Series("latency_s", range(100)).cast(pl.Float64))


def test_hashes_are_those_of_every_day() -> None:
    found = hashes(pl.DataFrame({"m": [1.0, 2.0, 0.0], "n": [1, 1, None]}), ["m", "n"])
    assert found.tolist() == [11950402698394334290, 1572096856121196833, 14491739573936937690]


def test_equal_shapes_have_equal_hashes_and_zeros_are_one() -> None:
    twice = hashes(pl.DataFrame({"m": [3.0, 3.0, 4.0, 0.0, -0.0]}), ["m"])
    assert twice[0] == twice[1] != twice[2]
    assert twice[3] == twice[4]


def test_parts_choose_what_the_whole_does() -> None:
    whole = smallest(TIMED, ["n", "k"], 20, ["engine"])
    halves = pl.concat([smallest(half, ["n", "k"], 20, ["engine"]) for half in (TIMED[:50], TIMED[50:])])
    assert smallest(halves, ["n", "k"], 20, ["engine"]).equals(whole)
    assert smallest(TIMED.reverse(), ["n", "k"], 20, ["engine"]).equals(whole)
    assert whole.height == 20


def test_two_groups_in_five_are_held_out_whole() -> None:
    unseen = held_out(TIMED, ["n"], ["n", "k"])
    assert unseen is not None
    assert unseen.sum() == 40
    by_group = TIMED.with_columns(pl.Series("unseen", unseen)).group_by("n").agg(pl.col("unseen").mean())
    assert set(by_group["unseen"]) == {0.0, 1.0}


def test_few_groups_are_split_by_shape_and_few_shapes_not_at_all() -> None:
    two = TIMED.filter(pl.col("n") < 2)
    unseen = held_out(two, ["n"], ["n", "k"])
    assert unseen is not None
    assert unseen.sum() == 8
    assert held_out(TIMED.head(4), ["n"], ["n", "k"]) is None
    assert np.asarray(unseen).dtype == np.bool_


def test_every_other_size_is_held_out_where_there_are_enough() -> None:
    unseen = alternating(TIMED, "n")
    assert unseen is not None
    assert sorted(set(TIMED["n"].to_numpy()[unseen])) == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert alternating(TIMED.filter(pl.col("n") < 4), "n") is None
