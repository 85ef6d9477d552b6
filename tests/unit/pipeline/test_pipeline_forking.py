"""What workers are forked from runs nothing: a lock held by a thread would be copied with it."""

import subprocess
import sys
from pathlib import Path

import pytest

TASKS = Path("/proc/self/task")
CODE = """
import os, numpy, polars
before = len(os.listdir("/proc/self/task"))
import afterpatch.pipeline.executor
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not TASKS.exists(), reason="threads are counted in /proc")
def test_importing_the_pipeline_starts_no_thread() -> None:
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "0"
