"""A build worked on by a Ray cluster: documents are taken apart and texts encoded by its workers.

The build itself stays in one process: it lists and opens the files, sends their bytes (so workers
need no shared folder), and alone writes the index. Each stage is a Ray Data pipeline with a pool
of actors. What is sent is known by its key, the vector key of a text or the hash of a document; a
parcel is worked on again where a worker was lost before it delivered, and delivered parcels are
kept at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Any

from embeddings import ray_cluster, ray_worker
from embeddings.encoder import Encoder
from embeddings.engine import Batch, Encoded, Taken, Unread, take_apart
from embeddings.errors import EngineError, SettingError
from embeddings.ray_wire import (
    Delivered,
    Item,
    from_results,
    taken_of,
    texts_to_items,
    to_tasks,
    unread_to_item,
    vectors_of,
)
from embeddings.segment import Segmenter

TEXTS = 8192
"""Texts for each worker in one pipeline: its actors are started anew for the next one."""

DOCUMENTS, BYTES = 16, 1024 * 1024
"""A parcel has at most so many documents, and takes no further one when it has so many bytes."""

PART_BYTES = 64 * 1024 * 1024
"""Bytes of documents in one pipeline."""

LARGE = 16 * 1024 * 1024
"""Files of more bytes are not sent: the build takes them apart itself."""

MOST = 5
"""How often a parcel is begun at most: what loses its worker each time is perhaps the reason."""

_Work = Callable[..., Any]
_Parcels = Sequence[Sequence[Item]]


class RayEngine:
    """Works on a build with a Ray cluster; a context manager. See `embeddings.engine.Engine`.

    Args:
        encoder: that of the build; workers must have the same.
        opener: opens it in a worker.
        address: of a cluster that this machine belongs to, ``HOST:PORT`` or ``auto``, which is
            left running; None starts Ray on this machine for the time of the build.
        workers: how many work at once, each on one processor; None for as many as are free.
        patience: seconds in which the cluster must answer, and a worker find its place.

    Attributes:
        delivered: how many parcels each worker delivered, by ``{node}:{pid}``.

    Raises:
        SettingError: `workers` is less than 1.
        EngineError: when it is entered: Ray is not installed, the cluster cannot be reached, has
            no place for a worker, or has another version of the program or the model. Later: the
            cluster was lost.
    """

    def __init__(
        self,
        encoder: Encoder,
        opener: ray_worker.OpenEncoder,
        *,
        address: str | None = None,
        workers: int | None = None,
        patience: float = 60.0,
    ) -> None:
        if workers is not None and workers < 1:
            raise SettingError(f"workers is {workers}; it must be 1 or more")
        self.delivered: Counter[str] = Counter()
        self._encoder, self._opener, self._address = encoder, opener, address
        self._wanted, self._patience = workers, patience
        self._workers = 1
        self._ray: Any = None
        self._open = ExitStack()
        self._interrupted = False

    def __enter__(self) -> RayEngine:
        processors = self._wanted or _processors()
        with ExitStack() as stack:
            ray = stack.enter_context(ray_cluster.joined(self._address, processors, self._patience))
            ray_cluster.check_places(ray, self._patience)
            if self._address is not None:
                here = ray_worker.version_here(self._encoder)
                ray_cluster.check_versions(ray, here, self._opener, 2 * self._patience)
            self._workers = self._wanted or ray_cluster.places(ray)
            self._ray = ray
            stack.enter_context(self._noting_interrupts())
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def read(self, files: Iterable[Unread], segmenter: Segmenter) -> Iterator[Taken]:
        """Yield what becomes of each of `files`; large ones are taken apart by this process."""
        arguments = (segmenter.rules,)
        waiting: list[Unread] = []
        for unread in files:
            if len(unread.data) > LARGE:
                yield take_apart(unread, segmenter)
                continue
            waiting.append(unread)
            if sum(len(one.data) for one in waiting) > PART_BYTES:
                yield from self._read(waiting, arguments)
                waiting = []
        yield from self._read(waiting, arguments)

    def _read(self, files: Sequence[Unread], arguments: tuple[Any, ...]) -> Iterator[Taken]:
        parcels = _parcels(files, max(1, min(DOCUMENTS, len(files) // (4 * self._workers))))
        items = [[unread_to_item(one) for one in parcel] for parcel in parcels]
        made_by = ray_worker.program_version()
        for number, bodies in self._run(ray_worker.Reader, arguments, items, made_by):
            yield from map(taken_of, bodies, parcels[number])

    def encode(self, batches: Iterable[Batch], encoder: Encoder) -> Iterator[Encoded]:
        """Yield the vectors of each of `batches`; `encoder` must be the engine's."""
        assert encoder.fingerprint == self._encoder.fingerprint, "made for another encoder"
        arguments = (self._opener, ray_cluster.CPUS)
        for part in _parts(batches, TEXTS * self._workers):
            items = [texts_to_items(batch) for batch in part]
            made_by = encoder.fingerprint
            for number, bodies in self._run(ray_worker.TextEncoder, arguments, items, made_by):
                yield Encoded(part[number], vectors_of(bodies, encoder.dimensions))

    def _run(
        self, work: _Work, arguments: tuple[Any, ...], parcels: _Parcels, made_by: str
    ) -> Iterator[tuple[int, list[bytes]]]:
        """Yield number and results of each parcel as it comes; each of them once."""
        open_ = set(range(len(parcels)))
        for found in self._deliver(work, arguments, parcels) if parcels else ():
            self._check_interrupted()
            if found.problem:
                raise EngineError(f"{found.problem.rstrip('.')}; {_AGAIN}")
            if found.made_by != made_by:
                raise EngineError(
                    f"A machine that joined the Ray cluster has {found.made_by}; here it is "
                    f"{made_by}. Install the same there and build again: what was done is kept"
                )
            if found.number in open_:
                open_.remove(found.number)
                self.delivered[found.worker] += 1
                yield found.number, found.bodies
        if open_:
            raise EngineError(f"Ray lost {len(open_)} of {len(parcels)} parcels; {_AGAIN}")

    def _deliver(
        self,
        work: Callable[..., Any],
        arguments: tuple[Any, ...],
        parcels: Sequence[Sequence[Item]],
    ) -> Iterator[Delivered]:
        data = self._ray.data
        beginnings = ray_cluster.on_this_machine(self._ray, ray_worker.Beginnings, MOST)
        tasks = [to_tasks(number, parcel) for number, parcel in enumerate(parcels)]
        results = data.from_arrow(tasks).map_batches(
            work,
            fn_constructor_args=(beginnings, *arguments),
            compute=data.ActorPoolStrategy(size=min(self._workers, len(parcels))),
            num_cpus=ray_cluster.CPUS,
            # One parcel is one task: what is lost with a worker is what it had not delivered.
            batch_size=None,
            batch_format="pyarrow",
        )
        with self._telling():
            for table in results.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                yield from_results(table)

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Note Ctrl-C: where it comes in the middle of Ray's callbacks, these swallow it."""
        before = signal.getsignal(signal.SIGINT)
        if (
            before is not signal.default_int_handler
            or threading.current_thread() is not threading.main_thread()
        ):
            yield
            return

        def note(number: int, frame: FrameType | None) -> None:
            self._interrupted = True
            signal.default_int_handler(number, frame)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _check_interrupted(self) -> None:
        if self._interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what Ray says of lost workers and clusters into a sentence for the user."""
        errors = self._ray.exceptions
        try:
            yield
        except errors.RayTaskError:
            raise  # a fault of this program
        except errors.RayError as error:
            reason = str(error).partition("\n")[0]
            raise EngineError(f"The build on Ray was cut off ({reason}); {_AGAIN}") from error


_AGAIN = "what was done is kept: build again, and it is gone on with"


def _parcels(files: Sequence[Unread], most: int) -> list[list[Unread]]:
    parcels: list[list[Unread]] = []
    size = BYTES
    for unread in files:
        if size >= BYTES or len(parcels[-1]) == most:
            parcels.append([])
            size = 0
        parcels[-1].append(unread)
        size += len(unread.data)
    return parcels


def _parts(batches: Iterable[Batch], texts: int) -> Iterator[list[Batch]]:
    """Yield the batches in lists of about so many texts."""
    part: list[Batch] = []
    for batch in batches:
        part.append(batch)
        if sum(map(len, part)) >= texts:
            yield part
            part = []
    if part:
        yield part


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
