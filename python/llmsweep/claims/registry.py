"""All quantities, and which of them a claim means."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING

from llmsweep.claims.counts import COUNTS
from llmsweep.claims.hardware import HARDWARE
from llmsweep.claims.memory import MEMORY
from llmsweep.claims.quantity import Quantity
from llmsweep.claims.serving import SERVING
from llmsweep.claims.speed import SPEED
from llmsweep.claims.statements import STATEMENTS
from llmsweep.claims.training import TRAINING
from llmsweep.directories import shipped_catalog

if TYPE_CHECKING:
    from llmsweep.claims.claim import Claim
    from llmsweep.claims.quantity import Computations

FILE = shipped_catalog() / "claims" / "quantities.toml"
QUANTITIES = tuple(map(Quantity.of, tomllib.loads(FILE.read_text(encoding="utf-8"))["quantity"]))
#: How each is computed; requirements are not.
COMPUTED: Computations = {**COUNTS, **MEMORY, **SPEED, **SERVING, **TRAINING, **HARDWARE, **STATEMENTS}
BY_ID = {quantity.id: quantity for quantity in QUANTITIES}
# A model that runs or fits somewhere, whatever number stands beside it.
RUNS = re.compile(
    r"\bfits?\s+(?:on|in|into)\b|\bruns\s+on\b|\b(?:GPU|card)\s+runs\b|\b(?:lets?|can|could)\s+(?:\S+\s+){0,4}?run\s+on\b",
    re.IGNORECASE,
)
GENERIC = {"improvement", "gain", "speedup", "factor", "ratio", "x", ""}


def plain(text: str) -> str:
    """A name without remarks, case and marks.

    >>> plain("FLOP ratio (train run / one request)"), plain("tokens/s")
    ('flop ratio', 'tokens/s')
    """
    bare = re.sub(r"\s*\([^)]*\)", "", text).strip().lower()
    bare = re.sub(r"\bper \d[\d,.]*[kmbt]? tokens\b", "per tokens", bare)
    return re.sub(r"[\s_]+", " ", bare).replace("utilization", "utilisation").strip(" ?-")


def meaning(claim: Claim) -> Quantity | None:
    """The quantity of a claim, by id, by alias, or by an alias in its words; none where nothing has that name."""
    if claim.quantity in BY_ID:
        return BY_ID[claim.quantity]
    text = plain(claim.quantity)
    numbered = re.search(r"per tokens", text) and claim.unit.dimension == "s"
    if numbered:
        return BY_ID["time_per_tokens"]
    fitting = [quantity for quantity in QUANTITIES if suits(quantity, claim)]
    if claim.unit.dimension == "B" and claim.subject.models and claim.subject.chips and RUNS.search(claim.says):
        return BY_ID["fits"]
    exact = [quantity for quantity in fitting if text in names(quantity)]
    if exact:
        return exact[0]
    if text in GENERIC:
        found = [quantity for quantity in fitting if any(name in plain(claim.says) for name in names(quantity))]
        return found[0] if found else None
    inside = [
        (len(name), quantity)
        for quantity in fitting
        for name in names(quantity)
        if len(name) > 2 and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)  # noqa: PLR2004 - shorter names are anywhere
    ]
    return max(inside, key=lambda pair: pair[0])[1] if inside else None


def names(quantity: Quantity) -> list[str]:
    """Id and aliases, plain."""
    return [plain(quantity.id), *map(plain, quantity.aliases)]


def suits(quantity: Quantity, claim: Claim) -> bool:
    """Whether unit, phase and subject are such as the quantity has."""
    return not misfits(quantity, claim)


def misfits(quantity: Quantity, claim: Claim) -> list[str]:
    """What keeps a claim from being about a quantity, in words."""
    subject = claim.subject
    there = {
        "model": bool(subject.models),
        "no model": not subject.models,
        "hardware": bool(subject.chips),
        "two hardware": len(subject.hardware) > 1,
        "number": claim.numeric,
        "no number": not claim.numeric,
        "link": any(part.networks for part in subject.hardware),
    }
    billions = claim.unit_text == "B" and {"parameter", "token"} & set(quantity.units)
    unit = billions or claim.unit.dimension in quantity.units or (not claim.numeric and not claim.unit.dimension)
    units, phases = (" or ".join(name or "none" for name in names) for names in (quantity.units, quantity.phases))
    return [
        *([] if unit else [f"its unit is {units}"]),
        *([f"its phase is {phases}"] if quantity.phases and subject.phase not in quantity.phases else []),
        *(f"it wants {want}" for want in quantity.wants if not there[want]),
    ]


def unfit(claim: Claim) -> str | None:
    """The quantity of a claim's name that it can't be about, and why; none where nothing has that name."""
    named = [quantity for quantity in QUANTITIES if plain(claim.quantity) in names(quantity)]
    best = min(named, key=lambda quantity: len(misfits(quantity, claim)), default=None)
    return f"{best.id} does not fit: {', '.join(misfits(best, claim))}" if best else None


def nearest(claim: Claim) -> str:
    """The id of the quantity whose name is nearest, for a sentence."""
    known = {name: quantity.id for quantity in QUANTITIES for name in names(quantity)}
    text = plain(claim.quantity)
    match = get_close_matches(text, list(known), n=1, cutoff=0.0)
    return known[match[0]] if match else QUANTITIES[0].id
