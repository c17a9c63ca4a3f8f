"""From codes to labels, without a copy of the rest."""

from collections.abc import Mapping, Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmsweep import DataError
from llmsweep.frame import to_frame


class Stream:
    """What the core hands over: nothing but a stream and names."""

    def __init__(self, frame: pl.DataFrame, labels: Mapping[str, Sequence[str]]) -> None:
        self.frame = frame
        self.labels = labels

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("dtype", [pl.UInt8, pl.UInt16])
def test_codes_become_names_and_nulls_stay(dtype: type[pl.DataType]) -> None:
    codes = pl.DataFrame({"x": [1.0, None, 3.0], "reject": pl.Series([1, None, 0], dtype=dtype)})
    frame = to_frame(Stream(codes, {"reject": ["low", "high"], "absent": ["a"]}))
    assert frame["reject"].to_list() == ["high", None, "low"]
    assert frame["reject"].dtype == pl.Enum(["low", "high"])
    assert frame["x"].to_list() == [1.0, None, 3.0]


def test_no_rows_and_no_names() -> None:
    empty = pl.DataFrame({"reject": pl.Series([], dtype=pl.UInt8)})
    assert to_frame(Stream(empty, {"reject": []})).height == 0
    nulls = pl.DataFrame({"reject": pl.Series([None, None], dtype=pl.UInt8)})
    assert to_frame(Stream(nulls, {"reject": []}))["reject"].null_count() == 2


def test_a_code_without_a_name_is_an_error() -> None:
    codes = pl.DataFrame({"reject": pl.Series([2], dtype=pl.UInt8)})
    with pytest.raises(DataError, match="without a name"):
        to_frame(Stream(codes, {"reject": ["only"]}))


@given(st.data(), st.integers(1, 400))
def test_every_code_gets_its_name(data: st.DataObject, size: int) -> None:
    names = [f"name{index}" for index in range(size)]
    codes = data.draw(st.lists(st.none() | st.integers(0, size - 1), max_size=20))
    column = pl.DataFrame({"model": pl.Series(codes, dtype=pl.UInt16)})
    decoded = to_frame(Stream(column, {"model": names}))["model"].to_list()
    assert decoded == [None if code is None else names[code] for code in codes]
