"""A machine as an inventory lists it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    name    host name as written, best one known.
    domain  DNS name of its AD domain, or "".
    guid    ``MachineGuid`` of ``HKLM\\SOFTWARE\\Microsoft\\Cryptography``, or "".
    macs    hardware addresses: upper-case hex digits, no separators; each once, sorted.
    """

    name: str
    domain: str = ""
    guid: str = ""
    macs: tuple[str, ...] = ()
