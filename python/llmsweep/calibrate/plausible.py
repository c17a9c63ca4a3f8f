"""Whether times can be seconds: against what a law gives for the datasheet."""

import numpy as np
import polars as pl

from llmsweep import _core
from llmsweep.calibrate.families import families
from llmsweep.errors import LlmsweepError

# A kernel that beats its law twentyfold beats physics; one that takes a hundred times as long was timed in other units.
FASTEST, SLOWEST = 1 / 20, 100.0
# What a wrong unit multiplies by, and how it comes about.
UNITS = ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds"))


def suspicion(catalog: _core.Catalog, frame: pl.DataFrame, family: str, accelerator: str, precision: str) -> str | None:
    """What is odd about the times of one family on one accelerator in one precision, or nothing.

    Example:
        >>> from llmsweep.api import open_catalog
        >>> table = pl.DataFrame({"bytes": [1e9], "latency_s": [0.4]})
        >>> suspicion(open_catalog(), table, "elementwise", "h100-sxm-80", "bf16")
        'the median latency_s of elementwise on h100-sxm-80 in bf16 is 0.4, 1,065 times what the datasheet \
lets expect: were milliseconds written as seconds?'
    """
    try:
        law = _core.LawFit(catalog, family, accelerator, precision, frame)
    except LlmsweepError as error:
        return str(error)
    expected = np.frombuffer(law.times(families()[family].starts), np.float64)
    measured = frame["latency_s"].to_numpy()
    ratio = float(np.median(measured / expected))
    if FASTEST <= ratio <= SLOWEST:
        return None
    said = f"the median latency_s of {family} on {accelerator} in {precision} is {float(np.median(measured)):.3g}"
    if ratio > 1:
        unit = min(UNITS, key=lambda pair: abs(np.log(ratio / pair[0])))[1]
        return f"{said}, {ratio:,.0f} times what the datasheet lets expect: were {unit} written as seconds?"
    return f"{said}, {1 / ratio:,.0f} times faster than the datasheet lets expect: is it in seconds?"
