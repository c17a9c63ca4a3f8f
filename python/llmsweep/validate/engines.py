"""Which serving engine of the catalogue a row ran on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.validate import releases

# Answers for engines that the catalogue lacks: most are Python around PyTorch, as it is.
DEFAULT = "vllm"
# When sources ran that print no release of their engine.
RAN: Mapping[str, str] = {
    # Chitty-Venkata et al. 2024, arXiv:2411.00136; commit 4211f5d4e9bc of its repository.
    "argonne": "2024-10",
    "argonne-quant": "2024-10",
    # Azure's guide to ND H200 v5, whose engines are built with TensorRT-LLM 0.14 or 0.15.
    "azure-guide": "2024-12",
}


def read(folders: Iterable[Path] = ()) -> list[dict[str, Any]]:
    """The engines of the catalogue."""
    return releases.read("engine", folders)


def chosen(engines: Sequence[Mapping[str, Any]], name: str, release: str, date: str | None) -> str:
    """The id of the engine's release.

    >>> chosen(read(), "sglang", "", None)
    'sglang'
    """
    found = releases.chosen(engines, "engines", name.lower(), release, date)
    return DEFAULT if found is None else str(found["id"])


def with_engines(frame: pl.DataFrame, engines: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Adds ``engine_axis``; the frame has ``engine_id``, the release's text ``engine``, and the source ``group``."""
    keys = ("engine_id", "engine", "group")
    found = []
    for name, release, group in frame.select(keys).unique(maintain_order=True).iter_rows():
        axis = chosen(engines, name or DEFAULT, release or "", RAN.get(group))
        found.append({"engine_id": name, "engine": release, "group": group, "engine_axis": axis})
    schema = pl.Schema({**frame.select(keys).schema, "engine_axis": pl.String()})
    table = pl.DataFrame(found, schema=schema)
    return frame.join(table, on=keys, how="left", nulls_equal=True, maintain_order="left")
