"""Access logs of Apache, nginx and whoever writes the Common or Combined Log Format.

Enters: ``access.log`` in any of: common, combined, either with the virtual host in front
(``vhost_combined``), and combined with more at its end (nginx's packaged ``main`` adds
``"$http_x_forwarded_for"``). Leaves: batches with Sigma's column names, times in UTC by each
record's own offset. The product is known by the path only; lines do not tell it.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Final

from afterpatch.formats import clf_lines
from afterpatch.formats.format import Format
from afterpatch.formats.proven_log import ProvenLog, declares, read_proven_log
from afterpatch.formats.text_blocks import BLOCK_BYTES
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

# Debian: /var/log/apache2/access.log, other_vhosts_access.log; Red Hat: /var/log/httpd/access_log.
_APACHE: Final = re.compile(
    r"/(?:apache2?|httpd)(?:-?\d*)/|(?:^|/)(?:other_vhosts_access\.log|(?:ssl_)?access_log)[^/]*$",
    re.IGNORECASE,
)
_NGINX: Final = re.compile(r"/nginx/", re.IGNORECASE)
_FILE_NAME: Final = re.compile(r"(?:^|[/._-])access[._-]?log[^/]*$", re.IGNORECASE)


def product(origin: str) -> str:
    """The web server that keeps its logs in such a place, or ""."""
    path = f"/{origin}".replace("\\", "/")
    return "nginx" if _NGINX.search(path) else "apache" if _APACHE.search(path) else ""


def _recogniser(wanted: str) -> Callable[[bytes, Item], str]:
    def recognise(head: bytes, item: Item) -> str:
        if product(item.origin) != wanted:
            return ""
        if clf_lines.is_clf(head):
            return "content"
        return "file name" if wanted and _FILE_NAME.search(item.origin) else ""

    return recognise


def _read(
    stream: BinaryIO,
    item: Item,
    wanted: Wanted | None,
    block_bytes: int = BLOCK_BYTES,
    *,
    log: ProvenLog,
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   columns of :func:`afterpatch.formats.clf_lines.columns`.
    Units:   time UTC.
    Gaps:    lines of another shape, two records on one line, NUL bytes, a last line without line
             end; an unreadable time is noted. Content never raises.
    Source:  Apache mod_log_config, nginx ngx_http_log_module.
    """
    return read_proven_log(stream, item, wanted, log, block_bytes)


def _format(kind: str, name: str) -> Format:
    logsource = Logsource("webserver", name, "access")
    log = ProvenLog(
        "access",
        logsource,
        clf_lines.PATTERNS,
        clf_lines.GROUPS,
        clf_lines.TORN,
        clf_lines.prove,
        clf_lines.times,
        clf_lines.columns,
    )
    return Format(
        kind,
        _recogniser(name),
        partial(_read, log=log),
        prefilter="logsource",
        logsource=logsource,
        declared=declares(log),
        spelling="backslashed",
    )


APACHE: Final = _format("apache-access", "apache")
NGINX: Final = _format("nginx-access", "nginx")
FORMAT: Final = _format("access-log", "")
