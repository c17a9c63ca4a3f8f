"""The Pareto front of random frames against its definition."""

from __future__ import annotations

import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from llmsweep import _core
from llmsweep.pareto import pareto

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
