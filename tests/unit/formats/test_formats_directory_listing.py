"""Listings of files in the forms people collect them."""

import io

import pytest

from afterpatch.formats.directory_listing import FORMAT
from afterpatch.model.places import Item

ITEM = Item("case/list.txt", None, "C:/list.txt", "case", ("list.txt",), 0)
SHA = "ab" * 32

ENGLISH = """ Volume in drive C has no label.
 Volume Serial Number is 1234-ABCD

 Directory of C:\\inetpub\\wwwroot\\aspnet_client

03/02/2021  10:15 PM    <DIR>          .
03/02/2021  10:15 PM    <DIR>          ..
03/02/2021  10:15 PM             1,234 help page.aspx
03/02/2021  10:16 PM                 0 0.js
               2 File(s)          1,234 bytes

     Total Files Listed:
               2 File(s)          1,234 bytes
               2 Dir(s)  10,000,000,000 bytes free
"""
GERMAN = """ Volume in Laufwerk C: hat keine Bezeichnung.
 Volumeseriennummer: 1234-ABCD

 Verzeichnis von C:\\inetpub\\wwwroot\\aspnet_client

02.03.2021  22:15    <DIR>          .
02.03.2021  22:15             1.234 help page.aspx
02.03.2021  22:16                 0 0.js
               2 Datei(en),          1.234 Bytes
"""
FRENCH = """ Le volume dans le lecteur C n'a pas de nom.

 Répertoire de C:\\inetpub\\wwwroot\\aspnet_client

02/03/2021  22:15    <REP>          .
02/03/2021  22:15             1\u00a0234 help page.aspx
02/03/2021  22:16                 0 0.js
               2 fichier(s)            1\u00a0234 octets
"""
GCI = """

    Directory: C:\\inetpub\\wwwroot\\aspnet_client


Mode                LastWriteTime         Length Name
----                -------------         ------ ----
d-----         3/2/2021  10:15 PM                system_web
-a----         3/2/2021  10:15 PM           1234 help page.aspx
-a----         3/2/2021  10:16 PM              0 0.js
"""
EXPECTED = [
    ("C:\\inetpub\\wwwroot\\aspnet_client\\help page.aspx", "1234"),
    ("C:\\inetpub\\wwwroot\\aspnet_client\\0.js", "0"),
]


def read(data):
    assert FORMAT.recognise(data, ITEM)
    pieces = list(FORMAT.read(io.BytesIO(data), ITEM, None))
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert piece.observed == {}
    rows = [r for p in pieces for b in p.batches for r in b.frame.iter_rows(named=True)]
    return rows, [gap for piece in pieces for gap in piece.gaps]


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, FRENCH, GCI])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp850", "indented"])
def test_listings_of_three_languages(text, encoding):
    if encoding == "indented":
        text, encoding = text.replace("\n0", "\n  0"), "utf-8"
    rows, gaps = read(text.replace("\n", "\r\n").encode(encoding))
    assert [(row["TargetFilename"], row["Size"]) for row in rows] == EXPECTED
    assert gaps == []
    assert {row["@time"] for row in rows} == {None}
    assert "10:15" in rows[0]["Modified"] or "22:15" in rows[0]["Modified"]


def test_get_childitem_csv():
    text = (
        "#TYPE System.IO.FileInfo\r\n"
        '"FullName","Length","LastWriteTime","LastWriteTimeUtc"\r\n'
        '"C:\\inetpub\\a,b.aspx","12","3/2/2021 11:05:06 PM","3/2/2021 10:05:06 PM"\r\n'
        '"C:\\inetpub\\c.aspx","13","x","2021-03-02T22:05:06.5Z"\r\n'
        '"torn'
    )
    rows, gaps = read(text.encode("utf-16"))
    assert [(r["TargetFilename"], r["Size"], r["@time"], r["@record"]) for r in rows] == [
        ("C:\\inetpub\\a,b.aspx", "12", 1_614_722_706_000_000, 3),
        ("C:\\inetpub\\c.aspx", "13", 1_614_722_706_500_000, 4),
    ]
    assert [(gap.place, gap.records) for gap in gaps] == [("line 5", 1)]


def test_get_filehash_csv():
    text = f'"Algorithm";"Hash";"Path"\n"SHA256";"{SHA.upper()}";"C:\\x.aspx"\n"MD5";"00";"C:\\y"\n'
    rows, _ = read(text.encode())
    assert [(row["TargetFilename"], row["Sha256"]) for row in rows] == [
        ("C:\\x.aspx", SHA),
        ("C:\\y", None),
    ]


def test_bodyfile():
    text = (
        "0|C:/inetpub/a|b.aspx|55-128-1|r/rrwxrwxrwx|0|0|99|1614722707|1614722706|1|1\n"
        "0|C:/inetpub/a.aspx ($FILE_NAME)|55-48-2|r/rrwxrwxrwx|0|0|99|1|1|1|1\n"
        "0|C:/inetpub|5-144-1|d/drwxrwxrwx|0|0|0|1|1|1|1\n"
    )
    [row], gaps = read(text.encode())
    assert row["TargetFilename"] == "C:/inetpub/a|b.aspx"
    assert (row["Size"], row["@time"]) == ("99", 1_614_722_706_000_000)
    assert gaps == []


def test_find_hash_lists_and_plain_paths():
    find = "  123   4 -rw-r--r--   1 root  root   77 Mar  2 22:15 /inetpub/x y.aspx\n"
    [row], _ = read(find.encode())
    assert (row["TargetFilename"], row["Size"]) == ("/inetpub/x y.aspx", "77")
    [row], _ = read(f"{SHA}  ./x.aspx\n".encode())
    assert (row["TargetFilename"], row["Sha256"]) == ("./x.aspx", SHA)
    rows, gaps = read(b"C:\\inetpub\\a.aspx\r\nC:\\inetpub\\b.aspx\r\n\r\nC:\\c\r\nnonsense\r\n")
    assert len(rows) == 3
    assert [gap.place for gap in gaps] == ["line 5"]


@pytest.mark.parametrize(
    "head",
    [b"", b"hello world\n", b"MZ\x90\0\3\0\0\0", b"a,b\n1,2\n", b"#Fields: date time\n",
     b"<configuration>\n</configuration>", b'{"a": 1}\n'],
)  # fmt: skip
def test_other_files_are_not_recognised(head):
    assert FORMAT.recognise(head, ITEM) == ""
