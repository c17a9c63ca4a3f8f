"""How many models have requests at once, and what that asks of a pool: the formulas of docs/fleet.md.

Requests of a model arrive at random at a rate λ and stay for S. The number in flight is that of an M/G/∞ queue, Poisson
with mean λ·S whatever the distribution of S (Takács 1962), so a model is active with probability 1 − e^(−λS); the
expected number of active models is the sum of these (Xiang et al. 2025, Aegaeon, 10.1145/3731569.3764815, theorem 3.1).
"""

import math
from collections.abc import Iterable
from statistics import NormalDist


def active_share(rate_per_s: float, service_s: float) -> float:
    """Share of the time in which a model has at least one request: ``1 − e^(−λS)``.

    Args:
        rate_per_s: Requests per second, λ.
        service_s: Mean time that a request stays, S.

    Example:
        A hundred models with 0.037 requests per second each that stay 16.79 s (Aegaeon, section 3.1: 46.55 active):

        >>> round(100 * active_share(0.037, 16.79), 1)
        46.3
    """
    return -math.expm1(-rate_per_s * service_s)


def requests_in_flight(busy_share: float) -> float:
    """Mean number of requests that keeps a replica busy for so large a share of the time: ``−ln(1 − u)``.

    Example:
        >>> round(requests_in_flight(0.339), 3)
        0.414
    """
    return -math.log1p(-busy_share)


def active_quantile(groups: Iterable[tuple[float, float, float]], quantile: float) -> float:
    """What active replicas ask for in all but ``1 − quantile`` of the time.

    Replicas are active independently of each other, so means ``n·p·s`` and variances ``n·p·(1 − p)·s²`` add; the sum is
    taken as normal, and is never more than all together.

    Args:
        groups: Number of replicas n, their share of active time p and what an active one asks for, s.
        quantile: Share of the time, between 0 and 1.

    Example:
        >>> round(active_quantile([(100, 0.463, 1.0)], 0.99), 1), active_quantile([(3, 1.0, 1.0)], 0.99)
        (57.9, 3.0)
    """
    known = list(groups)
    mean = sum(n * p * s for n, p, s in known)
    variance = sum(n * p * (1 - p) * s**2 for n, p, s in known)
    most = sum(n * s for n, _, s in known)
    return min(most, mean + NormalDist().inv_cdf(quantile) * math.sqrt(variance))


def swap_s(bytes_per_device: float, link_bytes_per_s: float, hidden_share: float = 0.0) -> float:
    """Time in which a device waits for another model: what it loads over its link to the host, less what is hidden.

    Example:
        Llama-2-13B in 16 bits over PCI Express 5 at 55.4 GB/s:

        >>> round(swap_s(26e9, 55.4e9), 2)
        0.47
    """
    return bytes_per_device / link_bytes_per_s * (1 - hidden_share)


def turn_share(step_s: float, tpot_s: float, swap: float, cycle_s: float) -> float:
    """Share of a device that an active model needs under token-level switching: ``t/T + w/C``.

    Models take turns; all turns and swaps make a cycle C. In a turn of q a model makes q/t tokens, and until its next
    one C/T are read: tokens that wait in the buffer bridge the others' turns. So q ≥ C·t/T, and turns and swaps of
    all models on the device, ``Σ (C·t/T + w)``, fit into C where the shares add up to at most one.

    Args:
        step_s: Time of one token for the model's batch, t.
        tpot_s: Promised time between two tokens, T.
        swap: Time to bring the model in, w.
        cycle_s: Longest cycle, C: what the promised time to the first token leaves for waiting.

    Returns:
        The share, at most 1: then the model keeps the device to itself.

    Example:
        Steps of 10 ms where 100 ms are promised, swaps of 0.25 s, a wait of up to 10 s: eight models on a device
        (Aegaeon reports up to seven).

        >>> 1 / turn_share(0.010, 0.100, 0.25, 10)
        8.0
    """
    return min(1.0, step_s / tpot_s + swap / cycle_s) if cycle_s > 0 else 1.0
