"""What a quantity is, what is asked of it, and what it predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.rules import rules

if TYPE_CHECKING:
    from llmsweep.claims.claim import Claim
    from llmsweep.claims.engine import Engine
    from llmsweep.claims.facts import Facts
    from llmsweep.claims.subject import Model

Kind = Literal["arithmetic", "predicted", "fact", "statement", "requirement"]


@dataclass(frozen=True)
class Bound:
    """What physics allows at best: a ``floor`` that nothing goes below, or a ``ceiling``."""

    value: float
    side: Literal["floor", "ceiling"]
    words: str

    def beaten_by(self, claimed: Interval, tolerance: float) -> bool:
        """Whether all of a claim is on the wrong side."""
        if self.side == "floor":
            return claimed.high * (1 + tolerance) < self.value
        return claimed.low * (1 - tolerance) > self.value


@dataclass(frozen=True)
class Prediction:
    """What the quantity can be: in any of ``options``, in SI.

    ``mistaken`` are slips beside those of the unit: what somebody would write who took a per-something for a total.
    ``speed`` marks what software alone can make slow; ``resource`` is the share of its peak that a speed of one (or a
    time of one second) stands for. ``open_above``: a larger workload exceeds the interval.
    """

    options: tuple[Interval, ...]
    notes: tuple[str, ...] = ()
    bound: Bound | None = None
    mistaken: tuple[tuple[str, Interval], ...] = ()
    speed: Literal["", "rate", "time"] = ""
    resource: tuple[str, float] | None = None
    open_above: bool = False
    kind: Kind | None = None

    @property
    def hull(self) -> Interval:
        """Around all options."""
        return Interval.hull(self.options)


@dataclass(frozen=True)
class Outcome:
    """The verdict on a claim that is no number."""

    why: str
    true: bool = False
    infeasible: bool = False
    predicted: Interval | None = None
    bound: float | None = None


@dataclass
class Ask:
    """A claim that a quantity is to judge, with what is known around it; ``notes`` gathers what was assumed."""

    claim: Claim
    claimed: Interval | None
    facts: Facts
    engine: Engine
    before: tuple[Claim, ...] = ()
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Adds an assumption, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def given(self, name: str) -> Interval | None:
        """A number that the claim assumes, noted."""
        from llmsweep.claims.text import span

        found = self.claim.assumed(name)
        if found is not None:
            self.note(f"{name} = {span(found)} as the claim has it")
        return found

    def opened(self, name: str, words: str) -> Interval:
        """The usual range of something that the claim leaves open, noted."""
        from llmsweep.claims.text import span

        found = rules().open(name)
        self.note(f"{words} not given: {span(found)}")
        return found

    def models(self, side: int = 0) -> tuple[Model, ...]:
        """The models of a side.

        Raises:
            Unverifiable: There is none.
        """
        sides = self.claim.subject.models
        if side < len(sides):
            return sides[side]
        if self.claim.subject.strangers:
            raise Unverifiable(f'the catalogue has no "{self.claim.subject.strangers[0]}"')
        raise Unverifiable("it names no model")

    def chips(self, side: int | None = None) -> tuple[str, ...]:
        """The accelerators of a side, or of all.

        Raises:
            Unverifiable: There is none.
        """
        hardware = self.claim.subject.hardware
        parts = hardware if side is None else hardware[side : side + 1]
        found = tuple(dict.fromkeys(i for part in parts for i in part.ids))
        if not found:
            strange = self.claim.subject.strangers
            raise Unverifiable(f'the catalogue has no "{strange[0]}"' if strange else "it names no accelerator")
        return found

    def devices(self) -> Interval | None:
        """How many accelerators, if the claim says."""
        if (given := self.given("devices")) is not None:
            return given
        return next((part.devices for part in self.claim.subject.hardware if part.devices is not None), None)


#: By the quantity's id, the function that predicts it or finds the outcome.
Computations = Mapping[str, Callable[[Ask], Prediction | Outcome]]


@dataclass(frozen=True)
class Quantity:
    """One entry of the registry, the catalogue's claims/quantities.toml.

    ``units`` are the dimensions that it may have; ``slips`` the mistakes with units that make sense for it;
    ``interval`` and ``bound`` say in words how they are found; ``need`` marks amounts of which "X+" says "X or a
    little more".
    ``phases`` and ``wants`` decide between quantities of one name. ``tolerance`` stands in place of its kind's.
    """

    id: str
    doc: str
    kind: Kind
    units: tuple[str, ...]
    aliases: tuple[str, ...]
    interval: str
    bound: str = ""
    slips: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    need: bool = False
    tolerance: float | None = None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Quantity:
        """Reads a table of the file."""
        fields: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in entry.items()}
        return cls(**fields)
