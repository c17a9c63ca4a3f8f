"""What `llmsweep fleet` does: from its options to a sweep, a demand and promises, and to what is printed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from llmsweep import _core, space
from llmsweep.api import open_catalog, read_table
from llmsweep.cli.files import write_frame
from llmsweep.cli.fleet_table import print_fleets, print_pool
from llmsweep.errors import SpecError
from llmsweep.fleet.demand import Demand
from llmsweep.fleet.money import parse_prices
from llmsweep.fleet.pool import size_pool
from llmsweep.fleet.pool_file import read_pool
from llmsweep.fleet.size import size_fleet
from llmsweep.registries import axes

PROMISED = ("ttft_s", "ttft_p99_s", "tpot_s", "tpot_p99_s")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of the command; None where one is not given."""

    sweep: Path | None
    model: str | None
    accelerator: list[str] | None
    precision: list[str] | None
    peak_rate: float | None
    mean_rate: float | None
    users: float | None
    speed: float | None
    input_tokens: int | None
    output_tokens: int | None
    ttft_s: float | None
    ttft_p99_s: float | None
    tpot_s: float | None
    tpot_p99_s: float | None
    redundancy: str
    prices: tuple[str, ...]
    every: bool
    settings: tuple[tuple[str, Any], ...]
    catalog: tuple[Path, ...]

    @property
    def file(self) -> str:
        """What errors call the sweep."""
        return "the options" if self.sweep is None else str(self.sweep)

    def spec(self) -> dict[str, Any]:
        """The sweep whose axes may be chosen: the file's, or one of usual layouts; options count more."""
        spec = self._read()
        given = {
            "model": self.model,
            "accelerator": self.accelerator,
            "precision": self.precision,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        chosen = {name: value for name, value in given.items() if value is not None} | dict(self.settings)
        workload = {name: value for name, value in spec.get("workload", {}).items() if name not in chosen}
        spec |= {"axes": {**spec.get("axes", {}), **chosen}, "workload": workload}
        if "model" not in spec["axes"]:
            raise click.UsageError("name the model: --model MODEL, or a sweep")
        prices = parse_prices(self.prices, [entry["id"] for entry in self._accelerators()])
        return {**spec, "prices": {**spec.get("prices", {}), **prices}}

    def promises(self, spec: Mapping[str, Any]) -> dict[str, float]:
        """The promised times: the sweep's constraints, and the options in their place."""
        found: dict[str, float] = {}
        for name, bounds in spec.get("constraints", {}).items():
            if not isinstance(bounds, dict) or set(bounds) != {"max"}:
                raise SpecError(
                    f'"{self.file}": a fleet takes promised times from [constraints], with max alone; {name} is none'
                )
            found[name] = bounds["max"]
        found |= {name: value for name in PROMISED if (value := getattr(self, name)) is not None}
        if self.speed is not None and not any(name.startswith("tpot") for name in found):
            found["tpot_s"] = 1 / self.speed
        return found

    def demand(self, output_tokens: float, promises: Mapping[str, float]) -> Demand:
        """Requests per second, or those of the users."""
        if self.users is None and self.peak_rate is not None:
            return Demand(self.peak_rate, self.peak_rate if self.mean_rate is None else self.mean_rate)
        if self.users is None or self.peak_rate is not None:
            raise click.UsageError("say what the fleet serves: --peak-rate R or --users N")
        if not output_tokens:
            raise click.UsageError("--users asks for one number of output tokens: --output-tokens N")
        slowest = [bound for name, bound in promises.items() if name.startswith("tpot")]
        if self.speed is None and not slowest:
            raise click.UsageError("say how fast users read: --tokens-per-s-per-user X or --tpot S")
        speed = 1 / min(slowest) if self.speed is None else self.speed
        return Demand.of_users(self.users, speed, output_tokens, self.mean_rate)

    def _read(self) -> dict[str, Any]:
        if self.sweep is not None:
            return read_table(self.sweep)
        if self.model is None:
            return {"axes": {}}
        priced = [entry["id"] for entry in self._accelerators() if entry["rental_usd_per_hour"] is not None]
        entry = json.loads(self._known.show("models", self.model))
        return {"axes": {"accelerator": priced, **space.replicas(entry)}}

    @cached_property
    def _known(self) -> _core.Catalog:
        return open_catalog(self.catalog)

    def _accelerators(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(self._known.list("accelerators"))
        return entries


def run_fleet(asked: Asked, output: Path | None, *, as_json: bool) -> None:
    """Sizes the fleets of one model and shows them."""
    spec = asked.spec()
    promises = asked.promises(spec)
    demand = asked.demand(_output_tokens(spec), promises)
    fleets = size_fleet(spec, demand, promises, redundancy=asked.redundancy, catalog=asked.catalog, file=asked.file)
    if missing := [name for name in _names(spec["axes"].get("accelerator")) if name not in fleets["accelerator"]]:
        click.echo(f"no layout runs and keeps the promises on {', '.join(missing)}", err=True)
    if output is not None:
        write_frame(fleets, output)
    shown = fleets if asked.every else fleets.filter("best_of_accelerator")
    if as_json:
        facts = {"demand": vars(demand), "promises": promises, "redundancy": asked.redundancy}
        click.echo(json.dumps({**facts, "fleets": shown.to_dicts()}, indent=2))
    else:
        print_fleets(shown, demand, promises, asked.redundancy)


def run_pool(
    path: Path, prices: tuple[str, ...], catalog: tuple[Path, ...], output: Path | None, *, as_json: bool
) -> None:
    """Sizes a pool of models and shows its policies."""
    pool = read_pool(path)
    given = parse_prices(prices, [pool.accelerator])
    price = given.pop(pool.accelerator, None)
    if given:
        raise SpecError(f'the pool is of {pool.accelerator}: the price of "{next(iter(given))}" has no use')
    policies = size_pool(path, usd_per_device_hour=price, catalog=catalog)
    if output is not None:
        write_frame(policies, output)
    if as_json:
        click.echo(
            json.dumps({"name": pool.name, "accelerator": pool.accelerator, "policies": policies.to_dicts()}, indent=2)
        )
    else:
        print_pool(policies, pool)


def _names(accelerators: Any) -> list[str]:
    """Those that are named one by one; globs stand for what there is."""
    named = [accelerators] if isinstance(accelerators, str) else accelerators
    return [name for name in named if not set(name) & set("*?[")] if isinstance(named, list) else []


def _output_tokens(spec: Mapping[str, Any]) -> float:
    """Tokens of an answer: one number of the sweep, or the axis' default; of several none that users ask for."""
    default = next(axis["fallback"] for axis in axes("inference") if axis["name"] == "output_tokens")
    value = spec["axes"].get("output_tokens", spec.get("workload", {}).get("output_tokens", default))
    return float(value) if isinstance(value, int) else 0.0
