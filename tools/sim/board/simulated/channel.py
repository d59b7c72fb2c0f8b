"""The wire to the host process: one request, one answer, both JSON behind their length (u32, big-endian).

Empty answers are `None`. A host that is gone takes the device with it. A Ctrl-C at the serial port breaks in anywhere,
also between a request and the end of its answer: what is left of that is skipped before the next request.
"""

import json
import struct

import uos

_HEADER = 4


class Channel:
    """On the file descriptor `number`, inherited from the host. Synchronous: the chip's drivers block as well."""

    def __init__(self, number):
        self._file = open(int(number), "r+b", 0)
        self._header = bytearray(_HEADER)
        self.is_asking = False  # or was, when a Ctrl-C broke in
        self._breaks = 0

    def ask(self, *request):
        """Send [operation, arguments...], return the answer."""
        try:
            if self.is_asking:
                self._skip_answers()
            self.is_asking = True
            self._file.write(_framed(request))
            self._read(self._header)
            answer = bytearray(struct.unpack("!I", self._header)[0])
            self._read(answer)
            self.is_asking = False
        except OSError:
            self._end()
        return json.loads(answer) if answer else None

    def die(self, *request):
        """Tell the host why the chip stops here; it does the rest."""
        self.ask(*request)
        while True:
            self._read(self._header)

    def _skip_answers(self):
        # The host echoes a word that no answer before it can hold.
        self._breaks += 1
        word = "break %d" % self._breaks
        self._file.write(_framed(("echo", word)))
        awaited = _framed(word)
        end = b""
        while end != awaited:
            byte = self._file.read(1)
            if not byte:
                self._end()
            end = (end + byte)[-len(awaited) :]

    def _read(self, buffer):
        view = memoryview(buffer)
        while view:
            n = self._file.readinto(view)
            if not n:
                self._end()
            view = view[n:]

    def _end(self):
        # The host has gone: so does this process, whatever the firmware would catch.
        uos.system("kill -9 $PPID")


def _framed(value):
    data = json.dumps(value).encode()
    return struct.pack("!I", len(data)) + data
