"""Claims about models and hardware, judged by what the model computes."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmsweep.claims.engine import Engine
from llmsweep.claims.facts import Facts
from llmsweep.claims.judge import Verdict, judge
from llmsweep.claims.read import read_claims
from llmsweep.claims.registry import meaning
from llmsweep.claims.together import Contradiction, contradictions, with_sides
from llmsweep.directories import shipped_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from llmsweep.claims.claim import Claim

    Source = str | os.PathLike[str] | pl.DataFrame | Sequence[Mapping[str, object]]

__all__ = ["Judged", "claims", "judged", "record", "shipped_claims", "table"]


@dataclass(frozen=True)
class Judged:
    """Verdicts in the order of the claims, and what contradicts what."""

    verdicts: tuple[Verdict, ...]
    contradictions: tuple[Contradiction, ...]


def shipped_claims() -> list[Path]:
    """The files of the claims that come with the package."""
    return sorted((shipped_catalog() / "claims").glob("section-*.toml"))


def sources(source: Source | None) -> Sequence[Path | Sequence[dict[str, Any]]]:
    """Files, or rows that are in memory."""
    if source is None:
        return shipped_claims()
    if isinstance(source, str | os.PathLike):
        return [Path(source)]
    return [list(map(dict, source)) if isinstance(source, list | tuple) else source.to_dicts()]  # type: ignore[union-attr] # a frame


def judged(source: Source | None = None, *, catalog: Iterable[str | os.PathLike[str]] = ()) -> Judged:
    """Judges the claims of a file, or those that come with the package.

    Raises:
        DataError: A cell can't be read; nothing is judged.
    """
    from llmsweep.api import open_catalog

    folders = [str(folder) for folder in catalog]
    facts, engine = Facts(open_catalog(folders)), Engine(folders)
    read: list[Claim] = [claim for part in sources(source) for claim in read_claims(part, facts)]
    for claim in read:
        refuse_misfit(claim)
    whole = with_sides(read)
    verdicts = [judge(claim, facts, engine, tuple(whole[:index])) for index, claim in enumerate(whole)]
    found = contradictions(whole, facts)
    against: dict[str, list[str]] = {}
    for pair in found:
        first, *others = pair.ids
        against.setdefault(first, []).extend(others)
        for other in others:
            against.setdefault(other, []).append(first)
    marked = tuple(
        replace(verdict, contradicts=tuple(dict.fromkeys(against.get(verdict.claim.id, ())))) for verdict in verdicts
    )
    return Judged(marked, tuple(found))


def refuse_misfit(claim: Claim) -> None:
    """Refuses a unit that the quantity, named by its id, does not have, and a word where it takes a number.

    Raises:
        DataError: With what it takes.
    """
    from llmsweep.errors import DataError

    quantity = meaning(claim)
    if quantity is None or quantity.kind == "requirement":
        return
    if claim.value is not None and quantity.kind != "statement":
        raise DataError(f'{claim.where.of("value")}: "{claim.value}" is no number, and {quantity.id} takes one')
    billions = claim.unit_text == "B" and {"parameter", "token"} & set(quantity.units)
    if claim.numeric and not billions and claim.unit.dimension not in quantity.units:
        allowed = " or ".join(unit or "none" for unit in quantity.units)
        raise DataError(
            f'{claim.where.of("unit")}: "{claim.unit_text}" is no unit of {quantity.id}; allowed: units of {allowed}'
        )


def record(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the command's JSON has it; numbers in the claim's own unit."""
    claim, predicted = verdict.claim, verdict.predicted
    return {
        "id": claim.id,
        "verdict": verdict.verdict,
        "claimed_low": claim.low,
        "claimed_high": claim.high,
        "predicted_low": predicted.low if predicted and math.isfinite(predicted.low) else None,
        "predicted_high": predicted.high if predicted and math.isfinite(predicted.high) else None,
        "bound": verdict.bound,
        "unit": claim.unit_text or ("B" if predicted and verdict.quantity == "fits" else ""),
        "why": verdict.why,
        "says": claim.says,
        "quantity": verdict.quantity,
        "slip": verdict.slip,
        "software_limited": verdict.software_limited,
        "contradicts": list(verdict.contradicts),
    }


def claims(source: Source | None = None, *, catalog: Iterable[str | os.PathLike[str]] = ()) -> pl.DataFrame:
    """Judges claims about models and hardware: the verdict is computed, and says by which number.

    Args:
        source: A claims file, ``.toml``, ``.csv``, ``.json`` or ``.parquet``; a frame; or a list of mappings.
            docs/claims.md says what they hold. By default the claims that come with the package.
        catalog: Further catalogue folders.

    Returns:
        One row per claim: ``id``, ``verdict``, ``claimed_low``, ``claimed_high``, ``predicted_low``,
        ``predicted_high``, ``bound`` (all in ``unit``, the claim's own), ``why``, and ``says``, ``quantity``, ``slip``,
        ``software_limited``, ``contradicts``.

    Raises:
        DataError: A cell can't be read; the sentence says where. Nothing is judged.
        CatalogError: A folder does not exist or an entry is wrong.

    Example:
        274 tokens per second of a 70B model in 4 bits on one B200 read the weights faster than the memory can:

        >>> import llmsweep as ls
        >>> frame = ls.claims()
        >>> row = frame.filter(frame["id"] == "S1-12").to_dicts()[0]
        >>> row["verdict"], round(row["bound"])
        ('infeasible', 224)
    """
    return table(judged(source, catalog=catalog))


def table(found: Judged, *, flat: bool = False) -> pl.DataFrame:
    """Verdicts as a frame; ``flat``: ids of contradicting claims as one text, for formats without lists."""
    import polars as pl

    frame = pl.DataFrame([record(verdict) for verdict in found.verdicts], schema=schema())
    return frame.with_columns(pl.col("contradicts").list.join(" ")) if flat else frame


def schema() -> dict[str, Any]:
    """Columns of `claims`, with their types."""
    import polars as pl

    numbers = ("claimed_low", "claimed_high", "predicted_low", "predicted_high", "bound")
    types: dict[str, Any] = {"id": pl.String, "verdict": pl.String, **dict.fromkeys(numbers, pl.Float64)}
    types |= dict.fromkeys(("unit", "why", "says", "quantity", "slip"), pl.String)
    return types | {"software_limited": pl.Boolean, "contradicts": pl.List(pl.String)}
