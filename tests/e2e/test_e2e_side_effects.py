"""Assessing evidence starts no process, opens no socket, writes nowhere but the output folder."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from afterpatch.campaigns.load import load
from afterpatch.cli.hunt_options import hunt_request
from afterpatch.pipeline.unit import Rules
from afterpatch.report.hunt_outputs import OUTPUTS

WATCHED = textwrap.dedent(
    """
    import os, sys, tempfile
    allowed = tuple(os.path.realpath(p) for p in (sys.argv[2], tempfile.gettempdir()))
    forbidden = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
                 "pty.", "webbrowser.", "ctypes.dlopen_evidence")
    cache = os.path.join(os.path.realpath(os.environ["AFTERPATCH_CACHE_DIR"]), "rules", "")
    seen, kept = [], []
    def hook(event, args):
        if event.startswith(forbidden) and event != "socket.gethostname":
            seen.append((event, repr(args)[:200]))
        if event == "open" and isinstance(args[0], (str, bytes)) and isinstance(args[2], int):
            writes = args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            path = os.path.realpath(os.fsdecode(args[0]))
            if writes and path != os.devnull and not path.startswith(allowed):
                if not path.endswith((".pyc",)) and "__pycache__" not in path:
                    (kept if path.startswith(cache) else seen).append((event, path))
    from afterpatch.cli import cli
    # imports may start programs of their own; evidence may not
    import afterpatch.cli.assess, afterpatch.cli.hunt
    sys.addaudithook(hook)
    code = cli([sys.argv[3], sys.argv[1], "--output", sys.argv[2], "--workers", "1", *sys.argv[4:]],
               standalone_mode=False)
    print("\\nSIDE-EFFECTS", seen, "KEPT", len(kept))
    """
)


CAMPAIGN = "hafnium-exchange-2021"
RULES = str(Path(load.__code__.co_filename).parent / "packs" / CAMPAIGN / "rules")


def rules_alone(verb, cache):
    """What the cache holds when the rules were made ready for text logs and none was read."""
    if verb == "assess":
        detector = Rules.of(load(CAMPAIGN), cache=cache).build().campaign
    else:
        detector = hunt_request([RULES], [], None, None, None).rules.build(cache).detector
    assert detector.wanted("webserver")
    assert detector.wanted("exchange")
    return {path.name: path.read_bytes() for path in cache.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (["assess"], ["assessment.json", "report.html", "timeline.csv"]),
        (["hunt", "--rules", RULES], sorted(output.file for output in OUTPUTS.values())),
    ],
    ids=["assess", "hunt"],
)
def test_nothing_but_the_output_folder_is_touched(evidence, tmp_path, arguments, written):
    """One exception: the user's cache folder keeps rules, and of the evidence nothing."""
    before = {path: path.stat().st_mtime_ns for path in evidence.rglob("*")}
    (tmp_path / "tmp").mkdir()
    own = {"AFTERPATCH_CACHE_DIR": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(evidence), str(tmp_path / "out"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | own,
    )
    assert "SIDE-EFFECTS [] KEPT 5" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert {path: path.stat().st_mtime_ns for path in evidence.rglob("*")} == before
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == written
    assert list((tmp_path / "tmp").iterdir()) == []
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["rules"]
    kept = {path.name: path.read_bytes() for path in (tmp_path / "cache" / "rules").iterdir()}
    assert kept == rules_alone(arguments[0], tmp_path / "expected")


# The program, in the middle of its reading for as long as it takes to be stopped.
READING = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from afterpatch.cli import main
    from afterpatch.pipeline import executor
    def reading(items, engines, scratch):
        Path("begun").touch()
        time.sleep(600)
    executor.read_units = reading
    main()
    """
)


def test_stopping_leaves_no_half_report(evidence, tmp_path):
    out = tmp_path / "out"
    arguments = ["assess", str(evidence), "--output", str(out), "--workers", "1"]
    with subprocess.Popen(
        [sys.executable, "-c", READING, *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        while not (tmp_path / "begun").exists() and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == b"afterpatch: stopped; nothing was written"
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    "arguments", [["assess"], ["hunt", "--rules", RULES]], ids=["assess", "hunt"]
)
def test_reports_are_whole_though_nobody_reads_the_summary(evidence, tmp_path, arguments):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "afterpatch", *arguments, str(evidence), "--output", str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.close()
        process.stderr.read()
        process.wait(timeout=120)
    assert len(list(out.iterdir())) >= 3
    assert all(path.stat().st_size for path in out.iterdir())
