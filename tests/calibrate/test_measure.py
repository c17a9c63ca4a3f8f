"""Measuring without a GPU: what is asked for, what is kept, how graphs are timed."""

import json
import sys
from pathlib import Path

import polars as pl
import pytest

from fake_gpu import FakeGpu, FakeTorch
from llmsweep.api import open_catalog
from llmsweep.calibrate.families import families
from llmsweep.calibrate.measure import grid, ranks
from llmsweep.calibrate.measure.case import Case, TooLargeError, UnsupportedError
from llmsweep.calibrate.measure.cuda import Cuda, pytorch
from llmsweep.calibrate.measure.device import accelerator
from llmsweep.calibrate.measure.session import Wanted, check, kernels
from llmsweep.calibrate.measure.take import Taken, take
from llmsweep.calibrate.ops import calibrate
from llmsweep.errors import SpecError, UnavailableError

CHIPS = json.loads(open_catalog().list("accelerators"))
PASS = Case("elementwise", "bf16", {"bytes": 2**20})


def passes(case: Case) -> float:
    return 3e-6 + case.inputs["bytes"] / (3.35e12 * 0.7)


@pytest.mark.parametrize("family", grid.FAMILIES)
def test_cases_have_the_inputs_of_their_family(family: str) -> None:
    cases = grid.cases([family], ["bf16"], quick=False) or grid.messages([family], 8, quick=False)
    assert cases
    assert all(set(case.inputs) == set(families()[family].inputs) for case in cases)
    assert len({(case.precision, *case.inputs.items()) for case in cases}) == len(cases)


def test_quick_grids_are_a_part() -> None:
    for names in (grid.KERNELS, grid.COLLECTIVES):
        whole, quick = (
            [*grid.cases(list(names), ["bf16"], quick=part), *grid.messages(list(names), 4, quick=part)]
            for part in (False, True)
        )
        assert 0 < len(quick) < 0.5 * len(whole)
        assert all(case in whole for case in quick)


def test_what_is_measured_can_be_calibrated(tmp_path: Path) -> None:
    gpu = FakeGpu(passes)
    taken = kernels(gpu, Wanted(families=["elementwise"]), CHIPS)
    assert taken.left_out == {"elementwise in bf16: the memory is too small": 1}
    assert {cold for _, _, cold in gpu.asked} == {True}
    path = tmp_path / "timings.parquet"
    taken.frame().write_parquet(path)
    frame = pl.read_parquet(path)
    assert frame["accelerator"].unique().to_list() == ["h100-sxm-80"]
    assert frame["warm"].unique().to_list() == [False]
    assert frame["latency_s"][0] == pytest.approx(passes(PASS) - (2**20 - 2**12) / (3.35e12 * 0.7))
    (law,) = calibrate([path]).laws
    assert law.coefficients == pytest.approx((3e-6, 0.7), rel=0.02)


def test_kernels_that_there_are_not_are_counted() -> None:
    taken = kernels(FakeGpu(lambda _: 1e-5), Wanted(families=["gemm"], quick=True), CHIPS)
    assert list(taken.left_out) == ["gemm in fp8: no kernel for one row"]
    assert {row["precision"] for row in taken.rows} == {"bf16", "fp8"}
    with pytest.raises(UnavailableError, match="no kernel could be timed: there is nothing to time"):
        Taken().frame()


def test_progress_counts_every_case() -> None:
    seen: list[tuple[int, int]] = []
    take(FakeGpu(passes), [PASS, PASS], "l40s", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(families=["gem"]), '--families: "gem" can\'t be timed; did you mean "gemm"?'),
        (Wanted(families=["all_reduce"]), '--families: "all_reduce" is between GPUs: add --ranks'),
        (Wanted(accelerator="h100"), '--accelerator: there is no accelerator "h100"; did you mean "h100-nvl-94"?'),
    ],
)
def test_wrong_names_are_refused_before_a_gpu_is_asked_for(wanted: Wanted, sentence: str) -> None:
    with pytest.raises(SpecError) as error:
        check(wanted, CHIPS)
    assert str(error.value) == sentence


