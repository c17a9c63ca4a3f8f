"""Checks that the wheel in dist/ holds what it must: types, stub, and every file of the catalogue."""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Prints what is missing."""
    package = ROOT / "python"
    wanted = {path for path in (package / "llmsweep").rglob("*") if path.suffix in {".py", ".pyi", ".toml", ".typed"}}
    wanted.add(package / "llmsweep" / "py.typed")
    (wheel,) = (ROOT / "dist").glob("llmsweep-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    missing = sorted(
        str(path.relative_to(package)) for path in wanted if path.relative_to(package).as_posix() not in held
    )
    print(f"{wheel.name}: {len(held)} files", *(f"missing: {name}" for name in missing), sep="\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
