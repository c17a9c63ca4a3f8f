"""A sweep in a parcel: all that another machine needs to compile it again."""

import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from llmsweep import _core
from llmsweep.directories import catalog_directories, shipped_catalog
from llmsweep.errors import DataError
from llmsweep.parts.asked import Answer, Asked
from llmsweep.parts.question import Question
from llmsweep.parts.run import collected
from llmsweep.parts.spans import Span


@dataclass(frozen=True)
class Parcel:
    """Contents of files, and what is asked.

    Attributes:
        spec: The specification: TOML text, or a mapping as pairs.
        files: Files that the specification names, by their name in it.
        catalogs: Of each further catalogue folder, its files by relative name.
        fingerprint: Hash of the plan, to see that both machines mean the same.
        question: What is asked.
    """

    spec: str
    files: tuple[tuple[str, bytes], ...]
    catalogs: tuple[tuple[tuple[str, bytes], ...], ...]
    fingerprint: str
    question: Question

    @classmethod
    def pack(
        cls,
        spec: Path | Mapping[str, Any],
        folder: Path,
        catalog: Iterable[str | os.PathLike[str]],
        sweep: _core.Sweep,
        question: Question,
    ) -> "Parcel":
        """Reads everything in."""
        text = spec.read_text(encoding="utf-8") if isinstance(spec, Path) else json.dumps(spec)
        tree = tomllib.loads(text) if isinstance(spec, Path) else spec
        workload = tree.get("workload")
        lengths = workload.get("lengths") if isinstance(workload, Mapping) else None
        files = [(lengths, (folder / lengths).read_bytes())] if isinstance(lengths, str) else []
        own = [path for path in catalog_directories(catalog) if path != shipped_catalog()]
        return cls(text, tuple(files), tuple(contents(path) for path in own), sweep.fingerprint, question)

    def compile(self) -> _core.Sweep:
        """The sweep, on this machine.

        Raises:
            DataError: This machine has another version or another catalogue.
        """
        with tempfile.TemporaryDirectory(prefix="llmsweep-") as name:
            root = Path(name)
            catalogs = [shipped_catalog()]
            for number, files in enumerate(self.catalogs):
                unpack(root / f"catalog-{number}", files)
                catalogs.append(root / f"catalog-{number}")
            unpack(root / "sweep", self.files)
            spec: Any = json.loads(self.spec) if self.spec.lstrip().startswith("{") else self.spec
            # The worker's own folder of entries has no say: the parcel holds that of the machine that asks.
            catalog = _core.Catalog([str(folder) for folder in catalogs])
            sweep = _core.Sweep(catalog, spec, file=str(root / "sweep" / "sweep.toml"))
        if sweep.fingerprint != self.fingerprint:
            raise DataError(
                f"a worker has another llmsweep or another catalogue: version {_core.VERSION}, "
                f"plan {sweep.fingerprint} in place of {self.fingerprint}"
            )
        return sweep


def contents(folder: Path) -> tuple[tuple[str, bytes], ...]:
    """The TOML files of a folder."""
    return tuple((str(path.relative_to(folder)), path.read_bytes()) for path in sorted(folder.rglob("*.toml")))


def unpack(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Writes them out."""
    folder.mkdir()
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@lru_cache(maxsize=4)
def opened(parcel: Parcel) -> Asked:
    """The question put to the sweep; a process that answers several parts compiles it once."""
    return Asked(parcel.compile(), parcel.question, threads=1)


def answer(parcel: Parcel, span: Span, against: list[int]) -> Answer:
    """One part, on this machine, with one thread."""
    asked = opened(parcel)
    if parcel.question.keep == "all":
        return collected(asked, span, None)
    return asked.answer(span, against)
