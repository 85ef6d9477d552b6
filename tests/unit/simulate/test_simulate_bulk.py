from afterpatch.simulate.bulk import write_bulk


def test_size_is_met_and_hits_are_inside(tmp_path):
    labels = write_bulk(tmp_path, 0.02)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert 0.02e9 <= size < 0.03e9
    (server,) = labels.servers
    assert server.stage == "shell-used"
    front = (tmp_path / "BULK01/C/inetpub/logs/LogFiles/W3SVC1/u_ex210220.log").read_text()
    assert sum("/ecp/y.js" in line for line in front.splitlines()) > 5
    assert len({line.split(" ")[8] for line in front.splitlines() if line[0] != "#"}) > 50
