"""The border between Python and Rust: interruption, forks, threads, exceptions."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from llmsweep import _core
from llmsweep.pareto import pareto

QUICK = pl.DataFrame({"x": [2.0, 1.0, 3.0]})


@pytest.fixture(scope="module")
def slow() -> pl.DataFrame:
    """Points in eight dimensions none of which dominates another: a front that takes many seconds."""
    rows = pl.int_range(400_000, eager=True)
    raw = pl.DataFrame({f"c{index}": rows.hash(seed=index) % 2**30 + 1 for index in range(8)})
    return raw.select(pl.all() / pl.sum_horizontal(pl.all()))


def test_ctrl_c_stops_a_long_front_at_once(slow: pl.DataFrame) -> None:
    raised_at: list[float] = []

    def press() -> None:
        raised_at.append(time.perf_counter())
        _thread.interrupt_main()

    timer = threading.Timer(0.5, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        _core.pareto(slow, slow.columns, [])
    # 0.2 s is the promise; a loaded machine gets a little more.
    assert time.perf_counter() - raised_at[0] < 0.5
    # The doorway is open again at once.
    assert _core.pareto(QUICK, ["x"], []) == [1]


def test_other_threads_run_meanwhile(slow: pl.DataFrame) -> None:
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.01):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    threading.Timer(0.5, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        _core.pareto(slow, slow.columns, [])
    stop.set()
    ticker.join()
    assert ticks > 5


def front(frame: pl.DataFrame) -> list[int]:
    return _core.pareto(frame, ["x"], [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    assert front(QUICK) == [1]
    child = os.fork()
    if child == 0:
        os._exit(0 if front(QUICK) == [1] else 1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the forked child hangs")


def test_spawned_processes_work() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        assert workers.apply_async(pareto, (QUICK, "x")).get(timeout=60).rows() == [(1.0,)]


@pytest.mark.parametrize(("threads", "is_good"), [("1", True), ("3", True), ("", True), ("0", False), ("many", False)])
def test_the_environment_sets_the_number_of_threads(threads: str, is_good: bool) -> None:
    code = "import polars as pl; from llmsweep import _core; _core.pareto(pl.DataFrame({'x': [1.0]}), ['x'], [])"
    environment = os.environ | {"LLMSWEEP_THREADS": threads}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_good, done.stderr
    if not is_good:
        assert f'LLMSWEEP_THREADS: "{threads}" is not a number of threads' in done.stderr


def test_exceptions_are_value_errors_that_travel() -> None:
    for kind in (_core.SpecError, _core.CatalogError, _core.DataError):
        assert issubclass(kind, _core.LlmsweepError)
        assert issubclass(kind, ValueError)
        error = pickle.loads(pickle.dumps(kind("why")))
        assert type(error) is kind
        assert str(error) == "why"
        assert kind.__doc__
    assert not issubclass(_core.LlmsweepError, ValueError)


def test_the_module_says_what_it_is() -> None:
    assert _core.VERSION.count(".") == 2
    assert isinstance(_core.DEBUG_BUILD, bool)
