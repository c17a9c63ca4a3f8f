"""Elasticities of results to numbers of the hardware, by evaluating every setup again."""

import math
import os
from collections.abc import Iterable, Sequence

import polars as pl

from llmsweep.api import Spec
from llmsweep.errors import DataError
from llmsweep.registries import Phase, units
from llmsweep.sensitivity.binding import what_binds
from llmsweep.sensitivity.numbers import DEFAULT_RESULTS, MAIN_TIME, NUMBERS, SPEEDS, hardware_numbers
from llmsweep.sensitivity.setups import Setups, result_names

#: How an elasticity was taken.
DIFFERENCES = ("central", "above", "below", "finite")
#: Elasticities above and below a setup that differ by more have a kink or a step between them.
UNEVEN = 0.05
#: Counts whole requests: a result that follows it moves in steps.
WHOLE_REQUESTS = "max_concurrency"


def sensitivity(
    frame: pl.DataFrame,
    *,
    phase: Phase,
    of: Sequence[str] | str | None = None,
    to: Sequence[str] | str | None = None,
    step: float = 0.01,
    catalog: Iterable[str | os.PathLike[str]] = (),
    within: Spec | None = None,
) -> pl.DataFrame:
    """How much each result answers to each number of the hardware.

    An elasticity is d ln result / d ln number: what 1 % more of the number changes, in per cent. It is taken between
    two evaluations of the whole model, one with the number a ``step`` higher and one with it as much lower.

    Args:
        frame: Setups, one per row: axes, and results of a sweep if there are any. An axis that is missing takes its
            default.
        phase: ``"training"`` or ``"inference"``.
        of: Numeric results; by default times, throughput, cost and energy.
        to: Of `NUMBERS` those that count: ``peak_flops``, ``hbm_bandwidth``, ``memory``, ``scale_up_bandwidth``,
            ``network_bandwidth``, ``price``, ``power``; by default all.
        step: Share by which a number is raised and lowered, above 0 and at most 0.5.
        catalog: Further catalogue folders.
        within: A specification whose prices, operations, search and own entries hold, as for rows of its sweep.

    Returns:
        The frame, in its order, with these columns behind its own:

        - ``elasticity_<result>_to_<number>``, null where the result does not exist or is not above zero, or the setup
          can't run.
        - ``elasticity_<result>_to_rest`` of results in seconds: −1 less the elasticities to the four speeds. It is the
          share (negative) of a time that no number of the hardware moves: launches, latencies, the host. Times that
          queue or keep a schedule are no sums of work, and their rest can have either sign.
        - ``difference_<number>``: ``central``; ``above`` or ``below`` where the setup can run on that side only;
          ``finite`` where a kink or a step (one request more fits) lies within the step, so that the value is that
          of this step and of no smaller one.
        - ``what_binds``: what explains more than half of the main time (a step in training, a whole request in
          serving): the number to which its elasticity is below −1/2, of two such ones the lower; ``software`` where
          that is the rest; ``several`` where nothing explains half; null where the setup can't run.
        - ``reject``, why a setup can't run, if the frame has not got it already.

    Raises:
        DataError: A column, result, number or step is wrong.

    Example:
        What is rented costs in proportion to the rental, and energy rises with power; one user of a 70B model on one
        device waits for its memory:

        >>> import polars as pl, llmsweep as ls
        >>> setup = pl.DataFrame({"model": ["llama3.1-70b"], "accelerator": ["h200-sxm-141"], "precision": ["fp8"]})
        >>> found = ls.sensitivity(setup, phase="inference", of=["tpot_s", "usd_per_million_tokens"])
        >>> round(found["elasticity_usd_per_million_tokens_to_price"][0], 6), found["what_binds"][0]
        (1.0, 'hbm_bandwidth')
        >>> round(found["elasticity_tpot_s_to_hbm_bandwidth"][0], 1)
        -0.8
    """
    if not 0 < step <= 0.5:  # noqa: PLR2004 - of the docstring
        raise DataError(f'step "{step}" must be above 0 and at most 0.5')
    setups = Setups.of(frame, phase, catalog, within)
    results = result_names(DEFAULT_RESULTS[phase] if of is None else of, phase)
    wanted = [number.name for number in hardware_numbers(to)]
    taken = Elasticities(setups, dict.fromkeys([*results, MAIN_TIME[phase]]), step)
    columns = [taken.elasticity(result, number) for result in results for number in wanted]
    rests = [taken.rest(result) for result in results if units()[result] == "s"]
    differences = [taken.difference(number, results) for number in wanted]
    reason = [] if "reject" in frame.columns else [taken.rows["own"]["reject"]]
    return frame.with_columns(*columns, *rests, *differences, what_binds(taken), *reason)


