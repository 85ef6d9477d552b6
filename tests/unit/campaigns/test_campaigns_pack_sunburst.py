"""The SUNBURST pack: it loads, lints clean, proves its rules; decoders are checked like rules."""

import shutil

from afterpatch.campaigns.check import check
from afterpatch.campaigns.lint import lint
from afterpatch.campaigns.load import folder_of, load
from afterpatch.campaigns.pack import read_pack
from afterpatch.detect.proofs import prove
from afterpatch.exposure.orion_builds import CARRIERS

PACK = "sunburst-orion-2020"


def test_lints_and_proves_its_rules():
    folder = folder_of(PACK)
    assert lint(folder) == []
    proofs = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in (folder / "tests" / "rules").iterdir()
    }
    assert prove(load(PACK).rules, proofs) == []


def test_every_trojanised_library_is_an_indicator():
    listed = {indicator.value for indicator in load(PACK).indicators if indicator.type == "sha256"}
    assert {known.sha256 for known in CARRIERS if known.state == "trojanised"} <= listed
    assert listed.isdisjoint(known.sha256 for known in CARRIERS if known.state == "inert")


def test_a_decoder_must_exist_and_its_stages_be_defined(tmp_path):
    folder = tmp_path / PACK
    shutil.copytree(folder_of(PACK), folder)
    file = folder / "campaign.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("decoder: sunburst", "decoder: moonburst"), "utf-8")
    assert any("no decoder 'moonburst'" in problem for problem in check(read_pack(folder)))
    file.write_text(text.replace("id: targeted", "id: chosen"), "utf-8")
    assert any("shows a stage 'targeted'" in problem for problem in check(read_pack(folder)))
