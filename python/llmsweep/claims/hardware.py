"""Quantities that a datasheet has: memory, bandwidth, peaks, links, power, price."""

from __future__ import annotations

import re

from llmsweep.claims.interval import Interval
from llmsweep.claims.problem import Unverifiable
from llmsweep.claims.quantity import Ask, Bound, Computations, Prediction
from llmsweep.claims.text import short
from llmsweep.clock import HOUR_S

GB = 1e9
BOTH_WAYS = re.compile(r"\b(bidirectional|both directions|bi-directional|duplex)\b", re.IGNORECASE)


def per_chip(ask: Ask, fact: str) -> tuple[Interval, ...]:
    """One number of every accelerator that the claim names."""
    values = [ask.facts.accelerators[chip].get(fact) for chip in ask.chips()]
    found = tuple(Interval.point(float(value)) for value in values if value is not None)
    if not found:
        raise Unverifiable(f"the catalogue has no {fact} of {', '.join(ask.chips())}")
    return found


def or_all(ask: Ask, each: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Of one device or, where the claim names several, of all together."""
    devices = ask.devices()
    if devices is None or devices.high <= 1:
        return each
    ask.note(f"of one device, or of {short(devices.high)} together")
    return (*each, *(part * devices for part in each))


def capacity(ask: Ask) -> Prediction:
    """What the datasheet prints, and what a process can address."""
    labels = [ask.facts.accelerators[chip].get("memory_label_gb") for chip in ask.chips()]
    printed = tuple(Interval.point(float(label) * GB) for label in labels if label)
    return Prediction(
        or_all(ask, (*printed, *per_chip(ask, "memory_bytes"))), ("as printed, and as a process can address",)
    )


def bandwidth(ask: Ask) -> Prediction:
    """The memory's rate."""
    return Prediction(or_all(ask, per_chip(ask, "memory_bandwidth_bytes_per_s")), ("the catalogue's datasheet rate",))


def peak(ask: Ask) -> Prediction:
    """Dense peaks in the claim's format."""
    named = ask.claim.subject.precisions or ("bf16", "fp16")
    same = {"int4": "int4", "nvfp4": "fp4", "mxfp4": "fp4", "mxfp8": "fp8"}
    peaks = [ask.facts.accelerators[chip]["peak_flops_per_s"] for chip in ask.chips()]
    found = tuple(
        Interval.point(float(entry[same.get(name, name)]))
        for entry in peaks
        for name in named
        if same.get(name, name) in entry
    )
    if not found:
        raise Unverifiable(f"the catalogue has no {named[0]} peak of {', '.join(ask.chips())}")
    return Prediction(or_all(ask, found), (f"dense peak in {named[0]}",))


def links(ask: Ask) -> tuple[str, ...]:
    """Networks of the claim.

    Raises:
        Unverifiable: It names none.
    """
    found = tuple(network for part in ask.claim.subject.hardware for network in part.networks)
    if not found:
        strange = ask.claim.subject.strangers
        raise Unverifiable(f'the catalogue has no link "{strange[0]}"' if strange else "it names no link")
    return found


def directions(ask: Ask) -> float:
    """How many directions the claim counts together."""
    given = ask.given("directions")
    if given is None and BOTH_WAYS.search(ask.claim.says):
        ask.note("both directions together, as it says")
        return 2.0
    return given.low if given else 1.0


def link_bandwidth(ask: Ask) -> Prediction:
    """Line rate, one direction or as many as the claim says; of a device's scale-up links where it names no link."""
    count = directions(ask)
    if any(part.networks for part in ask.claim.subject.hardware):
        rates = [float(ask.facts.networks[name]["bandwidth_bytes_per_s"]) for name in links(ask)]
    else:
        rates = [float(ask.facts.accelerators[chip]["fabric"][0]["bandwidth_bytes_per_s"]) for chip in ask.chips()]
    options = or_all(ask, tuple(Interval.point(rate * count) for rate in rates))
    return Prediction(options, ("line rate, one direction",))


def port_bandwidth(ask: Ask) -> Prediction:
    """What software gets of a link: from the least share that the catalogue has measured on any to all of it."""
    shares = [float(entry["efficiency"]) for entry in ask.facts.networks.values() if entry.get("efficiency")]
    rates = [float(ask.facts.networks[name]["bandwidth_bytes_per_s"]) * directions(ask) for name in links(ask)]
    ask.note(f"large messages get {short(100 * min(shares))} % of the line rate or more")
    options = tuple(Interval(rate * min(shares), rate) for rate in rates)
    return Prediction(options, ("line rate times what is measured",), Bound(max(rates), "ceiling", "the line rate"))


def host_bandwidth(ask: Ask) -> Prediction:
    """A device's share of the network times the devices of a host."""
    count = directions(ask)
    if any(part.networks for part in ask.claim.subject.hardware):
        ports = ask.devices() or Interval.point(8.0)
        rates = [ports * float(ask.facts.networks[name]["bandwidth_bytes_per_s"]) for name in links(ask)]
        return Prediction(tuple(rate * count for rate in rates), ("ports · line rate",))
    chosen = [ask.facts.accelerators[chip] for chip in ask.chips()]
    given = ask.devices()
    rates = [
        (given or Interval.point(float(entry["host_devices"]))) * float(entry["nic_bandwidth_bytes_per_s"])
        for entry in chosen
        if entry.get("nic_bandwidth_bytes_per_s")
    ]
    if not rates:
        raise Unverifiable("the catalogue has no network of it")
    return Prediction(tuple(rate * count for rate in rates), ("accelerators of the host · network share",))


def domain(ask: Ask) -> Prediction:
    """Devices of a scale-up domain."""
    return Prediction(per_chip(ask, "scale_up_devices"), ("devices of the scale-up domain",))


def power(ask: Ask) -> Prediction:
    """Board power."""
    return Prediction(or_all(ask, per_chip(ask, "board_power_w")), ("board power",))


def rental(ask: Ask) -> Prediction:
    """Lowest to highest offer."""
    prices = [ask.facts.accelerators[chip].get("price") for chip in ask.chips()]
    found = [
        Interval(float(price["rental_low_usd_per_hour"]), float(price["rental_high_usd_per_hour"])) / HOUR_S
        for price in prices
        if price and price.get("rental_low_usd_per_hour")
    ]
    if not found:
        raise Unverifiable("the catalogue has no price of it")
    return Prediction(tuple(found), ("offers in the catalogue",), kind="predicted")


OUTSIDE = re.compile(r"\b(cluster|clusters|network|infiniband|scale-out|nodes|inter-node|ethernet)\b", re.IGNORECASE)
INSIDE = re.compile(r"\b(server|nvlink|scale-up|intra-node|in-node|inside)\b", re.IGNORECASE)


def bandwidth_ratio(ask: Ask) -> Prediction:
    """A device's share of the network over its scale-up links, or the other way round, as the words stand."""
    chosen = [ask.facts.accelerators[chip] for chip in ask.chips()]
    ratios = [
        float(entry["nic_bandwidth_bytes_per_s"]) / float(entry["fabric"][0]["bandwidth_bytes_per_s"])
        for entry in chosen
        if entry.get("nic_bandwidth_bytes_per_s") and entry["scale_up_devices"] > 1
    ]
    if not ratios:
        raise Unverifiable("the catalogue has no network or no scale-up link of it")
    outside, inside = OUTSIDE.search(ask.claim.says), INSIDE.search(ask.claim.says)
    first_inside = inside is not None and (outside is None or inside.start() < outside.start())
    whole = Interval.hull(ratios)
    faster = whole.under(1.0)
    ask.note(f"links inside a server are {short(faster.low)} to {short(faster.high)} times as fast as the network")
    return Prediction(((faster if first_inside else whole),), ("per device, one direction",))


HARDWARE: Computations = {
    "memory_capacity": capacity,
    "memory_bandwidth": bandwidth,
    "peak_flops": peak,
    "link_bandwidth": link_bandwidth,
    "port_bandwidth": port_bandwidth,
    "host_bandwidth": host_bandwidth,
    "scale_up_devices": domain,
    "board_power": power,
    "rental_price": rental,
    "bandwidth_ratio": bandwidth_ratio,
}
