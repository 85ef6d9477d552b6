"""Loading: whole and checked, or refused with every problem at once."""

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afterpatch.campaigns.load import available, folder_of, load
from afterpatch.campaigns.new import create
from afterpatch.model.errors import CampaignError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path / "my-pack", "my-pack")
    return tmp_path / "my-pack"


def test_a_folder_is_loaded_into_the_nouns(folder: Path) -> None:
    campaign = load(str(folder))
    assert campaign.id == "my-pack"
    assert campaign.window_start == datetime(2021, 1, 1, tzinfo=UTC)
    assert [stage.id for stage in campaign.stages] == ["attempted", "exploited"]
    assert campaign.clearing == (("iis-front",),)
    assert [(rule.path, rule.language) for rule in campaign.rules] == [("rules/first.yml", "sigma")]
    assert campaign.rank("exploited") == 2


def test_a_campaign_can_go_to_another_process(folder: Path) -> None:
    campaign = load(str(folder))
    assert pickle.loads(pickle.dumps(campaign)) == campaign


def test_every_problem_is_reported_at_once(folder: Path) -> None:
    path = folder / "campaign.yaml"
    text = path.read_text("utf-8").replace("product: exchange", "prodct: exchange")
    path.write_text(text.replace("silence_hours: 24", "silence_hours: -1"), "utf-8")
    with pytest.raises(CampaignError) as error:
        load(str(folder))
    assert len(error.value.problems) == 3
    assert all(problem.startswith("campaign.yaml:") for problem in error.value.problems)


def test_a_rule_of_an_unknown_stage_is_refused(folder: Path) -> None:
    path = folder / "rules/first.yml"
    path.write_text(path.read_text("utf-8").replace("stage: exploited", "stage: x"), "utf-8")
    with pytest.raises(CampaignError, match="unknown stage 'x'"):
        load(str(folder))


def test_hash_covers_names_and_contents(folder: Path) -> None:
    before = load(str(folder)).sha256
    assert load(str(folder)).sha256 == before
    (folder / "README.md").write_text("changed", "utf-8")
    changed = load(str(folder)).sha256
    (folder / "README.md").rename(folder / "READ.md")
    assert len({before, changed, load(str(folder)).sha256}) == 3


def test_unknown_campaign_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="hafnium-exchange-2021"):
        folder_of("no-such-campaign")


def test_available_is_sorted() -> None:
    assert list(available()) == sorted(available())


def test_new_does_not_overwrite(folder: Path) -> None:
    with pytest.raises(UsageError, match="not an empty folder"):
        create(folder, "my-pack")


def test_new_refuses_a_bad_id(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be a campaign's id"):
        create(tmp_path / "x", "Not An Id")