def test_a_format_that_the_gpu_lacks_is_refused() -> None:
    with pytest.raises(SpecError, match='"NVIDIA H100 80GB HBM3" has no "fp4"; did you mean "fp8"'):
        kernels(FakeGpu(passes), Wanted(precisions=["fp4"]), CHIPS)


@pytest.mark.parametrize(
    ("name", "gib", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", 79.1, "h100-sxm-80"),
        ("NVIDIA H100 PCIe", 79.1, "h100-pcie-80"),
        ("NVIDIA A100-SXM4-40GB", 39.4, "a100-sxm-40"),
        ("NVIDIA A100 80GB PCIe", 79.2, "a100-pcie-80"),
        ("NVIDIA H200", 140.0, "h200-sxm-141"),
        ("NVIDIA B200", 178.0, "b200-sxm"),
        ("NVIDIA B300 SXM6 AC", 268.0, "b300-sxm"),
        ("NVIDIA GB200", 184.0, "gb200-nvl72"),
        ("NVIDIA L40S", 44.4, "l40s"),
        ("NVIDIA GeForce RTX 4090", 23.5, "rtx-4090"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 95.0, "rtx-pro-6000-bw-server"),
        ("AMD Instinct MI300X", 191.7, "mi300x"),
    ],
)
def test_devices_are_recognised(name: str, gib: float, expected: str) -> None:
    assert accelerator(name, int(gib * 2**30), CHIPS) == expected


@pytest.mark.parametrize(("name", "gib"), [("NVIDIA GeForce GTX 1080", 8.0), ("NVIDIA H100 PCIe", 40.0), ("GPU", 80.0)])
def test_unknown_devices_are_refused(name: str, gib: float) -> None:
    with pytest.raises(UnavailableError, match=f'"{name}" is no accelerator of the catalogue: name one with --accel'):
        accelerator(name, int(gib * 2**30), CHIPS)


@pytest.mark.parametrize("family", grid.KERNELS)
@pytest.mark.parametrize("cold", [True, False])
@pytest.mark.parametrize("kernel_s", [2e-6, 1e-4, 0.3])
def test_the_time_between_cold_launches_is_taken_off(family: str, cold: bool, kernel_s: float) -> None:
    for case in grid.cases([family], ["bf16", "fp16", "fp8", "int8"], quick=True)[::7]:
        times = Cuda(FakeTorch(kernel_s=kernel_s)).times(case, repeats=3, cold=cold)
        assert times == pytest.approx([kernel_s] * 3, rel=1e-6)


def test_formats_follow_the_compute_capability() -> None:
    assert Cuda(FakeTorch()).formats() == ("bf16", "fp16", "fp8", "int8")


def test_errors_of_the_library_are_told_apart() -> None:
    torch = FakeTorch()
    gpu = Cuda(torch)
    with pytest.raises(TooLargeError):
        gpu.times(Case("elementwise", "bf16", {"bytes": 2**40}), repeats=3, cold=True)

    def refuses(*_: object, **__: object) -> None:
        raise RuntimeError("cublas has no such kernel\nCUDA: stack")

    torch.mm = refuses
    with pytest.raises(UnsupportedError, match=r"^cublas has no such kernel$"):
        gpu.times(Case("gemm", "bf16", {"m": 1, "n": 64, "k": 64}), repeats=3, cold=True)


def test_a_machine_without_a_gpu_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", FakeTorch(available=False))
    with pytest.raises(UnavailableError, match="PyTorch sees no GPU here"):
        pytorch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnavailableError, match=r"torch is missing: pip install 'llmsweep\[measure\]'"):
        pytorch()


def test_ranks_of_a_job_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranks.launched() is None
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "16")
    assert ranks.launched() == (3, 16)
