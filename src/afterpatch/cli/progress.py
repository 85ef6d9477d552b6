"""Progress on stderr, only when that is a terminal: bytes read, share, time left."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from afterpatch.model.places import Item
from afterpatch.pipeline.run import Watcher


@contextmanager
def watching() -> Iterator[Watcher]:
    """A watcher that draws a bar while the run lasts, and leaves no trace of it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Watcher()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("looking", total=None)

        def found(items: Sequence[Item]) -> None:
            total = sum(item.size_bytes for item in items)
            bar.update(task, description=f"reading {len(items)} files", total=total)

        def read(items: Sequence[Item]) -> None:
            bar.advance(task, sum(item.size_bytes for item in items))

        yield Watcher(found=found, read=read)
