"""The Pareto front of random frames against its definition."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from llmsweep import _core
from llmsweep.pareto import pareto

if TYPE_CHECKING:
    from random import Random

Row = tuple[str, list[float | None]]

values = st.one_of(
    st.integers(0, 4).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
    st.none(),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, list[Row]]:
    width = draw(st.integers(1, 5))
    row = st.tuples(st.sampled_from("abc"), st.lists(values, min_size=width, max_size=width))
    return width, draw(st.lists(row, max_size=60))


def beats(one: list[float], other: list[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def by_definition(rows: list[Row], signs: list[int], *, grouped: bool, distinct: bool) -> list[int]:
    points = {
        position: (
            group if grouped else "",
            [sign * value for sign, value in zip(signs, point, strict=True) if value is not None],
        )
        for position, (group, point) in enumerate(rows)
        if not any(value is None or math.isnan(value) for value in point)
    }
    return [
        position
        for position, (group, point) in points.items()
        if not any(
            other_group == group and (beats(other, point) or (distinct and other == point and earlier < position))
            for earlier, (other_group, other) in points.items()
        )
    ]


@given(tables(), st.booleans(), st.booleans(), st.lists(st.booleans(), min_size=5, max_size=5), st.integers(1, 60))
@settings(deadline=None)
def test_front_is_the_definition(
    table: tuple[int, list[Row]], grouped: bool, distinct: bool, downward: list[bool], chunk: int
) -> None:
    width, rows = table
    columns = [f"c{index}" for index in range(width)]
    schema = {"group": pl.String} | dict.fromkeys(columns, pl.Float64)
    whole = pl.DataFrame([(group, *point) for group, point in rows], schema=schema, orient="row")
    parts = [whole[start : start + chunk] for start in range(0, len(rows), chunk)]
    frame = pl.concat(parts, rechunk=False) if parts else whole
    minimize = [name for name, down in zip(columns, downward, strict=False) if down]
    maximize = [name for name in columns if name not in minimize]
    by = ["group"] if grouped else []
    signs = [1 if name in minimize else -1 for name in columns]

    # The core takes minimized columns first; the definition doesn't mind the order.
    found = _core.pareto(frame, minimize, maximize, by, distinct=distinct)
    assert found == by_definition(rows, signs, grouped=grouped, distinct=distinct)
    kept = pareto(frame.with_row_index("at"), minimize, maximize, by, distinct=distinct)
    assert kept["at"].to_list() == found


positive = st.one_of(st.integers(1, 40).map(lambda whole: whole / 8), st.floats(0.1, 10.0))


@given(
    st.lists(st.tuples(st.sampled_from("ab"), positive, positive, positive), max_size=60),
    st.sampled_from([0.0, 0.01, 0.1, 1.0]),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_a_thinned_front_is_near_all_of_it(
    rows: list[tuple[str, float, float, float]], epsilon: float, random: Random
) -> None:
    schema = {"group": pl.String, "cost": pl.Float64, "time": pl.Float64, "rate": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    exact = pareto(frame, ["cost", "time"], "rate", "group")
    thin = pareto(frame, ["cost", "time"], "rate", "group", epsilon=epsilon)
    assert set(thin.rows()) <= set(exact.rows())
    factor = (1 + epsilon) * (1 + 1e-9)
    for group, cost, time, rate in exact.rows():
        assert any(
            other == group and kept[0] <= cost * factor and kept[1] <= time * factor and kept[2] * factor >= rate
            for other, *kept in thin.rows()
        )
    assert pareto(thin, ["cost", "time"], "rate", "group", epsilon=epsilon).equals(thin)
    shuffled = pl.DataFrame(random.sample(rows, len(rows)), schema=schema, orient="row")
    assert sorted(pareto(shuffled, ["cost", "time"], "rate", "group", epsilon=epsilon).rows()) == sorted(thin.rows())
