"""How aiconfigurator spreads tokens over experts: what the name of a distribution means for the busiest rank."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

DRAWS = 8
# Rows of an expert lie between these where rows outnumber experts, ...
_FEWEST, _MOST_OF_TOKENS = 1.0, 0.8
# ... and between these otherwise, before they are scaled to the rows there are.
_SPARSE = (0.01, 2.0)


@cache
def power_law(tokens: int, experts: int, top_k: int, ranks: int, exponent: float) -> tuple[float, float]:
    """Rows of the busiest rank over the mean, and its experts with rows: means of some draws.

    Each expert's share is drawn from x^-exponent; rounding leaves most experts without rows where tokens are few.

    Example:
        >>> power_law(4096, 128, 8, 1, 1.2)[0]
        1.0
    """
    random = np.random.default_rng((tokens, experts, top_k, ranks))
    rows = tokens * top_k
    low, high = (_FEWEST, tokens * _MOST_OF_TOKENS) if rows > experts else _SPARSE
    power = 1.0 - exponent
    drawn = ((high**power - low**power) * random.random((DRAWS, experts)) + low**power) ** (1.0 / power)
    counts = np.rint(drawn / drawn.sum(axis=1, keepdims=True) * rows)
    for row in counts:
        _settle(row, rows)
    by_rank = counts.reshape(DRAWS, ranks, experts // ranks)
    load = by_rank.sum(axis=2)
    busiest = by_rank[np.arange(DRAWS), load.argmax(axis=1)]
    return float(load.max(axis=1).mean() / (rows / ranks)), float((busiest > 0).sum(axis=1).mean())


def _settle(counts: NDArray[np.float64], rows: int) -> None:
    """Makes counts add up to `rows`.

    Missing rows go to the fullest experts, surplus ones leave the emptiest that have some.
    """
    order = np.argsort(-counts)
    missing = int(rows - counts.sum())
    if missing > 0:
        each, more = divmod(missing, len(counts))
        counts += each
        counts[order[:more]] += 1
    for expert in order[::-1]:
        if missing >= 0:
            break
        if counts[expert] > 0:
            counts[expert] -= 1
            missing += 1
