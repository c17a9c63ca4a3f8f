"""The tool that writes the shipped laws and docs/kernels.md."""

from pathlib import Path

import polars as pl
import pytest

import write_kernels
from llmsweep.api import open_catalog
from synthetic import CHIP, timings


def test_laws_and_page_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, catalog, page = tmp_path / "timings", tmp_path / "catalog", tmp_path / "kernels.md"
    folder.mkdir()
    (catalog / "kernels").mkdir(parents=True)
    for name in ("sources", "no-longer-timed"):
        (catalog / "kernels" / f"{name}.toml").write_text("")
    chips = [timings(accelerator=chip) for chip in (CHIP, "h200-sxm-141")]
    pl.concat(chips).write_parquet(folder / "passes.parquet")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(write_kernels, "PAGE", page)
    monkeypatch.setattr(write_kernels, "shipped_catalog", lambda: catalog)
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    assert write_kernels.main([str(folder)]) == 0

    written = {path.name for path in (catalog / "kernels").iterdir()}
    assert written == {"sources.toml", "h100-sxm-80.toml", "h200-sxm-141.toml"}
    (catalog / "kernels" / "sources.toml").write_text("[sources]\n")
    open_catalog([catalog])
    text = page.read_text(encoding="utf-8")
    assert "| elementwise | 4 | 800 | " in text
    assert f"| {CHIP} | bf16 | vllm | 400 | 400 | 0 | " in text
    assert f" | {CHIP} | " in next(
        line for line in text.splitlines() if line.startswith("| h200-sxm-141 | bf16 | any |")
    )
    assert '- "other.csv": no table of timings' in text
    assert str(tmp_path) not in text


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_kernels.main([]) == 2
    assert "usage" in capsys.readouterr().err
