"""Reading a pool file: models, promises, the link to the host, and how much is kept free."""

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from llmsweep.errors import SpecError
from llmsweep.fleet.interval import Interval
from llmsweep.fleet.promises import check
from llmsweep.names import near
from llmsweep.places import TOP, Places, no_toml

KEYS = ("name", "accelerator", "redundancy", "promise", "link", "dedicated", "pool", "models")
LINK = ("host_bytes_per_s", "efficiency", "hidden_share")
DEDICATED = ("busy_share",)
POOL = ("busy_share", "quantile")
# A model of the catalogue is described by axes; one that it lacks by what the engine would say of it.
SERVED = ("model", "precision", "kv_precision", "tensor_parallel", "pipeline_parallel", "expert_parallel", "engine")
TOLD = ("weight_bytes", "prefill_s", "step_s", "replica_rate_per_s", "devices")
COMMON = ("id", "count", "rate_per_s", "service_s", "input_tokens", "output_tokens")


@dataclass(frozen=True)
class PoolModel:
    """One model, or ``count`` alike: its axes (or ``told`` numbers), requests per second of each, and lengths."""

    name: str
    count: int
    axes: Mapping[str, str | int]
    told: Mapping[str, float]
    rate_per_s: Interval
    service_s: Interval | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Pool:
    """A pool file; shares that are not given are None."""

    name: str
    accelerator: str
    promises: Mapping[str, float]
    models: tuple[PoolModel, ...]
    host_bytes_per_s: float | None
    host_efficiency: float
    hidden_share: float
    dedicated_busy_share: Interval | None
    redundancy: str
    pool_busy_share: Interval | None
    quantile: float


