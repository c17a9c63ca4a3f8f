"""Parts answered by the workers of a Ray cluster."""

import contextlib
import io
import logging
import os
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmsweep.errors import DataError, LlmsweepError, UnavailableError
from llmsweep.parts.asked import Answer, Asked, Watch
from llmsweep.parts.parcel import Parcel, answer
from llmsweep.parts.run import Tally
from llmsweep.parts.spans import Span

if TYPE_CHECKING:
    from types import ModuleType

#: Times that a part is begun anew where its worker dies.
RETRIES = 16
#: Parts per core of the cluster: few enough that each is worth a message, enough that all end together.
PARTS_PER_CORE = 8
#: Rows that are worth a message.
LEAST_ROWS = 65_536
#: Parts per core that are handed out ahead.
AHEAD = 2
#: Rows of the front so far that a part gets to know.
MOST_AGAINST = 4096
#: Seconds between two looks at the keyboard.
TICK = 0.2
#: Seconds within which a cluster must answer at all.
PATIENCE = 5.0
#: Seconds without a finished part, after which a cluster is asked whether it is still there: without its head, Ray
#: would end the process after 60.
SILENCE = 20.0
#: Times that a cluster is asked to let somebody in. Its proxy forks a server for each client out of a process with
#: threads, and once in some dozens the child dies before it starts: the proxy notices after half a minute.
ATTEMPTS = 4


class OnRay:
    """A Ray cluster: ``ray`` for the one that runs, or else one on this machine; ``ray://host:port`` for another."""

    def __init__(self, address: str, parcel: Parcel) -> None:
        # Ray prints what became of workers on stdout, which is for rows alone.
        self.silence = contextlib.redirect_stdout(io.StringIO())
        self.ray = connected(address)
        self.silence.__enter__()
        self.head = address if address.startswith("ray://") else str(self.ray.get_runtime_context().gcs_address)
        self.parcel = parcel
        self.cores = max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    def answers(self, asked: Asked, spans: Sequence[Span], tally: Tally, watch: Watch) -> Iterator[tuple[Span, Answer]]:
        """Parts as workers finish them; one whose worker died is begun anew by another.

        Raises:
            UnavailableError: The cluster is there no more.
        """
        ray = self.ray
        part = ray.remote(num_cpus=1, max_retries=RETRIES)(answer)
        parcel = ray.put(replace(self.parcel, question=asked.question))
        waiting = list(reversed(spans))
        running: dict[Any, Span] = {}
        heard = time.monotonic()
        try:
            while waiting or running:
                # Ray itself would wait for a lost cluster, or look for another.
                if not ray.is_initialized():
                    raise self.gone()
                if time.monotonic() - heard > SILENCE:
                    probe(self.head)
                    heard = time.monotonic()
                while waiting and len(running) < AHEAD * self.cores:
                    span = waiting.pop()
                    running[part.remote(parcel, span, tally.against()[:MOST_AGAINST])] = span
                ready, _ = ray.wait(list(running), timeout=TICK)
                for reference in ready:
                    heard = time.monotonic()
                    yield running.pop(reference), fetched(ray, reference)
                watch(0, 0, 0, 0)
        except ConnectionError as error:
            raise self.gone() from error
        finally:
            for reference in running if ray.is_initialized() else ():
                ray.cancel(reference, force=True)

    def gone(self) -> UnavailableError:
        """That it is there no more, as an error."""
        return UnavailableError(f'the Ray cluster at "{self.head}" is gone')

    def leave(self) -> None:
        """Ends the connection; stdout is free again."""
        self.ray.shutdown()
        self.silence.__exit__(None, None, None)

    def rows_of_part(self, rows: int) -> int:
        """Rows of a part of so many, so that all cores end together."""
        return max(LEAST_ROWS, -(-rows // (PARTS_PER_CORE * self.cores)))


def connected(address: str) -> "ModuleType":
    """Ray, connected to a cluster.

    Raises:
        UnavailableError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        import ray  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise UnavailableError("--on ray needs Ray: pip install 'llmsweep[ray]'") from error
    if address == "ray":
        address = os.environ.get("RAY_ADDRESS", "")
    probe(address)
    for attempt in range(1, ATTEMPTS + 1):
        started = time.monotonic()
        try:
            with warnings.catch_warnings(action="ignore"):
                ray.init(address or None, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
            break
        except (ConnectionError, RuntimeError, ValueError) as error:
            quick = time.monotonic() - started < PATIENCE
            turned_away = isinstance(error, ConnectionAbortedError) or (quick and isinstance(error, ConnectionError))
            if attempt == ATTEMPTS or not turned_away:
                raise no_cluster(address, error) from error
            ray.shutdown()
            time.sleep(1)
    module: ModuleType = ray
    return module


def probe(address: str) -> None:
    """Looks whether anybody listens at ``ray://host:port`` or ``host:port``: Ray itself would try for a minute.

    Raises:
        UnavailableError: Nobody does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise no_cluster(address, error) from error


def no_cluster(address: str, error: Exception) -> UnavailableError:
    """Why there is none, as an error."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # A cluster that refuses sends its traceback, which ends with the reason.
    said = lines[-1] if isinstance(error, ConnectionAbortedError) else lines[0]
    reason = getattr(error, "strerror", None) or said
    return UnavailableError(f'no Ray cluster answers at "{address or "this machine"}": {reason}')


def fetched(ray: "ModuleType", reference: Any) -> Answer:
    """What a worker answered.

    Raises:
        LlmsweepError: What it raised, as it would here.
        DataError: It died over and over.
    """
    try:
        result: Answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, LlmsweepError):
            raise cause from None
        raise DataError(f"a Ray worker failed: {str(cause or error).strip().partition(chr(10))[0]}") from error
    except ray.exceptions.RayError as error:
        raise DataError(
            f"a part was lost on Ray, {RETRIES} times anew: {str(error).strip().partition(chr(10))[0]}"
        ) from error
    return result
