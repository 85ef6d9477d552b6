"""Names of machines: how two spellings of one name are known to be one.

Enters: names as evidence spells them, which is text of an attacker's choice. Leaves: comparable
names. A short name (``EX01``) identifies a machine only inside one collection; a full name
(``ex01.corp.example``) does everywhere.
"""

import ipaddress
import unicodedata
from typing import Final

# DNS names end at 253 characters; anything longer is no name but somebody's payload.
MAX_NAME: Final = 255


def plain(name: str) -> str:
    """Without control and format characters, outer blanks and the root dot of DNS."""
    kept = "".join(c for c in name if unicodedata.category(c)[0] != "C")
    return kept.strip().rstrip(".")[:MAX_NAME]


def short(name: str) -> str:
    """``EX01.corp.example`` -> ``ex01``; an address has no short form."""
    return name.casefold() if is_address(name) else name.split(".", 1)[0].casefold()


def is_full(name: str) -> bool:
    """``ex01.corp.example``: not an address, not a path, not what every machine calls itself."""
    labels = name.split(".")
    return (
        len(labels) > 1
        and all(labels)
        and "/" not in name
        and not is_address(name)
        and labels[0].casefold() != "localhost"
    )


def is_address(name: str) -> bool:
    """An IPv4 or IPv6 address stands where a name was expected."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
