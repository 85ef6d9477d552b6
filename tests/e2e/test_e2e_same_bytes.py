"""Law 6: the same evidence gives the same bytes, whatever the machine around it does."""

import os
import shutil
import subprocess
import sys

import pytest


def run(evidence, workers=1, **environment):
    command = [sys.executable, "-m", "afterpatch", "assess", evidence.name, "--format", "json"]
    done = subprocess.run(
        [*command, "--workers", str(workers)],
        cwd=evidence.parent,
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 1, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout


@pytest.fixture(scope="module")
def first(evidence):
    return run(evidence)


@pytest.mark.parametrize("workers", [2, 3])
def test_worker_count(evidence, first, workers):
    assert run(evidence, workers) == first


@pytest.mark.parametrize(
    "environment",
    [{"TZ": "Asia/Kathmandu"}, {"TZ": "America/St_Johns", "LC_ALL": "C"}, {"LANG": "tr_TR.UTF-8"},
     {"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "LC_ALL": "POSIX"}],
    ids=str,
)  # fmt: skip
def test_zone_locale_and_hash_seed(evidence, first, environment):
    assert run(evidence, **environment) == first


def test_order_in_which_files_were_created(evidence, first, tmp_path):
    copy = tmp_path / evidence.name
    for path in sorted((p for p in evidence.rglob("*") if p.is_file()), reverse=True):
        target = copy / path.relative_to(evidence)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    assert run(copy) == first
