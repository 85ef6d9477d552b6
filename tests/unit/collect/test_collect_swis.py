"""The line to an Orion server: trust, pages, ports, refusals."""

import pytest
from collect_swis_server import PASSWORD, USER
from urllib3.exceptions import InsecureRequestWarning

from afterpatch.collect import swis as swis_module
from afterpatch.collect.swis import Swis, SwisError, connect


@pytest.fixture
def line(server, ca_file) -> Swis:
    return connect("localhost", USER, PASSWORD, server.port, str(ca_file))


def test_rows_come_in_pages_and_whole(line, server):
    line.page_rows = 10
    rows = list(line.rows("Orion.Nodes", ["NodeID", "Caption"]))
    assert sorted(row["NodeID"] for row in rows) == list(range(1, 26))
    assert sum("WITH ROWS" in swql for swql in server.asked) == 3


def test_a_last_full_page_is_followed_by_an_empty_one(line):
    line.page_rows = 25
    assert len(list(line.rows("Orion.Nodes", ["NodeID"]))) == 25


def test_an_unknown_certificate_is_refused_before_the_password_is_sent(server):
    with pytest.raises(SwisError, match="certificate is not trusted"):
        connect("localhost", USER, PASSWORD, server.port)
    assert server.paths == set()


def test_a_certificate_for_another_name_is_refused(server, ca_file):
    with pytest.raises(SwisError, match="certificate is not trusted"):
        connect("127.0.0.1", USER, PASSWORD, server.port, str(ca_file))


def test_the_user_may_trust_anybody(server):
    with pytest.warns(InsecureRequestWarning):
        line = connect("localhost", USER, PASSWORD, server.port, verify=False)
    assert line.port == server.port


def test_a_wrong_password_says_so(server, ca_file):
    with pytest.raises(SwisError, match=r"password refused \(401\)"):
        connect("localhost", USER, "wrong", server.port, str(ca_file))


def test_the_older_port_is_tried_when_the_newer_is_closed(server, ca_file, monkeypatch):
    monkeypatch.setattr(swis_module, "PORTS", (1, server.port))
    assert connect("localhost", USER, PASSWORD, None, str(ca_file)).port == server.port


def test_no_port_answers(ca_file, monkeypatch):
    monkeypatch.setattr(swis_module, "PORTS", (1, 2))
    with pytest.raises(SwisError, match=r"localhost: no answer \(port 1: not reachable; port 2"):
        connect("localhost", USER, PASSWORD, None, str(ca_file))


def test_a_busy_server_is_asked_again(line, server):
    server.statuses = [503, 503]
    assert len(list(line.rows("Orion.Nodes", ["NodeID"]))) == 25


@pytest.mark.parametrize(
    ("status", "words"), [(400, "refused the question"), (302, "redirection"), (500, "500")]
)
def test_other_refusals_are_told(line, server, status, words):
    server.statuses = [status]
    with pytest.raises(SwisError, match=words):
        line.query("SELECT 1")


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", b'{"results": 3}', b'{"results": ["x"]}', b""]
)
def test_nonsense_is_told(line, server, answer):
    server.raw_answer = answer
    with pytest.raises(SwisError, match=f"port {server.port}"):
        line.query("SELECT 1")


@pytest.mark.parametrize("name", ["Nodes; DROP", "a b", "", "x'--"])
def test_names_cannot_smuggle_swql(line, name):
    with pytest.raises(SwisError, match="no name of SWQL"):
        list(line.rows("Orion.Nodes", [name]))


def test_only_questions_are_sent(line, server):
    list(line.rows("Orion.Nodes", ["NodeID"]))
    assert server.paths == {"POST /SolarWinds/InformationService/v3/Json/Query"}
