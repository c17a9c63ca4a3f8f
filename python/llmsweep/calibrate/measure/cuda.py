"""Kernels of PyTorch on a CUDA device, timed inside CUDA graphs: the host has no part in the times."""

from collections.abc import Callable
from typing import Any

from llmsweep.calibrate.extra import need
from llmsweep.calibrate.measure.case import Case, TooLargeError, UnsupportedError
from llmsweep.errors import UnavailableError

Launch = Callable[[], object]

WARM_UP = 3
# A graph is as long as this, so that starting it doesn't count, but has no more launches than that.
GRAPH_S, MOST_LAUNCHES = 2e-3, 20
# What is written between launches to fill the second-level cache with other data, as a multiple of it.
FLUSH = 2
LEAST_FLUSH_BYTES = 32 * 2**20
# Compute capabilities from which tensor cores take a format.
SINCE = {"bf16": (8, 0), "fp16": (7, 0), "fp8": (8, 9), "int8": (7, 5)}


def pytorch() -> Any:
    """PyTorch, with a GPU that it sees.

    Raises:
        UnavailableError: There is no PyTorch, or no GPU.
    """
    need("measure", "torch")
    import torch

    if not torch.cuda.is_available():
        raise UnavailableError(
            "PyTorch sees no GPU here: kernels are timed on the machine that has it; a CPU can't stand in"
        )
    return torch


class Cuda:
    """The current CUDA device."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.properties = torch.cuda.get_device_properties(torch.cuda.current_device())
        cache = int(getattr(self.properties, "L2_cache_size", 0))
        self.other_data = torch.empty(max(FLUSH * cache, LEAST_FLUSH_BYTES), dtype=torch.int8, device="cuda")

    def name(self) -> str:
        """The device's name as its driver prints it."""
        return str(self.properties.name)

    def memory_bytes(self) -> int:
        """Memory of the device."""
        return int(self.properties.total_memory)

    def formats(self) -> tuple[str, ...]:
        """Formats in which it multiplies matrices."""
        capability = (self.properties.major, self.properties.minor)
        return tuple(name for name, since in SINCE.items() if capability >= since)

    def times(self, case: Case, *, repeats: int, cold: bool) -> list[float]:
        """Seconds of single launches after warm-up.

        Raises:
            UnsupportedError: There is no such kernel.
            TooLargeError: The operands do not fit.
        """
        try:
            return self.timed(KERNELS[case.family](self.torch, case), repeats=repeats, cold=cold)
        except self.torch.cuda.OutOfMemoryError as error:
            raise TooLargeError from error
        except (RuntimeError, NotImplementedError, AttributeError) as error:
            raise UnsupportedError(str(error).partition("\n")[0]) from error

    def timed(self, launch: Launch, *, repeats: int, cold: bool) -> list[float]:
        """Seconds per launch of each repeat; a cold one follows a write of other data, whose time is taken off."""
        for _ in range(WARM_UP):
            launch()
        self.torch.cuda.synchronize()
        launches = max(1, min(MOST_LAUNCHES, int(GRAPH_S / self._elapsed(launch))))
        if not cold:
            graph = self._graph(launch, launches)
            return [self._elapsed(graph.replay) / launches for _ in range(repeats)]

        def launch_cold() -> None:
            self.other_data.zero_()
            launch()

        whole, between = self._graph(launch_cold, launches), self._graph(self.other_data.zero_, launches)
        return [(self._elapsed(whole.replay) - self._elapsed(between.replay)) / launches for _ in range(repeats)]

    def _graph(self, launch: Launch, launches: int) -> Any:
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph):
            for _ in range(launches):
                launch()
        graph.replay()
        self.torch.cuda.synchronize()
        return graph

    def _elapsed(self, work: Launch) -> float:
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) * 1e-3


def gemm(torch: Any, case: Case) -> Launch:
    """An activation times a weight; fp8 and int8 without the quantisation of the activation."""
    m, n, k = (case.inputs[name] for name in ("m", "n", "k"))
    if case.precision in ("bf16", "fp16"):
        kind = torch.bfloat16 if case.precision == "bf16" else torch.float16
        left, right = torch.randn(m, k, device="cuda", dtype=kind), torch.randn(n, k, device="cuda", dtype=kind)
        return lambda: torch.mm(left, right.t())
    if case.precision == "fp8":
        kind = torch.float8_e4m3fn
        left, right = (torch.randn(rows, k, device="cuda").to(kind) for rows in (m, n))
        one = torch.ones((), device="cuda")
        return lambda: torch._scaled_mm(left, right.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16)  # noqa: SLF001 - PyTorch's only way to the kernel
    left, right = (torch.randint(-127, 128, (rows, k), device="cuda", dtype=torch.int8) for rows in (m, n))
    return lambda: torch._int_mm(left, right.t())  # noqa: SLF001 - PyTorch's only way to the kernel


def attention(torch: Any, case: Case) -> Launch:
    """Causal attention of prompts, or of one token per sequence to its cache."""
    inputs = case.inputs
    keys = inputs.get("sequence") or inputs["context"]
    queries = inputs.get("sequence") or 1

    def tensor(heads: int, tokens: int) -> Any:
        return torch.randn(inputs["batch"], heads, tokens, inputs["head_dim"], device="cuda", dtype=torch.bfloat16)

    query, key, value = tensor(inputs["heads"], queries), *(tensor(inputs["kv_heads"], keys) for _ in range(2))
    attend = torch.nn.functional.scaled_dot_product_attention
    causal, grouped = queries > 1, inputs["heads"] != inputs["kv_heads"]
    return lambda: attend(query, key, value, is_causal=causal, enable_gqa=grouped)


def elementwise(torch: Any, case: Case) -> Launch:
    """A pass that reads half of the bytes and writes as many."""
    read, written = (torch.empty(case.inputs["bytes"] // 4, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    return lambda: torch.neg(read, out=written)


KERNELS: dict[str, Callable[[Any, Case], Launch]] = {
    "gemm": gemm,
    "prefill_attention": attention,
    "decode_attention": attention,
    "elementwise": elementwise,
}
