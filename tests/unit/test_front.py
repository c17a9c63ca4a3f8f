"""More of a front than its rows: thinned, cut to the best, as an expression, as a method of frames."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import polars as pl
import pytest

import llmsweep as ls
from llmsweep import DataError
from llmsweep.pareto import on_front, pareto

SETUPS = pl.DataFrame(
    {
        "chip": ["x", "x", "x", "y", "y", None],
        "usd": [1.0, 2.0, 3.0, 1.5, 9.0, 7.0],
        "rate": [10, 20, 15, 30, 30, 5],
        "watts": [5.0, None, 2.0, float("nan"), 3.0, 1.0],
    }
)
IN_GROUPS = [True, True, False, True, False, True]
POINTS = pl.select(
    x=pl.int_range(2000).hash(seed=1) % 997 + 1,
    y=pl.int_range(2000).hash(seed=2) % 997 + 1,
    label=pl.int_range(2000) % 3,
)


def test_epsilon_is_a_share_of_each_objective() -> None:
    frame = pl.DataFrame({"usd": [100.0, 100.4, 150.0], "s": [9.0, 8.9, 4.0]})
    assert pareto(frame, ["usd", "s"]).height == 3
    assert pareto(frame, ["usd", "s"], epsilon=0.05)["usd"].to_list() == [100.4, 150.0]
    assert pareto(frame, ["usd", "s"], epsilon={"usd": 0.05})["usd"].to_list() == [100.4, 150.0]
    assert pareto(frame, ["usd", "s"], epsilon={"s": 0.05}).height == 3
    assert pareto(frame, ["usd", "s"], epsilon=0).height == 3


def test_epsilon_keeps_one_of_equals() -> None:
    frame = pl.DataFrame({"usd": [1.0, 1.0, 2.0]})
    assert pareto(frame, "usd").height == 2
    assert pareto(frame.with_row_index(), "usd", epsilon=0.1)["index"].to_list() == [0]


@pytest.mark.parametrize(
    ("order", "kept"),
    [
        (None, [1.0]),
        ("rate", [9.0]),
        ("rate:asc", [1.0]),
        ("usd:desc", [9.0]),
        ("weight", [2.0]),
        ("weight:desc", [9.0]),
        ("a:b", [9.0]),
    ],
)
def test_top_goes_by_any_column(order: str | None, kept: list[float]) -> None:
    frame = pl.DataFrame(
        {"usd": [1.0, 2.0, 9.0], "rate": [1, 2, 3], "weight": [None, 1.0, 4.0], "a:b": [float("nan"), 2.0, 1.0]}
    )
    assert pareto(frame, "usd", "rate", top=1, order=order)["usd"].to_list() == kept


def test_top_is_of_each_group_and_keeps_the_order_of_rows() -> None:
    top = pareto(SETUPS, "usd", "rate", "chip", top=1, order="rate")
    assert top["usd"].to_list() == [2.0, 1.5, 7.0]
    assert pareto(SETUPS, "usd", "rate", top=5, order="rate")["usd"].to_list() == [1.0, 1.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": -0.1}, "epsilon must be a finite number of at least 0, not -0.1"),
        ({"epsilon": float("nan")}, "epsilon must be a finite number"),
        ({"epsilon": {"watts": 0.1}}, 'epsilon is given for "watts", which is no objective; these are usd, rate'),
        ({"top": 0}, "top must be a whole number of at least 1, not 0"),
        ({"order": "usd"}, 'order "usd" says which rows are the top; give top too'),
        ({"top": 1, "order": "cost"}, 'order: column "cost" is not in the table; it has chip, usd, rate, watts'),
    ],
)
def test_what_makes_no_sense_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        pareto(SETUPS, "usd", "rate", **options)  # type: ignore[arg-type]


def test_an_expression_marks_the_front() -> None:
    marked = SETUPS.with_columns(on_front("usd", "rate", "chip"))
    assert marked["on_front"].to_list() == IN_GROUPS
    assert SETUPS.filter(on_front("watts"))["usd"].to_list() == [7.0]
    assert SETUPS.clear().select(on_front("usd")).schema == {"on_front": pl.Boolean}


def test_an_expression_works_over_groups() -> None:
    over = SETUPS.select(on_front(minimize="usd", maximize="rate").over("chip"))
    assert over["on_front"].to_list() == IN_GROUPS
    grouped = SETUPS.group_by("chip", maintain_order=True).agg(on_front("usd", "rate"), pl.len())
    assert grouped["on_front"].to_list() == [[True, True, False], [True, False], [True]]
    filtered = SETUPS.group_by("chip", maintain_order=True).agg(pl.col("usd").filter(on_front("usd", "rate")))
    assert filtered["usd"].to_list() == [[1.0, 2.0], [1.5], [7.0]]


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_lazy_front_sees_all_rows_whatever_follows(engine: Literal["in-memory", "streaming"]) -> None:
    front = pareto(POINTS, ["x", "y"], by="label")
    assert front.height > 5
    lazy: pl.LazyFrame = POINTS.lazy().llmsweep.pareto(["x", "y"], by="label")  # type: ignore[attr-defined]
    assert lazy.collect(engine=engine).equals(front)
    assert lazy.filter(pl.col("x") > 50).collect(engine=engine).equals(front.filter(pl.col("x") > 50))
    assert lazy.head(3).collect(engine=engine).equals(front.head(3))
    assert lazy.select("label").collect(engine=engine).equals(front.select("label"))
    before = POINTS.lazy().filter(pl.col("x") > 50).filter(on_front(["x", "y"]))
    assert before.collect(engine=engine).equals(pareto(POINTS.filter(pl.col("x") > 50), ["x", "y"]))


def test_frames_have_a_method() -> None:
    options = {"distinct": True, "epsilon": 0.1, "top": 2, "order": "y"}
    front = pareto(POINTS, ["x", "y"], [], "label", **options)  # type: ignore[arg-type]
    assert POINTS.llmsweep.pareto(["x", "y"], [], "label", **options).equals(front)  # type: ignore[attr-defined]
    assert POINTS.lazy().llmsweep.pareto(["x", "y"], [], "label", **options).collect().equals(front)  # type: ignore[attr-defined]


def test_the_methods_are_there_once_the_function_is() -> None:
    frame = "pl.DataFrame({'x': [2, 1]})"
    code = f"import polars as pl; import llmsweep; llmsweep.on_front; print({frame}.llmsweep.pareto('x'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "1" in done.stdout
    assert ls.on_front is on_front


def test_an_expression_says_what_is_wrong() -> None:
    with pytest.raises(DataError, match="at least one column to minimize"):
        on_front(by="chip")
    with pytest.raises(DataError, match="which is no objective"):
        on_front("usd", epsilon={"rate": 0.1})
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="cost"):
        SETUPS.filter(on_front("cost"))
    with pytest.raises(DataError, match="an objective must be a column of numbers"):
        SETUPS.filter(on_front("chip"))
