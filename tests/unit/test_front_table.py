"""The table of a front."""

import polars as pl
import pytest

from llmsweep.cli.front_table import field, print_front, sample
from llmsweep.registries import axes, columns


def front(rows: int) -> pl.DataFrame:
    """A made-up front: one axis varies, in one row only."""
    values: dict[str, object] = {axis["name"]: "same" for axis in axes("inference")}
    values |= {column["name"]: 1.5 for column in columns("inference")}
    frame = pl.DataFrame({**{name: [value] * rows for name, value in values.items()}, "row_id": range(rows)})
    return frame.with_columns(precision=pl.when(pl.int_range(rows) == 1).then(pl.lit("odd")).otherwise(pl.lit("even")))


def printed(rows: int, most: int, capsys: pytest.CaptureFixture[str], named: list[str]) -> list[str]:
    print_front(front(rows), most, "inference", {"minimize": ["tpot_s"], "maximize": [], "by": []}, named)
    return capsys.readouterr().out.splitlines()


def test_what_does_not_vary_stands_above(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(3, 50, capsys, ["model", "precision"])
    assert lines[0] == "fixed: model=same"
    assert [line.split()[1] for line in lines[-3:]] == ["even", "odd", "even"]


def test_a_sample_does_not_decide_what_varies(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(300, 10, capsys, ["model", "precision"])
    assert lines[0] == "fixed: model=same"
    assert [int(line.split()[0]) for line in lines[-10:]] == sample(pl.DataFrame({"x": range(300)}), 10)["x"].to_list()
    assert lines[-1].split()[0] == "299"


def test_cells() -> None:
    assert field(pl.Series("row_id", [1234])).cells == ["1234"]
    assert field(pl.Series("tensor_parallel", [1024, None])).cells == ["1,024", "–"]
    assert field(pl.Series("saturated", [True, False, None])).cells == ["yes", "no", "–"]
    memory = field(pl.Series("memory_bytes", [2.0**31, None]))
    assert (memory.title, memory.unit, list(memory.cells)) == ("memory", "GiB", ["2", "–"])
    assert field(pl.Series("no such column", [0.5])).title == "no such column"
