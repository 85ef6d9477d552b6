"""How the text of a test stands in a raw line: as hyperscan patterns.

Enters: a text some column must hold, whether it stands at the column's start or end, and how the
log spells its columns. Leaves: the rarest piece that every such line holds, or None. A piece may be
met on lines without the text, never the other way round.

A column's text is cut at characters that a raw line may spell otherwise (quotes, plus signs, commas
and everything beyond printable ASCII; in escaped logs also slashes and brackets). What is left
stands in the line letter by letter. Three facts make short pieces useful:

*Edges.* What stands around a column, or around a part of a URL, is never a letter, digit or
underscore; nor does any spelling of a cut character begin with one. So a piece at an edge has a
word boundary there.

*Names.* Where a column's name stands before its text, a piece at the column's start has it, too.

*Gaps.* Pieces of one column follow each other in the line, a few bytes apart, unless the column is
put together from several: there only what stands between ``/``, ``:`` and ``?`` is one.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from afterpatch.model.batches import Spelling

MIN_CHARS: Final = 3  # an edge counts as one; shorter pieces are on too many lines
MIN_KEYED_CHARS: Final = 2  # where joining with a name makes them rare
_KEY_EDGES: Final = 3  # a column's name counts as so many
SURE_CHARS: Final = 6  # from here on an edge or a neighbour would only cost time
MAX_GAP_BYTES: Final = 48
ORDINARY_COST: Final = 1.0
_EVERYWHERE_COST: Final = 16.0

CUTS: Final[Mapping[Spelling, str]] = {
    "plain": r"""[^!-~]+|["'+,?]+""",
    "escaped": r"""[^!-~]+|["'+,?\\/<>&]+""",
    "backslashed": r"""[^!-~]+|["'+,?\\]+""",
    "parted": r"""[^!-~]+|["'+,?/:]+""",
    "labels": r"""[^!-~]+|["'+,?\\/]+""",
    "keyed": r"""[^!-~]+|["'+,?]+""",
}
_RUNS: Final[Mapping[Spelling, re.Pattern[str]]] = {
    spelling: re.compile(f"((?:{cut})+)") for spelling, cut in CUTS.items()
}
INDICATOR_CUTS: Final[Mapping[Spelling, re.Pattern[str]]] = {
    "escaped": re.compile(CUTS["escaped"]),
    "labels": re.compile(r"""[^!-~]+|["'+,?.\\/]+"""),
}
# Where columns may be joined: what follows need not stand behind what came before. So are the
# members of a list, by line ends.
_JOINS: Final[Mapping[Spelling, str]] = {"parted": "?/:"}
# Spellings whose escapes end in a letter or digit, and what is never escaped there.
_NEVER_ESCAPED: Final[Mapping[Spelling, str]] = {"escaped": " +,?", "backslashed": " +,?'"}
# Bytes that one character may become: four of UTF-8; ``\ud83d\ude00``.
_BYTES: Final[Mapping[Spelling, tuple[str, int]]] = {
    "escaped": (r"[^\n]", 12),
    "backslashed": (r"[^\n]", 16),
}
_PLAIN_BYTES: Final = (r"[^0-9A-Za-z_\n]", 4)
# Characters of which all spellings are known. Where they stand a scan need not keep several states
# alive after each ordinary word, which takes longer than the rest of it.
_SPELLINGS: Final[Mapping[str, str]] = dict.fromkeys(" +,", "[ +,]") | {"'": "'{1,2}"}
_LABEL_EDGE: Final = r"(?:\.|\(\d\d?\))"
_AFTER: Final = r"""(?:[ \t\r",)\]}#:/?;(|>']|$)"""
# Runs of characters that are written as they are, or in one of three known ways.
_WHOLE: Final = re.compile(r"(?:(?![?+,])[!-~]){3,}")
_WORD: Final = re.compile(r"[0-9A-Za-z_]")
# Text of ordinary traffic: what is found in it is on too many lines to be worth a callback each.
_ORDINARY: Final = (
    "https://localhost/owa/auth/logon.aspx",
    "https://localhost/ecp/default.aspx",
    "/autodiscover/autodiscover.xml",
    "/mapi/emsmdb/",
    "/mapi/nspi/",
    "/ews/exchange.asmx",
    "/rpc/rpcproxy.dll",
    "/oab/",
    "/powershell/",
    "/microsoft-server-activesync/default.eas",
    "/scripts/premium/main.js.css.png.gif.svg.ico",
    "/index.html /index.htm /index.php /api/v1/news.json /wp-content/images/x.jpg",
    "/static/assets/css/js/img/fonts/media/account/login/search/download/update/user/default/order",
    "mozilla/4.0 (compatible; macintosh; intel mac os x; linux x86_64; rv:8.0) firefox/ edge/",
    "x11; ubuntu; rv:86.0) gecko/20100101 firefox/86.0 chrome/88.0.4324.182 safari/537.36 internet",
    "https://cdn.example.net/ https://app.example.io/ https://example.org/ example.co example.de",
    "microsoft office outlook microsoft-cryptoapi/10.0 windows-update-agent",
    "clientaccess;&correlationid=<empty>;&caferequestid=&cafereqid=",
    "127.0.0.1 ::1 fe80:: negotiate application/json id=1",
    # Of cloud services: who asks, what for, how it went.
    "iamuser assumedrole arn:aws:sts::1:assumed-role/ arn:aws:iam::1:role/ awsservice awsapicall",
    "s3.amazonaws.com ec2.amazonaws.com iam.amazonaws.com sts.amazonaws.com kms.amazonaws.com",
    "logs.amazonaws.com rds.amazonaws.com ssm.amazonaws.com lambda.amazonaws.com getobject",
    "signin.amazonaws.com cloudtrail.amazonaws.com dynamodb.amazonaws.com ecr.amazonaws.com",
    "audit.k8s.io/v1 responsecomplete authorization.k8s.io/decision allow /api/v1/namespaces/pods",
    "system:serviceaccounts:kube-system system:serviceaccount: system:authenticated secrets list",
    "microsoft.compute/virtualmachines microsoft.storage/ microsoft.resources/ microsoft.network/",
    "administrative succeeded success accepted core directory usermanagement add update delete",
    "cloudaudit.googleapis.com compute.googleapis.com storage.googleapis.com iam.googleapis.com",
    "exchange sharepoint onedrive azureactivedirectory fileaccessed mailitemsaccessed userloggedin",
    "user.authentication.sso user.session.start policy.evaluate_sign_on push pull clone repo",
)
# Text of most lines.
_EVERYWHERE: Final = (
    "post get head 200 302 304 401 404 443 444 80 ok - 2021- true false 0 1 2 3",
    "http://www.example.com https://www.google.com/ text/html",
    "mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko)",
    "mozilla/5.0 (windowsnt10.0;win64;x64)applewebkit/537.36(khtml,likegecko)chrome/safari/",
)
# The same of an audit log: every system call has the first, what runs every day the others.
_KEYED_EVERYWHERE: Final = (
    "type=syscall type=execve type=path type=cwd type=proctitle success=yes exit=0 items=2 item=0",
    "tty=pts0 comm=bash key=exec arch=x86_64 syscall=execve auid=root uid=root nametype=normal",
)
_KEYED_ORDINARY: Final = (
    "type=user_auth type=user_acct type=user_start type=user_end type=user_login type=cred_acq",
    "type=cred_disp type=login type=service_start type=bprm_fcaps type=sockaddr type=eoe",
    "/usr/bin/bash /bin/sh /usr/bin/sudo /usr/sbin/sshd /usr/sbin/cron /usr/lib/systemd/systemd",
    "/lib64/ld-linux-x86-64.so.2 /usr/bin/python3 /dev/null /etc/passwd /root /home/user /tmp/",
    "op=pam:session_open grantors=pam_keyinit,pam_limits,pam_systemd,pam_unix,pam_permit acct=root",
    "hostname=? addr=? terminal=ssh res=success subj=unconfined pid=1 uid=0 ses=3 dev=08:01",
    "unit=service name=systemctl restart history -c -f -i -r -t -o user delete normal create",
)


