"""The shipped pack: it loads, lints clean, proves its rules, and knows what is harmless."""

import pytest

from afterpatch.campaigns.lint import lint
from afterpatch.campaigns.load import available, folder_of, load
from afterpatch.detect.proofs import prove
from afterpatch.model.campaigns import BANDS, Campaign

PACK = "hafnium-exchange-2021"


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    return load(PACK)


def test_is_shipped() -> None:
    assert PACK in available()


def test_lints_without_a_problem() -> None:
    assert lint(folder_of(PACK)) == []


def test_every_rule_fires_and_stays_silent_where_it_must(campaign: Campaign) -> None:
    folder = folder_of(PACK)
    proofs = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in (folder / "tests" / "rules").iterdir()
    }
    assert prove(campaign.rules, proofs) == []


def test_ladder_rises(campaign: Campaign) -> None:
    bands = [BANDS.index(stage.band) for stage in campaign.stages]
    assert bands == sorted(bands)
    assert [stage.id for stage in campaign.stages] == [
        "scanned",
        "attempted",
        "data-accessed",
        "session-forged",
        "write-fired",
        "file-written",
        "shell-used",
        "follow-up",
    ]


def test_only_hashes_prove_anything_alone(campaign: Campaign) -> None:
    strong = {indicator.type for indicator in campaign.indicators if not indicator.weak}
    assert strong == {"sha256"}
    assert sum(indicator.type == "sha256" for indicator in campaign.indicators) == 45


def test_no_indicator_names_a_file_that_ships_with_exchange(campaign: Campaign) -> None:
    paths = [i.value.lower() for i in campaign.indicators if i.type == "path"]
    assert paths
    assert not any(path.endswith(r"\ecp\auth\timeoutlogout.aspx") for path in paths)
    assert not any(path.endswith(r"\owa\auth\outlookcn.aspx") for path in paths)


def test_no_text_that_antivirus_products_match_on() -> None:
    forbidden = ["<scr" + "ipt", "<" + "%", "ev" + "al(", "run" + "at=", "comsv" + "cs"]
    for path in folder_of(PACK).rglob("*"):
        if path.is_file() and path.suffix in {".yml", ".yar", ".csv", ".yaml"}:
            text = path.read_text("utf-8").lower()
            assert not [word for word in forbidden if word in text], path


def test_a_shell_can_be_written_answer_and_disappear(campaign: Campaign) -> None:
    (life,) = campaign.lifetimes
    assert life.key in {key.name for key in campaign.keys}
    assert life.written_by and life.present_by and life.absent_by
