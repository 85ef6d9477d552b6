"""Plans -> evidence on disk, streaming: a few thousand rows of one server in memory at a time.

Enters: a scenario and an output folder. Leaves: ``<out>/<server>/C/…`` (or an archive of it) and
``labels.json``. Content depends on the plan alone: no clock, no locale, no environment.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson

from afterpatch.simulate import configuration, ecp, httpproxy, w3c, webfiles, windows
from afterpatch.simulate.acts import play
from afterpatch.simulate.background import Background, Lines
from afterpatch.simulate.labels import Label, Labels, label
from afterpatch.simulate.layouts import Sink, open_sink
from afterpatch.simulate.scenario import Scenario, ServerPlan, utc
from afterpatch.simulate.trace import Trace

LOGGING: Final = f"{webfiles.V15}/Logging"
# Both heads of HttpProxy files occur in the wild; here they change with the calendar.
BARE_HEADER_FROM: Final = utc("2021-03-01")
_INSTALLED_DAYS_AGO: Final = 60
_HELD_ROWS: Final = 2_000
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

    With ``limit_bytes`` the evidence ends with the block in which that size is reached.
    """
    trace = play(plan)
    _patch_event(plan, trace)
    writer = _Writer(plan, open_sink(plan, out))
    background = Background(plan)
    acts = _by_block(plan, trace, background.step)
    for start in background.starts():
        writer.block(start, background.block(start), acts.get(start, {}))
        if limit_bytes is not None and writer.size_bytes >= limit_bytes:
            plan = replace(plan, days=(plan.days[0], start + background.step))
            break
    _configuration(plan, trace)
    writer.files(trace)
    where = writer.finish()
    return label(plan, trace, where.relative_to(out).as_posix())


def _by_block(plan: ServerPlan, trace: Trace, step: timedelta) -> dict[datetime, dict[str, Lines]]:
    """Rows that acts left and the evidence keeps: block -> log -> lines with their ends."""
    found: dict[datetime, dict[str, Lines]] = {}
    for log, rows in trace.rows.items():
        end = "\n" if log.startswith("windows:") else "\r\n"
        for row in rows:
            if plan.keeps(log, row.when):
                hour = row.when.replace(minute=0, second=0, microsecond=0)
                block = row.when - (row.when - plan.days[0]) % step
                lines = found.setdefault(block, {}).setdefault(log, Lines())
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

    def __init__(self, plan: ServerPlan, sink: Sink) -> None:
        self.plan = plan
        self.sink = sink
        self.size_bytes = 0
        self.written: dict[str, datetime] = {}
        self.current: dict[str, str] = {}
        self.waiting: dict[str, list[str]] = {}

    def block(self, start: datetime, usual: dict[str, Lines], acts: dict[str, Lines]) -> None:
        """Take all rows of one block; both hold only what the evidence keeps."""
        hour = start.replace(minute=0)
        for log in sorted({*usual, *acts}):
            lines = usual.get(log, Lines())
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
            data = "".join(self.waiting[log]).encode()
            self.sink.append(self.current[log], data)
            self.size_bytes += len(data)
            self.waiting[log] = []

    def files(self, trace: Trace) -> None:
        """Write web files and configuration; ``web-files`` may be missing."""
        for path, file in sorted(trace.files.items()):
            if "web-files" in self.plan.missing and _is_web_file(path):
                continue
            self.sink.append(path, file.content)
            self.written[path] = file.modified

    def finish(self) -> Path:
        """Write what is held, cut what is to be cut; gives what holds the evidence."""
        for log in self.current:
            self._flush(log)
        for log in sorted(self.plan.truncated & set(self.current)):
            self.sink.cut(self.current[log], _CUT_BYTES)
        return self.sink.close(self.written)


def _merged(usual: Lines, acts: Lines) -> Lines:
    """Two logs' rows of one block in one, by time."""
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
