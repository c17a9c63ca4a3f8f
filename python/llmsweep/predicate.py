"""Which part of a Polars predicate the core can test itself."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

Filter = tuple[str, str, list[float | str]]

_TURNED = {"Gt": "Lt", "GtEq": "LtEq", "Lt": "Gt", "LtEq": "GtEq", "Eq": "Eq"}
_OPERATORS = {"Gt": ">", "GtEq": ">=", "Lt": "<", "LtEq": "<=", "Eq": "in"}
_BETWEEN = {"Both": (">=", "<="), "Left": (">=", "<"), "Right": (">", "<="), "None": (">", "<")}
_EXACT = 2**53


@dataclass(frozen=True)
class Pushed:
    """Tests of single columns, all of which a row must pass.

    Attributes:
        filters: A column, one of ``>=``, ``>``, ``<=``, ``<``, ``in``, and the values to compare with.
        whole: Whether they say all that the predicate says; otherwise the predicate has to be applied as well.
    """

    filters: list[Filter]
    whole: bool


def push_down(predicate: pl.Expr, schema: Mapping[str, pl.DataType]) -> Pushed:
    """Takes comparisons of one column with constants out of a predicate, as far as they are joined by ``and``.

    Args:
        predicate: Any expression of truth values.
        schema: Types of the columns.

    Example:
        >>> schema = {"ttft_s": pl.Float64(), "precision": pl.Enum(["bf16", "fp8"])}
        >>> push_down((pl.col("ttft_s") < 0.2) & (pl.col("precision") == "fp8"), schema).filters
        [('ttft_s', '<', [0.2]), ('precision', 'in', ['fp8'])]
        >>> push_down((pl.col("ttft_s") < 0.2) & pl.col("precision").cast(pl.String).str.starts_with("fp"), schema)
        Pushed(filters=[('ttft_s', '<', [0.2])], whole=False)
    """
    try:
        tree = json.loads(predicate.meta.serialize(format="json"))
    except (pl.exceptions.PolarsError, ValueError):
        return Pushed([], whole=False)
    return _conjunction(tree, schema)


def _conjunction(node: Any, schema: Mapping[str, pl.DataType]) -> Pushed:
    match node:
        case {"BinaryExpr": {"left": left, "op": "And" | "LogicalAnd", "right": right}}:
            one, other = _conjunction(left, schema), _conjunction(right, schema)
            return Pushed(one.filters + other.filters, one.whole and other.whole)
        case _:
            found = _test(node, schema)
            return Pushed([], whole=False) if found is None else Pushed(found, whole=True)


def _test(node: Any, schema: Mapping[str, pl.DataType]) -> list[Filter] | None:
    match node:
        case {"Column": str(name)} if schema.get(name) == pl.Boolean:
            return [(name, "in", [1.0])]
        case {"BinaryExpr": {"left": left, "op": "Or" | "LogicalOr", "right": right}}:
            return _either(_test(left, schema), _test(right, schema))
        case {"BinaryExpr": {"left": left, "op": str(operator), "right": right}} if operator in _OPERATORS:
            if _column(left) is None:
                left, operator, right = right, _TURNED[operator], left
            return _filters(_column(left), [(_OPERATORS[operator], _literal(right))], schema)
        case {"Function": {"input": [column, *operands], "function": {"Boolean": function}}}:
            return _function(function, column, operands, schema)
        case _:
            return None


def _function(
    function: Any, column: Any, operands: Sequence[Any], schema: Mapping[str, pl.DataType]
) -> list[Filter] | None:
    name = _column(column)
    match function, operands:
        case "Not", [] if name is not None and schema.get(name) == pl.Boolean:
            return [(name, "in", [0.0])]
        case {"IsBetween": {"closed": closed}}, [low, high]:
            above, below = _BETWEEN[closed]
            return _filters(name, [(above, _literal(low)), (below, _literal(high))], schema)
        case {"IsIn": {"nulls_equal": False}}, [values]:
            return _filters(name, [("in", _literal(values))], schema)
        case _:
            return None


def _either(one: list[Filter] | None, other: list[Filter] | None) -> list[Filter] | None:
    """Two lists of values of one column are one list."""
    match one, other:
        case [(name, "in", values)], [(same, "in", more)] if name == same:
            return [(name, "in", [*values, *more])]
        case _:
            return None


def _column(node: Any) -> str | None:
    match node:
        case {"Column": str(name)} | {"Cast": {"expr": {"Column": str(name)}, "dtype": {"Literal": "Float64"}}}:
            return name
        case _:
            return None


def _literal(node: Any) -> list[Any] | None:
    """The constant, or the constants of a list."""
    if not isinstance(node, dict) or "Literal" not in node:
        return None
    try:
        expression = pl.Expr.deserialize(io.StringIO(json.dumps(node)), format="json")
        values = pl.select(expression.alias("value"))["value"]
    except pl.exceptions.PolarsError:
        return None
    return values.explode().to_list() if values.dtype in (pl.List, pl.Array) else values.to_list()


def _filters(
    name: str | None, tests: Sequence[tuple[str, list[Any] | None]], schema: Mapping[str, pl.DataType]
) -> list[Filter] | None:
    """The tests of a column, if the core reads the constants as Polars does."""
    if name is None or name not in schema:
        return None
    filters: list[Filter] = []
    for operator, values in tests:
        if values is None or not all(_fits(value, schema[name]) for value in values):
            return None
        if operator != "in" and (len(values) != 1 or not schema[name].is_numeric()):
            return None
        filters.append((name, operator, [value if isinstance(value, str) else float(value) for value in values]))
    return filters


def _fits(value: Any, kind: pl.DataType) -> bool:
    if isinstance(value, str):
        return kind == pl.Enum
    if isinstance(value, bool):
        return kind == pl.Boolean
    return isinstance(value, int | float) and abs(value) <= _EXACT and kind.is_numeric()
