"""Starts Ray on this machine or joins a cluster, quietly; and tells whether a build can work there.

Nothing here needs a network beyond the cluster: no usage statistics, no dashboard.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from embeddings.errors import EngineError
from embeddings.ray_worker import OpenEncoder, Version, greet

STORE_BYTES = 256 * 1024 * 1024
"""Memory for what is on its way between build and workers, where Ray is started here."""

CPUS = 1
"""Processors of one worker. Texts side by side, each on one thread, are the fastest."""

KNOCKING = 5.0
"""Seconds in which an address must take a connection."""

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_TQDM": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_STDERR = 2
_LOGGERS = ("ray", "ray.data")
_PROBE = """
import logging, sys, ray
logging.disable(logging.CRITICAL)
ray.init(sys.argv[1], log_to_driver=False, configure_logging=False)
"""
_START = "start one on this machine (`ray start --head`), or leave --address out"


@contextmanager
def joined(address: str | None, processors: int, patience: float) -> Iterator[Any]:
    """Have Ray's module with a connection to a cluster; it is given up in the end.

    Args:
        address: ``HOST:PORT`` or ``auto`` for a cluster that this machine belongs to; it is left
            running. None starts one on this machine, for itself alone, and ends it.
        processors: how many the started one may use.
        patience: seconds in which a cluster must answer.

    Raises:
        EngineError: Ray is not installed, or the cluster cannot be joined.
    """
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        ray = _ray()
        if ray.is_initialized():
            if address is not None:
                raise EngineError(
                    "This process is connected to Ray already; leave the address out to use that"
                )
            yield ray
            return
        if address is None:
            stack.enter_context(_started(ray, processors))
        else:
            _knock(address)
            _probe(address, patience)
            ray.init(address, log_to_driver=False, configure_logging=False)
        stack.callback(ray.shutdown)
        yield ray


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise EngineError(
            f"A build on Ray needs the package {error.name}, which is not installed: "
            "run `pip install 'wenju[ray]'`, or build without --engine ray"
        ) from error
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return ray


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's own messages off the terminal, and off standard output, where results go."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(_own_stderr(nowhere.fileno()))
        yield


@contextmanager
def _own_stderr(nowhere: int) -> Iterator[None]:
    """Keep `sys.stderr` for this program: Ray's compiled parts and processes write to file 2."""
    kept = os.dup(_STDERR)
    os.dup2(nowhere, _STDERR)
    own = os.fdopen(os.dup(kept), "w", encoding="utf-8", errors="backslashreplace", buffering=1)
    try:
        with redirect_stderr(own) if _writes_to(sys.stderr, _STDERR) else nullcontext(), own:
            yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


def _writes_to(stream: Any, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):
        return False


@contextmanager
def _started(ray: Any, processors: int) -> Iterator[None]:
    """Run Ray on this machine; nothing of it stays, and no other machine can reach it."""
    # A short name: paths of sockets may have a hundred characters.
    folder = tempfile.mkdtemp(prefix="wenju-ray-")
    try:
        ray.init(
            "local", num_cpus=processors, object_store_memory=STORE_BYTES,
            include_dashboard=False, log_to_driver=False, configure_logging=False,
            _node_ip_address="127.0.0.1", _temp_dir=folder,
        )  # fmt: skip
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _knock(address: str) -> None:
    """Fail within seconds where nobody listens; Ray would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise EngineError(
            f"{address!r} is no address of a Ray cluster; give HOST:PORT, as `ray start --head` "
            "tells it, or auto on a machine of the cluster"
        )
    try:
        socket.create_connection((host, int(port)), KNOCKING).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"No Ray cluster answers at {address!r} ({error}); check the address, or {_START}"
        ) from error


def _probe(address: str, patience: float) -> None:
    """Join the cluster in another process, which can be ended: Ray ends its own when it fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            capture_output=True, text=True, timeout=patience, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            f"What listens at {address!r} does not answer as a Ray cluster within "
            f"{patience:g} seconds; check the address, or {_START}"
        ) from error
    if done.returncode:
        raise EngineError(
            f"The Ray cluster {address!r} cannot be joined ({last_line(done.stderr)}); this "
            "machine must belong to it, with the same versions of Ray and Python: else "
            f"{_START}"
        )


def last_line(text: str) -> str:
    """Return the last line that says something, without the names of modules before a class."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rpartition("ray.exceptions.")[2] if lines else "no reason given"


def places(ray: Any) -> int:
    """Return how many workers find a free place, at least one."""
    return max(1, int(ray.available_resources().get("CPU", 0) // CPUS))


def check_places(ray: Any, patience: float) -> None:
    """Wait for a place for one worker.

    Raises:
        EngineError: when there is none within `patience` seconds.
    """
    try:
        ray.get(ray.remote(num_cpus=CPUS)(_nothing).remote(), timeout=patience)
    except ray.exceptions.GetTimeoutError as error:
        total, free = (
            found.get("CPU", 0) for found in (ray.cluster_resources(), ray.available_resources())
        )
        raise EngineError(
            f"The Ray cluster has no place for a worker, which needs {CPUS} CPU: it has {total:g}, "
            f"of which {free:g} are free, and within {patience:g} seconds none became free. Add "
            "machines, or wait for other work to end"
        ) from error


def on_this_machine(ray: Any, kind: type, *arguments: Any) -> Any:
    """Start an actor beside this process, where it is not lost with another machine."""
    return ray.remote(num_cpus=0, scheduling_strategy=_at(ray.get_runtime_context().get_node_id()))(
        kind
    ).remote(*arguments)


def _at(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def _nothing() -> None:
    """Do nothing, on a worker."""


def check_versions(ray: Any, here: Version, opener: OpenEncoder, patience: float) -> None:
    """Compare program and model of every machine of the cluster with those of this process.

    Raises:
        EngineError: when one has others, or cannot load them.
    """
    asked = [(node["NodeManagerHostname"], _ask(ray, node, opener)) for node in _able(ray)]
    for host, answer in asked:
        try:
            there = ray.get(answer, timeout=patience)
        except (ray.exceptions.TaskUnschedulableError, ray.exceptions.NodeDiedError):
            continue  # it left the cluster meanwhile
        except ray.exceptions.RayError as error:
            raise _unfit(host, last_line(str(error))) from error
        if isinstance(there, str):
            raise _unfit(host, there.rstrip("."))
        _compare(here, there, host)


def _unfit(host: str, reason: str) -> EngineError:
    return EngineError(
        f"The machine {host!r} of the Ray cluster cannot work on the build ({reason}); install "
        "there what is installed here"
    )


def _able(ray: Any) -> Iterator[dict[str, Any]]:
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU", 0) >= CPUS:
            yield node


def _ask(ray: Any, node: dict[str, Any], opener: OpenEncoder) -> Any:
    # The process ends afterwards: it would keep the model in memory.
    options = {"num_cpus": 0, "max_calls": 1, "max_retries": 0}
    return ray.remote(**options, scheduling_strategy=_at(node["NodeID"]))(greet).remote(opener)


def _compare(here: Version, there: Version, host: str) -> None:
    if here.program != there.program:
        raise EngineError(
            f"The machine {host!r} of the Ray cluster has {there.program}; here it is "
            f"{here.program}. Install the same on both"
        )
    if here.fingerprint != there.fingerprint:
        raise EngineError(
            f"The machine {host!r} of the Ray cluster has the model {there.model} "
            f"({there.fingerprint}); here it is {here.model} ({here.fingerprint}). Give both the "
            "same model"
        )
