"""One model: the devices that a rate of requests needs within promised times."""

import json
from collections.abc import Iterable, Mapping
from os import PathLike

import polars as pl

from llmsweep.api import open_catalog
from llmsweep.errors import SpecError
from llmsweep.fleet.capacity import able, at_rate, largest_rates, lone, table
from llmsweep.fleet.count import count, money, ranked
from llmsweep.fleet.demand import Demand, Redundancy
from llmsweep.fleet.promises import check, largest_part, tightest
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
    known = open_catalog(catalog)
    operations = {**json.loads(known.operations()), **table(spec, "operations")}
    setups = able(lone(_replica(spec), promises, known, file), promises)
    setups = setups.with_columns(largest_rates(setups, promises, known))
    sized = count(setups, demand, spare, known)
    shown = list(dict.fromkeys([*LATENCIES, *promises]))
    at_limit = at_rate(sized, sized["replica_rate_per_s"], list(promises), known)
    at_peak = at_rate(sized, demand.peak_rate_per_s / sized["replicas"].cast(pl.Float64), shown, known)
    bound = at_limit.select(tightest(promises).alias("promise"), largest_part(promises).alias("used"))
    sized = sized.drop(shown, strict=False).hstack(at_peak).hstack(bound)
    ordered = ranked(money(sized, demand, operations["idle_power_share"]))
    names = [axis["name"] for axis in axes("inference") if axis["name"] not in ("arrival_rate_per_s", "concurrency")]
    return ordered.select(*names, "kv_bytes_per_token", "kv_tokens", *shown, *RESULTS)


def _replica(spec: Mapping[str, object]) -> dict[str, object]:
    if spec.get("phase", "inference") != "inference":
        raise SpecError(f'a fleet serves: the phase must be "inference", not "{spec["phase"]}"')
    if named := {"search", "model", "accelerator", "network"} & spec.keys():
        raise SpecError(
            f"a sweep for a fleet has no [{min(named)}]: entries go into a folder for --catalog, and replicas are "
            "counted here"
        )
    left_out = ("constraints", "pareto")
    return {"schema": 1, "phase": "inference", **{name: part for name, part in spec.items() if name not in left_out}}