def read_pool(source: str | os.PathLike[str] | Mapping[str, Any]) -> Pool:
    """A pool from a path or a mapping of the same shape.

    Raises:
        SpecError: Something is missing, unknown or out of its bounds; the sentence says where.
        OSError: The file can't be read.
    """
    if isinstance(source, Mapping):
        return _Reader("<pool>", Places()).pool(source)
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
        return _Reader(str(path), Places.of(text)).pool(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SpecError(no_toml(str(path), error)) from error
    except UnicodeDecodeError as error:
        raise SpecError(f'"{path}" is not UTF-8 text') from error


def constants() -> dict[str, Any]:
    """The shipped constants of pools."""
    return tomllib.loads(files("llmsweep.fleet").joinpath("constants.toml").read_text(encoding="utf-8"))


class _Reader:
    def __init__(self, file: str, places: Places) -> None:
        self.file = file
        self.places = places

    def pool(self, table: Mapping[str, Any]) -> Pool:
        self.known(table, KEYS, TOP)
        link, dedicated, pool = (self.table(table, name) for name in ("link", "dedicated", "pool"))
        for part, allowed, where in (
            (link, LINK, "[link]"),
            (dedicated, DEDICATED, "[dedicated]"),
            (pool, POOL, "[pool]"),
        ):
            self.known(part, allowed, where)
        shipped = constants()
        models = table.get("models")
        if not isinstance(models, list) or not models:
            self.fail(TOP, "models", "[[models]] must name at least one model")
        return Pool(
            name=self.text(table, "name", TOP, ""),
            accelerator=self.text(table, "accelerator", TOP),
            promises=self.promises(self.table(table, "promise")),
            models=tuple(self.model(model, f"[[models]] {place}") for place, model in enumerate(models, start=1)),
            host_bytes_per_s=self.number(link, "host_bytes_per_s", "[link]") if "host_bytes_per_s" in link else None,
            host_efficiency=self.share(link, "efficiency", "[link]", shipped["host_copy_efficiency"]).high,
            hidden_share=self.share(link, "hidden_share", "[link]", shipped["hidden_share"]).high,
            dedicated_busy_share=self.share(dedicated, "busy_share", "[dedicated]")
            if "busy_share" in dedicated
            else None,
            redundancy=self.text(table, "redundancy", TOP, "N"),
            pool_busy_share=self.share(pool, "busy_share", "[pool]") if "busy_share" in pool else None,
            quantile=self.share(pool, "quantile", "[pool]", shipped["quantile"]).high,
        )

    def model(self, table: Any, where: str) -> PoolModel:
        if not isinstance(table, dict):
            self.fail(where, "", f"{where} must be a table")
        self.known(table, (*SERVED, *TOLD, *COMMON), where)
        told = {name: self.number(table, name, where) for name in TOLD if name in table}
        if "model" in table and told:
            first = next(iter(told))
            self.fail(where, first, f"{where} has a model, so that {first} is computed and can't be given")
        if "model" not in table and (missing := [name for name in TOLD if name not in table]):
            self.fail(where, "", f"{where} has no model of the catalogue, and then needs {', '.join(missing)}")
        if "model" not in table and "service_s" not in table:
            self.fail(where, "", f"{where} has no model of the catalogue, and then needs service_s")
        axes = {name: table[name] for name in SERVED if name in table}
        return PoolModel(
            name=self.text(table, "id", where, str(table.get("model", where))),
            count=self.whole(table, "count", where, 1),
            axes=axes,
            told=told,
            rate_per_s=self.interval(table, "rate_per_s", where),
            service_s=self.interval(table, "service_s", where) if "service_s" in table else None,
            input_tokens=self.whole(table, "input_tokens", where, None),
            output_tokens=self.whole(table, "output_tokens", where, None),
        )

    def promises(self, table: Mapping[str, Any]) -> dict[str, float]:
        bounds = {name: self.number(table, name, "[promise]") for name in table}
        try:
            check(bounds)
        except SpecError as error:
            self.fail("[promise]", next((name for name in bounds if f'"{name}"' in str(error)), ""), str(error))
        for kind in ("ttft", "tpot"):
            if not any(name.startswith(kind) for name in bounds):
                why = "switching between models lives on what it leaves to wait"
                self.fail("[promise]", "", f"[promise] needs a {kind}: {why}")
        return bounds

    def table(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        part = table.get(name, {})
        if not isinstance(part, dict):
            self.fail(TOP, name, f"[{name}] must be a table")
        return part

    def known(self, table: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
        for name in table:
            if name not in allowed:
                self.fail(where, name, f'{where} has no key "{name}"{near(name, allowed)}')

    def text(self, table: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
        value = table.get(name, default)
        if not isinstance(value, str):
            self.fail(where, name, f"{where} needs {name}, a text")
        return value

    def whole(self, table: Mapping[str, Any], name: str, where: str, default: int | None) -> int:
        value = table.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.fail(where, name, f"{where} needs {name}, a whole number of at least 1, not {value!r}")
        return value

    def number(self, table: Mapping[str, Any], name: str, where: str) -> float:
        if not _positive(value := table.get(name)):
            self.fail(where, name, f"{where}: {name} must be a number above 0, not {value!r}")
        return float(value)

    def interval(self, table: Mapping[str, Any], name: str, where: str) -> Interval:
        value = table.get(name)
        low, high = value if isinstance(value, list) and len(value) == len(("low", "high")) else (value, value)
        if not (_positive(low) and _positive(high) and low <= high):
            self.fail(where, name, f"{where}: {name} must be a number above 0 or [low, high], not {value!r}")
        return Interval(float(low), float(high))

    def share(self, table: Mapping[str, Any], name: str, where: str, default: float | None = None) -> Interval:
        if default is not None and table.get(name, default) == default:
            return Interval(default, default)
        found = self.interval(table, name, where)
        if found.high >= 1:
            self.fail(where, name, f"{where}: {name} must be a share below 1, not {table[name]!r}")
        return found

    def fail(self, where: str, key: str, sentence: str) -> NoReturn:
        place = self.places.at(where, key)
        raise SpecError(
            f'"{self.file}": {sentence}' if place is None else f"{self.file}:{place[0]}:{place[1]}: {sentence}"
        )


def _positive(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
