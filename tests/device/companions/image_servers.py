"""Servers of images over TLS 1.2, with everything that goes wrong on the way; the path says what.

Environment: PORT for `images.test`, OTHER_PORT for one whose certificate a stranger signed. Files in the test's folder:
root (DER), image (`SIZE` bytes). `asked` there grows by a line for each request: path and range.
"""

import contextlib
import random
import socket
import threading
import time

from tests.device.companions.tls_servers import DER, Authority, server_context

HOST = "images.test"
SIZE = 50000
IMAGE = random.Random(1).randbytes(SIZE)


def ok(body, start=0):
    head = f"HTTP/1.1 {206 if start else 200} x\r\nContent-Length: {len(body)}\r\n"
    if start:
        head += f"Content-Range: bytes {start}-{start + len(body) - 1}/{SIZE}\r\n"
    return head.encode() + b'ETag: "x"\r\n\r\n' + body


def status(code, *fields):
    return "\r\n".join([f"HTTP/1.1 {code} x", *fields, "Content-Length: 9", "", "<Error/>\n"]).encode()


def in_chunks(body, start=0, total=SIZE):
    """The answer with this body, in chunks."""
    head = "HTTP/1.1 200 OK\r\n"
    if start:
        head = f"HTTP/1.1 206 OK\r\nContent-Range: bytes {start}-{total - 1}/{total}\r\n"
    chunks, choose = [f"{head}Transfer-Encoding: Chunked\r\n\r\n".encode()], random.Random(start)
    while body:
        count = min(choose.choice((1, 2, 15, 16, 300, 5000, 9000)), len(body))
        end = choose.choice(("", ";a=b", ' ; a="b"'))
        chunks.append(f"{count:{choose.choice('xX')}}{end}\r\n".encode() + body[:count] + b"\r\n")
        body = body[count:]
    return b"".join([*chunks, b"0\r\nDigest: x\r\n\r\n"])


def pieces(data):
    """In records of TLS that end anywhere."""
    choose, parts = random.Random(len(data)), []
    while data:
        count = choose.choice((1, 3, 40, 2000, 7000))
        parts.append(data[:count])
        data = data[count:]
    return parts