class Piece(NamedTuple):
    """``text``: its letters, lower-case. ``is_joinable``: the pattern spans nothing else."""

    text: str
    pattern: str
    is_joinable: bool
    cost: float


def piece_of(
    text: str, spelling: Spelling, *, opens: bool = False, closes: bool = False
) -> Piece | None:
    """The rarest piece of a text that stands at the start (``opens``) or end of its column."""
    return _piece(text.lower(), spelling, opens, closes)


@lru_cache(maxsize=1 << 14)
def _piece(text: str, spelling: Spelling, opens: bool, closes: bool) -> Piece | None:
    fragments = list(_fragments(text, spelling))
    found: list[Piece] = []
    for at in range(len(fragments)):
        found += _joined(fragments[at : at + 1], spelling, opens, closes)
    best = min(found, key=_rank, default=None)
    if best and best.cost < ORDINARY_COST and len(best.text) >= SURE_CHARS:
        return best
    for first, stop in _runs_of(fragments, spelling):
        found += _joined(fragments[first:stop], spelling, opens, closes)
    if spelling == "escaped":
        found += map(_spelled_out, _WHOLE.findall(text))
    return min(found, key=_rank, default=None)


def _spelled_out(text: str) -> Piece:
    """With every way in which JSON and Zeek may write each of its characters."""
    pattern = "".join(letter if letter.isalnum() else _escaped(letter) for letter in text)
    return Piece(text, pattern, is_joinable=False, cost=_cost(pattern, len(text)))


def _escaped(letter: str) -> str:
    number = f"{ord(letter):02x}"
    return rf"(?:\\?{re.escape(letter)}|\\u00{number}|\\x{number})"


