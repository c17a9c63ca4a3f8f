"""Fits the model's coefficients to timings and runs, published ones or one's own.

`ops` fits laws of kernels, `runs` the few constants of software, `measure` takes the timings. The fits need NumPy and
SciPy (the extra `calibrate`), measuring needs PyTorch (the extra `measure`); nothing else of the package does.
"""
