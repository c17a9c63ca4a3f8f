"""Training beside inference for one model: compute, memory, communication, time, utilisation, devices and money."""

from llmsweep.compare.run import compare
from llmsweep.compare.table import frame

__all__ = ["compare", "frame"]
