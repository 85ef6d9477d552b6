"""Run a command, watch its whole process tree: wall time and peak memory."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_S = 0.02


@dataclass(frozen=True)
class Measured:
    """One command's cost. ``peak_bytes`` sums resident memory over the process tree."""

    seconds: float
    peak_bytes: int


def run(command: Sequence[str], cwd: Path | None = None) -> Measured:
    """Run to the end; output goes nowhere."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd
    ) as process:
        watched = psutil.Process(process.pid)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_bytes(watched))
            try:
                process.wait(SAMPLE_S)
            except subprocess.TimeoutExpired:
                continue
    return Measured(time.perf_counter() - start, peak)


def tree_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and its children; pages shared by several count each time."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            try:
                total += member.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        return total
    return total


def best(command: Sequence[str], repeats: int, cwd: Path | None = None) -> Measured:
    """The fastest of several runs, with the highest memory of all of them."""
    runs = [run(command, cwd) for _ in range(repeats)]
    return Measured(min(m.seconds for m in runs), max(m.peak_bytes for m in runs))
