"""Places for models of one size under each policy: a place is a group of devices that holds one model at a time."""

import math
from dataclasses import dataclass
from functools import cached_property

from llmsweep.fleet.demand import Redundancy
from llmsweep.fleet.interval import End, opposite
from llmsweep.fleet.occupancy import active_quantile, active_share, requests_in_flight, swap_s, turn_share
from llmsweep.fleet.pool_file import Pool
from llmsweep.fleet.served import Served, promised

POLICIES = ("dedicated", "request_level", "token_level")


@dataclass(frozen=True)
class Plan:
    """Places and those to spare, mean places at work, the longest wait for a place, and what binds."""

    places: int
    spares: int
    busy: float
    wait_s: float
    limit: str


@dataclass(frozen=True)
class SizeClass:
    """Models of a pool whose replicas take equally many devices, at one end of what is known of them."""

    pool: Pool
    models: tuple[Served, ...]
    link_bytes_per_s: float
    end: End

    def plan(self, policy: str) -> Plan:
        """Places of one of `POLICIES`: never more than those of the policy before it."""
        spare = Redundancy.parse(self.pool.redundancy)
        match policy:
            case "dedicated":
                spares = sum(model.count * spare.spares(kept) for model, kept in self._kept)
                busy = sum(model.count * kept * _active(model, kept, model.service_s) for model, kept in self._kept)
                crowded = any(kept > model.replicas for model, kept in self._kept)
                return Plan(self._most, spares, busy, 0.0, "busy_share" if crowded else "promise")
            case "request_level":
                places, limit = self._request_level
                return Plan(places, spare.spares(places), self._busy, max(self._swaps), limit)
            case _:
                places, limit = self._token_level
                # With a place for every active model nobody waits for a turn, only for a swap.
                wait = max(self._swaps) if places >= self._active_places else self._cycle
                return Plan(places, spare.spares(places), self._busy, wait, limit)

    @cached_property
    def _kept(self) -> list[tuple[Served, int]]:
        """Replicas that each model has for itself: those of the promises, or so many that none is too busy."""
        share = self.pool.dedicated_busy_share
        if share is None:
            return [(model, model.replicas) for model in self.models]
        most_in_flight = requests_in_flight(share.at(opposite(self.end)))
        return [
            (model, max(model.replicas, math.ceil(model.rate_per_s * model.service_s / most_in_flight)))
            for model in self.models
        ]

    @cached_property
    def _most(self) -> int:
        return sum(model.count * kept for model, kept in self._kept)

    @cached_property
    def _busy(self) -> float:
        return sum(m.count * m.replicas * _active(m, m.replicas, m.service_s) for m in self.models)

    @cached_property
    def _swaps(self) -> list[float]:
        return [swap_s(model.swap_bytes, self.link_bytes_per_s, self.pool.hidden_share) for model in self.models]

    @cached_property
    def _waits(self) -> list[float]:
        """What the promised time to the first token leaves each model to wait for its turn."""
        ttft = promised(self.pool, "ttft")
        return [max(0.0, ttft - model.first_s - swap) for model, swap in zip(self.models, self._swaps, strict=True)]

    @cached_property
    def _cycle(self) -> float:
        """The longest cycle of turns that every model can wait for; 0 where none has time for a swap."""
        return min((wait for wait in self._waits if wait > 0), default=0.0)

    @cached_property
    def _active_places(self) -> float:
        """Places of active models in all but ``1 − quantile`` of the time; who can't wait for a swap stays."""
        groups = [
            (m.count * m.replicas, _active(m, m.replicas, m.service_s + swap) if wait > 0 else 1.0, 1.0)
            for m, swap, wait in zip(self.models, self._swaps, self._waits, strict=True)
        ]
        return active_quantile(groups, self.pool.quantile)

    @cached_property
    def _request_level(self) -> tuple[int, str]:
        return self._pooled(self._active_places, "active_models", self._most, "dedicated")

    @cached_property
    def _token_level(self) -> tuple[int, str]:
        tpot = promised(self.pool, "tpot")
        groups, swapping, making = [], 0.0, 0.0
        for model, swap, wait in zip(self.models, self._swaps, self._waits, strict=True):
            waits = wait > 0
            share = turn_share(model.step_s, tpot, swap, self._cycle) if waits else 1.0
            active = _active(model, model.replicas, model.paced_s) if waits else 1.0
            alike = model.count * model.replicas
            groups.append((alike, active, share))
            pace = min(1.0, model.step_s / tpot)
            making += alike * active * pace
            swapping += alike * active * (share - pace)
        limit = "swaps" if swapping > making else "pace"
        most, _ = self._request_level
        return self._pooled(active_quantile(groups, self.pool.quantile), limit, most, "active_models")

    def _pooled(self, needed: float, limit: str, most: int, bound: str) -> tuple[int, str]:
        # Sums of shares of whole models may miss a whole number by the last bit.
        places = max(1, math.ceil(round(needed, 9)))
        if share := self.pool.pool_busy_share:
            free = math.ceil(round(self._busy / share.at(opposite(self.end)), 9))
            if free > places:
                places, limit = free, "busy_share"
        return (places, limit) if places <= most else (most, bound)


def _active(model: Served, replicas: int, service_s: float) -> float:
    return active_share(model.rate_per_s / replicas, service_s)
