"""Pareto fronts of frames: what counts as a column, a tie, a group, and what is said when it doesn't."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from llmsweep import _core
from llmsweep.pareto import pareto

SETUPS = pl.DataFrame(
    {
        "name": ["a", "b", "c", "d", "e"],
        "cost_usd": [1.0, 2.0, 2.0, 3.0, 2.0],
        "speed": [10, 20, 15, 40, 20],
    }
)


def names(frame: pl.DataFrame) -> list[str]:
    return frame["name"].to_list()


def test_equal_rows_are_all_kept_and_order_too() -> None:
    assert names(pareto(SETUPS, ["cost_usd"], ["speed"])) == ["a", "b", "d", "e"]
    assert names(pareto(SETUPS.reverse(), ["cost_usd"], ["speed"])) == ["e", "d", "b", "a"]


def test_distinct_keeps_the_first_of_equals() -> None:
    assert names(pareto(SETUPS, ["cost_usd"], ["speed"], distinct=True)) == ["a", "b", "d"]


def test_one_name_may_stand_without_a_list() -> None:
    assert names(pareto(SETUPS, maximize="speed")) == ["d"]


def test_lazy_frames_are_collected() -> None:
    assert names(pareto(SETUPS.lazy(), "cost_usd")) == ["a"]


def test_null_and_nan_are_never_on_the_front() -> None:
    frame = pl.DataFrame({"x": [None, float("nan"), 2.0, 3.0, -1.0], "y": [0.0, 0.0, 5.0, 4.0, None]})
    assert _core.pareto(frame, ["x", "y"], []) == [2, 3]


def test_infinities_are_values() -> None:
    frame = pl.DataFrame({"x": [float("inf"), float("-inf"), 0.0], "y": [0.0, 9.0, 1.0]})
    assert _core.pareto(frame, ["x", "y"], []) == [0, 1, 2]
    assert _core.pareto(frame, ["x"], []) == [1]


@pytest.mark.parametrize(
    "labels",
    [
        pl.Series(["x", "y", "x", None, None]),
        pl.Series(["x", "y", "x", None, None], dtype=pl.Categorical),
        pl.Series(["x", "y", "x", None, None], dtype=pl.Enum(["y", "x"])),
        pl.Series([1, -1, 1, None, None], dtype=pl.Int8),
        pl.Series([2**64 - 1, 1, 2**64 - 1, None, None], dtype=pl.UInt64),
        pl.Series([0.0, 1.5, -0.0, float("nan"), float("nan")]),
        pl.Series([True, False, True, None, None]),
        pl.Series([dt.date(2026, 1, day) if day else None for day in (1, 2, 1, 0, 0)]),
        pl.Series([Decimal("1.5"), Decimal("2.5"), Decimal("1.5"), None, None]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_every_kind_of_label_groups(labels: pl.Series) -> None:
    frame = pl.DataFrame({"label": labels, "x": [3, 9, 2, 8, 7]})
    assert _core.pareto(frame, ["x"], [], ["label"]) == [1, 2, 4]


def test_several_columns_group_together() -> None:
    frame = pl.DataFrame({"a": [1, 1, 2, 2, 1], "b": ["p", "q", "p", "p", "p"], "x": [5, 6, 7, 8, 9]})
    assert _core.pareto(frame, ["x"], [], ["a", "b"]) == [0, 1, 2]


def test_chunks_count_on() -> None:
    part = pl.DataFrame({"label": ["x", "y"], "x": [2.0, 1.0]})
    other = pl.DataFrame({"label": ["y", "z"], "x": [1.0, 5.0]})
    frame = pl.concat([part, other], rechunk=False)
    assert _core.pareto(frame, ["x"], [], ["label"]) == [0, 1, 2, 3]
    assert _core.pareto(frame, ["x"], [], ["label"], distinct=True) == [0, 1, 3]


def test_whole_numbers_and_decimals_are_objectives() -> None:
    frame = pl.DataFrame(
        {"x": pl.Series([3, 1, 2], dtype=pl.UInt16), "y": [Decimal("1.5"), Decimal("2.5"), Decimal(2)]}
    )
    assert _core.pareto(frame, ["x", "y"], []) == [0, 1, 2]
    assert _core.pareto(frame, [], ["y"]) == [1]


def test_an_empty_frame_has_an_empty_front() -> None:
    empty = SETUPS.clear()
    front = pareto(empty, "cost_usd", by="name")
    assert front.schema == SETUPS.schema
    assert front.is_empty()


def test_any_arrow_stream_will_do() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
            return SETUPS.__arrow_c_stream__(requested_schema)

    assert _core.pareto(Stream(), ["cost_usd"], []) == [0]


@pytest.mark.parametrize(
    ("minimize", "maximize", "by", "message"),
    [
        (["cost"], [], [], 'column "cost" is not in the table; did you mean "cost_usd"?'),
        (["zzz"], [], [], 'column "zzz" is not in the table; it has name, cost_usd, speed'),
        (["speed"], [], ["nam"], 'column "nam" is not in the table; did you mean "name"?'),
        (["name"], [], [], 'column "name" holds .*; an objective must be a column of numbers'),
        ([], [], [], "a Pareto front needs at least one column to minimize or maximize"),
        (["speed"], ["speed"], [], 'column "speed" can\'t be both minimized and maximized'),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    minimize: list[str], maximize: list[str], by: list[str], message: str
) -> None:
    with pytest.raises(_core.DataError, match=message):
        pareto(SETUPS, minimize, maximize, by)


def test_lists_cannot_group() -> None:
    frame = pl.DataFrame({"x": [1, 2], "tags": [["a"], ["b"]]})
    with pytest.raises(_core.DataError, match=r'column "tags" holds .*, which can\'t group rows'):
        _core.pareto(frame, ["x"], [], ["tags"])


def test_what_is_no_table_is_named() -> None:
    with pytest.raises(_core.DataError, match=r'"dict" is not an Arrow table'):
        _core.pareto({"x": [1]}, ["x"], [])  # type: ignore[arg-type]
    with pytest.raises(_core.DataError, match=r"not an Arrow table"):
        _core.pareto(pl.Series([1, 2]), ["x"], [])
