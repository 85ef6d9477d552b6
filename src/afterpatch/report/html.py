"""The assessment as one self-contained HTML page: no script, no request, nothing to install.

Enters: the assessment document. Leaves: HTML text. Every value goes through Jinja2's autoescape; no
template marks anything as safe. The page's own policy (``default-src 'none'``) forbids scripts and
requests even if an escape were missed.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from afterpatch.report import words
from afterpatch.report.atomic import write_atomically
from afterpatch.report.page import build_page
from afterpatch.report.sunburst_page import Page as SunburstPage

# References come from packs and users' own rules: only plain web addresses become links.
_WEB_ADDRESS: Final = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?(/[A-Za-z0-9_.~/?#&=%:+,;@!()\-]*)?"
)


def render_html(document: Mapping[str, Any]) -> str:
    """The whole page."""
    return _environment().get_template("report.html.j2").render(page=build_page(document))


def write_html(document: Mapping[str, Any], target: Path) -> None:
    """Write the page, whole or not at all."""
    write_atomically(target, render_html(document).encode("utf-8", errors="replace"))


def render_sunburst(page: SunburstPage) -> str:
    """The page of ``afterpatch sunburst report``, under the same policy."""
    return _environment().get_template("sunburst.html.j2").render(page=page)


def is_web_address(text: str) -> bool:
    """Whether ``text`` may become a link."""
    return _WEB_ADDRESS.fullmatch(text) is not None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("afterpatch.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bounds": lambda pair: words.bounds(*pair),
        "clock": words.clock,
        "counted": words.counted,
        "domain": lambda address: address.split("/")[2],
        "intervals": words.intervals,
        "lived": words.lived,
        "moment": words.moment,
    }
    environment.tests["web_address"] = is_web_address
    environment.globals |= {
        "ORDER_SENTENCES": words.ORDER_SENTENCES,
        "OUTCOME_SHORT": words.OUTCOME_SHORT,
        "QUESTION_TITLES": words.QUESTION_TITLES,
        "STATE_TITLES": words.STATE_TITLES,
    }
    return environment
