"""Where the keys of a TOML file stand, which `tomllib` does not keep."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What stands above the first table.
TOP = "the file"
LIST = re.compile(r'\s*(?=\[\[)\[\[\s*"?([\w-]+)"?\s*\]\]')
TABLE = re.compile(r'\s*(?=\[)\[\s*"?([\w-]+)"?\s*\]')
KEY = re.compile(r'\s*(?=["\w])"?([\w-]+)"?\s*[=.]')


@dataclass(frozen=True)
class Places:
    r"""Line and column of each table and key; a key of an inline table stands where the table does.

    >>> text = 'name = "x"\npromise = { ttft_s = 1 }\n[[models]]\n  count = 2\n'
    >>> places = Places.of(text)
    >>> places.at("[[models]] 1", "count"), places.at("[[models]] 1", "rate"), places.at("[promise]", "ttft_s")
    ((4, 3), (3, 1), (2, 1))
    >>> places.at("[pool]", "quantile") is None
    True
    """

    known: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Places":
        """Those of a file."""
        known: dict[tuple[str, str], tuple[int, int]] = {}
        lists: Counter[str] = Counter()
        table = TOP
        for number, line in enumerate(text.splitlines(), start=1):
            column = len(line) - len(line.lstrip()) + 1
            if found := LIST.match(line):
                lists[found[1]] += 1
                table = f"[[{found[1]}]] {lists[found[1]]}"
                known.setdefault((table, ""), (number, column))
            elif found := TABLE.match(line):
                table = f"[{found[1]}]"
                known.setdefault((table, ""), (number, column))
            elif found := KEY.match(line):
                known.setdefault((table, found[1]), (number, column))
        return cls(known)

    def at(self, table: str, key: str = "") -> tuple[int, int] | None:
        """Line and column of a key, or of its table where it is not there."""
        name = table.strip("[]").partition("]")[0]
        return self.known.get((table, key), self.known.get((table, ""), self.known.get((TOP, name))))

    def line(self, table: str, key: str = "") -> int:
        """Line of a key, or of its table; 1 where neither is found."""
        place = self.at(table, key)
        return 1 if place is None else place[0]


def no_toml(file: str, error: tomllib.TOMLDecodeError) -> str:
    """The sentence about a file that is no TOML, with the place in front, as of all other errors.

    >>> no_toml("pool.toml", tomllib.TOMLDecodeError("Expected ']' (at line 9, column 4)"))
    "pool.toml:9:4: no TOML: expected ']'"
    >>> no_toml("pool.toml", tomllib.TOMLDecodeError("Unclosed array (at end of document)"))
    '"pool.toml": no TOML: unclosed array (at end of document)'
    """
    said = str(error)
    said = said[0].lower() + said[1:]
    if found := re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said):
        return f"{file}:{found[2]}:{found[3]}: no TOML: {found[1]}"
    return f'"{file}": no TOML: {said}'
