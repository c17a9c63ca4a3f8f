"""What the catalogue knows of models, accelerators and networks, read once."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmsweep._core import Catalog

Entry = dict[str, Any]


def words(text: str) -> list[str]:
    """A name in lower-case words; numbers keep their points and letters.

    >>> words("Llama-2 70B"), words("GeForce RTX 4090"), words("NVLink 5")
    (['llama', '2', '70b'], ['geforce', 'rtx', '4090'], ['nvlink', '5'])
    """
    return re.findall(r"[a-z0-9.+×]+", text.lower().replace("_", " "))


def squeezed(text: str) -> str:
    """A name without anything between its words.

    >>> squeezed("Llama 2-70B")
    'llama270b'
    """
    return "".join(words(text))


class Facts:
    """The catalogue's entries in full."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def models(self) -> dict[str, Entry]:
        """By id."""
        return self._all("models")

    @cached_property
    def accelerators(self) -> dict[str, Entry]:
        """By id."""
        return self._all("accelerators")

    @cached_property
    def networks(self) -> dict[str, Entry]:
        """By id."""
        return self._all("networks")

    def _all(self, kind: str) -> dict[str, Entry]:
        ids = [entry["id"] for entry in json.loads(self._catalog.list(kind))]
        return {name: json.loads(self._catalog.show(kind, name)) for name in ids}

    def models_named(self, name: str) -> list[str]:
        """Ids that a name means: its own, a family's whose version it leaves open, or the family's largest."""
        wanted = squeezed(name)
        names = {
            identifier: {squeezed(identifier), squeezed(str(entry["name"]))}
            for identifier, entry in self.models.items()
        }
        if exact := [identifier for identifier, known in names.items() if wanted in known]:
            return exact[:1]
        if open_version := [
            identifier
            for identifier in self.models
            if squeezed(re.sub(r"^([a-z]+\d+)\.\d+", r"\1", identifier)) == wanted
        ]:
            return open_version
        # "LLaMA 65B": the letters of a family and a size, whatever the version.
        parts = words(name)
        sized = [i for i in self.models if len(parts) > 1 and _letters(words(i)) == parts[0] and parts[-1] in words(i)]
        if len(parts) == 2 and sized:  # noqa: PLR2004 - family and size
            return sized
        family = [
            identifier
            for identifier, entry in self.models.items()
            if wanted in {*_beginnings(identifier), *_beginnings(str(entry["name"]))}
        ]
        return [max(family, key=lambda i: float(self.models[i]["parameters"]))] if family else []

    def models_of_size(self, size: float, label: str) -> list[str]:
        """Dense models that carry this size in their name and have it within a tenth, the usual stand-in first."""
        found = [
            identifier
            for identifier, entry in self.models.items()
            if re.search(rf"(?:^|-){re.escape(label)}(?:-|$)", identifier)
            and entry["shape"]["moe"] is None
            and abs(float(entry["parameters"]) / size - 1) <= NEAR_SIZE
        ]
        return sorted(found, key=lambda i: (_rank(i), abs(float(self.models[i]["parameters"]) / size - 1)))

    def accelerators_named(self, name: Sequence[str]) -> list[str]:
        """Ids of which the words of a name are a part, its beginning if it is one of any."""
        found = [i for i, entry in self.accelerators.items() if _has(_chip_words(i, entry), name)]
        joined = "".join(name)
        found = found or [i for i in self.accelerators if joined in _beginnings(i)]
        return [i for i in found if words(i)[: len(name)] == list(name)] or found

    def runs(self, fact: str, models: Iterable[str] | None = None) -> list[float]:
        """One fact of the published training runs: of all models, or of some."""
        chosen = self.models if models is None else models
        entries = (self.models[identifier].get("training") or {} for identifier in chosen)
        return sorted(float(entry[fact]) for entry in entries if entry.get(fact))


NEAR_SIZE = 0.1
PREFERRED = ("llama2", "llama3.1", "llama3", "class", "gpt3", "megatron", "qwen2.5")


def _rank(identifier: str) -> int:
    return next((rank for rank, family in enumerate(PREFERRED) if identifier.startswith(family)), len(PREFERRED))


def _letters(parts: Sequence[str]) -> str:
    return re.sub(r"[\d.]+$", "", parts[0])


def _beginnings(name: str) -> set[str]:
    parts = words(name)
    return {"".join(parts[:length]) for length in range(1, len(parts) + 1)}


def _chip_words(identifier: str, entry: Entry) -> list[str]:
    label = entry.get("memory_label_gb")
    return [*words(identifier), *words(str(entry["name"])), *([f"{label:g}gb"] if label else [])]


def _has(known: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether all words are there, those of the name side by side and sizes anywhere."""
    wanted = [re.sub(r"^(\d+)(?:g|gib)$", r"\1gb", word) for word in wanted]
    plain = [word for word in wanted if not re.fullmatch(r"\d+gb", word)]
    if any(word not in known for word in wanted):
        return False
    return any(list(known[start : start + len(plain)]) == plain for start in range(len(known)))
