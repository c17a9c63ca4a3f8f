"""From tables of timings to laws that the catalogue reads."""

import json
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from llmsweep import _core
from llmsweep.api import open_catalog
from llmsweep.calibrate import kernel_files, report
from llmsweep.calibrate.families import families
from llmsweep.calibrate.ops import Calibration, calibrate
from llmsweep.errors import DataError
from synthetic import CHIP, PASSES, timings


def saved(frame: pl.DataFrame, path: Path) -> Path:
    frame.write_parquet(path)
    return path


def laws(found: Calibration) -> dict[tuple[str, ...], dict[str, float]]:
    names = [entry.name for entry in families()["elementwise"].coefficients]
    return {tuple(law.key): dict(zip(names, law.coefficients, strict=True)) for law in found.laws}


def test_a_law_comes_back_from_its_timings(tmp_path: Path) -> None:
    found = calibrate([saved(timings(outliers=20), tmp_path / "a.parquet")])
    assert [tuple(law.key) for law in found.laws] == [
        ("elementwise", CHIP, "bf16", "any"),
        ("elementwise", CHIP, "bf16", "vllm"),
    ]
    for coefficients in laws(found).values():
        assert coefficients == pytest.approx(PASSES, rel=0.03)
    law = found.laws[1]
    assert (law.rows, law.outliers, law.available) == (380, 20, 400)
    assert law.error_median == pytest.approx(0.02, abs=0.01)
    assert law.error_p90 == pytest.approx(0.05, abs=0.03)
    assert found.left_out == []


def test_engines_are_pooled_at_the_median(tmp_path: Path) -> None:
    parts = [
        timings((factor * 3e-6, 0.7 / factor), engine=engine, noise=0.0)
        for engine, factor in (("vllm", 1.0), ("sglang", 1.1), ("trtllm", 1.35))
    ]
    found = laws(calibrate([saved(pl.concat(parts), tmp_path / "a.parquet")]))
    assert found["elementwise", CHIP, "bf16", "any"] == pytest.approx(
        {"launch_s": 3.3e-6, "memory_efficiency": 0.7 / 1.1}, rel=0.01
    )
    assert found["elementwise", CHIP, "bf16", "trtllm"]["launch_s"] == pytest.approx(4.05e-6, rel=0.01)


def test_multiplications_are_pooled_at_the_fastest_too(tmp_path: Path) -> None:
    shapes = [(m, n, k) for m in (1, 64, 1024, 8192) for n in (1024, 4096, 16384) for k in (1024, 4096, 16384)]
    table = pl.DataFrame(shapes, schema=["m", "n", "k"], orient="row").with_columns(
        pl.lit("gemm").alias("family"), pl.lit(CHIP).alias("accelerator"), pl.lit("bf16").alias("precision")
    )
    law = _core.LawFit(open_catalog(), "gemm", CHIP, "bf16", table)
    times = np.frombuffer(law.times(families()["gemm"].starts, warm=True))
    # Each engine is the fastest of some shapes.
    slower = np.where(np.arange(len(times)) % 2 == 0, 3.0, 1.0)
    parts = [
        table.with_columns(pl.lit(engine).alias("engine"), pl.Series("latency_s", times * factor))
        for engine, factor in (("vllm", slower), ("sglang", 4.0 - slower))
    ]
    found = {
        law.key.engine: law for law in calibrate([saved(pl.concat(parts), tmp_path / "a.parquet")], fresh=True).laws
    }
    assert found["fastest"].coefficients == pytest.approx(families()["gemm"].starts, rel=0.02)
    assert found["fastest"].rows == len(shapes)
    slower_in_the_middle = np.frombuffer(law.times(found["any"].coefficients, warm=True)) / times
    assert float(np.median(slower_in_the_middle)) == pytest.approx(2.0, rel=0.02)


def test_collectives_start_at_those_of_other_accelerators_too(tmp_path: Path) -> None:
    starts = families()["all_gather"].starts
    parts = []
    for chip, factor in ((CHIP, 1.0), ("h200-sxm-141", 1.2)):
        shapes = [(ranks, 2**power) for ranks in (2, 4, 8) for power in range(10, 30)]
        table = pl.DataFrame(shapes, schema=["ranks", "bytes"], orient="row").with_columns(
            pl.lit("all_gather").alias("family"), pl.lit(chip).alias("accelerator"), pl.lit("bf16").alias("precision")
        )
        fit = _core.LawFit(open_catalog(), "all_gather", chip, "bf16", table)
        times = np.frombuffer(fit.times([factor * starts[0], *starts[1:]], warm=True))
        parts.append(table.with_columns(pl.lit("nccl").alias("engine"), pl.Series("latency_s", times)))
    found = calibrate([saved(pl.concat(parts), tmp_path / "a.parquet")], fresh=True).laws
    assert [law.key.accelerator for law in found] == [CHIP, "h200-sxm-141"]
    for law in found:
        assert law.error_median == pytest.approx(0.0, abs=0.01)


