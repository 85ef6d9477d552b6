"""Run a command, watch its whole process tree: wall time and peak memory."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_S = 0.02


@dataclass(frozen=True)
class Measured:
    """One command's cost. ``peak_bytes`` and ``cpu_seconds`` are sums over the process tree."""

    seconds: float
    peak_bytes: int
    cpu_seconds: float


def run(command: Sequence[str], cwd: Path | None = None) -> Measured:
    """Run to the end; output goes nowhere. Raises for a command that fails: it measured nothing."""
    # As installed: Python keeps the byte code of what it imports.
    kept = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start, cpu = time.perf_counter(), children_cpu_seconds()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd, env=kept
    ) as process:
        watched = psutil.Process(process.pid)
        peak = 0
        busy: dict[int, float] = {}
        while process.poll() is None:
            peak = max(peak, tree_bytes(watched))
            busy |= tree_cpu_seconds(watched)
            try:
                process.wait(SAMPLE_S)
            except subprocess.TimeoutExpired:
                continue
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # Forks of a fork server end as its children, not as ours: those are only seen while they run.
    spent = max(children_cpu_seconds() - cpu, sum(busy.values()))
    return Measured(time.perf_counter() - start, peak, spent)


def children_cpu_seconds() -> float:
    """Processor time of all processes started from here that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def tree_cpu_seconds(process: psutil.Process) -> dict[int, float]:
    """Process id -> processor time so far, of a process and its children that live now."""
    found = {}
    try:
        for member in (process, *process.children(recursive=True)):
            try:
                times = member.cpu_times()
                found[member.pid] = times.user + times.system
            except psutil.Error:
                continue
    except psutil.Error:
        return found
    return found


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
    return Measured(
        min(m.seconds for m in runs),
        max(m.peak_bytes for m in runs),
        min(m.cpu_seconds for m in runs),
    )
