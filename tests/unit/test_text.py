"""Numbers, tables and values as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmsweep.cli.options import parse_value
from llmsweep.cli.summary import no_rows, rejected_lines
from llmsweep.cli.table import Field, fitting
from llmsweep.readable import SCALES, number, numbers, quantity, scale


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (86400.0 * 70, "s", "70 d"),
        (5400.0, "s", "5,400 s"),
        (3.2e-5, "s", "32 µs"),
        (80 * 2.0**30, "B", "80 GiB"),
        (3.8e25, "FLOP", "38,000 ZFLOP"),
        (1.25e6, "USD", "1.25 MUSD"),
        (0.42, "", "0.42"),
        (1500.0, "tokens/s", "1.5 k tokens/s"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@given(st.floats(1e-12, 1e30), st.sampled_from(sorted(SCALES)))
def test_scaling_keeps_the_value(value: float, unit: str) -> None:
    factor, name = scale("", unit, [value])
    assert (factor, name) in SCALES[unit]
    assert float(number(value / factor).replace(",", "")) == pytest.approx(value / factor, rel=1e-3)


@given(st.lists(st.none() | st.floats(1e-9, 1e12) | st.just(0.0), max_size=12))
def test_columns_of_numbers_never_lose_one(values: list[float | None]) -> None:
    for value, text in zip(values, numbers(values), strict=True):
        if value is None:
            assert text == "–"
        else:
            assert float(text.replace(",", "")) == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("0.5", 0.5),
        ("true", True),
        ("fp8", "fp8"),
        ("1,2,4", [1, 2, 4]),
        ("bf16, fp8", ["bf16", "fp8"]),
        ("[1, 2]", [1, 2]),
        ("{ geometric = [1, 8, 2] }", {"geometric": [1, 8, 2]}),
        ('"a,b"', "a,b"),
        ("llama3.1-70b", "llama3.1-70b"),
    ],
)
def test_values_of_set(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_a_table_drops_what_it_may_and_no_more() -> None:
    fields = [Field(name, "", ["x" * 10]) for name in "abcd"]
    assert [field.title for field in fitting(fields, [3, 1], 100)] == ["a", "b", "c", "d"]
    assert [field.title for field in fitting(fields, [3, 1], 34)] == ["a", "b", "c"]
    assert [field.title for field in fitting(fields, [3, 1], 5)] == ["a", "c"]


def test_why_there_is_nothing() -> None:
    stats = {"configurations": 7, "feasible": 0, "rejected": {"a": 2, "b": 4}, "constrained": 1}
    assert str(no_rows(stats)) == "none of 7 configurations is feasible: 4 b, 2 a, 1 constraints not met"
    stats |= {"feasible": 3, "unpriced": 3}
    assert "can be ranked" in str(no_rows(stats))
    assert rejected_lines(stats)[-1].startswith("unranked  3  ")
    assert "--where" in str(no_rows({**stats, "selected": 0}))
