"""`llmsweep calibrate measure`: times kernels on the GPU in front of it.

Everything but the kernels themselves is here and runs without a GPU: what to time (`grid`), how often and what counts
(`take`), which accelerator it is (`device`). `cuda` has the kernels, in PyTorch; `ranks` the collectives.
"""
