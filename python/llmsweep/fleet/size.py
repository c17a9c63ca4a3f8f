"""One model: the devices that a rate of requests needs within promised times."""

import json
import math
from collections.abc import Iterable, Mapping
from os import PathLike

import polars as pl

from llmsweep.api import open_catalog
from llmsweep.errors import SpecError
from llmsweep.fleet.capacity import able, at_rate, largest_rates, lone
from llmsweep.fleet.demand import Demand, Redundancy
from llmsweep.fleet.money import HOURS_PER_MONTH, idle_power_share
from llmsweep.fleet.promises import check, tightest
from llmsweep.pareto import on_front
from llmsweep.registries import axes

# Of what is printed under load, beside the promised columns.
LATENCIES = ("ttft_s", "ttft_p99_s", "tpot_s", "tpot_p99_s", "e2e_s", "running_requests")
RESULTS = (
    *("replica_rate_per_s", "limit", "throughput_replicas", "kv_replicas", "replicas", "spare_replicas", "devices"),
    *("nodes", "occupancy_at_peak", "occupancy_at_mean"),
    *("usd_per_hour", "usd_per_month", "usd_per_million_tokens"),
    *("power_w", "mean_power_w", "j_per_token", "on_front", "best_of_accelerator"),
)


def size_fleet(
    spec: Mapping[str, object],
    demand: Demand,
    promises: Mapping[str, float],
    *,
    redundancy: Redundancy | str = "N",
    catalog: Iterable[str | PathLike[str]] = (),
    file: str = "<spec>",
) -> pl.DataFrame:
    """Devices, nodes, occupancy and cost of a fleet for every setup of a sweep that keeps the promises.

    Args:
        spec: A sweep of serving as `llmsweep.sweep` takes it: its axes are what may be chosen, one replica each.
            ``arrival_rate_per_s`` and ``concurrency`` are set here.
        demand: Requests per second at the peak and on average.
        promises: Bounds in seconds by column, such as ``{"ttft_p99_s": 1.0, "tpot_s": 0.05}``.
        redundancy: Replicas beyond those that the peak needs: ``"N"``, ``"N+1"`` or ``"10%"``.
        catalog: Further catalogue folders.
        file: What errors call the specification.

    Returns:
        One row per setup, the cheapest (where no price is known: the fewest devices) first, with its axes,
        `LATENCIES` at the peak and `RESULTS`, in SI units. ``limit`` is what bounds the rate of one replica: a
        promised column, ``throughput``, or ``kv_room`` where the users' contexts need more replicas than the rate.
        ``occupancy`` is the arrivals over what all replicas, spares included, can finish: neither MFU nor MBU.

    Raises:
        SpecError: The specification, a promise or the redundancy is wrong.
        NothingFeasibleError: No setup runs or keeps the promises; the sentence has the nearest value.

    Example:
        Ten thousand requests per second of Llama 3.1 8B; a spare replica more is a device more:

        >>> import llmsweep as ls
        >>> axes = {"model": "llama3.1-8b", "accelerator": "h100-sxm-80"}
        >>> spec = {"schema": 1, "phase": "inference", "axes": axes, "workload": {"output_tokens": 128}}
        >>> demand, promises = ls.Demand(1e4, 4e3), {"ttft_p99_s": 1.0, "tpot_s": 0.05}
        >>> plain = ls.size_fleet(spec, demand, promises)["devices"][0]
        >>> ls.size_fleet(spec, demand, promises, redundancy="N+1")["devices"][0] - plain
        1
    """
    check(promises)
    spare = Redundancy.parse(redundancy) if isinstance(redundancy, str) else redundancy
    setups = able(lone(_replica(spec), promises, catalog, file), promises)
    setups = setups.with_columns(largest_rates(setups, promises, catalog))
    sized = _count(setups, demand, spare, catalog)
    shown = list(dict.fromkeys([*LATENCIES, *promises]))
    at_limit = at_rate(sized, sized["replica_rate_per_s"], list(promises), catalog)
    at_peak = at_rate(sized, demand.peak_rate_per_s / sized["replicas"].cast(pl.Float64), shown, catalog)
    bound = at_limit.select(tightest(promises).alias("promise"), used=pl.max_horizontal(
        pl.col(name) / limit for name, limit in promises.items()
    ))
    sized = sized.drop(shown, strict=False).hstack(at_peak).hstack(bound)
    ranked = _ranked(_money(sized, demand, catalog))
    names = [axis["name"] for axis in axes("inference") if axis["name"] not in ("arrival_rate_per_s", "concurrency")]
    return ranked.select(*names, "weight_bytes", "kv_bytes_per_token", "kv_tokens", *shown, *RESULTS)


