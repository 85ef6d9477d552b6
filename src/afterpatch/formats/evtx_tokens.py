"""Numbers of the Binary XML format: tokens and value types. [MS-EVEN6] 2.2.12, libevtx."""

from typing import Final

END_OF_STREAM: Final = 0x00
ELEMENT: Final = 0x01
START_DONE: Final = 0x02
CLOSE_EMPTY: Final = 0x03
CLOSE: Final = 0x04
VALUE: Final = 0x05
ATTRIBUTE: Final = 0x06
ENTITY: Final = 0x09
TEMPLATE: Final = 0x0C
SUBSTITUTION: Final = 0x0D
OPTIONAL: Final = 0x0E
FRAGMENT: Final = 0x0F
MORE: Final = 0x40  # flag on a token: attributes, or more of the same, follow

NULL: Final = 0x00
STRING: Final = 0x01
REAL32: Final = 0x0B
REAL64: Final = 0x0C
BOOL: Final = 0x0D
BINARY: Final = 0x0E
GUID: Final = 0x0F
SIZE: Final = 0x10
FILETIME: Final = 0x11
SYSTEMTIME: Final = 0x12
SID: Final = 0x13
HEX32: Final = 0x14
HEX64: Final = 0x15
BINXML: Final = 0x21
ARRAY: Final = 0x80  # flag on a type
EMPTY: Final = 0x40  # flag on a type in a shape: there is a value, with nothing in it

INTEGERS: Final = {
    0x03: "int8", 0x04: "uint8", 0x05: "int16", 0x06: "uint16",
    0x07: "int32", 0x08: "uint32", 0x09: "int64", 0x0A: "uint64",
}  # fmt: skip
# Type -> size of one value in bytes; 0 = its own.
SIZE_OF: Final = {
    NULL: 0, STRING: 0, 0x03: 1, 0x04: 1, 0x05: 2, 0x06: 2, 0x07: 4, 0x08: 4, 0x09: 8, 0x0A: 8,
    REAL32: 4, REAL64: 8, BOOL: 4, BINARY: 0, GUID: 16, SIZE: 0, FILETIME: 8, SYSTEMTIME: 16,
    SID: 0, HEX32: 4, HEX64: 8, BINXML: 0,
}  # fmt: skip
