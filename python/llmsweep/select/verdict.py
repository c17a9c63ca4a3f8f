"""The answer in one paragraph."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmsweep.compare.bill import layout
from llmsweep.readable import quantity
from llmsweep.select.reasons import against, money, price
from llmsweep.select.want import Want

if TYPE_CHECKING:
    from llmsweep.select.run import Place

KNOWN = {
    "calibrated": "Its efficiencies are fitted to timings of this chip",
    "transferred": "Its efficiencies are those of its nearest relative",
    "datasheet": "Its efficiencies are assumed, for nobody has published timings of it",
}
#: Reasons that are told; the rest is in the list of those that can't.
REASONS_TOLD = 2


def verdict(
    want: Want,
    model: str,
    places: "Sequence[Place]",
    others: tuple[Mapping[str, str], tuple[str, Mapping[str, Any]] | None],
) -> str:
    """What to take, what it comes to, why, and what speaks against it.

    Args:
        want: What was asked.
        model: The model's name.
        places: Accelerators, best first.
        others: Those that can't, with the reason; and the best setup without quantisation.
    """
    impossible, plain = others
    if not places:
        told = "; ".join(f"{text} ({count})" for text, count in Counter(map(bare, impossible.values())).most_common())
        return f"None of {len(impossible)} accelerators will do: {told}."
    first = places[0]
    sentences = [f"For {task(want, model)} take {first['name']}: {setup_words(want, first['setup'])}."]
    if len(places) > 1:
        second = places[1]
        sentences.append(beside(want, first, second))
    sentences.append(f"What takes most of its time is {first['setup']['bottleneck'].replace('_', ' ')}.")
    sentences.append(f"{KNOWN[first['setup']['provenance']]}: {spread(first['setup'])}.")
    if second_best := first["runner_up"]:
        sentences.append(f"On the same hardware the next best is {short_setup(second_best)}{cost(want, second_best)}.")
    sentences.extend(unquantised(want, first, plain))
    sentences.extend(unpriced(want, places))
    if impossible:
        reasons = Counter(map(bare, impossible.values())).most_common(REASONS_TOLD)
        told = "; ".join(f"{count} because {text}" for text, count in reasons)
        sentences.append(f"{len(impossible)} can't: {told}.")
    return " ".join(sentences)


def unquantised(want: Want, first: "Place", plain: tuple[str, Mapping[str, Any]] | None) -> list[str]:
    """What the same costs without quantisation, where the first place has any."""
    if plain is None or first["setup"]["precision"] == plain[1]["precision"]:
        return []
    name, setup = plain
    kept = "Narrow formats cost quality, which is not judged here"
    return [f"{kept}: in {setup['precision']} the best is {name}, {short_setup(setup)}{cost(want, setup)}."]


def unpriced(want: Want, places: "Sequence[Place]") -> list[str]:
    """The fastest of those without a price, and the price at which it would be as cheap as the first."""
    unknown = [place for place in places if place["setup"][want.decides] is None]
    timed = [place for place in unknown if place["setup"]["provenance"] != "datasheet"]
    even = timed[0]["break_even_usd_per_device_hour"] if timed else None
    if want.by is not None or even is None:
        return []
    name = timed[0]["name"]
    even_at = (
        f"the fastest of them with timings of its own or of a relative, {name}, would be as cheap at {money(even)}/h"
    )
    return [f"{len(unknown)} have no rental in the catalogue; {even_at}."]


def bare(reason: str) -> str:
    """A reason without its counts."""
    if reason.startswith("none of the"):
        return "what runs does not meet the limits"
    return reason.partition(" (")[0]


def task(want: Want, model: str) -> str:
    """What is to be done."""
    if want.purpose == "training":
        what = {"pretraining": "training", "full_finetuning": "fine-tuning"}.get(want.training_mode, "adapting")
        within = f" on {want.devices:,} devices" if want.devices else ""
        return f"{what} {model}{within} within {want.days:g} {'day' if want.days == 1 else 'days'}"
    promised = [f"{short_name(name)} within {quantity(bound, 's')}" for name, bound in want.promises.items()]
    return f"serving {model} with {', '.join(promised[:-1])} and {promised[-1]}"


def short_name(column: str) -> str:
    """A column of times as people say it.

    >>> short_name("ttft_p99_s"), short_name("tpot_s")
    ('TTFT p99', 'TPOT')
    """
    kind, *rest = column.removesuffix("_s").split("_")
    return " ".join([kind.upper() if kind in ("ttft", "tpot") else kind, *rest])


def setup_words(want: Want, setup: Mapping[str, Any]) -> str:
    """A setup and what it comes to."""
    if want.purpose == "training":
        several = setup["devices"] > 1
        devices = (
            f"{setup['devices']:,} of them as {short_setup(setup)} take" if several else f"{short_setup(setup)} takes"
        )
        return (
            f"{devices} {quantity(setup['time_to_train_s'], 's')}"
            f"{cost(want, setup)}, at an MFU of {100 * setup['mfu']:.3g} %"
        )
    return (
        f"{short_setup(setup)} with {setup['concurrency']:,} requests in flight, "
        f"{setup['tokens_per_s']:,.0f} answered tokens per second{cost(want, setup)}, "
        + ", ".join(f"{short_name(name)} {quantity(setup[name], 's')}" for name in want.promises)
    )


def short_setup(setup: Mapping[str, Any]) -> str:
    """Layout and format."""
    return f"{layout(setup)} in {setup['precision']}"


def cost(want: Want, setup: Mapping[str, Any]) -> str:
    """What a setup comes to, where that is known."""
    value = setup["cost_usd"] if want.purpose == "training" else setup["usd_per_million_tokens"]
    if value is None:
        return ""
    return f" for {money(value)}" if want.purpose == "training" else f" at {money(value)} per million tokens"


def beside(want: Want, first: "Place", second: "Place") -> str:
    """The first place beside the second."""
    own, other = first["setup"], second["setup"]
    runner = f"The runner-up is {second['name']}: {setup_words(want, other)}"
    values = own[want.decides], other[want.decides]
    if want.by is None and all(values) and price(own) and price(other):
        return f"{runner}, {100 * (values[1] / values[0] - 1):.2g} % more; the first has {against(own, other)}."
    return f"{runner}."


def spread(setup: Mapping[str, Any]) -> str:
    """How far measurements of its class lie apart."""
    low, high = setup["tokens_per_s_p10"], setup["tokens_per_s_p90"]
    if low is None or high is None:
        return "no interval is known"
    own = setup["tokens_per_s"] if "tokens_per_s" in setup else (low * high) ** 0.5
    return f"eight of ten setups of its class measure {100 * low / own:.0f} to {100 * high / own:.0f} % of that speed"
