"""What one replica of each model of a pool is and does: the engine's answer, or what the file tells."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llmsweep import _core
from llmsweep.errors import NothingFeasibleError
from llmsweep.fleet.capacity import able, at_rate, largest_rates, lone
from llmsweep.fleet.interval import End
from llmsweep.fleet.pool_file import Pool, PoolModel
from llmsweep.frame import to_frame
from llmsweep.registries import axes


@dataclass(frozen=True)
class Served:
    """One model of a pool at one end of what is known of it.

    ``service_s`` is how long a request stays at the replica's own speed, ``paced_s`` how long where tokens come only as
    fast as promised; ``step_s`` the time between tokens for the batch that is then in flight; ``swap_bytes`` what a
    device loads to bring the model and its requests back.
    """

    name: str
    count: int
    devices: int
    replicas: int
    rate_per_s: float
    service_s: float
    paced_s: float
    step_s: float
    first_s: float
    swap_bytes: float

    @property
    def in_flight(self) -> float:
        """Mean requests in flight on one replica at its own speed."""
        return self.rate_per_s * self.service_s / self.replicas


@dataclass(frozen=True)
class Replicas:
    """Replicas of the pool's models, found once for all ends: rows of the engine, and told ones as None."""

    pool: Pool
    rows: pl.DataFrame
    catalog: _core.Catalog

    @classmethod
    def of(cls, pool: Pool, catalog: _core.Catalog) -> "Replicas":
        """Asks the engine for every model of the catalogue.

        Raises:
            SpecError: A model or an axis is wrong.
            NothingFeasibleError: A model does not fit, or keeps no promise even for a lone request.
        """
        rows = [_row(pool, model, catalog) for model in pool.models if model.axes.get("model")]
        if not rows:
            return cls(pool, pl.DataFrame(), catalog)
        frame = pl.concat(rows)
        return cls(pool, frame.with_columns(largest_rates(frame, pool.promises, catalog)), catalog)

    def at(self, end: End) -> list[Served]:
        """Every model at one end of what is known of its rate and service time."""
        asked = [model for model in self.pool.models if model.axes.get("model")]
        computed = iter(self._computed(asked, end))
        return [next(computed) if model.axes.get("model") else self._told(model, end) for model in self.pool.models]

    def _computed(self, models: Sequence[PoolModel], end: End) -> list[Served]:
        if not models:
            return []
        rates = pl.Series([model.rate_per_s.at(end) for model in models], dtype=pl.Float64)
        replicas = (rates / self.rows["replica_rate_per_s"]).ceil().clip(lower_bound=1)
        own = at_rate(self.rows, rates / replicas, ["e2e_s"], self.catalog)["e2e_s"]
        service = [model.service_s.at(end) if model.service_s else own[place] for place, model in enumerate(models)]
        paced = [max(_paced_s(self.pool, model), service[place]) for place, model in enumerate(models)]
        flight = rates / replicas * pl.Series(paced)
        steps = self._steps(flight)
        first = self.rows[next(name for name in self.pool.promises if name.startswith("ttft"))]
        return [
            Served(
                name=model.name,
                count=model.count,
                devices=row["device_count"],
                replicas=int(replicas[place]),
                rate_per_s=rates[place],
                service_s=service[place],
                paced_s=paced[place],
                step_s=steps[place],
                first_s=first[place],
                swap_bytes=row["weight_bytes"]
                + flight[place] * _mean_context(model) * row["kv_bytes_per_token"] / row["device_count"],
            )
            for place, (model, row) in enumerate(zip(models, self.rows.iter_rows(named=True), strict=True))
        ]

    def _steps(self, flight: pl.Series) -> list[float]:
        """Time between tokens with so many requests and one more in flight; endless where they have no room."""
        names = [axis["name"] for axis in axes("inference")]
        setups = self.rows.select(names).with_columns(
            (flight.ceil() + 1).cast(pl.UInt64).alias("concurrency"), arrival_rate_per_s=pl.lit(0.0)
        )
        answer = to_frame(_core.evaluate(self.catalog, "inference", setups, ["tpot_s"]))["tpot_s"]
        return answer.fill_null(float("inf")).to_list()

    def _told(self, model: PoolModel, end: End) -> Served:
        rate, told = model.rate_per_s.at(end), model.told
        service = model.service_s.at(end) if model.service_s else 0.0
        replicas = max(1, -int(-rate // told["replica_rate_per_s"]))
        return Served(
            name=model.name,
            count=model.count,
            devices=int(told["devices"]),
            replicas=replicas,
            rate_per_s=rate,
            service_s=service,
            paced_s=max(_paced_s(self.pool, model), service),
            step_s=told["step_s"],
            first_s=told["prefill_s"],
            swap_bytes=told["weight_bytes"] / told["devices"],
        )


def _row(pool: Pool, model: PoolModel, catalog: _core.Catalog) -> pl.DataFrame:
    lengths = {"input_tokens": model.input_tokens, "output_tokens": model.output_tokens}
    spec = {
        "schema": 1,
        "phase": "inference",
        "axes": {**model.axes, "accelerator": pool.accelerator},
        "workload": lengths,
    }
    try:
        return able(lone(spec, pool.promises, catalog, f"{pool.name or 'pool'}, {model.name}"), pool.promises)
    except NothingFeasibleError as error:
        raise NothingFeasibleError(f'of the pool\'s models "{model.name}" stands in the way: {error}') from error


def promised(pool: Pool, kind: str) -> float:
    """The strictest bound of a kind of promise, ``ttft`` or ``tpot``, s."""
    return min(bound for name, bound in pool.promises.items() if name.startswith(kind))


def _paced_s(pool: Pool, model: PoolModel) -> float:
    return promised(pool, "ttft") + (model.output_tokens - 1) * promised(pool, "tpot")


def _mean_context(model: PoolModel) -> float:
    return model.input_tokens + model.output_tokens / 2
