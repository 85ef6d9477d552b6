"""Runs units on this machine: in this process, or in worker processes with a retry of our own.

A worker that dies (a native library on damaged evidence) costs nothing but time: unfinished units
are run again, one at a time, and the one that kills its worker twice becomes a gap.
"""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afterpatch.formats import evtx
from afterpatch.model.places import Gap, Item, Source
from afterpatch.model.readings import Reading
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.unit import Rules, read_units

# Below this much evidence, workers cost more than they save.
SMALL_RUN_BYTES = 12 << 20
# One task: enough files that handing it over and matching their last rows together is cheap, few
# enough that workers stay even.
TASK_BYTES = 64 << 20
TASKS_PER_WORKER = 6
TASK_ITEMS = 256

# Native threads that the column library starts when it is imported. They wait for work that only
# comes once it is used, so they hold no lock that a fork would need.
_IDLE_THREADS: Final = frozenset({"jemalloc_bg_thd", "polars-ooc-clea"})

_UNFREED_OBJECTS: Final = 20_000

Progress = Callable[[Sequence[Item]], None]


@dataclass(slots=True)
class _Worker:
    """What one process keeps between units."""

    engines: Engines
    scratch: Path


_worker: _Worker | None = None


def run_units(
    items: Sequence[Item],
    rules: Rules,
    engines: Engines,
    scratch: Path,
    workers: int,
    progress: Progress,
) -> Iterator[Reading]:
    """Read every item, in any order; the caller sorts. One reading per item, always.

    ``engines`` is what ``rules`` are in this process; workers inherit them or build their own.
    ``progress`` is told what was read; first, when reading begins, that nothing was.
    """
    _look_for_garbage_seldom()
    total_bytes = sum(item.size_bytes for item in items)
    logs_bytes = sum(item.size_bytes for item in items if evtx.is_named_so(item.origin))
    if workers <= 1 or total_bytes < SMALL_RUN_BYTES:
        evtx.expect(logs_bytes)
        return _run_here(items, engines, scratch, progress)
    start = _Start(rules, engines, scratch, logs_bytes)
    return _run_pool(_tasks(items, workers), start, workers, progress)


def default_workers() -> int:
    """One per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_here(
    items: Sequence[Item], engines: Engines, scratch: Path, progress: Progress
) -> Iterator[Reading]:
    progress(())
    for task in _tasks(items, workers=1):
        yield from read_units(task, engines, scratch)
        progress(task)


def _tasks(items: Sequence[Item], workers: int) -> list[tuple[Item, ...]]:
    """Largest first, so that no worker is left alone with a big file at the end."""
    total_bytes = sum(item.size_bytes for item in items)
    task_bytes = min(TASK_BYTES, total_bytes // (workers * TASKS_PER_WORKER))
    tasks: list[tuple[Item, ...]] = []
    pending: list[Item] = []
    size = 0
    for item in sorted(items, key=lambda i: (-i.size_bytes, i.name)):
        pending.append(item)
        size += item.size_bytes
        if size >= task_bytes or len(pending) >= TASK_ITEMS:
            tasks.append(tuple(pending))
            pending, size = [], 0
    return [*tasks, tuple(pending)] if pending else tasks


def _run_pool(
    tasks: Sequence[tuple[Item, ...]], start: "_Start", workers: int, progress: Progress
) -> Iterator[Reading]:
    unfinished = list(tasks)
    pool = start.pool(min(workers, len(tasks)))
    try:
        futures: dict[Future[list[Reading]], tuple[Item, ...]] = {
            pool.submit(_run_task, task): task for task in tasks
        }
        progress(())
        waiting = set(futures)
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                task = futures[future]
                yield from future.result()
                unfinished.remove(task)
                progress(task)
    except BrokenProcessPool:
        pool.shutdown(wait=False, cancel_futures=True)
        for item in (item for task in unfinished for item in task):
            yield _run_alone(item, start)
            progress((item,))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _lend(None)


def _run_alone(item: Item, start: "_Start") -> Reading:
    """One item in a process of its own; a death here is this item's doing."""
    with start.pool(1) as pool:
        try:
            return pool.submit(_run_task, (item,)).result()[0]
        except BrokenProcessPool:
            gap = Gap(item.name, "file", "the reading process died on this file")
            return Reading(Source(item, "", item.size_bytes, "unreadable", ""), gaps=(gap,))


@dataclass(frozen=True, slots=True)
class _Start:
    """What workers need. ``logs_bytes``: how much of event logs there is, for all of them."""

    rules: Rules
    engines: Engines
    scratch: Path
    logs_bytes: int

    def pool(self, workers: int) -> ProcessPoolExecutor:
        """Workers start with the first task."""
        # They share the machine; each one's column library must not start a thread per core.
        os.environ["POLARS_MAX_THREADS"] = "1"
        method = _start_method()
        context = multiprocessing.get_context(method)
        if method == "fork":
            evtx.expect(self.logs_bytes)
            _lend(_Worker(self.engines, self.scratch))
            return ProcessPoolExecutor(workers, context, _inherit)
        if method == "forkserver":
            context.set_forkserver_preload([__name__])
        share_bytes = self.logs_bytes // workers
        return ProcessPoolExecutor(
            workers, context, _build, (self.rules, self.scratch, share_bytes)
        )


def _start_method() -> str:
    """A fork of this process has imported and built everything, so it is best where it is safe.

    It is not where threads run: it would copy the locks they hold, and not them. Then a fork
    server imports everything once for all workers. Windows knows neither.
    """
    methods = multiprocessing.get_all_start_methods()
    if sys.platform == "linux" and threading.active_count() == 1 and _native() <= _IDLE_THREADS:
        return "fork"
    return "forkserver" if "forkserver" in methods else "spawn"


def _native() -> frozenset[str]:
    """Names of all threads of this process but the first, however they were started."""
    threads = Path("/proc/self/task").iterdir()
    return frozenset(
        (thread / "comm").read_text().strip()
        for thread in threads
        if int(thread.name) != os.getpid()
    )


def _lend(worker: _Worker | None) -> None:
    """What forks of this process find. A pool that held it might let go of it last, in a thread of
    its own, and some native engines may only be let go of where they were made."""
    global _worker
    _worker = worker


def _inherit() -> None:
    """First thing in a fork of the process that built the engines."""
    _stop_at_once()
    gc.freeze()  # what was inherited is never garbage; looking at it would copy its memory


def _build(rules: Rules, scratch: Path, logs_bytes: int) -> None:
    """First thing in any other worker."""
    global _worker
    _stop_at_once()
    _look_for_garbage_seldom()
    evtx.expect(logs_bytes)
    _worker = _Worker(rules.build(), scratch)


def _stop_at_once() -> None:
    """When the user stops the run, a worker has nothing to say and nothing to finish."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _look_for_garbage_seldom() -> None:
    """Almost all objects of a run are freed when they are done with; looking for circles after
    every 700 that are not costs a twelfth of the time."""
    gc.set_threshold(_UNFREED_OBJECTS, *gc.get_threshold()[1:])


def _run_task(items: tuple[Item, ...]) -> list[Reading]:
    if _worker is None:
        raise RuntimeError("worker not started")
    return read_units(items, _worker.engines, _worker.scratch)