class Script:
    """What each path is answered with, for a range that begins at `start`; then the connection is closed."""

    def __init__(self, ports):
        self._ports = ports
        self._counts = {}

    def image(self, start):
        return ok(IMAGE[start:], start)

    def apart(self, start):
        """Head and body in a record of TLS each, and more."""
        whole = ok(IMAGE[start:], start)
        head = len(whole) - len(IMAGE) + start
        return [whole[:head]] + [whole[at : at + 3000] for at in range(head, len(whole), 3000)]

    def without_ranges(self, start):
        return ok(IMAGE)

    def cut(self, start):
        """10,000 bytes at a time."""
        return ok(IMAGE[start:], start)[:10000]

    def dead_end(self, start):
        """The same 3,000 bytes again and again, which are not even a sector."""
        return ok(IMAGE[start:], start)[:3000]

    def part(self, start):
        """Less of the range than was asked for."""
        return ok(IMAGE[start : start + 10000], start) if start else self.cut(start)

    def stalls(self, start):
        return [ok(IMAGE[start:], start)[:10000], 30]

    def silent(self, start):
        return [b"", 30]

    def drips(self, start):
        """The head in pieces, the body in two."""
        whole = ok(IMAGE[start:], start)
        return [part for at in range(0, 60, 7) for part in (whole[at : at + 7], 0.005)] + [whole[63:], 0]

    def expired(self, start):
        return status(403)

    def missing(self, start):
        return status(404)

    def busy(self, start):
        return status(503)

    def longer(self, start):
        return ok(IMAGE + b"x")

    def shorter(self, start):
        return ok(IMAGE[:-1])

    def empty(self, start):
        return ok(b"")

    def chunked(self, start):
        """Chunks of all sizes, in records of TLS that end anywhere; behind the last one a trailer."""
        return pieces(in_chunks(IMAGE[start:], start))

    def chunked_at_once(self, start):
        return in_chunks(IMAGE[start:], start)

    def chunked_cut(self, start):
        """10,000 bytes at a time, then no more chunk, as from a proxy that lost the server behind it."""
        return pieces(in_chunks(IMAGE[start : start + 10000], start, SIZE))

    def chunked_badly(self, start):
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n"

    def chunked_without_end(self, start):
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 50000

    def compressed(self, start):
        return in_chunks(IMAGE).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)

    def compressed_on_the_way(self, start):
        return in_chunks(IMAGE).replace(b": Chunked", b": gzip, chunked", 1)

    def without_length(self, start):
        """As HTTP/1.0: it ends with the connection."""
        return b"HTTP/1.0 200 OK\r\n\r\n" + IMAGE

    def without_length_cut(self, start):
        return b"HTTP/1.0 200 OK\r\n\r\n" + IMAGE[:10000]

    def bare_line_ends(self, start):
        head, body = ok(IMAGE[start:], start).split(b"\r\n\r\n", 1)
        return head.replace(b"\r\n", b"\n") + b"\n\n" + body

    def no_total(self, start):
        return self.cut(start).replace(b"/%d" % SIZE, b"/*")

    def whole_sectors(self, start):
        """Ranges that begin where the server likes, before what was asked for."""
        begin = start // 8192 * 8192
        return ok(IMAGE[begin:], begin)[:20000]

    def shorter_now(self, start):
        """It has become a file of 5,000 bytes, when a range of it is asked for."""
        return status(416, "Content-Range: bytes */5000") if start else ok(IMAGE[:5000])

    def no_such_range(self, start):
        return status(416, f"Content-Range: bytes */{SIZE}") if start else ok(IMAGE)

    def later(self, start):
        return status(503, "Retry-After: 120")

    def much_later(self, start):
        return status(429, "Retry-After: Fri, 31 Dec 2027 23:59:59 GMT")

    def other_range(self, start):
        return ok(IMAGE[start + 1 :], start + 1) if start else self.cut(start)

    def large_head(self, start):
        return b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 7000

    def busy_head(self, start):
        """As GitHub's: 6 KB, of which one line is more than a sector of the flash."""
        lines = [b"X-%d: y" % number for number in range(300)]
        return ok(IMAGE[start:], start).replace(b"ETag", b"\r\n".join([*lines, b"Policy: " + b"z" * 5000, b"ETag"]))

    def garbage(self, start):
        return b"SSH-2.0-OpenSSH_9.6\r\n\r\n" + bytes(100)

    def moved(self, start):
        return status(302, f"Location: https://{HOST}:{self._ports[0]}/image?signature=1")

    def moved_here(self, start):
        return status(307, "Location: /image")

    def circle(self, start):
        return status(301, "Location: /circle")

    def downgrade(self, start):
        return status(302, f"Location: http://{HOST}/image")

    def stranger(self, start):
        return status(302, f"Location: https://{HOST}:{self._ports[1]}/image")

    def other_name(self, start):
        return status(302, f"Location: https://elsewhere.test:{self._ports[0]}/image")


class Server:
    def __init__(self, folder, context, ports):
        self._asked = folder / "asked"
        self._context = context
        self._script = Script(ports)
        self._listener = socket.create_server(("127.0.0.1", 0))
        ports.append(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw):
        with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            lines = request.decode().split("\r\n")
            path = lines[0].split(" ")[1]
            start = next((int(line[13:-1]) for line in lines if line.startswith("Range: bytes=")), 0)
            with self._asked.open("a") as file:
                file.write(f"{path} {start}\n")
            answer = getattr(self._script, path.split("?")[0].strip("/").replace("-", "_"))(start)
            for part in answer if isinstance(answer, list) else [answer]:
                if isinstance(part, bytes):
                    connection.sendall(part)
                else:
                    time.sleep(part)

    def close(self):
        self._listener.close()


@contextlib.contextmanager
def companion(folder):
    root, stranger = Authority("root"), Authority("stranger")
    (folder / "root").write_bytes(root.certificate.public_bytes(DER))
    (folder / "image").write_bytes(IMAGE)
    ports = []
    with contextlib.ExitStack() as stack:
        for authority in (root, stranger):
            server = Server(folder, server_context(folder, authority.issue("server", names=[HOST])), ports)
            stack.callback(server.close)
        yield {"PORT": ports[0], "OTHER_PORT": ports[1]}
