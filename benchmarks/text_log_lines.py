"""Text logs of ordinary traffic, made a million rows a second, in which next to nothing matches.

Values are drawn from pools whose sizes are those of a mid-sized site: thousands of clients, tens of
thousands of URLs and names, hundreds of user agents. Only the layout differs from log to log.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from afterpatch.simulate.httpproxy import COLUMNS as HTTPPROXY
from afterpatch.simulate.w3c import IIS_FIELDS

CHUNK_ROWS: Final = 100_000
_START_S: Final = 1_614_643_200  # 2021-03-02 00:00:00 UTC
_ROWS_A_SECOND: Final = 40
_WORDS: Final = [
    "news",
    "images",
    "api",
    "shop",
    "account",
    "product",
    "order",
    "help",
    "search",
    "media",
    "docs",
    "forum",
]
_ENDS: Final = (".html", ".css", ".js", ".png", ".jpg", "", "/", ".svg", ".woff2", ".json")
_ZONES: Final = tuple(
    f"{name}.{end}"
    for name in (
        "example",
        "contoso",
        "fabrikam",
        "tailspin",
        "wingtip",
        "cdn.example",
        "woodgrove",
    )
    for end in ("com", "com", "com", "net", "org", "de", "co.uk")
)
_BROWSERS: Final = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/88.0.{}.182 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/14.0.{} Safari/605.1.15"
    ),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:86.0) Gecko/20100101 Firefox/86.{}",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.{}; Pro)",
)


class Log(NamedTuple):
    """One kind of log: where it lies, how it begins, and how rows of traffic stand in it.

    joint, tail  what stands between two rows, and behind the last one.
    """

    name: str
    path: str
    head: str
    rows: Callable[[pl.DataFrame], pl.DataFrame]
    joint: str = "\n"
    tail: str = "\n"


def write(log: Log, folder: Path, size_bytes: int) -> tuple[Path, int]:
    """Write a log of at least this size; where it is, and how many events it has."""
    path = folder / log.path
    path.parent.mkdir(parents=True, exist_ok=True)
    events = 0
    with path.open("wb") as out:
        out.write(log.head.encode())
        for traffic in _traffic():
            lines = log.rows(traffic).to_series().to_list()
            out.write((log.joint * (events > 0) + log.joint.join(lines)).encode())
            events += CHUNK_ROWS
            if out.tell() >= size_bytes:
                break
        out.write(log.tail.encode())
    return path, events


def _traffic() -> Iterator[pl.DataFrame]:
    """Requests and look-ups, without end, in order of time."""
    rng = np.random.default_rng(2021)
    paths, names, agents, clients = _pools(rng)
    for number in range(1_000_000):
        at = np.arange(CHUNK_ROWS) + number * CHUNK_ROWS
        micros = at * (1_000_000 // _ROWS_A_SECOND) + rng.integers(0, 20_000, CHUNK_ROWS)
        seconds = pl.Series(_START_S + micros // 1_000_000)
        yield pl.DataFrame(
            {
                "seconds": seconds,
                "when": (seconds * 1_000_000).cast(pl.Datetime("us")),
                "micros": pl.Series(micros % 1_000_000).cast(pl.String).str.zfill(6),
                "client": _pick(rng, clients),
                "port": _numbers(rng, 49_152, 65_535),
                "server": _pick(rng, clients),
                "name": _pick(rng, names),
                "path": _pick(rng, paths),
                "number": _numbers(rng, 1, 4_000_000),
                "agent": _pick(rng, agents),
                "referer": _pick(rng, paths),
                "method": _pick(rng, pl.Series(["GET"] * 9 + ["POST"])),
                "status": _pick(rng, pl.Series(["200"] * 16 + ["304", "302", "404", "401"])),
                "size": _numbers(rng, 120, 90_000),
                "took": _numbers(rng, 1, 900),
                "id": _numbers(rng, 0, 65_535),
                "type": _pick(rng, pl.Series(["A"] * 6 + ["AAAA", "PTR", "HTTPS", "SRV"])),
                "uid": "C" + _numbers(rng, 10**15, 10**16) + "Q",
            }
        )


def _pools(rng: np.random.Generator) -> tuple[pl.Series, pl.Series, pl.Series, pl.Series]:
    words, ends, zones = np.array(_WORDS), np.array(_ENDS), _ZONES
    picks = words[rng.integers(0, len(words), (40_000, 2))]
    tails = rng.integers(0, 100_000, 40_000)
    paths = pl.Series(
        [f"/{a}/{b}-{n}{e}" for (a, b), n, e in zip(
            picks, tails, ends[rng.integers(0, len(ends), 40_000)], strict=True
        )]
    )  # fmt: skip
    names = pl.Series(
        [f"{a}{n % 900}.{zones[n % len(zones)]}" for (a, _), n in zip(picks, tails, strict=True)]
    )
    agents = pl.Series([one.format(n) for one in _BROWSERS for n in range(120)])
    clients = pl.Series([f"10.{a}.{b}.{c}" for a, b, c in rng.integers(1, 255, (8_000, 3))])
    return paths, names, agents, clients


def _pick(rng: np.random.Generator, pool: pl.Series) -> pl.Series:
    return pool[rng.integers(0, len(pool), CHUNK_ROWS)]


def _numbers(rng: np.random.Generator, low: int, high: int) -> pl.Series:
    return pl.Series(rng.integers(low, high, CHUNK_ROWS)).cast(pl.String)


def _format(template: str, *columns: pl.Expr | str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """As ``pl.format``, but a brace that is no ``{}`` is text."""
    first, *rest = map(pl.lit, template.split("{}"))
    pairs = zip(columns, rest, strict=True)
    line = pl.concat_str(first, *(part for pair in pairs for part in pair))
    return lambda traffic: traffic.select(line)


_SPACE_TIME: Final = pl.col("when").dt.strftime("%Y-%m-%d %H:%M:%S")
_ISO: Final = pl.col("when").dt.strftime("%Y-%m-%dT%H:%M:%S")
_MILLIS: Final = pl.col("micros").str.slice(0, 3)
_PLUSSED: Final = pl.col("agent").str.replace_all(" ", "+", literal=True)
_QUERY: Final = pl.concat_str(pl.lit("id="), "number")
_LABELS: Final = pl.concat_list(
    pl.col("name").str.split(".").list.eval(
        pl.format("({}){}", pl.element().str.len_bytes(), pl.element())
    )
).list.join("")  # fmt: skip


def _httpproxy(traffic: pl.DataFrame) -> pl.DataFrame:
    """74 columns, most of them short or empty, as real rows have them."""
    known: dict[str, pl.Expr] = {
        "DateTime": pl.format("{}.{}Z", _ISO, _MILLIS),
        "RequestId": pl.format("f3bd9c1e-7a40-4f7e-9a55-{}", pl.col("number").str.zfill(12)),
        "MajorVersion": pl.lit("15"), "MinorVersion": pl.lit("1"),
        "BuildVersion": pl.lit("2106"), "RevisionVersion": pl.lit("2"),
        "Protocol": pl.lit("Owa"), "UrlHost": pl.lit("mail.contoso.com"), "UrlStem": pl.col("path"),
        "AuthenticationType": pl.lit("FBA"), "IsAuthenticated": pl.lit("true"),
        "AuthenticatedUser": pl.format("CONTOSO\\user{}", pl.col("id")),
        "UserAgent": pl.col("agent").str.replace_all(",", " ", literal=True),
        "ClientIpAddress": pl.col("client"), "ServerHostName": pl.lit("EX01"),
        "HttpStatus": pl.col("status"), "BackEndStatus": pl.col("status"),
        "Method": pl.col("method"), "ProxyAction": pl.lit("Proxy"),
        "TargetServer": pl.lit("ex01.contoso.local"),
        "TargetServerVersion": pl.lit("15.01.2106.002"),
        "RoutingType": pl.lit("IntraForest"), "RequestBytes": pl.col("took"),
        "ResponseBytes": pl.col("size"), "TotalRequestTime": pl.col("took"),
        "UrlQuery": pl.format("?{}", _QUERY),
        "GenericInfo": pl.format(
            "BeginRequest={}.{}Z;CorrelationID=<empty>;ProxyState-Run=None;FEAuth=BEVersion-1941996"
            "602;ProxyToDownLevel=False;BeginGetResponse={}.{}Z;EndRequest={}.{}Z;",
            _ISO, _MILLIS, _ISO, _MILLIS, _ISO, _MILLIS,
        ),
        "RoutingStatus": pl.lit("CafeV1"),
    }  # fmt: skip
    cells = [known.get(name, pl.lit("0" if "Latency" in name else "")) for name in HTTPPROXY]
    return traffic.select(pl.concat_str(cells, separator=","))


_ZEEK_ID: Final = ("seconds", "micros", "uid", "client", "port", "server")


def _zeek_head(path: str, fields: dict[str, str]) -> str:
    return (
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
        f"#path\t{path}\n#open\t2021-03-02-00-00-00\n#fields\t" + "\t".join(fields)
        + "\n#types\t" + "\t".join(fields.values()) + "\n"
    )  # fmt: skip


_ID_TYPES: Final = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port",
    "id.resp_h": "addr", "id.resp_p": "port",
}  # fmt: skip
_HTTP_TYPES: Final = _ID_TYPES | {
    "trans_depth": "count", "method": "string", "host": "string", "uri": "string",
    "referrer": "string", "version": "string", "user_agent": "string",
    "request_body_len": "count", "response_body_len": "count", "status_code": "count",
    "status_msg": "string", "resp_mime_types": "vector[string]",
}  # fmt: skip
_DNS_TYPES: Final = _ID_TYPES | {
    "proto": "enum", "trans_id": "count", "rtt": "interval", "query": "string", "qclass": "count",
    "qclass_name": "string", "qtype_name": "string", "rcode_name": "string", "AA": "bool",
    "TC": "bool", "RD": "bool", "RA": "bool", "Z": "count",
    "answers": "vector[string]", "rejected": "bool",
}  # fmt: skip

# Of seven records: a command started (six), a session opened. Titles and some arguments are in
# hexadecimal, as everything with a blank in it.
_AUDIT_COMMANDS: Final = (
    ("ls", "-la", ""), ("date", "+%s", ""), ("sed", "-n", "s/a b/c/p"),
    ("awk", "-F:", "{print $1}"), ("find", "/srv/www", "-newer"), ("cut", "-d", " "),
    ("sh", "run-parts.sh", "--report all"), ("stat", "--format", "%n"),
)  # fmt: skip
_USERS: Final = ("AUID", "UID", "GID", "EUID", "SUID", "FSUID", "EGID", "SGID", "FSGID")
_OWNERS: Final = '\x1dOUID="root" OGID="root"'
_PATH: Final = (
    "dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 "
    f"cap_fver=0 cap_frootid=0{_OWNERS}"
)
_SESSION: Final = (
    '\'op=PAM:session_open grantors=pam_keyinit,pam_limits,pam_unix acct="ops" '
    'exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success\'\x1dUID="root" AUID="ops"'
)
_STAMPED: Final = "msg=audit({}.{}:{}):"
_AUDIT: Final = (
    f"type=SYSCALL {_STAMPED} arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8a1{{}} "
    "a1=55d0c8b7{} a2=55d0c8a3{} a3=8 items=2 ppid={} pid={} auid=1000 uid=1000 gid=1000 euid=1000 "
    'suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts1 ses=3 comm="{}" '
    'exe="/usr/bin/{}" subj=unconfined key="exec"\x1dARCH=x86_64 SYSCALL=execve '
    + " ".join(f'{name}="ops"' for name in _USERS),
    f'type=EXECVE {_STAMPED} argc=3 a0="{{}}" a1="{{}}" a2={{}}',
    f'type=CWD {_STAMPED} cwd="/srv{{}}"',
    f'type=PATH {_STAMPED} item=0 name="/usr/bin/{{}}" inode={{}} {_PATH}',
    f'type=PATH {_STAMPED} item=1 name="/lib64/ld-linux-x86-64.so.2" inode={{}} {_PATH}',
    f"type=PROCTITLE {_STAMPED} proctitle={{}}",
    f"type=USER_START {_STAMPED} pid={{}} uid=0 auid=1000 ses=3 subj=unconfined msg={_SESSION}",
)  # fmt: skip


def _audit(traffic: pl.DataFrame) -> pl.DataFrame:
    """The records of a command stand together and share time and serial."""
    commands = [_AUDIT_COMMANDS[at] for at in (traffic["took"].cast(pl.Int64) % 8).to_list()]
    names, firsts, seconds = zip(*commands, strict=True)
    encoded = [f'"{text}"' if text.isalnum() else text.encode().hex().upper() for text in seconds]
    titles = ["\0".join(one).encode().hex().upper() for one in commands]
    pools = {"command": names, "first": firsts, "second": encoded, "title": titles}
    whole = traffic.with_columns(pl.Series(name, texts) for name, texts in pools.items())
    event = pl.int_range(pl.len()) // len(_AUDIT)
    shared = ("seconds", "micros", "number", "command", "first", "second", "title", "id", "port")
    whole = whole.with_columns(pl.col(name).first().over(event) for name in shared)
    stamp = ("seconds", _MILLIS, "number")
    words = ("id", "id", "port", "id", "port", "command", "command")
    cells = (words, ("command", "first", "second"), ("path",), ("command", "id"), ("id",),
             ("title",), ("id",))  # fmt: skip
    lines = [
        _format(line, *stamp, *more)(whole).to_series()
        for line, more in zip(_AUDIT, cells, strict=True)
    ]
    kind = pl.int_range(pl.len()) % len(_AUDIT)
    table = pl.DataFrame({str(at): line for at, line in enumerate(lines)})
    chosen = pl.coalesce(pl.when(kind == at).then(str(at)) for at in range(len(lines)))
    return table.select(chosen.alias("line"))


_CLOUDTRAIL: Final = _format(
    '{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDA{}","arn":"arn:aws:'
    'iam::123456789012:user/web-{}","accountId":"123456789012","accessKeyId":"AKIA{}","userName":"w'
    'eb-{}","sessionContext":{"attributes":{"creationDate":"{}Z","mfaAuthenticated":"false"}}},"eve'
    'ntTime":"{}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central'
    '-1","sourceIPAddress":"{}","userAgent":"[aws-sdk-java/1.12.{} Linux/5.10 OpenJDK_64-Bit_Server'
    '_VM]","requestParameters":{"bucketName":"content-{}","Host":"content.s3.amazonaws.com","key":"'
    'media{}"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSui'
    'te":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"bytesTransferredOut":{}},"requestID"'
    ':"{}","eventID":"f3bd9c1e-7a40-4f7e-9a55-{}","readOnly":true,"resources":[{"type":"AWS::S3::Ob'
    'ject","ARN":"arn:aws:s3:::content{}"},{"accountId":"123456789012","type":"AWS::S3::Bucket","AR'
    'N":"arn:aws:s3:::content"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccount'
    'Id":"123456789012","eventCategory":"Data"}',
    "uid", "id", "uid", "id", _ISO, _ISO, "client", "took", "took", "path", "size", "uid",
    pl.col("number").str.zfill(12), "path",
)  # fmt: skip
_KUBERNETES: Final = _format(
    '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"4d1f9e2c-7a40-4f7'
    'e-9a55-{}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/endpoints{}?timeou'
    't=10s","verb":"get","user":{"username":"system:serviceaccount:shop:web","uid":"{}","groups":["'
    'system:serviceaccounts","system:authenticated"]},"sourceIPs":["{}"],"userAgent":"kube-proxy/v1'
    '.28.{} (linux/amd64)","objectRef":{"resource":"endpoints","namespace":"shop","name":"web-{}","'
    'apiVersion":"v1"},"responseStatus":{"metadata":{},"code":{}},"requestReceivedTimestamp":"{}.{}'
    'Z","stageTimestamp":"{}.{}Z","annotations":{"authorization.k8s.io/decision":"allow","authoriza'
    'tion.k8s.io/reason":""}}',
    pl.col("number").str.zfill(12), "path", "uid", "client", "took", "id", pl.lit("{}"),
    pl.lit("200"), _ISO, "micros", _ISO, "micros",
)  # fmt: skip


LOGS: Final = (
    Log(
        "IIS W3C", "iis/W3SVC1/u_ex210302.log",
        f"#Software: Microsoft Internet Information Services 10.0\n#Fields: {IIS_FIELDS}\n",
        _format("{} {} {} {} {} 443 - {} {} https://mail.contoso.com{} {} 0 0 {}", _SPACE_TIME,
                "server", "method", "path", _QUERY, "client", _PLUSSED, "referer", "status",
                "took"),
    ),
    Log(
        "HttpProxy", "exchange/HttpProxy/Owa/HttpProxy_2021030200-1.LOG",
        "#Software: Microsoft Exchange Server\n#Version: 15.01.2106.002\n"
        f"#Log-type: HttpProxy Logs\n#Fields: {','.join(HTTPPROXY)}\n",
        _httpproxy,
    ),
    Log(
        "Apache combined", "apache2/access.log", "",
        _format('{} - - [{} +0000] "{} {}?{} HTTP/1.1" {} {} "https://www.example.com{}" "{}"',
                "client", pl.col("when").dt.strftime("%d/%b/%Y:%H:%M:%S"), "method", "path",
                _QUERY, "status", "size", "referer", "agent"),
    ),
    Log(
        "Squid", "squid/access.log", "",
        _format("{}.{} {} {} TCP_MISS/{} {} {} http://{}{}?{} - HIER_DIRECT/{} text/html",
                "seconds", _MILLIS, pl.col("took").str.pad_start(6), "client", "status", "size",
                "method", "name", "path", _QUERY, "server"),
    ),
    Log(
        "W3C proxy", "proxysg/SG_main.log",
        "#Software: SGOS 6.7.5.3\n#Version: 1.0\n#Fields: date time time-taken c-ip cs-username "
        "cs-auth-group x-exception-id sc-filter-result cs-categories cs(Referer) sc-status "
        "s-action cs-method rs(Content-Type) cs-uri-scheme cs-host cs-uri-port cs-uri-path "
        "cs-uri-query cs-uri-extension cs(User-Agent) s-ip sc-bytes cs-bytes\n",
        _format('{} {} {} user{} - - OBSERVED "Technology/Internet" http://www.example.com{} {} '
                "TCP_NC_MISS {} text/html http {} 80 {} ?{} - \"{}\" 10.0.0.9 {} {}",
                _SPACE_TIME, "took", "client", "id", "referer", "status", "method", "name", "path",
                _QUERY, "agent", "size", "took"),
    ),
    Log(
        "Zeek http TSV", "zeek/http.log", _zeek_head("http", _HTTP_TYPES),
        _format("{}.{}\t{}\t{}\t{}\t{}\t80\t1\t{}\t{}\t{}?{}\thttp://www.example.com{}\t1.1\t{}\t0"
                "\t{}\t{}\tOK\ttext/html", *_ZEEK_ID, "method", "name", "path", _QUERY, "referer",
                "agent", "size", "status"),
    ),
    Log(
        "Zeek dns TSV", "zeek/dns.log", _zeek_head("dns", _DNS_TYPES),
        _format("{}.{}\t{}\t{}\t{}\t{}\t53\tudp\t{}\t0.012000\t{}\t1\tC_INTERNET\t{}\tNOERROR\tF\tF"
                "\tT\tT\t0\t{}\tF", *_ZEEK_ID, "id", "name", "type", "server"),
    ),
    Log(
        "Zeek http JSON", "zeek-json/http.log", "",
        _format('{"ts":{}.{},"uid":"{}","id.orig_h":"{}","id.orig_p":{},"id.resp_h":"{}","id.resp_p'
                '":80,"trans_depth":1,"method":"{}","host":"{}","uri":"{}?{}","referrer":"http://ww'
                'w.example.com{}","version":"1.1","user_agent":"{}","request_body_len":0,"response_'
                'body_len":{},"status_code":{},"status_msg":"OK","resp_mime_types":["text/html"]}'
                , *_ZEEK_ID, "method", "name", "path", _QUERY, "referer",
                "agent", "size", "status"),
    ),
    Log(
        "Zeek dns JSON", "zeek-json/dns.log", "",
        _format('{"ts":{}.{},"uid":"{}","id.orig_h":"{}","id.orig_p":{},"id.resp_h":"{}","id.resp_p'
                '":53,"proto":"udp","trans_id":{},"rtt":0.012,"query":"{}","qclass":1,"qclass_name"'
                ':"C_INTERNET","qtype_name":"{}","rcode_name":"NOERROR","AA":false,"TC":false,"RD":'
                'true,"RA":true,"Z":0,"answers":["{}"],"rejected":false}', *_ZEEK_ID, "id", "name",
                "type", "server"),
    ),
    Log(
        "Windows DNS debug", "windows/dns.log",
        "DNS Server log file creation at 3/2/2021 12:00:00 AM\n"
        "Message logging key (for packets - other items use a subset of these fields):\n",
        _format("{} 0E3C PACKET  000000A8{} UDP Rcv {}      {}   Q [0001   D   NOERROR] {} {}(0)",
                pl.col("when").dt.strftime("%-m/%-d/%Y %-I:%M:%S %p"),
                pl.col("number").str.zfill(8), "client",
                pl.col("id").cast(pl.Int64).map_elements("{:04x}".format, pl.String),
                pl.col("type").str.pad_end(6), _LABELS),
    ),
    Log(
        "BIND queries", "named/queries.log", "",
        _format("{}.{} queries: info: client @0x7f31{} {}#{} ({}): query: {} IN {} +E(0)K "
                "(10.0.0.53)", pl.col("when").dt.strftime("%d-%b-%Y %H:%M:%S"), _MILLIS,
                pl.col("id").str.zfill(8), "client", "port", "name", "name", "type"),
    ),
    Log("auditd", "audit/audit.log", "", _audit),
    Log("CloudTrail", "aws/cloudtrail.json", '{"Records":[', _CLOUDTRAIL, ",", "]}"),
    Log("Kubernetes lines", "kubernetes/audit.log", "", _KUBERNETES),
)  # fmt: skip
