"""The server of the images of updates: one file over https, as fast as Python can."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

SIZE = 1_500_000
IMAGE = bytes(range(256)) * (SIZE // 256 + 1)
_PIECE = 65536


class Images:
    """Serves `n` bytes, at most `SIZE`, at the path `/n` on a free local port until the `with` block ends."""

    def __init__(self, context: ssl.SSLContext):
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> Images:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(4096)
                if not part:
                    return
                request += part
            size = int(request.split(b" ")[1].strip(b"/"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            body = memoryview(IMAGE)[:size]
            for at in range(0, size, _PIECE):
                connection.sendall(body[at : at + _PIECE])
