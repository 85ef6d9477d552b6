import re

from afterpatch.simulate.dice import canary, dice, guid, guids, word


def test_same_parts_same_values():
    assert guid(dice("a", "b")) == guid(dice("a", "b")) != guid(dice("a", "c"))


def test_known_value_never_changes():
    # Guards every labelled corpus: a new value here means all evidence written so far is different.
    assert guid(dice("afterpatch")) == "5d8c49dc-f90d-4810-b2e2-7cb08df4afba"


def test_shapes():
    rng = dice("shapes")
    form = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[ab][0-9a-f]{3}-[0-9a-f]{12}")
    many = guids(rng, 50)
    assert all(form.fullmatch(text) for text in [guid(rng), *many])
    assert len(set(many)) == 50
    assert re.fullmatch(r"[\w-]{75}\.", canary(rng))
    assert re.fullmatch(r"[a-z]{7}", word(rng, 7))
