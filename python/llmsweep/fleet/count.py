"""From the rate of one replica to replicas, devices, nodes, money and power of the fleet."""

import json

import polars as pl

from llmsweep import _core
from llmsweep.clock import HOUR_S, HOURS_PER_MONTH
from llmsweep.fleet.demand import Demand, Redundancy
from llmsweep.pareto import on_front

# What the search for the rate leaves open of a bound, and a little more: below it no promise stopped the rate.
ALL_OF_A_PROMISE = 0.99


def count(setups: pl.DataFrame, demand: Demand, spare: Redundancy, catalog: _core.Catalog) -> pl.DataFrame:
    """Adds replicas, spares, devices and nodes: what the rate needs, or the contexts of the users.

    Replicas share a node where several fit into one; one that spans nodes has them to itself.
    """
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


def _host_devices(accelerators: pl.Series, catalog: _core.Catalog) -> list[int]:
    devices = {name: json.loads(catalog.show("accelerators", name))["host_devices"] for name in accelerators.unique()}
    return [devices[name] for name in accelerators]


def money(sized: pl.DataFrame, demand: Demand, idle: float) -> pl.DataFrame:
    """Adds occupancy, rental, power and what binds the rate; idle devices are rented, and draw the share ``idle``."""
    replicas = pl.col("replicas") + pl.col("spare_replicas")
    most = replicas * pl.col("max_requests_per_s")
    tokens_per_s = demand.mean_rate_per_s * pl.col("output_tokens")
    per_device = pl.col("devices") / pl.col("device_count")
    kv_binds = pl.col("kv_replicas") > pl.col("throughput_replicas")
    promise_binds = pl.col("used") > ALL_OF_A_PROMISE
    return (
        sized.with_columns(
            occupancy_at_peak=demand.peak_rate_per_s / most,
            occupancy_at_mean=demand.mean_rate_per_s / most,
            usd_per_hour=pl.col("usd_per_hour") * per_device,
            power_w=pl.col("power_w") * per_device,
            limit=pl.when(kv_binds)
            .then(pl.lit("kv_room"))
            .when(promise_binds)
            .then("promise")
            .otherwise(pl.lit("throughput")),
        )
        .with_columns(
            usd_per_month=pl.col("usd_per_hour") * HOURS_PER_MONTH,
            usd_per_million_tokens=pl.col("usd_per_hour") / HOUR_S / tokens_per_s * 1e6,
            mean_power_w=pl.col("power_w") * (idle + (1 - idle) * pl.col("occupancy_at_mean")),
        )
        .with_columns(j_per_token=pl.col("mean_power_w") / tokens_per_s)
    )


def ranked(sized: pl.DataFrame) -> pl.DataFrame:
    """The cheapest first, or where no price is known the smallest; marks the front and each accelerator's best."""
    priced = sized["usd_per_hour"].is_not_null().any()
    objectives = ["usd_per_hour", "devices"] if priced else ["devices"]
    ordered = sized.sort(*objectives, "tpot_s", nulls_last=True, maintain_order=True)
    first = pl.int_range(pl.len()).over("accelerator") == 0
    return ordered.with_columns(on_front=on_front(minimize=objectives), best_of_accelerator=first)
