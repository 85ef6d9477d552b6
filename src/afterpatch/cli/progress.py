"""Progress on stderr, only when that is a terminal: bytes read, share, time left."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from afterpatch.model.places import Item
from afterpatch.pipeline.run import Watcher


@contextmanager
def watching() -> Iterator[Watcher]:
    """A watcher that draws a bar while the run lasts, and leaves no trace of it."""
    if not sys.stderr.isatty():
        yield Watcher()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    # It redraws itself from a thread, but only once reading has begun: workers are forked then,
    # and a process with threads cannot be forked.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as bar:
        task = bar.add_task("looking", total=None)

        def found(items: Sequence[Item]) -> None:
            total = sum(item.size_bytes for item in items)
            bar.update(task, description=f"reading {len(items)} files", total=total)

        def read(items: Sequence[Item]) -> None:
            if not bar.live.auto_refresh:
                bar.stop()
                bar.live.auto_refresh = True
                bar.start()
            bar.advance(task, sum(item.size_bytes for item in items))

        yield Watcher(found=found, read=read)