def test_warm_and_cold_rows_are_told_apart(tmp_path: Path) -> None:
    shapes = [(batch, context) for batch in (1, 2, 4, 8, 16, 32) for context in (128, 512, 2048, 8192)]
    table = pl.DataFrame(shapes, schema=["batch", "context"], orient="row").with_columns(
        *(pl.lit(value).alias(name) for name, value in {"heads": 32, "kv_heads": 8, "head_dim": 128}.items()),
        *(pl.lit(value).alias(name) for name, value in {"family": "decode_attention", "accelerator": CHIP}.items()),
        pl.lit("bf16").alias("precision"),
    )
    law = _core.LawFit(open_catalog(), "decode_attention", CHIP, "bf16", table)
    starts = families()["decode_attention"].starts
    parts = [
        table.with_columns(
            pl.lit(warm).alias("warm"), pl.Series("latency_s", np.frombuffer(law.times(starts, warm=warm)))
        )
        for warm in (True, False)
    ]
    assert not parts[0]["latency_s"].equals(parts[1]["latency_s"])
    (told,) = calibrate([saved(pl.concat(parts), tmp_path / "told.parquet")], fresh=True).laws
    (mixed,) = calibrate([saved(pl.concat(parts).drop("warm"), tmp_path / "mixed.parquet")], fresh=True).laws
    assert told.rows == 48
    assert (told.error_p90 or 0.0) < 1e-6
    assert (mixed.error_p90 or 0.0) > 1e-3


def test_all_processes_find_the_same(tmp_path: Path) -> None:
    chips = [timings(accelerator=chip) for chip in (CHIP, "a100-sxm-80")]
    path = saved(pl.concat(chips), tmp_path / "a.parquet")
    assert calibrate([path], jobs=2).laws == calibrate([path]).laws


def test_rows_bound_the_sample(tmp_path: Path) -> None:
    found = calibrate([saved(timings(rows=500), tmp_path / "a.parquet")], rows=100)
    assert {law.rows for law in found.laws} == {100}
    assert {law.available for law in found.laws} == {500}


def test_the_catalogue_reads_what_is_written(tmp_path: Path) -> None:
    chips = pl.concat([timings(accelerator=chip) for chip in (CHIP, "l40s")])
    found = calibrate([saved(chips, tmp_path / "a.parquet")], source=["bench"])
    written = kernel_files.write_folder(found.laws, tmp_path, kernel_files.NOTE)
    assert [path.name for path in written] == ["h100-sxm-80.toml", "l40s.toml"]
    text = written[0].read_text(encoding="utf-8")
    assert text.startswith("# ")
    entry = tomllib.loads(text)["elementwise"][0]
    assert entry["source"] == ["bench"]
    assert entry["launch_s"] == pytest.approx(3e-6, rel=0.03)
    entries = json.loads(open_catalog([tmp_path]).kernels())
    mine = [entry for entry in entries if entry["family"] == "elementwise" and entry["source"] == ["bench"]]
    assert len(mine) == 4
    assert kernel_files.write_folder(found.laws, tmp_path, kernel_files.NOTE) == written
    assert written[0].read_text(encoding="utf-8") == text


def test_a_new_chip_starts_at_its_relative(tmp_path: Path) -> None:
    old = calibrate([saved(timings(noise=0.0), tmp_path / "old.parquet")])
    kernel_files.write_folder(old.laws, tmp_path, ())
    few = saved(timings((2e-6, 0.75), accelerator="h200-sxm-141", rows=40, engine="any"), tmp_path / "new.parquet")
    (law,) = calibrate([few], catalog=[tmp_path]).laws
    assert law.started_from == CHIP
    assert law.coefficients == pytest.approx((2e-6, 0.75), rel=0.05)
    (fresh,) = calibrate([few], catalog=[tmp_path], fresh=True).laws
    assert fresh.started_from == "default"


def test_an_accelerator_left_out_is_predicted_from_its_relative(tmp_path: Path) -> None:
    chips = [timings((2e-6, 0.5), accelerator="h200-sxm-141"), timings((2e-6, 0.75), accelerator=CHIP)]
    found = calibrate([saved(pl.concat(chips), tmp_path / "a.parquet")], check_transfer=True)
    assert len(found.transfers) == 4
    for item in found.transfers:
        assert {item.key.accelerator, item.relative} == {"h200-sxm-141", CHIP}
        assert item.error_median > 0.15
        assert item.refitted_median < 0.04
    frame = report.laws(found)
    assert frame["transfer_median"].null_count() == 0
    assert any("left out" in line for line in report.lines(found))


def test_a_folder_names_what_it_leaves_out(tmp_path: Path) -> None:
    saved(timings(), tmp_path / "a.parquet")
    (tmp_path / "notes.csv").write_text("who,when\nme,now\n")
    (tmp_path / "few.csv").write_text(timings(accelerator="l40s", rows=4).write_csv())
    found = calibrate([tmp_path])
    reasons = {Path(item.file).name: item.reason for item in found.left_out}
    assert "no table of timings" in reasons["notes.csv"]
    assert [item.reason for item in found.left_out if not item.file] == [
        "elementwise on l40s in bf16 has 4 timings, 10 are needed",
        "elementwise on l40s in bf16 (vllm) has 4 timings, 10 are needed",
    ]


def test_a_precision_that_the_chip_lacks_is_refused(tmp_path: Path) -> None:
    wrong = timings(accelerator="a100-sxm-80").with_columns(pl.lit("mxfp8").alias("precision"))
    with pytest.raises(DataError, match='"a100-sxm-80" does not compute in "mxfp8"'):
        calibrate([saved(wrong, tmp_path / "a.parquet")])