class Elasticities:
    """Results of setups as they are, and with each number a step up and a step down."""

    def __init__(self, setups: Setups, results: Iterable[str], step: float) -> None:
        """Evaluates them all, in one batch."""
        self.phase, self.step = setups.phase, step
        self.results = list(results)
        self.watched = [WHOLE_REQUESTS] if setups.phase == "inference" else []
        sides = {"up": 1 + step, "down": 1 - step}
        keys = ["own", *(f"{name} {side}" for name in NUMBERS for side in sides)]
        variants = [{}, *({NUMBERS[name].axis: factor} for name in NUMBERS for factor in sides.values())]
        found = setups.evaluated([*self.results, *self.watched, "feasible", "reject"], setups.scaled(variants))
        self.rows = {key: found.gather_every(len(keys), offset) for offset, key in enumerate(keys)}

    def logarithms(self, result: str, key: str) -> pl.Series:
        """Of a result that is above zero; null of others."""
        values = self.rows[key][result].cast(pl.Float64)
        return values.set(values <= 0, None).log()

    def slopes(self, result: str, number: str) -> tuple[pl.Series, pl.Series]:
        """Elasticity towards more of a number, and towards less."""
        own = self.logarithms(result, "own")
        up, down = (self.logarithms(result, f"{number} {side}") for side in ("up", "down"))
        return (up - own) / math.log1p(self.step), (down - own) / math.log1p(-self.step)

    def elasticity(self, result: str, number: str) -> pl.Series:
        """``elasticity_<result>_to_<number>``."""
        up, down = (self.logarithms(result, f"{number} {side}") for side in ("up", "down"))
        central = (up - down) / (math.log1p(self.step) - math.log1p(-self.step))
        above, below = self.slopes(result, number)
        sides = pl.DataFrame(
            {"central": central, "above": above, "below": below, "own": self.logarithms(result, "own")}
        )
        value = pl.when(pl.col("own").is_not_null()).then(pl.coalesce("central", "above", "below"))
        return sides.select(value.alias(f"elasticity_{result}_to_{number}")).to_series()

    def rest(self, result: str) -> pl.Series:
        """``elasticity_<result>_to_rest``: what is left of a time's −1 when the speeds have had theirs."""
        of_speeds = [self.elasticity(result, number) for number in SPEEDS]
        left = pl.Series([-1.0] * of_speeds[0].len(), dtype=pl.Float64)
        for of_speed in of_speeds:
            left = left - of_speed
        return left.alias(f"elasticity_{result}_to_rest")

    def difference(self, number: str, results: Sequence[str]) -> pl.Series:
        """``difference_<number>``: how these results' elasticities were taken."""
        own, up, down = (self.rows[key]["feasible"] for key in ("own", f"{number} up", f"{number} down"))
        state = pl.DataFrame({"own": own, "up": up, "down": down, "stepped": self.stepped(number, results)})
        label = (
            pl.when(~pl.col("own"))
            .then(None)
            .when(~pl.col("down") & pl.col("up"))
            .then(pl.lit("above"))
            .when(~pl.col("up") & pl.col("down"))
            .then(pl.lit("below"))
            .when(pl.col("up") & pl.col("down"))
            .then(pl.when("stepped").then(pl.lit("finite")).otherwise(pl.lit("central")))
        )
        return state.select(label.cast(pl.Enum(DIFFERENCES)).alias(f"difference_{number}")).to_series()

    def stepped(self, number: str, results: Sequence[str]) -> pl.Series:
        """Whether some result has a kink or a step within the step."""
        counts = pl.Series([False] * self.rows["own"].height, dtype=pl.Boolean)
        for name in self.watched:
            for side in ("up", "down"):
                counts = counts | self.rows["own"][name].ne_missing(self.rows[f"{number} {side}"][name])
        stepped = pl.Series([False] * counts.len(), dtype=pl.Boolean)
        for result in results:
            above, below = self.slopes(result, number)
            uneven = ((above - below).abs() > UNEVEN).fill_null(value=False)
            moved = ((above != 0) | (below != 0)).fill_null(value=False)
            stepped = stepped | uneven | (counts & moved)
        return stepped
