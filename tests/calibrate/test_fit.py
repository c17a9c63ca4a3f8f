"""The fit gives back the coefficients that timings were made with."""

from collections.abc import Sequence

import numpy as np
import pytest

from llmsweep.calibrate import fit
from llmsweep.calibrate.families import Coefficient

# t = launch + x / rate + extra · √x, x in bytes.
COEFFICIENTS = (
    Coefficient("launch_s", "", 1e-7, 2e-6, 1e-4),
    Coefficient("rate", "", 1e9, 1e12, 1e13),
    Coefficient("extra_s", "", 0.0, 1e-9, 1e-6),
)
STARTS = tuple(coefficient.start for coefficient in COEFFICIENTS)
RNG = np.random.default_rng(3)
SIZES = np.exp(RNG.uniform(np.log(1e3), np.log(1e10), 500))


def law(sizes: fit.Array) -> fit.Times:
    return lambda c: np.asarray(c[0] + sizes / c[1] + c[2] * np.sqrt(sizes), np.float64)


def fitted(
    true: Sequence[float], *, noise: float, outliers: int = 0, rows: int = 500, prior: float = fit.WEAK
) -> fit.Fitted:
    sizes = SIZES[:rows]
    measured = law(sizes)(true) * np.exp(np.random.default_rng(5).normal(0.0, noise, rows))
    measured[:outliers] *= 20.0
    return fit.fit(law(sizes), measured, COEFFICIENTS, STARTS, prior)


@pytest.mark.parametrize("true", [(5e-6, 2.5e12, 1e-8), (1e-6, 4e11, 3e-10), (3e-5, 6e12, 0.0)])
def test_coefficients_come_back_through_noise_and_outliers(true: tuple[float, ...]) -> None:
    found = fitted(true, noise=0.05, outliers=25)
    assert found.coefficients[:2] == pytest.approx(true[:2], rel=0.04)
    assert found.coefficients[2] == pytest.approx(true[2], rel=0.2, abs=2e-10)
    assert found.outliers == 25
    assert not found.kept[:25].any()


def test_without_noise_they_are_exact() -> None:
    assert fitted((5e-6, 2.5e12, 1e-8), noise=0.0).coefficients == pytest.approx((5e-6, 2.5e12, 1e-8), rel=2e-3)


def test_few_timings_move_what_they_tell_and_nothing_else() -> None:
    # Only long passes: they tell the rate, not the launch.
    sizes = np.full(6, 1e10)
    found = fit.fit(law(sizes), law(sizes)((8e-6, 3e12, 1e-9)), COEFFICIENTS, STARTS, fit.STRONG)
    assert found.coefficients[0] == pytest.approx(STARTS[0], rel=0.01)
    assert found.coefficients[1] == pytest.approx(3e12, rel=0.05)


def test_bounds_hold() -> None:
    found = fitted((5e-8, 5e13, 0.0), noise=0.0)
    for value, coefficient in zip(found.coefficients, COEFFICIENTS, strict=True):
        assert coefficient.low <= value <= coefficient.high


def test_a_fixed_coefficient_stays() -> None:
    fixed = (Coefficient("launch_s", "", 2e-6, 2e-6, 2e-6), *COEFFICIENTS[1:])
    measured = law(SIZES)((2e-6, 2e12, 0.0))
    found = fit.fit(law(SIZES), measured, fixed, STARTS)
    assert found.coefficients[0] == 2e-6
    assert found.coefficients[1] == pytest.approx(2e12, rel=0.01)
    assert fit.fit(law(SIZES), measured, fixed[:1] * 3, (2e-6,) * 3).coefficients == (2e-6,) * 3


def test_a_start_far_off_is_found_from() -> None:
    measured = law(SIZES)((4e-5, 3e9, 5e-7))
    assert fit.fit(law(SIZES), measured, COEFFICIENTS, STARTS).coefficients == pytest.approx(
        (4e-5, 3e9, 5e-7), rel=0.05
    )


def test_of_two_valleys_the_deeper_is_found_from_another_start() -> None:
    one = (Coefficient("c", "", 1e-3, 0.14, 1e3),)

    def times(c: Sequence[float]) -> fit.Array:
        position = np.log(c[0])
        return np.full(50, 1.0 + (position**2 - 4.0) ** 2 / 4.0 + (2.0 - position) / 2.0)

    alone = fit.fit(times, np.ones(50), one, (0.14,))
    assert np.log(alone.coefficients[0]) == pytest.approx(-1.9, abs=0.2)
    other = fit.fit(times, np.ones(50), one, (0.14,), others=[(900.0,), (3.0,), (1e9,)])
    assert np.log(other.coefficients[0]) == pytest.approx(2.1, abs=0.1)


def test_the_same_timings_give_the_same_law() -> None:
    assert fitted((5e-6, 2.5e12, 1e-8), noise=0.1).coefficients == fitted((5e-6, 2.5e12, 1e-8), noise=0.1).coefficients
