"""What workers are forked from runs nothing: a lock held by a thread would be copied with it."""

import os
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


LENT = """
import sys
from pathlib import Path
from afterpatch.evidence.discover import discover
from afterpatch.model.campaigns import RuleText
from afterpatch.pipeline import executor
from afterpatch.pipeline.engines import HuntRules
from afterpatch.pipeline.unit import Rules

executor.SMALL_RUN_BYTES = 0
kept = []

class Kept(executor.ProcessPoolExecutor):  # held on to, as by its own thread for a while
    def __init__(self, *arguments):
        super().__init__(*arguments)
        kept.append(self)

executor.ProcessPoolExecutor = Kept
folder = Path(sys.argv[1])
rule = RuleText("r.yar", "yara", 'rule r { strings: $a = "evil" condition: $a }')
rules = Rules((), (), (), (), HuntRules(yara=(rule,)))
engines = rules.build()
items = discover([str(folder)], folder / "scratch").items
before = sys.getrefcount(engines)
print(executor._start_method())
found = list(executor.run_units(items, rules, engines, folder, 2, lambda items: None))
print(len(kept), len(found), sys.getrefcount(engines) - before)
"""


@pytest.mark.skipif(not TASKS.exists(), reason="workers are forked on Linux only")
def test_nothing_but_the_caller_holds_engines_after_a_run(tmp_path: Path) -> None:
    """YARA's scanner may only be let go of by the thread that made it."""
    for number in range(4):
        (tmp_path / f"{number}.bin").write_bytes(b"evil" * 1_000)
    command = [sys.executable, "-c", LENT, str(tmp_path)]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # as the command line does
    run = subprocess.run(command, capture_output=True, check=True, text=True, env=alone)
    assert (run.stdout.split(), run.stderr) == (["fork", "1", "4", "0"], "")
