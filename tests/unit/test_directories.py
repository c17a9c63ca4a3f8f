"""Where catalogue entries are looked for."""

import sys
from pathlib import Path

import pytest

from llmsweep import CatalogError, catalog_directories
from llmsweep.directories import shipped_catalog, user_catalog


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LLMSWEEP_CATALOG", raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))


def test_the_users_folder_counts_once_it_exists(tmp_path: Path) -> None:
    assert catalog_directories() == [shipped_catalog()]
    user_catalog().mkdir(parents=True)
    assert catalog_directories() == [shipped_catalog(), tmp_path / "llmsweep" / "catalog"]


def test_named_folders_come_last(tmp_path: Path) -> None:
    assert catalog_directories([tmp_path]) == [shipped_catalog(), tmp_path]


def test_a_named_folder_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match='"nowhere" does not exist'):
        catalog_directories(["nowhere"])
    monkeypatch.setenv("LLMSWEEP_CATALOG", str(tmp_path / "gone"))
    with pytest.raises(CatalogError, match="gone"):
        catalog_directories()


@pytest.mark.skipif(sys.platform == "win32", reason="home of POSIX")
def test_default_below_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert user_catalog() == tmp_path / ".config" / "llmsweep" / "catalog"
