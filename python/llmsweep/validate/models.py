"""From the model that a row names, or the shape that it prints, to a model of the catalogue."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import polars as pl

from llmsweep.directories import catalog_directories

# Names of releases whose shapes are those of another entry of the catalogue.
SAME_SHAPE = {"deepseek-v3-base": "deepseek-v3", "deepseek-v3.1": "deepseek-v3"}
SHAPE = ("layers", "hidden", "ffn_hidden", "heads", "kv_heads", "head_dim", "vocab", "gated_mlp", "n_experts", "topk")
# Positions are not what a published run is refused for.
ANY_CONTEXT = 2**21


@dataclass
class Models:
    """Entries of the catalogue, and those that rows bring along."""

    known: dict[str, dict[str, Any]]
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    _ids: dict[tuple[Any, ...], tuple[str | None, str | None]] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: Iterable[Path] = ()) -> "Models":
        """The entries of the shipped catalogue, the user's and further folders, as they stand in the files."""
        files = [file for folder in catalog_directories(folders) for file in sorted((folder / "models").glob("*.toml"))]
        tables = (tomllib.loads(file.read_text(encoding="utf-8")) for file in files)
        return cls({entry["id"]: entry for table in tables for entry in table.get("model", [])})

    def has_experts(self, model: str) -> bool:
        """Whether layers choose among experts."""
        return self.experts(model) > 0

    def experts(self, model: str) -> int:
        """Experts of a layer, none in a dense model."""
        entry = self.own.get(model) or self.known.get(model) or {}
        return int(entry.get("moe", {}).get("experts", 0))

    def resolve(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds ``model_key``, the catalogue's id, and ``refusal`` where there is none."""
        names = [name for name in ("model_id", "model", *SHAPE) if name in frame.columns]
        found = [self._resolve(dict(zip(names, row, strict=True))) for row in frame.select(names).iter_rows()]
        return frame.with_columns(
            pl.Series("model_key", [key for key, _ in found], pl.String),
            pl.Series("refusal", [why for _, why in found], pl.String),
        )

    def _resolve(self, row: Mapping[str, Any]) -> tuple[str | None, str | None]:
        key = tuple(row.values())
        if key not in self._ids:
            self._ids[key] = self._find(row)
        return self._ids[key]

    def _find(self, row: Mapping[str, Any]) -> tuple[str | None, str | None]:
        name = row.get("model_id") or row.get("model")
        if name is None:
            return None, "the row names no model"
        base = self._named(str(name))
        entry = self.known.get(base or "")
        if base is not None and entry is not None and not differs(entry, row):
            return base, None
        if entry is not None and row.get("layers") and row.get("hidden") in (None, entry["hidden"]):
            return self._keep(name, shortened(entry, row["layers"])), None
        own, why = from_shape(guessed(row, entry))
        if own is None:
            return None, f'the model "{name}" is not in the catalogue and {why}'
        return self._keep(name, own), None

    def _named(self, name: str) -> str | None:
        plain = name.lower().rpartition("/")[2]
        return next((key for key in (name, plain, SAME_SHAPE.get(plain, "")) if key in self.known), None)

    def _keep(self, name: object, entry: dict[str, Any]) -> str:
        identifier = f"{re.sub('[^a-z0-9._-]+', '-', str(name).lower()).strip('-')}-as-measured-{len(self.own)}"
        self.own[identifier] = {**entry, "id": identifier, "name": str(name)}
        return identifier

    def lengthened(self, model: str, tokens: int) -> str:
        """The model with room for so many tokens: a published run is not refused for its positions."""
        entry = self.own.get(model) or self.known[model]
        if tokens <= entry.get("context_tokens", ANY_CONTEXT):
            return model
        mine = f"{model}-lengthened"
        self.own[mine] = {**entry, "id": mine, "context_tokens": ANY_CONTEXT}
        return mine

    def write(self, folder: Path) -> None:
        """Writes the entries that rows brought along as a catalogue folder."""
        (folder / "models").mkdir(parents=True, exist_ok=True)
        text = "\n".join(f"[[model]]\n{table(entry)}" for entry in self.own.values())
        (folder / "models" / "as-measured.toml").write_text(text, encoding="utf-8")


def differs(entry: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a row prints other sizes than the catalogue has; shortened models and proxies do."""
    return any(row.get(name) not in (None, entry.get(name)) for name in ("layers", "hidden"))


def shortened(entry: Mapping[str, Any], layers: int) -> dict[str, Any]:
    """A model with other layers: of experts, as many dense ones in front as their share, rounded up."""
    whole = entry["layers"]
    changed: dict[str, Any] = {"layers": layers}
    if dense := entry.get("moe", {}).get("first_dense_layers"):
        changed["moe"] = {**entry["moe"], "first_dense_layers": ceil(dense * layers / whole)}
    dropped = {"blocks", "sequence", "training", "published_parameters", "published_active_parameters", "mtp_layers"}
    return {**{key: value for key, value in entry.items() if key not in dropped}, **changed}


def guessed(row: Mapping[str, Any], entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """The row with what its name and its other sizes tell of those that it leaves out.

    Heads of 128 are what nearly all models above a billion parameters have. Layers follow from the size in the name,
    12 h² each beside the embedding. A gate follows from the catalogue's entry of that name, or from grouped heads.
    """
    full = dict(row)
    hidden = full.get("hidden")
    size = re.search(r"(\d+(?:\.\d+)?)\s*b\b", str(full.get("model") or "").lower())
    if hidden and not full.get("heads"):
        full["heads"] = max(1, hidden // 128)
    if hidden and size and not full.get("layers") and not full.get("n_experts"):
        table_size = (full.get("vocab") or 51200) * hidden
        full["layers"] = max(1, round((float(size[1]) * 1e9 - table_size) / (12 * hidden**2)))
    if full.get("gated_mlp") is None:
        mlp = (entry or {}).get("mlp") or (entry or {}).get("moe")
        grouped = (full.get("kv_heads") or 0) not in (0, full.get("heads"))
        full["gated_mlp"] = "y" if (mlp.get("gated", True) if mlp else grouped or full.get("n_experts")) else "n"
    return full


def from_shape(row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """A catalogue entry from a row's own columns, or the columns that are missing."""
    needed = ("layers", "hidden", "heads")
    if missing := [name for name in needed if not row.get(name)]:
        return None, f"its shape lacks {', '.join(missing)}"
    gated = str(row.get("gated_mlp") or "").lower()[:1] in ("y", "t", "1")
    entry: dict[str, Any] = {
        "layers": row["layers"],
        "hidden": row["hidden"],
        # 51,200 is GPT-2's vocabulary padded for eight-way splits, which Megatron's examples train with.
        "vocab": row.get("vocab") or 51200,
        "context_tokens": ANY_CONTEXT,
        "norm": "rms" if gated else "layer_norm",
        # Models without a gate follow GPT-2, whose head is the embedding table.
        "tied_embeddings": not gated,
        "attention": {
            "kind": "softmax",
            "heads": row["heads"],
            "kv_heads": row.get("kv_heads") or row["heads"],
            "head_dim": row.get("head_dim") or max(1, row["hidden"] // row["heads"]),
        },
        "source": ["columns of the measurement"],
    }
    width = row.get("ffn_hidden") or 4 * row["hidden"]
    if experts := row.get("n_experts"):
        if not row.get("topk") or not row.get("ffn_hidden"):
            return None, "its experts lack topk or ffn_hidden"
        entry["moe"] = {"experts": experts, "top_k": row["topk"], "expert_ffn": width, "gated": gated}
    else:
        entry["mlp"] = {"ffn": width, "gated": gated}
    return entry, ""


def table(entry: Mapping[str, Any]) -> str:
    """A TOML table with inline sub-tables."""
    return "".join(f"{key} = {value(item)}\n" for key, item in entry.items() if item is not None)


def value(item: object) -> str:
    """A TOML value.

    >>> value({"a": [1, "x"], "b": True})
    '{ a = [1, "x"], b = true }'
    """
    match item:
        case bool():
            return str(item).lower()
        case str():
            return '"' + item.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case Mapping():
            return "{ " + ", ".join(f"{key} = {value(sub)}" for key, sub in item.items() if sub is not None) + " }"
        case Sequence():
            return "[" + ", ".join(value(sub) for sub in item) + "]"
        case _:
            return repr(item)
