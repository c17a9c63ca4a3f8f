"""`llmsweep calibrate runs`: fits the few constants of software that whole runs can tell.

Kernels are not touched: what is fitted is what a host, a network and a stack add to them. Priors are tight, since a
handful of runs says little: each constant leans to its shipped value, and one that the runs don't move keeps it.
"""
