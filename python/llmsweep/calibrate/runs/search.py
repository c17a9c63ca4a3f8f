"""Gauss–Newton with priors: each step asks `validate` once per term."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Logarithms of predicted over measured of every row, at logarithms of factors on the terms.
Residuals = Callable[[Array], Array]

# Where squares of residuals turn into absolute values.
WIDTH = 0.1
# Runs of one source say together no more than so many: they share its stack and its mistakes.
ROWS_PER_SOURCE = 10
STEP = 0.1
STEPS = 5
ENOUGH = 1e-3
# A term is told by the runs where they narrow its prior to less than this.
NARROWED = 0.8


@dataclass(frozen=True)
class Found:
    """Factors (as logarithms), how far the runs narrow each prior, and the last residuals and slopes."""

    factors: Array
    narrowed: Array
    residuals: Array
    slopes: Array


@dataclass(frozen=True)
class Prior:
    """Widths of the priors, and bounds of the factors."""

    widths: Array
    low: Array
    high: Array

    @property
    def precision(self) -> Array:
        """Inverse variances on a diagonal, in units of the width of residuals."""
        return np.diag((WIDTH / self.widths) ** 2)


def weights(groups: Sequence[str]) -> Array:
    """What each row counts: a source's together no more than `ROWS_PER_SOURCE`."""
    _, index, counts = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    return np.minimum(1.0, ROWS_PER_SOURCE / counts[index])


def soft(residuals: Array, weight: Array) -> Array:
    """Weights with which squares stand for soft-L1."""
    return weight / np.sqrt(1.0 + (residuals / WIDTH) ** 2)


def cost(residuals: Array, factors: Array, weight: Array, prior: Prior) -> float:
    """What the search makes small."""
    rows = 2.0 * WIDTH**2 * (np.sqrt(1.0 + (residuals / WIDTH) ** 2) - 1.0)
    return float((weight * rows).sum() + factors @ prior.precision @ factors)


def step(residuals: Array, slopes: Array, factors: Array, weight: Array, prior: Prior) -> Array:
    """The way to the minimum of the linearised problem."""
    weighted = slopes * soft(residuals, weight)[:, None]
    matrix = weighted.T @ slopes + prior.precision
    return np.asarray(np.linalg.solve(matrix, -(weighted.T @ residuals + prior.precision @ factors)), np.float64)


def slopes_at(ask: Residuals, here: Array, factors: Array, prior: Prior) -> Array:
    """How much each term moves each row."""
    columns = []
    for index in range(len(factors)):
        size = STEP if factors[index] + STEP <= prior.high[index] else -STEP
        there = factors.copy()
        there[index] += size
        columns.append((ask(there) - here) / size)
    return np.stack(columns, axis=1)


def search(ask: Residuals, weight: Array, prior: Prior) -> Found:
    """The most probable factors."""
    factors = np.zeros(len(prior.widths))
    here = ask(factors)
    slopes = slopes_at(ask, here, factors, prior)
    for _ in range(STEPS):
        way = step(here, slopes, factors, weight, prior)
        before = cost(here, factors, weight, prior)
        for share in (1.0, 0.5, 0.25):
            there = np.clip(factors + share * way, prior.low, prior.high)
            residuals = ask(there)
            if cost(residuals, there, weight, prior) < before:
                break
        else:
            break
        moved = float(np.abs(there - factors).max())
        factors, here = there, residuals
        slopes = slopes_at(ask, here, factors, prior)
        if moved < ENOUGH:
            break
    return Found(factors, narrowed(here, slopes, weight, prior), here, slopes)


def narrowed(residuals: Array, slopes: Array, weight: Array, prior: Prior) -> Array:
    """Width of what is known after the runs, over that of the prior; 1: they say nothing."""
    weighted = slopes * soft(residuals, weight)[:, None]
    covariance = np.linalg.inv(weighted.T @ slopes + prior.precision)
    return np.asarray(np.sqrt(np.diag(covariance) * np.diag(prior.precision)), np.float64)


def without(found: Found, rows: NDArray[np.bool_], weight: Array, prior: Prior) -> Array:
    """The factors, had these rows not been there."""
    left = ~rows
    way = step(found.residuals[left], found.slopes[left], found.factors, weight[left], prior)
    return np.clip(found.factors + way, prior.low, prior.high)
