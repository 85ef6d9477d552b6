"""What a payload says where it is a DNS message.

Enters: payload bytes. Leaves: a row of neutral columns (``model.network``), or None. Content never
raises. Messages are decoded by dnspython, which is why this is a module of its own: importing that
takes longer than all formats together, and few runs meet a packet capture.

Source: RFC 1035.
"""

import struct
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

from afterpatch.formats.pcap_messages import Row

MAX_ANSWERS: Final = 100


def dns_message(payload: bytes) -> tuple[Row, bool] | None:
    """(row, whether it is a reply), or None for what is no DNS message with a question."""
    try:
        message = dns.message.from_wire(payload, ignore_trailing=True, raise_on_truncation=False)
        question = message.question[0]
        answers = [_answer(rdata) for rrset in message.answer[:MAX_ANSWERS] for rdata in rrset][
            :MAX_ANSWERS
        ]
        name = question.name.to_text(omit_final_dot=True)
        reply = bool(message.flags & dns.flags.QR)
        row = {
            "action": "reply" if reply else "query",
            "query": name,
            "record_type": dns.rdatatype.to_text(question.rdtype),
            "answer": "\n".join(answers) if answers else None,
            "rcode": dns.rcode.to_text(message.rcode()) if reply else None,
        }
    except (dns.exception.DNSException, ValueError, IndexError, struct.error):
        return None
    return row, reply


def _answer(rdata: object) -> str:
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    text: str = rdata.to_text()  # type: ignore[attr-defined]
    return text.removesuffix(".") if len(text) > 1 else text
