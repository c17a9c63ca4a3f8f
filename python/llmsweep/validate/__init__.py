"""Predicted against published or own measurements: the compass of the model."""

from llmsweep.validate.run import validate

__all__ = ["validate"]
