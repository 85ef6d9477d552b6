"""Signing times of programs, as the signature tells them."""

import io
import struct
from datetime import UTC, datetime

import pytest
from asn1crypto import algos, cms, core, tsp
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.exposure.orion import judge_fact
from afterpatch.formats.authenticode import signing_time
from afterpatch.formats.orion_dll import read
from afterpatch.model.places import Item

PATH = "C:/SolarWinds/Orion/SolarWinds.Orion.Core.BusinessLayer.dll"
STAMPED = datetime(2020, 3, 24, 8, 53, 43, tzinfo=UTC)
LATER = datetime(2020, 5, 11, 21, 33, 40, tzinfo=UTC)


def signer(signed=(), unsigned=None):
    parts = {
        "version": "v1",
        "sid": cms.SignerIdentifier("subject_key_identifier", core.OctetString(b"k" * 20)),
        "digest_algorithm": {"algorithm": "sha256"},
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
        "signature": b"s" * 32,
        "signed_attrs": [{"type": kind, "values": [value]} for kind, value in signed],
    }
    if unsigned:
        parts["unsigned_attrs"] = [{"type": kind, "values": [value]} for kind, value in unsigned]
    return cms.SignerInfo(parts)


SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"


def message(signer_info, content_type=SPC_INDIRECT_DATA, content=None, version="v1"):
    """A PKCS#7 message as Authenticode has it: version 1, content of a type of Microsoft's."""
    signed = cms.SignedData(
        {
            "version": version,
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": content_type,
                "content": content or core.Any(core.Null()),
            },
            "signer_infos": [signer_info],
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": signed})


def token(when):
    info = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": "1.2.3.4",
            "message_imprint": {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
                "hashed_message": b"h" * 32,
            },
            "serial_number": 1,
            "gen_time": when,
        }
    )
    return message(signer(), "tst_info", core.ParsableOctetString(info.dump()), "v3")


def told(when):
    return ("signing_time", cms.Time("utc_time", when))


def table(blob: bytes) -> bytes:
    length = 8 + len(blob)
    return struct.pack("<IHH", length, 0x200, 2) + blob + bytes(-length % 8)


def timed(info):
    data = b"MZ" + bytes(6) + table(message(info).dump())
    return signing_time(data, 8, len(data) - 8)


def test_rfc_3161_goes_before_countersignature_and_the_signer():
    stamp = ("microsoft_time_stamp_token", token(STAMPED))
    counter = ("counter_signature", signer([told(LATER)]))
    assert timed(signer([told(LATER)], [counter, stamp]))[:2] == (STAMPED, "time stamp (RFC 3161)")
    assert timed(signer([told(STAMPED)], [counter]))[:2] == (LATER, "countersignature")
    assert timed(signer([told(STAMPED)]))[:2] == (STAMPED, "the signer")


def test_no_signature_is_no_fault_and_no_time_is_one():
    assert signing_time(b"MZ", 0, 0) == (None, "", "")
    assert timed(signer()).fault == "the signature tells no time"


@pytest.mark.parametrize(("offset", "size"), [(0, 8), (8, 4_000), (2**31, 16), (8, 2**32 - 1)])
def test_a_table_outside_the_file_is_a_fault(offset, size):
    assert "outside" in signing_time(bytes(64), offset, size).fault


@given(st.binary(max_size=400))
def test_any_bytes_end_with_words(blob):
    data = bytes(8) + table(blob)
    found = signing_time(data, 8, len(data) - 8)
    assert found.time is not None or found.fault


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_damaged_signatures_end_with_words(place, value):
    blob = bytearray(
        message(signer([told(LATER)], [("microsoft_time_stamp_token", token(STAMPED))])).dump()
    )
    blob[place % len(blob)] = value
    data = bytes(8) + table(bytes(blob))
    found = signing_time(data, 8, len(data) - 8)
    assert found.time is not None or found.fault


def signed_pe() -> bytes:
    """A PE file of headers only, with a certificate table behind them."""
    signature = table(message(signer((), [("microsoft_time_stamp_token", token(STAMPED))])).dump())
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 0, 1, 0, 0, 224, 0x2102)
    optional = bytearray(224)
    struct.pack_into("<H", optional, 0, 0x10B)
    struct.pack_into("<I", optional, 92, 16)
    head = len(dos) + len(coff) + len(optional) + 512
    struct.pack_into("<II", optional, 96 + 4 * 8, head, len(signature))
    return dos + coff + bytes(optional) + bytes(512) + signature


def test_signed_time_decides_over_compile_time_and_version():
    item = Item(PATH, None, PATH, "ROOT", (PATH,), 0)
    (piece,) = read(io.BytesIO(signed_pe()), item)
    (fact,) = piece.facts
    assert fact.detail["signed"] == "2020-03-24T08:53:43Z"
    assert fact.detail["compiled"] == "1970-01-01T00:00:01Z"
    truth = judge_fact(fact)
    assert truth.state == "trojanised"
    assert "to the second" in truth.because
