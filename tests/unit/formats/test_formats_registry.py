from afterpatch.formats.registry import FORMATS


def test_every_format_has_its_own_kind() -> None:
    kinds = [known.kind for known in FORMATS]
    assert len(set(kinds)) == len(kinds)
