"""One call of the command: checks what is wanted, finds the accelerator, times."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmsweep.api import open_catalog
from llmsweep.calibrate.measure import grid
from llmsweep.calibrate.measure.case import Backend
from llmsweep.calibrate.measure.device import accelerator
from llmsweep.calibrate.measure.take import Taken, take
from llmsweep.errors import SpecError
from llmsweep.names import near

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """What to time, and how."""

    families: Sequence[str] | None = None
    precisions: Sequence[str] | None = None
    accelerator: str | None = None
    quick: bool = False
    cold: bool = True
    ranks: int | None = None
    repeats: int = 25


def session(wanted: Wanted, catalog: Iterable[Path], progress: Progress | None = None) -> Taken | None:
    """Times on this machine's GPUs; ``None`` in all ranks of a job but the first.

    Raises:
        SpecError: A name is wrong.
        UnavailableError: PyTorch or a GPU is missing.
    """
    known = json.loads(open_catalog(catalog).list("accelerators"))
    check(wanted, known)
    from llmsweep.calibrate.measure import ranks
    from llmsweep.calibrate.measure.cuda import Cuda, pytorch

    job = ranks.launched()
    count = job[1] if job else wanted.ranks
    if count is None:
        return kernels(Cuda(pytorch()), wanted, known, progress)
    name = identified(Cuda(pytorch()), wanted, known)
    cases = grid.messages(wanted.families or grid.COLLECTIVES, count, quick=wanted.quick)
    return ranks.measure(ranks.Job(cases, name, wanted.repeats), count)


def check(wanted: Wanted, known: Sequence[dict[str, Any]]) -> None:
    """Refuses wrong names before a GPU is asked for.

    Raises:
        SpecError: The sentence names the nearest right one.
    """
    for name in wanted.families or ():
        if name not in grid.FAMILIES:
            raise SpecError(f'--families: "{name}" can\'t be timed{near(name, grid.FAMILIES)}')
        if name in grid.COLLECTIVES and wanted.ranks is None and not _job():
            raise SpecError(f'--families: "{name}" is between GPUs: add --ranks')
    ids = [entry["id"] for entry in known]
    if wanted.accelerator is not None and wanted.accelerator not in ids:
        hint = near(wanted.accelerator, ids, "llmsweep catalog list accelerators")
        raise SpecError(f'--accelerator: there is no accelerator "{wanted.accelerator}"{hint}')


def _job() -> bool:
    from llmsweep.calibrate.measure.ranks import launched

    return launched() is not None


def identified(backend: Backend, wanted: Wanted, known: Sequence[dict[str, Any]]) -> str:
    """The accelerator's id: as it is given, or told from the device."""
    return wanted.accelerator or accelerator(backend.name(), backend.memory_bytes(), known)


def kernels(
    backend: Backend, wanted: Wanted, known: Sequence[dict[str, Any]], progress: Progress | None = None
) -> Taken:
    """Times kernels on one device.

    Raises:
        SpecError: The device does not have a format.
    """
    formats = backend.formats()
    for name in wanted.precisions or ():
        if name not in formats:
            raise SpecError(f'--precisions: "{backend.name()}" has no "{name}"{near(name, formats)}')
    name = identified(backend, wanted, known)
    cases = grid.cases(wanted.families or tuple(grid.KERNELS), wanted.precisions or formats, quick=wanted.quick)
    return take(backend, cases, name, cold=wanted.cold, repeats=wanted.repeats, progress=progress)
