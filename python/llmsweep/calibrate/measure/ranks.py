"""Collectives between the GPUs of a machine, or of a job that torchrun started."""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmsweep.calibrate.measure.case import Case
from llmsweep.calibrate.measure.cuda import Cuda, Launch, pytorch
from llmsweep.calibrate.measure.take import Taken, take
from llmsweep.errors import UnavailableError


def launched() -> tuple[int, int] | None:
    """Rank and number of ranks where torchrun or the like started this process."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    return None


@dataclass(frozen=True)
class Job:
    """What ranks time, all of them the same."""

    cases: Sequence[Case]
    accelerator: str
    repeats: int


class Ranks(Cuda):
    """This process's GPU among others; the time of a collective is that of the slowest rank."""

    def __init__(self, torch: Any, ranks: int) -> None:
        super().__init__(torch)
        self.ranks = ranks

    def times(self, case: Case, *, repeats: int, cold: bool) -> list[float]:
        """Seconds of single collectives, the slowest rank's."""
        launch = COLLECTIVES[case.family](self.torch, case, self.ranks)
        self.torch.distributed.barrier()
        mine = self.torch.tensor(self.timed(launch, repeats=repeats, cold=cold), device="cuda")
        self.torch.distributed.all_reduce(mine, op=self.torch.distributed.ReduceOp.MAX)
        return [float(value) for value in mine]


def measure(job: Job, ranks: int) -> Taken | None:
    """Times collectives; ``None`` in all ranks of a job but the first.

    Raises:
        UnavailableError: There is no PyTorch, or there are fewer GPUs.
    """
    torch = pytorch()
    if place := launched():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", place[0])))
        taken = _among(torch, "env://", place, job)
        return taken if place[0] == 0 else None
    if torch.cuda.device_count() < ranks:
        raise UnavailableError(f"--ranks {ranks} needs as many GPUs, but PyTorch sees {torch.cuda.device_count()}")
    with tempfile.TemporaryDirectory(prefix="llmsweep-") as folder:
        torch.multiprocessing.spawn(_spawned, (ranks, folder, job), nprocs=ranks)
        found = json.loads((Path(folder) / "taken.json").read_text(encoding="utf-8"))
    taken = Taken(found["rows"])
    taken.left_out.update(found["left_out"])
    return taken


def _spawned(rank: int, ranks: int, folder: str, job: Job) -> None:
    torch = pytorch()
    torch.cuda.set_device(rank)
    taken = _among(torch, f"file://{folder}/rendezvous", (rank, ranks), job)
    if rank == 0:
        found = {"rows": taken.rows, "left_out": taken.left_out}
        (Path(folder) / "taken.json").write_text(json.dumps(found), encoding="utf-8")


def _among(torch: Any, meeting: str, place: tuple[int, int], job: Job) -> Taken:
    rank, ranks = place
    torch.distributed.init_process_group("nccl", init_method=meeting, rank=rank, world_size=ranks)
    try:
        return take(Ranks(torch, ranks), job.cases, job.accelerator, cold=False, repeats=job.repeats)
    finally:
        torch.distributed.destroy_process_group()


def _buffers(torch: Any, case: Case, ranks: int) -> tuple[Any, Any]:
    # The whole buffer and one rank's part of it.
    values = max(ranks, case.inputs["bytes"] // 2 // ranks * ranks)
    whole = torch.zeros(values, device="cuda", dtype=torch.bfloat16)
    return whole, torch.zeros(values // ranks, device="cuda", dtype=torch.bfloat16)


def all_reduce(torch: Any, case: Case, ranks: int) -> Launch:
    """Sums the buffers of all ranks."""
    whole, _ = _buffers(torch, case, ranks)
    return lambda: torch.distributed.all_reduce(whole)


def all_gather(torch: Any, case: Case, ranks: int) -> Launch:
    """Gives all ranks the parts of each."""
    whole, part = _buffers(torch, case, ranks)
    return lambda: torch.distributed.all_gather_into_tensor(whole, part)


def reduce_scatter(torch: Any, case: Case, ranks: int) -> Launch:
    """Gives each rank its part of the sum."""
    whole, part = _buffers(torch, case, ranks)
    return lambda: torch.distributed.reduce_scatter_tensor(part, whole)


def all_to_all(torch: Any, case: Case, ranks: int) -> Launch:
    """Sends each rank its part of every buffer."""
    whole, _ = _buffers(torch, case, ranks)
    received = torch.empty_like(whole)
    return lambda: torch.distributed.all_to_all_single(received, whole)


COLLECTIVES: dict[str, Callable[[Any, Case, int], Launch]] = {
    "all_reduce": all_reduce,
    "all_gather": all_gather,
    "reduce_scatter": reduce_scatter,
    "all_to_all": all_to_all,
}
