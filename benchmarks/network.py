"""DNS logs from bytes to hits, one process, beside reading each line with the standard library.

    python -m benchmarks.network [--rows 2000000] [--rules DIR] [--folder bench-data]

Rows are generated (5,000 names, 97 zones). ``--rules`` is a folder of Sigma files, all of which are
loaded; without it the campaigns' rules are. Times are processor seconds of one process each, start
of Python and loading of rules left out, so that neighbours on the machine disturb little.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from afterpatch.campaigns.load import load
from afterpatch.detect.detector import Detector
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item
from afterpatch.pipeline.unit import Rules, read_units

ZEEK_NAMES = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "query")
ZEEK_NAMES += ("qclass_name", "qtype_name", "rcode_name", "AA", "Z", "answers", "rejected")
ZEEK_TYPES = ("time", "string", "addr", "port", "addr", "port", "enum", "string")
ZEEK_TYPES += ("string", "string", "string", "bool", "count", "vector[string]", "bool")
ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    + "\t".join(("#fields", *ZEEK_NAMES))
    + "\n"
    + "\t".join(("#types", *ZEEK_TYPES))
    + "\n"
)


def labels(i: int) -> tuple[str, str]:
    """Host and zone of a row."""
    return f"h{i % 5000:04d}", f"cdn{i % 97:02d}"


def clock(i: int) -> str:
    return f"{i // 36000 % 12 + 1:02d}:{i // 600 % 60:02d}:{i // 10 % 60:02d}"


def zeek(i: int) -> str:
    host, zone = labels(i)
    return (
        f"{1614643200 + i // 50}.{i * 7919 % 1_000_000:06d}\tC{i:017d}\t10.0.{i % 50}.{i % 200}\t"
        f"{1024 + i % 60000}\t10.0.0.53\t53\tudp\t{host}.{zone}.example.com\tC_INTERNET\tA\t"
        f"NOERROR\tF\t0\t192.0.2.{i % 250}\tF\n"
    )


def zeek_json(i: int) -> str:
    values = zeek(i).rstrip("\n").split("\t")
    row: dict[str, object] = dict(zip(ZEEK_NAMES, values, strict=True))
    row |= {"ts": float(values[0]), "id.orig_p": int(values[3]), "id.resp_p": 53, "AA": False}
    row |= {"Z": 0, "answers": [values[13]], "rejected": False}
    return json.dumps(row, separators=(",", ":")) + "\n"


def windows(i: int) -> str:
    host, zone = labels(i)
    return (
        f"3/{1 + i // 400000 % 28}/2021 {clock(i)} AM 0E70 PACKET  00000000033397A0 UDP Rcv "
        f"10.161.{i % 50}.{i % 200}    {i % 65536:04x}   Q [0001   D   NOERROR] A      "
        f"(5){host}(5){zone}(7)example(3)com(0)\r\n"
    )


def bind(i: int) -> str:
    host, zone = labels(i)
    name = f"{host}.{zone}.example.com"
    return (
        f"02-Mar-2021 {clock(i)}.{i * 37 % 1000:03d} queries: info: client @0x7f8b4c0a1b30 "
        f"10.0.{i % 50}.{i % 200}#{1024 + i % 60000} ({name}): query: {name} IN A +E(0)K "
        "(10.0.0.53)\n"
    )


LOGS: Mapping[str, tuple[str, Callable[[int], str]]] = {
    "zeek": (ZEEK_HEAD, zeek),
    "zeek-json": ("", zeek_json),
    "windows-dns-debug": ("", windows),
    "bind-queries": ("", bind),
}


def main() -> None:
    """Generate once, measure each log in a process of its own, print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    parser.add_argument("--one", choices=sorted(LOGS))
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(path_of(args.folder, args.one, args.rows), args.rules)))
        return
    shown = Table(title=f"{args.rows:,} DNS rows, one process")
    for column in ("log", "CPU s", "rows/s", "MB/s", "time vs plain split", "peak MB", "hits"):
        shown.add_column(column, justify="left" if column == "log" else "right")
    for kind in LOGS:
        path = path_of(args.folder, kind, args.rows)
        command = [sys.executable, "-m", "benchmarks.network", *sys.argv[1:], "--one", kind]
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        rate = path.stat().st_size / 1e6 / told["seconds"]
        ratio = told["seconds"] / plain(path, kind)
        peak = f"{told['peak_bytes'] / 1e6:.0f}"
        row = [kind, f"{told['seconds']:.1f}", f"{told['events'] / told['seconds']:,.0f}"]
        shown.add_row(*row, f"{rate:.0f}", f"{ratio:.2f}", peak, str(told["hits"]))
    Console().print(shown)


def path_of(folder: Path, kind: str, rows: int) -> Path:
    """The generated log, written if it is not there yet."""
    path = folder / f"network-{rows}" / kind / "dns.log"
    if not path.exists():
        path.parent.mkdir(parents=True)
        head, row = LOGS[kind]
        with path.open("w", encoding="utf-8", newline="") as out:
            out.write(head)
            for low in range(0, rows, 100_000):
                out.write("".join(map(row, range(low, min(rows, low + 100_000)))))
    return path


def measure(path: Path, folder: Path | None) -> dict[str, float]:
    """Read and hunt through one log in this process."""
    detector = Rules.of(load("sunburst-orion-2020")).build()
    if folder is not None:
        files = sorted(folder.rglob("*.yml"))
        texts = [RuleText(str(file), "sigma", file.read_text("utf-8")) for file in files]
        detector = Detector.build(texts, (), ())
    item = Item("dns.log", None, "dns.log", "bench", (str(path),), path.stat().st_size)
    with tempfile.TemporaryDirectory() as scratch:
        start = time.process_time()
        (reading,) = read_units([item], detector, Path(scratch))
        seconds = time.process_time() - start
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "events": reading.source.events,
        "hits": len(reading.hits),
        "peak_bytes": peak_kib * 1024,
    }


def plain(path: Path, kind: str) -> float:
    """Seconds a loop with csv or json takes to split the same lines, nothing else done."""
    start = time.process_time()
    with path.open(encoding="utf-8", newline="") as lines:
        if kind == "zeek-json":
            for line in lines:
                json.loads(line)
        else:
            for _ in csv.reader(lines, delimiter="\t" if kind == "zeek" else " "):
                pass
    return time.process_time() - start


if __name__ == "__main__":
    main()
