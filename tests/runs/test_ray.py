"""A run on a Ray cluster of several nodes, some of which die, gives what one without a cluster gives."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from support import ROOT, large_sweep, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters of several nodes need POSIX")

ROWS = 12_000_000
FRONT = ["--no-prune", "-q"]
ALL = ["--all", "-q", "--columns", "row_id,accelerator,ttft_s"]
# A cluster may need 40 seconds to turn a client away, which then asks again.
PATIENCE_S = 240


class Cluster:
    """A head and two workers, as processes of a process of their own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.client = f"ray://127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, str(ROOT / "tests" / "ray_cluster.py"), self.client.rpartition(":")[2]]
        env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env
        )
        self.address = self.answer("address ")

    def answer(self, start: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                return str(line).removeprefix(start).strip()
        raise AssertionError("the cluster ended")

    def order(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()

    def kill(self, order: str = "kill") -> None:
        self.order(order)
        self.answer("killed")

    def end(self) -> None:
        try:
            self.process.communicate("end\n", timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.end()


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command, in an empty folder."""
    started = []

    def start(*args: str | Path, program: tuple[str | Path, ...] = ("-m", "llmsweep"), **env: str) -> object:
        process = subprocess.Popen(
            [sys.executable, *program, "run", *args],
            cwd=tmp_path,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        started.append(process)
        return process

    yield start  # type: ignore[misc]
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def workers() -> list[int]:
    """Processes of Ray that answer a part just now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().startswith(b"ray::answer"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def kill_a_worker(run: subprocess.Popen[str], folder: Path) -> None:
    """Once a part is finished and another is under way."""
    wait_for(lambda: parts(folder) >= 1 or run.poll() is not None, PATIENCE_S)

    def killed() -> bool:
        # Between two parts a worker is idle.
        for victim in workers():
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
                return True
        return run.poll() is not None

    wait_for(killed)
    assert run.poll() is None, ("it ended before a worker could die", *run.communicate())


def parts(folder: Path) -> int:
    return len(list(folder.glob("ray.parquet.parts/part-*.parquet")))


def same(folder: Path) -> bool:
    return pl.read_parquet(folder / "ray.parquet").equals(pl.read_parquet(folder / "here.parquet"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds workers in /proc")
def test_a_worker_process_and_a_node_die_under_a_front(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, ROWS)
    code, shown_here, err = ended(start(sweep, *FRONT, "-o", "here.parquet"))
    assert code == 0, err
    run = start(sweep, *FRONT, "-o", "ray.parquet", "--on", "ray", RAY_ADDRESS=cluster.address)
    kill_a_worker(run, tmp_path)
    wait_for(lambda: parts(tmp_path) >= 3 or run.poll() is not None)
    assert run.poll() is None, "it ended before a node could die"
    cluster.kill()
    assert parts(tmp_path) < 12
    code, shown, err = ended(run)
    assert code == 0, err
    assert same(tmp_path)
    assert shown == shown_here


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds workers in /proc")
def test_a_worker_process_dies_under_all_rows(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    sweep = large_sweep(tmp_path, ROWS // 2)
    code, shown_here, err = ended(start(sweep, *ALL, "-o", "here.parquet"))
    assert code == 0, err
    run = start(sweep, *ALL, "-o", "ray.parquet", "--on", cluster.client)
    kill_a_worker(run, tmp_path)
    code, shown, err = ended(run)
    assert code == 0, err
    assert same(tmp_path)
    assert shown == shown_here


# Ray's clients look for a lost head for half a minute, and llmsweep for a silent one after 20 seconds.
IMPATIENT = """
import sys
from llmsweep.cli import main
from llmsweep.parts import on_ray
on_ray.SILENCE = 2
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("by", ["client", "address"])
def test_the_cluster_dies(start: Start, tmp_path: Path, by: str) -> None:
    cluster = Cluster()
    try:
        sweep = large_sweep(tmp_path, 5 * ROWS)
        command = [sweep, *FRONT, "-o", "ray.parquet"]
        env = {"RAY_ADDRESS": cluster.address, "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "2"}
        on = cluster.client if by == "client" else "ray"
        run = start(*command, "--on", on, program=("-c", IMPATIENT), **env)
        wait_for(lambda: parts(tmp_path) >= 1 or run.poll() is not None, PATIENCE_S)
        cluster.kill("raze")
        code, out, err = ended(run)
    finally:
        cluster.end()
    assert (code, out) == (5, "")
    kept = f'{parts(tmp_path)} of 16 parts are kept in "ray.parquet.parts"; --resume goes on with them\n'
    gone = {
        "client": f'Error: the Ray cluster at "{cluster.client}" is gone\n',
        "address": f'Error: no Ray cluster answers at "{cluster.address}": Connection refused\n',
    }
    assert err.endswith(kept + gone[by]), err
    assert ended(start(*command, "--resume"))[0] == 0
    assert ended(start(sweep, *FRONT, "-o", "here.parquet"))[0] == 0
    assert same(tmp_path)


def test_ctrl_c_cancels_the_parts(cluster: Cluster, start: Start, tmp_path: Path) -> None:
    run = start(
        large_sweep(tmp_path, 5 * ROWS), *FRONT, "-o", "ray.parquet", "--on", "ray", RAY_ADDRESS=cluster.address
    )
    wait_for(lambda: parts(tmp_path) >= 1 or run.poll() is not None)
    run.send_signal(signal.SIGINT)
    stopped = time.monotonic()
    code, out, err = ended(run)
    assert time.monotonic() - stopped < 10
    assert (code, out) == (130, "")
    # Ray counts the cores of a dead node for a while yet, and may have its own say on stderr.
    kept = rf'^{parts(tmp_path)} of (8|16) parts are kept in "ray.parquet.parts"; --resume goes on with them$'
    assert re.search(kept, err, re.MULTILINE), err
    assert err.endswith("\nError: interrupted\n")
    wait_for(lambda: not workers(), 10)


# A worker with another catalogue finds another plan than the one that it is sent.
OTHER_PLAN = """
import sys
from dataclasses import replace
from llmsweep.cli import main
from llmsweep.parts.parcel import Parcel
pack = Parcel.pack
Parcel.pack = lambda *args: replace(pack(*args), fingerprint="another")
sys.exit(main(sys.argv[1:]))
"""


def test_a_worker_with_another_catalogue(cluster: Cluster, start: Start, serve: Path) -> None:
    code, out, err = ended(start(serve, "--on", "ray", program=("-c", OTHER_PLAN), RAY_ADDRESS=cluster.address))
    assert (code, out) == (4, "")
    assert err.startswith("Error: a worker has another llmsweep or another catalogue: ")
    assert err.count("\n") == 1


# As a cluster whose proxy lost the server that it forked for a client.
TURNED_AWAY = """
import sys
import ray
from llmsweep.cli import main
times, connect = TIMES, ray.init
def init(*args, **options):
    global times
    times -= 1
    if times >= 0:
        lines = ["Traceback (most recent call last):", "  ...", "RuntimeError: Starting Ray client server failed."]
        raise ConnectionAbortedError("\\n".join(["Initialization failure from server:", *lines, ""]))
    return connect(*args, **options)
ray.init = init
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("times", [1, 9])
def test_a_cluster_turns_clients_away(cluster: Cluster, start: Start, serve: Path, times: int) -> None:
    program = ("-c", TURNED_AWAY.replace("TIMES", str(times)))
    code, out, err = ended(start(serve, "--on", cluster.client, "-q", program=program))
    if times == 1:
        assert code == 0, err
        assert out == ended(start(serve, "-q"))[1]
    else:
        assert (code, out) == (5, "")
        reason = "RuntimeError: Starting Ray client server failed"
        assert err == f'Error: no Ray cluster answers at "{cluster.client}": {reason}\n'


@pytest.mark.parametrize("by", ["client", "address"])
def test_nobody_at_the_address(start: Start, serve: Path, by: str) -> None:
    with socket.socket() as taken:
        # Bound, but it does not listen.
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        begun = time.monotonic()
        if by == "client":
            address = f"ray://{address}"
            code, out, err = ended(start(serve, "--on", address))
        else:
            code, out, err = ended(start(serve, "--on", "ray", RAY_ADDRESS=address))
    assert time.monotonic() - begun < 15
    assert (code, out) == (5, "")
    assert err == f'Error: no Ray cluster answers at "{address}": Connection refused\n'


def test_ray_is_not_installed(start: Start, serve: Path) -> None:
    without = "import sys; sys.modules['ray'] = None; from llmsweep.cli import main; sys.exit(main(sys.argv[1:]))"
    code, out, err = ended(start(serve, "--on", "ray", program=("-c", without)))
    assert (code, out) == (5, "")
    assert err == "Error: --on ray needs Ray: pip install 'llmsweep[ray]'\n"
