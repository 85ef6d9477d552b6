"""Start a campaign pack: a small one that already passes lint and proves its one rule."""

from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from afterpatch.campaigns.schema import Name
from afterpatch.model.errors import UsageError

_CAMPAIGN = """\
# One emergency as data. Every key is explained in docs/campaigns.md.
id: {id}
version: "0.1"
title: Say what the emergency is called
summary: Say in two sentences what is exploited, by whom, and since when.
references:
  - https://example.org/advisory
cves: []
product: exchange
fix: exchange-mar21su

window:
  from: 2021-01-01T00:00:00Z  # no exploitation is known before this

stages:  # lowest first; bands: attempted, compromised, follow-up
  - id: attempted
    band: attempted
    title: Attempted
    means: Somebody sent the exploit; nothing shows that it worked.
  - id: exploited
    band: compromised
    title: Exploited
    means: The server answered the exploit as the attacker wanted.

logs:
  - id: iis-front
    title: IIS log of the front end
    silence_hours: 24
    fetch: C:\\inetpub\\logs\\LogFiles\\W3SVC1
    sees: [attempted, exploited]

clearing:  # each group needs one observed log before a server is called clear
  - [iis-front]

keys:  # what ties hits together
  - name: source address
    fields: [c-ip]
    pattern: ^([0-9A-Fa-f.:]+)$
    strength: nearby
    hours: 24
    visitor: true

advice:
  attempted:
    - not-fixed: Install the fix.
  compromised:
    - Keep an image of the server before you change anything; the fix does not evict an intruder.
"""

_RULE = """\
title: Request for the exploited page was answered
id: {rule}
status: experimental
description: Replace this with a rule for the real trace.
references:
  - https://example.org/advisory
author: {id}
logsource:
  category: webserver
  product: windows
  service: iis
detection:
  page:
    cs-uri-stem|endswith: /replace-this-page.aspx
    sc-status: 200
  condition: page
fields: [c-ip, cs-uri-stem, sc-status]
level: high
afterpatch:
  stage: exploited
  weak: false
  finds: A request for the page, answered with 200.
  misses: Anything sent in a request body; IIS does not log it.
"""

_PROOF = """\
rule: {rule}
fires:
  - {{cs-method: POST, cs-uri-stem: /replace-this-page.aspx, sc-status: "200"}}
silent:
  - {{cs-method: POST, cs-uri-stem: /replace-this-page.aspx, sc-status: "404"}}
  - {{cs-method: GET, cs-uri-stem: /another-page.aspx, sc-status: "200"}}
"""

_README = """\
# {id}

What this pack finds, what it misses, and which harmless events look like it.
"""


def create(path: Path, campaign_id: str) -> None:
    """Write a small valid pack into a new folder.

    Raises UsageError when the folder is not empty or the id is not a valid name (lower-case
    letters, digits, dots and dashes).
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path} exists and is not an empty folder")
    try:
        TypeAdapter(Name).validate_python(campaign_id)
    except ValidationError as error:
        raise UsageError(f"'{campaign_id}' cannot be a campaign's id") from error
    values = {"id": campaign_id, "rule": str(uuid4())}
    files = {
        "campaign.yaml": _CAMPAIGN,
        "README.md": _README,
        "rules/first.yml": _RULE,
        "tests/rules/first.yml": _PROOF,
    }
    for name, text in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.format_map(values), encoding="utf-8")
