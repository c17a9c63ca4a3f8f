"""Options that commands share, and how their values are read."""

import math
import os
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from llmsweep.files import SCHEMES, ObjectUrl, Target
from llmsweep.registries import PHASES

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = {"help_option_names": ["-h", "--help"]}
EXTENSIONS = (".parquet", ".csv", ".json")


class OutputFile(click.ParamType[Path]):
    """A file that can be written: its extension is known and its folder exists."""

    name = "file"

    def __init__(self, extensions: Sequence[str]) -> None:
        self.extensions = extensions

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Checks before any work is done."""
        path = Path(value)
        if path.suffix.lower() not in self.extensions:
            self.fail(f'"{path}" must end in {" or ".join(self.extensions)}', param, ctx)
        if path.is_dir():
            self.fail(f'"{path}" is a folder', param, ctx)
        if not path.parent.is_dir():
            self.fail(f'the folder "{path.parent}" does not exist', param, ctx)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            self.fail(f'"{path}" can\'t be written: permission denied', param, ctx)
        return path


class OutputTarget(click.ParamType[Target]):
    """A file that can be written, or Parquet in an object store."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Target:
        """Checks before any work is done; whether a store can be reached is seen when it is written."""
        if isinstance(value, ObjectUrl):
            return value
        scheme, separator, _ = str(value).partition("://")
        if not separator:
            return OutputFile(EXTENSIONS).convert(value, param, ctx)
        if scheme not in SCHEMES:
            self.fail(f'"{value}" names no object store; allowed: {", ".join(SCHEMES)}', param, ctx)
        if not str(value).endswith(".parquet"):
            self.fail(f'"{value}" must end in .parquet, the format that is sent to object stores', param, ctx)
        return ObjectUrl(str(value))


class Whole(click.IntRange):
    """A whole number within bounds."""

    name = "whole number"


class Positive(click.ParamType[float]):
    """A finite number above 0, up to a largest one if there is one."""

    name = "number"

    def __init__(self, most: float = math.inf) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Refuses what is no number or out of bounds."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not (0 < number <= self.most and number < math.inf):
            bound = f", at most {self.most:g}" if self.most < math.inf else ""
            self.fail(f'"{value}" must be a number above 0{bound}', param, ctx)
        return number


class ShardOf(click.ParamType[Any]):
    """``i/n``."""

    name = "shard"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads both numbers."""
        from llmsweep.parts.spans import Shard

        try:
            return value if isinstance(value, Shard) else Shard.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Cluster(click.ParamType[str]):
    """``ray`` or ``ray://host:port``."""

    name = "cluster"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuses what is no address of Ray."""
        text = str(value)
        if text != "ray" and not text.removeprefix("ray://").partition(":")[2].isdecimal():
            self.fail(f'"{text}" must be ray or ray://HOST:PORT', param, ctx)
        return text


class Share(click.ParamType[tuple[str | None, float]]):
    """``1%`` or ``0.01``, of everything or, as ``name=1%``, of one thing."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str | None, float]:
        """Reads per cent, or a plain number."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).rpartition("=")
        number, percent, rest = text.strip().partition("%")
        try:
            share = float(number) / (100 if percent else 1)
        except ValueError:
            share = math.nan
        if rest or not 0 <= share < math.inf or (equals and not name):
            self.fail(f'"{value}" must read 1% or 0.01, or COL=1%, and not be negative', param, ctx)
        return name or None, share


class Names(click.ParamType[list[str]]):
    """Names with commas between them."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Splits at commas."""
        if isinstance(value, list):
            return value
        names = [name.strip() for name in str(value).split(",")]
        if not all(names):
            self.fail(f'"{value}" has an empty name', param, ctx)
        return names


class PromisedTimes(click.ParamType[dict[str, float]]):
    """``ttft<0.5,tpot_p99<=40ms``: bounds of times by column, with or without ``_s``."""

    name = "times"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        """Reads bounds in seconds."""
        if isinstance(value, dict):
            return value
        bounds = {}
        for part in str(value).split(","):
            read = re.fullmatch(r"\s*(\w+)\s*(?:<=?|=)\s*([\d.]+(?:e-?\d+)?)\s*(ms|s)?\s*", part)
            if read is None:
                self.fail(f'"{part.strip()}" must read ttft<0.5, ttft_p99<450ms or the like', param, ctx)
            name, number, unit = read.groups()
            bounds[f"{name.removesuffix('_s')}_s"] = float(number) * (1e-3 if unit == "ms" else 1.0)
        return bounds


class Setting(click.ParamType[tuple[str, Any]]):
    """``axis=value``, ``axis=value,value`` or ``axis={ geometric = [1, 64, 2] }``."""

    name = "axis=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Reads the value as TOML, and bare words as text."""
        if isinstance(value, tuple):
            return value
        axis, equals, text = str(value).partition("=")
        if not (axis.strip() and equals and text.strip()):
            self.fail(f'"{value}" must read axis=value', param, ctx)
        return axis.strip(), parse_value(text.strip())


def parse_value(text: str) -> Any:
    """A TOML value, or a list where commas stand between values, or a word.

    >>> parse_value("8"), parse_value("1,2"), parse_value("fp8"), parse_value("bf16,fp8")
    (8, [1, 2], 'fp8', ['bf16', 'fp8'])
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    if "," in text and not text.startswith(("{", "[", '"')):
        return [parse_value(part.strip()) for part in text.split(",")]
    return text


def catalog_option(command: F) -> F:
    """``--catalog DIR``, repeatable."""
    return click.option(
        "--catalog",
        "catalog",
        multiple=True,
        metavar="DIR",
        type=click.Path(path_type=Path),
        help="A further catalogue folder; its entries replace shipped ones. Repeatable.",
    )(command)


def phase_option(help_text: str) -> Callable[[F], F]:
    """``--phase training|inference``."""
    return click.option("--phase", type=click.Choice(PHASES), help=help_text)


def set_option(command: F) -> F:
    """``--set axis=value``, repeatable."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        type=Setting(),
        metavar="AXIS=VALUE",
        help="Give an axis one value, or several with commas between them. Repeatable.",
    )(command)


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


measurements_argument = click.argument(
    "files",
    metavar="FILE.parquet…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
sweep_argument = click.argument(
    "sweep", metavar="SWEEP.toml", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def setup_arguments(command: F) -> F:
    """``SWEEP.toml ROW``, or ``--phase`` and ``--set``: the ways to name one setup."""
    for decorate in (
        set_option,
        phase_option("Phase of a setup that is given by --set."),
        click.argument("row", metavar="ROW", required=False, type=Whole(min=0)),
        click.argument(
            "sweep", metavar="SWEEP.toml", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
        ),
    ):
        command = decorate(command)
    return command
