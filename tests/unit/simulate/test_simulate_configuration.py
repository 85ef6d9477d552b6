from afterpatch.simulate import configuration
from afterpatch.simulate.scenario import utc


def test_setup_log_tells_a_finished_run(make_plan):
    text = configuration.setup_log(make_plan(), "15.1.2176.2", utc("2021-03-03T20:00:00"))
    lines = text.splitlines()
    assert lines[0].startswith("[03/03/2021 20:00:00.0325] [0] ****")
    assert any("Starting Microsoft Exchange Server 2016 Setup" in line for line in lines)
    assert any(line.endswith("Setup version: 15.1.2176.2.") for line in lines)
    assert any("completed successfully" in line for line in lines)


def test_mitigation_is_two_abort_rules():
    text = configuration.site_config(mitigated=True)
    assert text.count('type="AbortRequest"') == 2
    assert "X-BEResource=(.+)/(.+)~(.+)" in text
    assert "rewrite" not in configuration.site_config(mitigated=False)


def test_iis_config_has_both_sites():
    text = configuration.iis_config()
    assert "*:443:" in text
    assert "Exchange Back End" in text
    assert 'path="/owa"' in text


def test_update_message_names_product_and_build():
    text = configuration.update_message("15.2.792.10")
    assert "Exchange Server 2019" in text
    assert "15.2.792.10" in text
