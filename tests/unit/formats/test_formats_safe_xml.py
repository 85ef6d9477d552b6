"""XML from evidence."""

import pytest

from afterpatch.formats.safe_xml import MAX_DEPTH, UnreadableXmlError, parse

BOMB = (
    b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "xxxx"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>"""
)


def test_a_tree_with_lines_and_text():
    root = parse(b'<a x="1">\n <p:b>one &amp; two</p:b>\n <b/>\n</a>')
    assert (root.name, root.attributes) == ("a", {"x": "1"})
    assert [(b.line, b.text) for b in root.find_all("b")] == [(2, "one & two"), (3, "")]
    assert [element.name for element in root] == ["a", "b", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_windows_files(encoding):
    assert parse("<a>é</a>".encode(encoding)).text == "é"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a>",
        b"<a></b>",
        b"text",
        b"\x00" * 40,
        BOMB,
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b"<a>&undeclared;</a>",
        b"<a>" * (MAX_DEPTH + 1),
    ],
)
def test_what_is_not_safe_or_not_xml_is_refused(data):
    with pytest.raises(UnreadableXmlError):
        parse(data)


def test_too_many_elements_are_refused(monkeypatch):
    monkeypatch.setattr("afterpatch.formats.safe_xml.MAX_ELEMENTS", 10)
    with pytest.raises(UnreadableXmlError, match="elements"):
        parse(b"<a>" + b"<b/>" * 11 + b"</a>")


def test_too_large_is_refused(monkeypatch):
    monkeypatch.setattr("afterpatch.formats.safe_xml.MAX_BYTES", 10)
    with pytest.raises(UnreadableXmlError, match="larger"):
        parse(b"<a>xxxxxxxxxxxx</a>")
