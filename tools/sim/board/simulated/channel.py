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
        try:
            self._file.write(struct.pack("!I", len(data)) + data)
            answer = self._answer()
        except OSError:
            self._end()
        return json.loads(answer) if answer else None

    def _answer(self):
        # A Ctrl-C on the serial port must not leave half an answer for the next request to find.
        interrupt = self._read(self._header)
        answer = bytearray(struct.unpack("!I", self._header)[0])
        interrupt = self._read(answer) or interrupt
        if interrupt:
            raise interrupt
        return answer

    def die(self, *request):
        """Tell the host why the chip stops here; it does the rest."""
        self.ask(*request)
        while True:
            self._read(self._header)

    def _read(self, buffer):
        """Fill the buffer; returns the KeyboardInterrupt that came meanwhile, or None."""
        view = memoryview(buffer)
        interrupt = None
        while view:
            try:
                n = self._file.readinto(view)
                view = view[n:]
            except KeyboardInterrupt as error:
                interrupt, n = error, 1
            if not n:
                self._end()
        return interrupt

    def _end(self):
        # The host has gone: so does this process, whatever the firmware would catch.
        os.system("kill -9 $PPID")
