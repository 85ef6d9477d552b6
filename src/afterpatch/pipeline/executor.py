"""Runs units on this machine: in this process, or in worker processes with a retry of our own.

A worker that dies (a native library on damaged evidence) costs nothing but time: unfinished units
are run again, one at a time, and the one that kills its worker twice becomes a gap.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afterpatch.model.places import Gap, Item, Source
from afterpatch.model.readings import Reading
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.unit import Rules, read_units

# Below this much evidence, starting workers (about half a second each) costs more than it saves.
SMALL_RUN_BYTES = 24 << 20
# One task: enough files that handing it over and matching their last rows together is cheap, few
# enough that workers stay even.
TASK_BYTES = 64 << 20
TASKS_PER_WORKER = 6
TASK_ITEMS = 256

# A fork of a process that imported everything and ran nothing starts at once; a fork of this one
# would copy locks that threads hold. Windows has no fork.
_START_METHOD: Final = (
    "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
)

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

    ``engines`` is what ``rules`` are in this process; workers build their own.
    """
    total_bytes = sum(item.size_bytes for item in items)
    if workers <= 1 or total_bytes < SMALL_RUN_BYTES:
        return _run_here(items, engines, scratch, progress)
    return _run_pool(_tasks(items, workers), rules, scratch, workers, progress)


def default_workers() -> int:
    """One per core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_here(
    items: Sequence[Item], engines: Engines, scratch: Path, progress: Progress
) -> Iterator[Reading]:
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
    tasks: Sequence[tuple[Item, ...]],
    rules: Rules,
    scratch: Path,
    workers: int,
    progress: Progress,
) -> Iterator[Reading]:
    unfinished = list(tasks)
    pool = _pool(rules, scratch, min(workers, len(tasks)))
    try:
        futures: dict[Future[list[Reading]], tuple[Item, ...]] = {
            pool.submit(_run_task, task): task for task in tasks
        }
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
            yield _run_alone(item, rules, scratch)
            progress((item,))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _run_alone(item: Item, rules: Rules, scratch: Path) -> Reading:
    """One item in a process of its own; a death here is this item's doing."""
    with _pool(rules, scratch, 1) as pool:
        try:
            return pool.submit(_run_task, (item,)).result()[0]
        except BrokenProcessPool:
            gap = Gap(item.name, "file", "the reading process died on this file")
            return Reading(Source(item, "", item.size_bytes, "unreadable", ""), gaps=(gap,))


def _pool(rules: Rules, scratch: Path, workers: int) -> ProcessPoolExecutor:
    # Workers share the machine; each one's column library must not start a thread per core.
    os.environ["POLARS_MAX_THREADS"] = "1"
    context = multiprocessing.get_context(_START_METHOD)
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, context, _start_worker, (rules, scratch))


def _start_worker(rules: Rules, scratch: Path) -> None:
    global _worker
    _worker = _Worker(rules.build(), scratch)


def _run_task(items: tuple[Item, ...]) -> list[Reading]:
    if _worker is None:
        raise RuntimeError("worker not started")
    return read_units(items, _worker.engines, _worker.scratch)
