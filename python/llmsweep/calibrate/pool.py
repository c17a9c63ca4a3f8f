"""Runs tasks in processes; Ctrl-C ends them all."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# The matrices of a fit are small: threads of a linear algebra library would only wait for each other.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


def results(work: Callable[[T], R], tasks: Sequence[T], jobs: int) -> Iterator[R]:
    """The results in the order of the tasks, as soon as each is there."""
    if jobs <= 1 or len(tasks) <= 1:
        yield from map(work, tasks)
        return
    # Fresh interpreters: a fork would inherit locks of threads that it doesn't have.
    with _single_threaded(), multiprocessing.get_context("spawn").Pool(min(jobs, len(tasks)), _quiet) as pool:
        yield from pool.imap(work, tasks)


def _quiet() -> None:
    # The parent hears Ctrl-C and ends its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _single_threaded() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
