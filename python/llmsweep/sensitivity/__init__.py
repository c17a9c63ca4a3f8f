"""Which numbers of the hardware results answer to, and how much."""

from llmsweep.sensitivity.elasticity import sensitivity
from llmsweep.sensitivity.factors import what_if
from llmsweep.sensitivity.rental import break_even

__all__ = ["break_even", "sensitivity", "what_if"]