@lru_cache(maxsize=1 << 12)
def keyed_piece(columns: frozenset[str], text: str, *, closes: bool) -> Piece | None:
    """A text that one of the columns starts with, and its name before it (``a0=cp``, ``a0="cp"``).

    ``closes``: the column ends with it, too.
    """
    first, *more = _RUNS["keyed"].split(text.lower())
    if not first:
        return None
    after = "" if more or not closes else r"\b" if _WORD.match(first[-1]) else _AFTER
    names = "|".join(map(re.escape, sorted(columns)))
    pattern = rf'\b(?:{names})="?{re.escape(first)}{after}'
    cost = _cost(pattern, len(first), _KEY_EDGES, "keyed")
    return Piece(first, pattern, is_joinable=after != _AFTER, cost=cost)


class _Fragment(NamedTuple):
    """What lies between the cuts ``before`` and ``after``, None at the text's own ends."""

    text: str
    before: str | None
    after: str | None


def _fragments(text: str, spelling: Spelling) -> Iterator[_Fragment]:
    parts = _RUNS[spelling].split(text)  # text and cuts in turn
    for at in range(0, len(parts), 2):
        if parts[at]:
            before = parts[at - 1] if at else None
            yield _Fragment(parts[at], before, parts[at + 1] if at + 1 < len(parts) else None)


def _runs_of(fragments: list[_Fragment], spelling: Spelling) -> Iterator[tuple[int, int]]:
    """Two and more neighbours that are sure to stand in this order, close together."""
    first = 0
    for at, fragment in enumerate(fragments):
        if at + 1 == len(fragments) or not _gap(fragment.after or "", spelling):
            if at > first:
                yield first, at + 1
            first = at + 1


def _rank(piece: Piece) -> tuple[float, bool, int, str]:
    return piece.cost, not piece.is_joinable, -len(piece.text), piece.pattern


def _joined(
    span: list[_Fragment], spelling: Spelling, opens: bool, closes: bool
) -> Iterator[Piece]:
    """The span as one piece, if that is long enough."""
    text = "".join(fragment.text for fragment in span)
    before = after = ""
    edges = 0
    if len(span[0].text) < SURE_CHARS and _is_led(span[0].before, spelling, opens):
        before, edges = (r"\b", 1) if _WORD.match(text[0]) else ("", 0)
    last = span[-1].after
    if len(span[-1].text) < SURE_CHARS and (closes if last is None else True):
        if _WORD.match(text[-1]):
            after, edges = r"\b", edges + 1
        elif last is None and spelling != "labels":
            after, edges = _AFTER, edges + 2
    if len(text) + edges < (MIN_KEYED_CHARS if spelling == "keyed" else MIN_CHARS):
        return
    pattern = quoted(span[0].text, spelling)
    for one, following in pairwise(span):
        pattern += _gap(one.after or "", spelling) + quoted(following.text, spelling)
    pattern = before + pattern + after
    is_joinable = len(span) == 1 and after != _AFTER
    yield Piece(text, pattern, is_joinable, _cost(pattern, len(text), edges, spelling))


def _cost(pattern: str, chars: int, edges: int = 0, spelling: Spelling = "plain") -> float:
    """How common: a guess by the number of characters, unless ordinary text has it."""
    found = re.compile(pattern, re.IGNORECASE | re.ASCII)
    keyed = spelling == "keyed"
    if any(map(found.search, _KEYED_EVERYWHERE if keyed else _EVERYWHERE)):
        return _EVERYWHERE_COST
    usual = any(map(found.search, _KEYED_ORDINARY if keyed else _ORDINARY))
    if usual or chars + keyed < MIN_CHARS - 1 or chars + edges < MIN_CHARS:
        return ORDINARY_COST
    return 2.0 ** -min(chars + edges, 12)


def _is_led(run: str | None, spelling: Spelling, opens: bool) -> bool:
    """Whether what stands before is no letter or digit."""
    return opens if run is None else _ends_bare(run, spelling)


def _ends_bare(run: str, spelling: Spelling) -> bool:
    """Whether no spelling of these cut characters ends in a letter or digit."""
    bare = _NEVER_ESCAPED.get(spelling)
    return bare is None or run[-1] in bare


def _gap(run: str, spelling: Spelling) -> str:
    """Whatever may stand for these cut characters, or "" when that has no bound."""
    if not run:
        return ""
    is_bare = set(run) <= set(_NEVER_ESCAPED.get(spelling, ""))
    if (is_bare or spelling not in _NEVER_ESCAPED) and set(run) <= _SPELLINGS.keys():
        return "".join(_SPELLINGS[letter] for letter in run)
    one, longest = _PLAIN_BYTES if is_bare else _BYTES.get(spelling, _PLAIN_BYTES)
    size = longest * len(run)
    joined = any(mark in run for mark in _JOINS.get(spelling, "?") + "\n")
    return "" if joined or size > MAX_GAP_BYTES else f"{one}{{0,{size}}}"


def quoted(text: str, spelling: Spelling) -> str:
    """The text as a pattern; in a log of labels a dot may stand as a label's length."""
    edge = _LABEL_EDGE if spelling == "labels" else r"\."
    return edge.join(re.escape(part) for part in text.split("."))
