"""Many models on a shared pool: devices for each of its own, and for switching by request and by token."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import polars as pl

from llmsweep.api import open_catalog
from llmsweep.clock import HOURS_PER_MONTH
from llmsweep.fleet.interval import ENDS, End
from llmsweep.fleet.occupancy import active_share
from llmsweep.fleet.policies import POLICIES, Plan, SizeClass
from llmsweep.fleet.pool_file import Pool, read_pool
from llmsweep.fleet.served import Replicas, Served


def size_pool(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    usd_per_device_hour: float | None = None,
    catalog: Iterable[str | os.PathLike[str]] = (),
) -> pl.DataFrame:
    """Devices, utilisation and cost of a pool of models under each of `POLICIES`.

    Args:
        source: A pool file (docs/fleet.md), or a mapping of its shape.
        usd_per_device_hour: Rental of a device in place of the catalogue's.
        catalog: Further catalogue folders.

    Returns:
        One row per policy: ``devices`` for the middle of what the file leaves open, ``devices_low`` and
        ``devices_high`` for its ends; ``models_per_place``, models over groups of devices that hold one at a time;
        ``utilisation``, devices with a model at work over devices; ``usd_per_hour`` and ``usd_per_month``, null where
        the catalogue has no price; ``wait_s``, the longest wait for a swap or a turn within the quantile; ``limit``,
        what binds. ``active_models`` is the expected number of models with a request, and the same in all rows.

    Raises:
        SpecError: The file is wrong; the sentence says which key.
        NothingFeasibleError: A model does not fit, or keeps no promise.

    Example:
        Twenty models that are asked once in two minutes:

        >>> import llmsweep as ls
        >>> model = {"model": "llama3.1-8b", "count": 20, "rate_per_s": 0.008}
        >>> model |= {"input_tokens": 512, "output_tokens": 128}
        >>> promise = {"ttft_s": 5.0, "tpot_s": 0.1}
        >>> frame = ls.size_pool({"accelerator": "h100-sxm-80", "promise": promise, "models": [model]})
        >>> dict(frame.select("policy", "devices").rows())
        {'dedicated': 20, 'request_level': 2, 'token_level': 1}
    """
    pool = read_pool(source)
    known = open_catalog(catalog)
    accelerator = json.loads(known.show("accelerators", pool.accelerator))
    link = (pool.host_bytes_per_s or accelerator["host_bandwidth_bytes_per_s"]) * pool.host_efficiency
    price = accelerator["rental_usd_per_hour"] if usd_per_device_hour is None else usd_per_device_hour
    replicas = Replicas.of(pool, known)
    ends = {end: _classes(pool, replicas.at(end), link, end) for end in ENDS}
    return pl.DataFrame([_row(policy, ends, price) for policy in POLICIES])


def _classes(pool: Pool, models: Sequence[Served], link: float, end: End) -> dict[int, SizeClass]:
    """Models by the devices of a replica: those that take equally many share places."""
    ordered = sorted(models, key=lambda model: model.devices)
    grouped = groupby(ordered, key=lambda model: model.devices)
    return {devices: SizeClass(pool, tuple(same), link, end) for devices, same in grouped}


def _row(policy: str, ends: Mapping[End, Mapping[int, SizeClass]], price: float | None) -> dict[str, object]:
    plans = {end: {devices: part.plan(policy) for devices, part in classes.items()} for end, classes in ends.items()}
    total = {end: sum(devices * _places(plan) for devices, plan in plans[end].items()) for end in plans}
    middle, served = plans["middle"], [model for part in ends["middle"].values() for model in part.models]
    models = sum(model.count for model in served)
    busy = sum(devices * plan.busy for devices, plan in middle.items())
    hourly = None if price is None else total["middle"] * price
    return {
        "policy": policy,
        "devices": total["middle"],
        "devices_low": total["low"],
        "devices_high": total["high"],
        "models": models,
        "active_models": sum(model.count * active_share(model.rate_per_s, model.service_s) for model in served),
        "models_per_place": models / sum(map(_places, middle.values())),
        "busy_devices": busy,
        "utilisation": min(1.0, busy / total["middle"]),
        "usd_per_hour": hourly,
        "usd_per_month": None if hourly is None else hourly * HOURS_PER_MONTH,
        "wait_s": max(plan.wait_s for plan in middle.values()),
        "limit": max(middle.items(), key=lambda part: part[0] * _places(part[1]))[1].limit,
    }


def _places(plan: Plan) -> int:
    return plan.places + plan.spares
