"""Plans -> evidence on disk, streaming: one hour of one server in memory at a time.

Enters: a scenario and an output folder. Leaves: ``<out>/<server>/C/…`` (or an archive of it) and
``labels.json``. Content depends on the plan alone: no clock, no locale, no environment.
"""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from afterpatch.simulate import configuration, ecp, httpproxy, w3c, webfiles, windows
from afterpatch.simulate.acts import play
from afterpatch.simulate.background import Background, Lines
from afterpatch.simulate.labels import Label, Labels, label
from afterpatch.simulate.layouts import pack
from afterpatch.simulate.scenario import Scenario, ServerPlan, hours, utc
from afterpatch.simulate.trace import Trace

LOGGING: Final = f"{webfiles.V15}/Logging"
# Both heads of HttpProxy files occur in the wild; here they change with the calendar.
BARE_HEADER_FROM: Final = utc("2021-03-01")
_INSTALLED_DAYS_AGO: Final = 60
_HELD_ROWS: Final = 8_000
_CUT_BYTES: Final = 41


def write(scenario: Scenario, out: Path, labels: Path | None = None) -> Labels:
    """Write every server of the scenario below ``out``, and the truth about them.

    ``labels`` is where the truth goes, ``out/labels.json`` if not given.
    """
    out.mkdir(parents=True, exist_ok=True)
    truth = Labels(
        scenario=scenario.name,
        seed=scenario.seed,
        servers=tuple(write_server(plan, out) for plan in scenario.servers),
    )
    text = orjson.dumps(truth.document(), option=orjson.OPT_INDENT_2)
    (labels or out / "labels.json").write_bytes(text + b"\n")
    return truth


def write_server(plan: ServerPlan, out: Path, limit_bytes: int | None = None) -> Label:
    """Write one server's evidence into ``out``; gives its label.

    With ``limit_bytes`` the evidence ends with the hour in which that size is reached.
    """
    folder = out / plan.name
    folder.mkdir(parents=True, exist_ok=True)
    trace = play(plan)
    _patch_event(plan, trace)
    writer = _Writer(plan, folder)
    background = Background(plan)
    acts = _by_hour(plan, trace)
    for hour in hours(plan):
        writer.hour(hour, background.hour(hour), acts.get(hour, {}))
        if limit_bytes is not None and writer.size_bytes >= limit_bytes:
            plan = replace(plan, days=(plan.days[0], hour + timedelta(hours=1)))
            break
    _configuration(plan, trace)
    writer.files(trace)
    writer.finish()
    where = pack(plan, folder)
    return label(plan, trace, where.relative_to(out).as_posix())


