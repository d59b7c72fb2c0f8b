"""Archives of small modules, laid out here once more: what the firmware reads is not what one place makes of it."""

import struct
from binascii import crc32, unhexlify

SLOTS = 16
# By mpy-cross 1.24, of sources of one or two lines.
SEVEN = "4d06001f03000a706c61696e000f0a56414c554500400002018716025163"  # its VALUE is 7
MODULES = {
    "/arc_plain.mpy": SEVEN,
    "/arc_pack/__init__.mpy": "4d06001f02001a7061636b2f5f5f696e69745f5f000f280002015163",
    # imports `other` from its own package; its VALUE is one more
    "/arc_pack/first.mpy": (
        "4d06001f0500147061636b2f6669727374000f0a6f7468657200030a56414c55450081500804012c8110022a011b"
        "031c021602591102130481f216045163"
    ),
    "/arc_pack/other.mpy": SEVEN,
}


def packed(modules=MODULES, version=b"arc1"):
    """The bytes of an archive of {path: .mpy in hex}."""
    folders = b":/:/arc_pack:"
    table, place, content = [(0, 0)] * SLOTS, 20 + len(folders) + 8 * SLOTS, b""
    for path, data in modules.items():
        number = crc32(path) & 0x3FFFFFFF
        slot = number % SLOTS
        while table[slot][1]:
            slot = (slot + 1) % SLOTS
        table[slot] = number, place + len(content)
        content += unhexlify(data)
    rows = b"".join(struct.pack("<II", *row) for row in table)
    size = place + len(content)
    return version + struct.pack("<4I", size, SLOTS, len(folders), crc32(folders + rows)) + folders + rows + content
