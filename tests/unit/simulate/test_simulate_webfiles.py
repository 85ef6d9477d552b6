from pathlib import Path

import pytest

import afterpatch.simulate
from afterpatch.simulate import webfiles
from afterpatch.simulate.dice import dice
from afterpatch.simulate.scenario import utc


@pytest.mark.parametrize(("kind", "opening"), [("script", "<script"), ("percent", "<%@Page"),
                                               ("code", "<%")])  # fmt: skip
def test_markup_opens_as_its_kind_says(kind, opening):
    text = webfiles.markup(kind, "k1")
    assert text.startswith(opening)
    assert '"k1"' in text


def test_dropped_page_holds_the_settings_and_the_url():
    url = "http://f/" + webfiles.markup("script", "k")
    text = webfiles.dropped_page("ex01.a.local", "OAB", url, utc("2021-03-03")).decode()
    assert f"ExternalUrl                     : {url}\r\n" in text
    assert "Server                          : EX01\r\n" in text


def test_compiled_note_names_page_and_folder():
    path, text = webfiles.compiled_page("/owa/auth/X.aspx", dice("x"))
    assert "/Temporary ASP.NET Files/owa/" in path
    assert path.endswith(".compiled")
    assert "/x.aspx." in path
    assert b'virtualPath="/owa/auth/X.aspx"' in text


def test_page_outside_an_application_compiles_under_root():
    assert "/root/" in webfiles.compiled_page("/aspnet_client/x.aspx", dice("x"))[0]


def test_shipped_pages_are_harmless():
    for path in webfiles.SHIPPED:
        assert b"<script" not in webfiles.shipped_page(path)


def test_no_web_shell_text_stands_in_the_source():
    for module in Path(afterpatch.simulate.__file__).parent.glob("*.py"):
        text = module.read_text(encoding="utf-8").lower()
        for word in ("ev" + "al(request", "runat=" + '"server"', "mini" + "dump 692 c"):
            assert word not in text, module.name
