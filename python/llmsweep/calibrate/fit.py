"""The fit: residuals of logarithms, soft-L1, bounds, and a prior at each coefficient's start.

Each coefficient is fitted on a scale on which it is unbounded and near 1: its logarithm, or where it may be 0 the area
hyperbolic sine of its ratio to the start, which is linear near 0 and logarithmic far from it. The prior is a normal
distribution on that scale; rows have the width at which soft-L1 turns from squares to absolute values, so that forty
timings outweigh the prior where they say something and keep to it where they don't.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from llmsweep.calibrate.families import Coefficient

Array = NDArray[np.float64]
Times = Callable[[Sequence[float]], Array]

# Where squares turn into absolute values: a tenth off is noise of a kernel, more is something that the law lacks.
WIDTH = 0.1
# A prior at a law's physical default says little, one at a relative's fitted law much.
WEAK, STRONG = 1.0, 0.25
# A row is an outlier where it is further off than a factor of e and than this many times the median residual.
FURTHEST, TIMES_MEDIAN = 1.0, 10.0
TOO_FAR = 0.2
MOST_EVALUATIONS = 60
# Of other starts so many are tried, those that are nearest to the timings.
MOST_OTHERS = 3
# Of a difference quotient, on a scale where everything is near 1.
STEP = 1e-5
INSIDE = 0.1


@dataclass(frozen=True)
class Fitted:
    """Coefficients, and which rows counted."""

    coefficients: tuple[float, ...]
    kept: NDArray[np.bool_]

    @property
    def outliers(self) -> int:
        """Rows that were dropped."""
        return int((~self.kept).sum())


@dataclass(frozen=True)
class Scale:
    """The scale on which one coefficient is fitted."""

    coefficient: Coefficient
    unit: float

    @classmethod
    def of(cls, coefficient: Coefficient, start: float) -> "Scale":
        """The scale around a start."""
        return cls(coefficient, start or coefficient.start or 1e-3 * coefficient.high)

    def value(self, x: float) -> float:
        """The coefficient, within its bounds."""
        value = self.unit * float(np.exp(x) if self.coefficient.low > 0 else np.sinh(x))
        return min(max(value, self.coefficient.low), self.coefficient.high)

    def position(self, value: float) -> float:
        """Where a coefficient is on the scale."""
        return float(np.log(value / self.unit) if self.coefficient.low > 0 else np.arcsinh(value / self.unit))


@dataclass(frozen=True)
class Problem:
    """Everything that stays the same while coefficients are searched for."""

    times: Times
    logs: Array
    scales: Sequence[Scale]
    centre: Array
    prior: float

    def values(self, x: Sequence[float]) -> tuple[float, ...]:
        """Coefficients at a position."""
        return tuple(scale.value(float(position)) for scale, position in zip(self.scales, x, strict=True))

    def positions(self, values: Sequence[float]) -> list[float]:
        """Where coefficients are, moved within their bounds."""
        pairs = zip(self.scales, values, strict=True)
        return [
            scale.position(min(max(value, scale.coefficient.low), scale.coefficient.high)) for scale, value in pairs
        ]

    def residuals(self, x: Sequence[float]) -> Array:
        """Logarithm of predicted over measured."""
        return np.asarray(np.log(self.times(self.values(x))) - self.logs, np.float64)

    def middle(self, x: Sequence[float]) -> float:
        """Median size of the residuals."""
        return float(np.median(np.abs(self.residuals(x))))

    def cost(self, x: Sequence[float]) -> float:
        """What the search makes small, in units of squares."""
        off = self.residuals(x) / WIDTH
        away = (np.array(x) - self.centre) / self.prior
        return float((2.0 * (np.sqrt(1.0 + off**2) - 1.0)).sum() + (away**2).sum())

    def descend(self, first: Sequence[float], kept: NDArray[np.bool_]) -> list[float]:
        """The nearest minimum over the kept rows."""
        low = np.array([scale.position(scale.coefficient.low) for scale in self.scales])
        high = np.array([scale.position(scale.coefficient.high) for scale in self.scales])
        free = high > low
        if not free.any():
            return list(first)
        rows = int(kept.sum())
        # From a bound, the search would not move: it shortens steps by the room that is left.
        inside = np.minimum(INSIDE, 0.25 * (high - low))

        def whole(part: Array) -> Array:
            x = np.array(first, np.float64)
            x[free] = part
            return x

        def residuals(part: Array) -> Array:
            x = whole(part)
            return np.concatenate([self.residuals(list(x))[kept], WIDTH / self.prior * (x - self.centre)])

        def slopes(part: Array) -> Array:
            here = residuals(part)
            columns = []
            for index, room in enumerate(high[free] - part):
                step = STEP if room > STEP else -STEP
                there = part.copy()
                there[index] += step
                columns.append((residuals(there) - here) / step)
            return np.stack(columns, axis=1)

        found = least_squares(
            residuals,
            np.clip(np.array(first), low + inside, high - inside)[free],
            jac=slopes,
            bounds=(low[free], high[free]),
            loss=lambda squares: soft(squares, rows),
            f_scale=WIDTH,
            ftol=1e-7,
            xtol=1e-7,
            gtol=1e-9,
            max_nfev=MOST_EVALUATIONS,
        )
        return [float(value) for value in whole(found.x)]


def soft(squares: Array, rows: int) -> Array:
    """Soft-L1 of the first rows, squares of the rest, the prior; value and two derivatives, as SciPy asks for."""
    ahead = 1.0 + squares[:rows]
    rest = np.ones(len(squares) - rows)
    return np.array(
        [
            np.concatenate([2.0 * (np.sqrt(ahead) - 1.0), squares[rows:]]),
            np.concatenate([ahead**-0.5, rest]),
            np.concatenate([-0.5 * ahead**-1.5, 0.0 * rest]),
        ]
    )


def fit(
    times: Times,
    measured: Array,
    coefficients: Sequence[Coefficient],
    start: Sequence[float],
    prior: float = WEAK,
    *,
    others: Sequence[Sequence[float]] = (),
) -> Fitted:
    """Finds the coefficients with which a law's times are nearest to those measured.

    Args:
        times: The law's times of all rows for given coefficients, in seconds.
        measured: The measured times, in seconds.
        coefficients: Their bounds.
        start: Where to start, and where the prior is.
        prior: Width of the prior on the logarithm of a coefficient.
        others: Further places to start from: the nearest few to the timings are tried.
    """
    begin = [min(max(value, entry.low), entry.high) for entry, value in zip(coefficients, start, strict=True)]
    scales = [Scale.of(entry, value) for entry, value in zip(coefficients, begin, strict=True)]
    first = [scale.position(value) for scale, value in zip(scales, begin, strict=True)]
    problem = Problem(times, np.log(measured), scales, np.array(first), prior)
    kept = np.ones(len(measured), np.bool_)
    found = problem.descend(first, kept)
    if problem.middle(found) > TOO_FAR:
        # A start that is far off may lead to a valley that is not the deepest.
        for sign in (-1.0, 1.0):
            spread = [x + sign * (0.7 if index % 2 else -0.7) for index, x in enumerate(first)]
            found = min(found, problem.descend(spread, kept), key=problem.cost)
    places = [problem.positions(other) for other in others]
    for place in sorted(places, key=problem.cost)[:MOST_OTHERS]:
        found = min(found, problem.descend(place, kept), key=problem.cost)
    distance = np.abs(problem.residuals(found))
    kept = distance <= max(FURTHEST, TIMES_MEDIAN * float(np.median(distance)))
    if not kept.all():
        found = problem.descend(found, kept)
    return Fitted(problem.values(found), kept)


def errors(times: Times, coefficients: Sequence[float], measured: Array) -> Array:
    """|predicted / measured − 1| of every row."""
    return np.asarray(np.abs(times(coefficients) / measured - 1.0), np.float64)
