"""The wire to the host process: one request, one answer, both JSON behind their length (u32, big-endian).

Empty answers are `None`. A host that is gone takes the device with it.
"""

import json
import os
import struct

_HEADER = 4


class Channel:
    """On the file descriptor `number`, inherited from the host. Synchronous: the chip's drivers block as well."""

    def __init__(self, number):
        self._file = open(int(number), "r+b", 0)
        self._header = bytearray(_HEADER)

    def ask(self, *request):
        """Send [operation, arguments...], return the answer."""
        data = json.dumps(request).encode()
        self._file.write(struct.pack("!I", len(data)) + data)
        self._read(self._header)
        size = struct.unpack("!I", self._header)[0]
        if not size:
            return None
        answer = bytearray(size)
        self._read(answer)
        return json.loads(answer)

    def die(self, *request):
        """Tell the host why the chip stops here; it does the rest."""
        self.ask(*request)
        while True:
            self._read(self._header)

    def _read(self, buffer):
        view = memoryview(buffer)
        while view:
            n = self._file.readinto(view)
            if not n:
                os.system("kill -9 $PPID")  # the host has gone: so does this process, whatever the firmware catches
            view = view[n:]
