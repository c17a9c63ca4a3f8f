"""Pareto fronts of data frames: what is asked for, the expression, and the methods of frames."""
