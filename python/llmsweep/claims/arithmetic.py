"""Closed forms: what follows from shape, tokens and peaks alone.

Their constants stand in the catalogue, `claims/rules.toml`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmsweep.claims.interval import Interval


def training_flop(active: Interval, tokens: Interval, per_parameter: float = 6.0) -> Interval:
    """FLOPs of a training run: 6 N D (Kaplan et al. 2020, arXiv:2001.08361, section 2.1), N the active parameters.

    GPT-4 as leaked, 277 B active parameters and 13 T tokens:

    >>> from llmsweep.claims.interval import Interval
    >>> f"{training_flop(Interval.point(277e9), Interval.point(13e12)).low:.3g}"
    '2.16e+25'
    """
    return active * tokens * per_parameter


def request_flop(active: Interval, tokens: Interval, per_parameter: float = 2.0) -> Interval:
    """FLOPs of a request: 2 N T, T its tokens, prompt and answer alike (Kaplan et al. 2020, table 1).

    >>> from llmsweep.claims.interval import Interval
    >>> request_flop(Interval.point(7e9), Interval.point(100)).low
    1400000000000.0
    """
    return active * tokens * per_parameter


def train_to_request_ratio(training_tokens: Interval, request_tokens: Interval) -> Interval:
    """FLOPs of a run over those of a request: 6 N D / 2 N T = 3 D / T. N cancels.

    >>> from llmsweep.claims.interval import Interval
    >>> train_to_request_ratio(Interval.point(2e12), Interval.point(1000)).low
    6000000000.0
    """
    return training_tokens / request_tokens * 3.0


def training_time_s(flop: Interval, devices: Interval, peak: Interval, utilisation: Interval) -> Interval:
    """Wall time of a run: C / (n P u), u the MFU (Chowdhery et al. 2022, arXiv:2204.02311, appendix B).

    GPT-4 as leaked, on 25,000 A100:

    >>> from llmsweep.claims.interval import Interval
    >>> time = training_time_s(
    ...     Interval.point(2.16e25), Interval.point(25000), Interval.point(312e12), Interval(0.32, 0.36)
    ... )
    >>> round(time.low / 86400), round(time.high / 86400)
    (89, 100)
    """
    return flop / devices / peak / utilisation


def attention_flop_per_token(shape: dict[str, Any], sequence: float) -> float:
    """FLOPs per trained token of attention over the full square: 12 L h s (Chowdhery et al. 2022, appendix B).

    Llama 2 70B at 4,096 tokens:

    >>> shape = {"layers": 80, "attention": {"kind": "softmax", "heads": 64, "head_dim": 128}}
    >>> round(attention_flop_per_token(shape, 4096) / (6 * 69e9), 3)
    0.078
    """
    attention = shape["attention"]
    if not attention or attention["kind"] != "softmax":
        return 0.0
    return 12.0 * float(shape["layers"]) * float(attention["heads"]) * float(attention["head_dim"]) * sequence


def least_time_per_token_s(read_parameters: float, bits: float, bandwidth: float, devices: float) -> float:
    """Time below which a decode step at batch 1 can't read its weights: b N / (8 n BW).

    Williams et al. 2009 (the roofline), one pass over the weights per token. 70 B parameters of 4 bits on one
    accelerator of 8 TB/s:

    >>> least_time_per_token_s(70e9, 4, 8e12, 1)
    0.004375
    """
    return read_parameters * bits / 8.0 / (devices * bandwidth)