def _replica(spec: Mapping[str, object]) -> dict[str, object]:
    if spec.get("phase", "inference") != "inference":
        raise SpecError(f'a fleet serves: the phase must be "inference", not "{spec["phase"]}"')
    if named := {"search", "model", "accelerator", "network"} & spec.keys():
        raise SpecError(f"a sweep for a fleet has no [{min(named)}]: entries go into a folder for --catalog, replicas are counted here")
    left_out = ("constraints", "pareto")
    return {"schema": 1, "phase": "inference", **{name: part for name, part in spec.items() if name not in left_out}}


def _count(setups: pl.DataFrame, demand: Demand, spare: Redundancy, catalog: Iterable[str | PathLike[str]]) -> pl.DataFrame:
    context = pl.col("input_tokens") + pl.col("output_tokens")
    room = (demand.users * context / pl.col("kv_tokens")).ceil().cast(pl.Int64)
    rate = (demand.peak_rate_per_s / pl.col("replica_rate_per_s")).ceil().cast(pl.Int64)
    counted = setups.with_columns(throughput_replicas=rate, kv_replicas=room)
    counted = counted.with_columns(replicas=pl.max_horizontal("throughput_replicas", "kv_replicas"))
    spares = pl.Series("spare_replicas", [spare.spares(replicas) for replicas in counted["replicas"]], pl.Int64)
    counted = counted.with_columns(spares)
    hosts = pl.Series("host_devices", _host_devices(counted["accelerator"].cast(pl.String), catalog), pl.Int64)
    replicas = pl.col("replicas") + pl.col("spare_replicas")
    together = pl.max_horizontal(pl.col("host_devices") // pl.col("device_count").cast(pl.Int64), 1)
    return counted.with_columns(hosts).with_columns(
        devices=replicas * pl.col("device_count").cast(pl.Int64),
        nodes=(replicas / together).ceil().cast(pl.Int64) * pl.col("nodes").cast(pl.Int64),
    )


def _host_devices(accelerators: pl.Series, catalog: Iterable[str | PathLike[str]]) -> list[int]:
    known = open_catalog(catalog)
    devices = {name: json.loads(known.show("accelerators", name))["host_devices"] for name in accelerators.unique()}
    return [devices[name] for name in accelerators]


def _money(sized: pl.DataFrame, demand: Demand, catalog: Iterable[str | PathLike[str]]) -> pl.DataFrame:
    idle = idle_power_share(catalog)
    replicas = pl.col("replicas") + pl.col("spare_replicas")
    most = replicas * pl.col("max_requests_per_s")
    tokens_per_s = demand.mean_rate_per_s * pl.col("output_tokens")
    per_device = pl.col("devices") / pl.col("device_count")
    kv_binds = pl.col("kv_replicas") > pl.col("throughput_replicas")
    # What the search leaves open of the bound, and a little more: below it no promise stopped the rate.
    promise_binds = pl.col("used") > 0.99  # noqa: PLR2004
    return (
        sized.with_columns(
            occupancy_at_peak=demand.peak_rate_per_s / most,
            occupancy_at_mean=demand.mean_rate_per_s / most,
            usd_per_hour=pl.col("usd_per_hour") * per_device,
            power_w=pl.col("power_w") * per_device,
            limit=pl.when(kv_binds).then(pl.lit("kv_room")).when(promise_binds).then("promise").otherwise(pl.lit("throughput")),
        )
        .with_columns(
            usd_per_month=pl.col("usd_per_hour") * HOURS_PER_MONTH,
            usd_per_million_tokens=pl.col("usd_per_hour") / 3600 / tokens_per_s * 1e6,
            mean_power_w=pl.col("power_w") * (idle + (1 - idle) * pl.col("occupancy_at_mean")),
        )
        .with_columns(j_per_token=pl.col("mean_power_w") / tokens_per_s)
    )


def _ranked(sized: pl.DataFrame) -> pl.DataFrame:
    priced = sized["usd_per_hour"].is_not_null().any()
    objectives = ["usd_per_hour", "devices"] if priced else ["devices"]
    keys = [*objectives, "tpot_s", "row_id"] if "row_id" in sized.columns else [*objectives, "tpot_s"]
    ordered = sized.sort(keys, nulls_last=True, maintain_order=True)
    first = pl.int_range(pl.len()).over("accelerator") == 0
    return ordered.with_columns(
        on_front=on_front(minimize=objectives), best_of_accelerator=first
    )


def racks(users: float, tokens_per_s_per_user: float, rack_tokens_per_s: float) -> float:
    """Racks whose throughput serves so many users at once, as a real number.

    >>> round(racks(1e6, 20, 1.1e6), 1)
    18.2
    """
    return users * tokens_per_s_per_user / rack_tokens_per_s


def kv_racks(users: float, context_tokens: float, kv_bytes_per_token: float, rack_bytes: float) -> float:
    """Racks whose memory holds the contexts of so many users, as a real number.

    >>> round(kv_racks(1e6, 2048, 163_840, 20.7e12), 1)
    16.2
    """
    return math.prod((users, context_tokens, kv_bytes_per_token)) / rack_bytes