def _by_hour(plan: ServerPlan, trace: Trace) -> dict[datetime, dict[str, Lines]]:
    """Rows that acts left and the evidence keeps: hour -> log -> lines with their ends."""
    found: dict[datetime, dict[str, Lines]] = {}
    for log, rows in trace.rows.items():
        end = "\n" if log.startswith("windows:") else "\r\n"
        for row in rows:
            if plan.keeps(log, row.when):
                hour = row.when.replace(minute=0, second=0, microsecond=0)
                lines = found.setdefault(hour, {}).setdefault(log, Lines())
                lines.at_ms.append((row.when - hour) // timedelta(milliseconds=1))
                lines.text.append(row.text + end)
    return found


def _patch_event(plan: ServerPlan, trace: Trace) -> None:
    if plan.patched_at and plan.build_after and plan.patch_kind == "su":
        text = configuration.update_message(plan.build_after)
        event = windows.application(plan, plan.patched_at, "MsiInstaller", 1022, 4, text)
        trace.add(f"windows:{windows.APPLICATION}", plan.patched_at, event)


def _configuration(plan: ServerPlan, trace: Trace) -> None:
    """Files every server has: pages Exchange ships, IIS configuration, the set-up log."""
    installed = plan.days[0] - timedelta(days=_INSTALLED_DAYS_AGO)
    changed = plan.patched_at or installed
    for path in webfiles.SHIPPED:
        trace.leave(path, webfiles.shipped_page(path), changed)
    if "iis-config" not in plan.missing:
        trace.leave(configuration.IIS_CONFIG, configuration.iis_config().encode(), installed)
        text = configuration.site_config(False).encode()
        trace.leave(configuration.SITE_CONFIG, text, installed)
    if "exchange-setup" not in plan.missing:
        log = configuration.setup_log(plan, plan.product_build_before, installed)
        if plan.patch_kind == "cu" and plan.patched_at and plan.build_after:
            started = plan.patched_at - timedelta(hours=1)
            log += configuration.setup_log(plan, plan.build_after, started)
        trace.leave(configuration.SETUP_LOG, log.encode(), changed)


class _Writer:
    """Appends rows to the right files of one server, heads first.

    The rows of a file are held until its hour or day is over, or until they are a few megabytes.
    """

    def __init__(self, plan: ServerPlan, folder: Path) -> None:
        self.plan = plan
        self.folder = folder
        self.size_bytes = 0
        self.written: dict[str, datetime] = {}
        self.current: dict[str, str] = {}
        self.waiting: dict[str, list[str]] = {}
        self.made: set[Path] = set()

    def hour(self, hour: datetime, usual: dict[str, Lines], acts: dict[str, Lines]) -> None:
        """Take all rows of one hour; ``acts`` holds only what the evidence keeps."""
        for log in sorted({*usual, *acts}):
            lines = usual.get(log, Lines()) if self.plan.keeps(log, hour) else Lines()
            if log in acts:
                lines = _merged(lines, acts[log])
            if lines.text:
                self._append(log, hour, lines)

    def _append(self, log: str, hour: datetime, lines: Lines) -> None:
        path = _path(log, hour)
        if self.current.get(log) != path:
            self._flush(log)
            self.current[log] = path
            first = hour + timedelta(milliseconds=lines.at_ms[0])
            self.waiting[log] = [_head(log, self.plan.build_at(first), first)]
        self.waiting[log] += lines.text
        self.written[path] = hour + timedelta(milliseconds=lines.at_ms[-1])
        if len(self.waiting[log]) > _HELD_ROWS:
            self._flush(log)

    def _flush(self, log: str) -> None:
        if self.waiting.get(log):
            with self._open(self.current[log]).open("ab") as file:
                self.size_bytes += file.write("".join(self.waiting[log]).encode())
            self.waiting[log] = []

    def _open(self, path: str) -> Path:
        target = self.folder / path.replace("C:/", "C/", 1)
        if target.parent not in self.made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.made.add(target.parent)
        return target

    def files(self, trace: Trace) -> None:
        """Write web files and configuration; ``web-files`` may be missing."""
        for path, file in sorted(trace.files.items()):
            if "web-files" in self.plan.missing and _is_web_file(path):
                continue
            self._open(path).write_bytes(file.content)
            self.written[path] = file.modified

    def finish(self) -> None:
        """Write what is held, cut what is to be cut, give every file its last record's time."""
        for log in self.current:
            self._flush(log)
        for log in sorted(self.plan.truncated & set(self.current)):
            target = self._open(self.current[log])
            os.truncate(target, target.stat().st_size - _CUT_BYTES)
        for path, when in self.written.items():
            os.utime(self._open(path), (when.timestamp(), when.timestamp()))


def _merged(usual: Lines, acts: Lines) -> Lines:
    """Two logs' rows of one hour in one, by time."""
    both = [
        *zip(usual.at_ms, usual.text, strict=True),
        *zip(acts.at_ms, acts.text, strict=True),
    ]
    both.sort(key=lambda pair: pair[0])
    return Lines([ms for ms, _ in both], [text for _, text in both])


def _is_web_file(path: str) -> bool:
    roots = (f"{webfiles.V15}/FrontEnd/", webfiles.ASPNET_CLIENT, webfiles.TEMPORARY)
    return path.startswith(roots)


def _path(log: str, hour: datetime) -> str:
    """Where Windows, IIS or Exchange keep this log."""
    family, _, name = log.partition(":")
    day = hour.isoformat()[:10].replace("-", "")
    if family == "httpproxy":
        return f"{LOGGING}/HttpProxy/{name}/HttpProxy_{day}{hour.hour:02d}-1.LOG"
    if family in ("iis-front", "iis-back"):
        site = "W3SVC1" if family == "iis-front" else "W3SVC2"
        return f"C:/inetpub/logs/LogFiles/{site}/u_ex{day[2:]}.log"
    if family == "windows":
        return f"events/{windows.file_name(name)}"
    return {
        "httperr": "C:/Windows/System32/LogFiles/HTTPERR/httperr1.log",
        "ecp-server": f"{LOGGING}/ECP/Server/ECPServer{day}-1.LOG",
        "oabgenerator": f"{LOGGING}/OABGeneratorLog/OABGenerator_{day}-1.LOG",
    }[family]


def _head(log: str, build: str, first: datetime) -> str:
    if log.startswith("httpproxy:"):
        return httpproxy.head(build, first, first >= BARE_HEADER_FROM)
    if log.startswith("windows:"):
        return ""
    if log.startswith("iis-"):
        return w3c.iis_head(first)
    if log == "httperr":
        return w3c.httperr_head(first)
    return ecp.ecp_head(first) if log == "ecp-server" else ecp.oab_head(build, first)
