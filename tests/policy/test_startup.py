"""Start-up stays cheap: neither help nor import loads Polars."""

import subprocess
import sys

import pytest

from llmsweep.cli import COMMANDS

HEAVY = ("polars", "pyarrow", "numpy")


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('loaded', *sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_is_lazy() -> None:
    modules = loaded("import llmsweep")
    assert modules.isdisjoint(HEAVY)
    assert "llmsweep._core" not in modules


@pytest.mark.parametrize("args", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_no_polars(args: list[str]) -> None:
    assert loaded(f"from llmsweep.cli import main\nassert main({args!r}) == 0").isdisjoint(HEAVY)


def test_top_level_help_imports_no_command() -> None:
    modules = loaded("from llmsweep.cli import main\nmain(['--help'])")
    assert not {f"llmsweep.cli.{name}" for name in COMMANDS} & modules


def test_every_export_resolves() -> None:
    import llmsweep

    for name in llmsweep.__all__:
        assert getattr(llmsweep, name) is not None
    import llmsweep.pareto

    assert callable(llmsweep.pareto), "the submodule hides the function"
    assert set(llmsweep.__all__) <= set(dir(llmsweep))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = llmsweep.nonsense
