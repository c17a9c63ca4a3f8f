"""A GPU that takes as long as its clock says, and a PyTorch that seems to run on it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llmsweep.calibrate.measure.case import Case, TooLargeError, UnsupportedError


class FakeGpu:
    """A backend whose kernels take as long as a rule says."""

    def __init__(self, seconds: Callable[[Case], float], name: str = "NVIDIA H100 80GB HBM3") -> None:
        self.seconds = seconds
        self.called = name
        self.asked: list[tuple[Case, int, bool]] = []

    def name(self) -> str:
        return self.called

    def memory_bytes(self) -> int:
        return 84_900_000_000

    def formats(self) -> tuple[str, ...]:
        return ("bf16", "fp8")

    def times(self, case: Case, *, repeats: int, cold: bool) -> list[float]:
        self.asked.append((case, repeats, cold))
        if case.inputs.get("m") == 1 and case.precision == "fp8":
            raise UnsupportedError("no kernel for one row")
        if case.inputs.get("bytes", 0) > 2**30:
            raise TooLargeError
        return [self.seconds(case) * factor for factor in (1.0, 1.0, 1.0, 7.0)]


class FakeTorch:
    """As much of PyTorch as timing needs; work moves its clock instead of a GPU's."""

    bfloat16, float16, int8, float8_e4m3fn = "bf16", "fp16", "int8", "fp8"

    def __init__(self, *, kernel_s: float = 1e-4, flush_s: float = 5e-5, available: bool = True) -> None:
        self.now = 0.0
        self.kernel_s = kernel_s
        self.flush_s = flush_s
        self.recording: list[float] | None = None
        torch = self

        class Event:
            def __init__(self, *, enable_timing: bool) -> None:
                assert enable_timing
                self.at = 0.0

            def record(self) -> None:
                self.at = torch.now

            def synchronize(self) -> None:
                pass

            def elapsed_time(self, end: "Event") -> float:
                return (end.at - self.at) * 1e3

        class Graph:
            def __init__(self) -> None:
                self.work: list[float] = []

            def replay(self) -> None:
                torch.now += sum(self.work)

        class Recording:
            def __init__(self, graph: Graph) -> None:
                self.graph = graph

            def __enter__(self) -> None:
                torch.recording = self.graph.work

            def __exit__(self, *_: object) -> None:
                torch.recording = None

        properties = SimpleNamespace(
            name="NVIDIA H100 80GB HBM3", total_memory=84_900_000_000, L2_cache_size=50 * 2**20, major=9, minor=0
        )
        self.cuda = SimpleNamespace(
            Event=Event,
            CUDAGraph=Graph,
            graph=Recording,
            OutOfMemoryError=MemoryError,
            is_available=lambda: available,
            synchronize=lambda: None,
            current_device=lambda: 0,
            get_device_properties=lambda _: properties,
        )
        self.nn = SimpleNamespace(functional=SimpleNamespace(scaled_dot_product_attention=self._kernel))
        self.mm = self._scaled_mm = self._int_mm = self.neg = self._kernel

    def _pass(self, seconds: float) -> None:
        if self.recording is None:
            self.now += seconds
        else:
            self.recording.append(seconds)

    def _kernel(self, *_: Any, **__: Any) -> None:
        self._pass(self.kernel_s)

    def _tensor(self, *sizes: Any, **_: Any) -> Any:
        if any(isinstance(size, int) and size > 2**36 for size in sizes):
            raise MemoryError
        tensor = SimpleNamespace(zero_=lambda: self._pass(self.flush_s))
        tensor.t = lambda: tensor
        tensor.to = lambda _: tensor
        return tensor

    empty = randn = ones = _tensor

    def randint(self, *_: Any, **__: Any) -> Any:
        return self._tensor()
