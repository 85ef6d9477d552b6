"""Workers: however they start, and whatever becomes of them, the readings are the same."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import sys, threading, time
from pathlib import Path
from afterpatch.campaigns.load import load
from afterpatch.pipeline import executor
from afterpatch.pipeline.run import assess_paths
from afterpatch.report.document import document
from afterpatch.report.json_report import json_bytes

executor.SMALL_RUN_BYTES = 0
def main():
    [evidence, workers, method] = sys.argv[1:]
    if method:
        executor._start_method = lambda: method
    campaign = load("hafnium-exchange-2021")
    found = assess_paths([evidence], campaign, int(workers))
    sys.stdout.buffer.write(json_bytes(document(found, [campaign])))
"""
MAIN = "\nif __name__ == '__main__': main()"
# A native library that dies on one file, in every process that tries it.
DEADLY = """
import os
def deadly(items, engines, scratch, whole=executor.read_units):
    if any("ex_poison.log" in item.name for item in items):
        os._exit(139)
    return whole(items, engines, scratch)
executor.read_units = deadly
"""
METHOD = """
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import afterpatch.pipeline.executor as executor, polars, threading
{before}
print(executor._start_method())
"""
# Workers that never end by themselves, one of them with nothing to do.
ENDLESS = """
import sys, time
from pathlib import Path
from afterpatch.pipeline import executor
def endless(items, engines, scratch):
    Path("begun").touch()
    while items: time.sleep(1)
    return []
executor.SMALL_RUN_BYTES, executor.read_units = 0, endless
executor._tasks = lambda items, workers: [tuple(items), ()]
if __name__ == "__main__":
    from afterpatch.cli import main
    sys.argv = ["afterpatch", "assess", sys.argv[1], "--workers", "2"]
    main()
"""
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks this process")


def run(folder, script, *arguments):
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path), *arguments], cwd=folder, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def one_process(evidence, tmp_path_factory):
    return run(tmp_path_factory.mktemp("alone"), SCRIPT + MAIN, str(evidence), "1", "")


@pytest.mark.parametrize("method", ["", "forkserver", "spawn"])
def test_the_way_workers_start_changes_no_byte(evidence, one_process, tmp_path, method):
    if method == "forkserver" and sys.platform == "win32":
        pytest.skip("Windows has no fork server")
    assert run(tmp_path, SCRIPT + MAIN, str(evidence), "2", method) == one_process


@ON_LINUX
def test_a_file_that_kills_its_worker_is_a_gap_and_costs_nothing_else(tmp_path):
    header = (
        "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-method\n"
    )
    logs = tmp_path / "case" / "EX01" / "inetpub" / "logs" / "LogFiles" / "W3SVC1"
    logs.mkdir(parents=True)
    for number in range(21):
        name = f"ex_{number}" if number else "ex_poison"
        (logs / f"{name}.log").write_text(f"{header}2021-03-02 10:00:{number:02} GET\n")
    told = json.loads(run(tmp_path, SCRIPT + DEADLY + MAIN, "case", "2", "fork"))
    assert told["counts"]["events"] == 20
    [gap] = [gap for gap in told["gaps"] if "died" in gap["reason"]]
    assert "ex_poison.log" in gap["source"]


@ON_LINUX
@pytest.mark.parametrize(
    ("before", "method"),
    [("", "fork"),
     ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "forkserver"),
     ("polars.Series(['b', 'a']).sort(), polars.DataFrame({'a': [2]}).lazy().collect()",
      "forkserver")],
    ids=["nothing runs", "a thread runs", "the column library works"],
)  # fmt: skip
def test_a_process_is_forked_only_while_nothing_runs_in_it(tmp_path, before, method):
    assert run(tmp_path, METHOD.format(before=before)).decode().split() == [method]


@ON_LINUX
def test_stopping_stops_the_workers_at_once_and_without_a_word(evidence, tmp_path):
    (tmp_path / "script.py").write_text(ENDLESS, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "script.py", str(evidence)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        while not (tmp_path / "begun").exists() and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == b"afterpatch: stopped; nothing was written"
