"""What a file is, by its first bytes. A name never opens an archive; it may only raise a doubt.

Enters: up to ``HEAD_BYTES`` from the start of a file. Leaves: a container kind we open, a reason
why we cannot open it, or neither: then it is a plain file.
"""

from typing import Final, Literal

Container = Literal["zip", "7z", "tar", "gzip", "bzip2", "xz"]

HEAD_BYTES: Final = 512

# Magic numbers: file(1) magic database; APPNOTE 4.3.7; 7zFormat.txt; RFC 1952; xz file format 1.1.
_CONTAINERS: Final[tuple[tuple[int, bytes, Container], ...]] = (
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (257, b"ustar", "tar"),
)
_CLOSED: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"MSCF\x00\x00\x00\x00", "a cabinet archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 file"),
    (0, b"PK\x07\x08", "a part of a split zip archive"),
    (0, b"vhdxfile", "a VHDX disk image"),
    (0, b"conectix", "a VHD disk image"),
    (0, b"KDMV", "a VMDK disk image"),
    (0, b"COWD", "a VMDK disk image"),
    (0, b"EVF\x09\x0d\x0a\xff\x00", "an EnCase disk image"),
    (0, b"EVF2\x0d\x0a\x81\x00", "an EnCase disk image"),
    (0, b"ADSEGMENTEDFILE", "an AD1 image"),
)
ENCRYPTED: Final = "encrypted: needs the key (or password) of whoever made the collection"
_ENDINGS: Final = (".zip", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".gz", ".xz")


def container(head: bytes) -> Container | None:
    """The kind of archive or compressed file, or None."""
    for offset, magic, kind in _CONTAINERS:
        if head.startswith(magic, offset):
            return kind
    # bzip2: "BZh", level, then the magic of a block or of the end (a text may start with BZh)
    if head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    return None


def closed(head: bytes, name: str) -> str:
    """Why a file cannot be looked into although it holds evidence; "" when there is no reason."""
    for offset, magic, what in _CLOSED:
        if head.startswith(magic, offset):
            return f"{what}: not supported, export the files from it"
    if name.lower().endswith(".enc"):  # acquire's hybrid encryption has no fixed first bytes
        return ENCRYPTED
    return ""


def misnamed(name: str) -> str:
    """A remark on a file that no magic bytes make an archive but whose name says it is one."""
    if name.lower().endswith(_ENDINGS):
        return "named like an archive but it is none, or its start is damaged: read as it is"
    return ""


def inner_name(name: str, kind: Container) -> str:
    """What is inside a compressed file: its name without the last ending (``.tgz`` -> ``.tar``)."""
    stem, _, ending = name.rpartition(".")
    lowered = ending.lower()
    if lowered in ("tgz", "tbz2", "tbz", "txz"):
        return f"{stem}.tar"
    expected = {"gzip": ("gz", "gzip"), "bzip2": ("bz2",), "xz": ("xz",)}.get(kind, ())
    return stem if stem and lowered in expected else name
