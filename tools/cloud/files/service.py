"""Everything about files, together: what is kept, links to it, the https server, and S3's API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.cloud.files.downloads import Downloads
from tools.cloud.files.errors import FileError
from tools.cloud.files.faults import FileFaults
from tools.cloud.files.links import Links
from tools.cloud.files.objects import Objects
from tools.cloud.files.s3 import S3Api
from tools.cloud.interfaces import Log
from tools.cloud.server_certificates import ServerCertificates


class Files:
    """`api` answers S3's requests, `presign` makes links; both work in the cloud's loop."""

    def __init__(self, folder: Path, region: str, now: Callable[[], float], faults: FileFaults, log: Log):
        self.objects = Objects(folder, now)
        self.links = Links(region, now)
        self.api = S3Api(self.objects, self.links, region, log)
        self._downloads = Downloads(self.objects, self.links, faults, log)

    def presign(self, bucket: str, key: str, expires_s: int) -> str:
        """A link from which an object can be downloaded for `expires_s` seconds."""
        return self.links.presign(bucket, key, expires_s)

    def read(self, bucket: str, key: str) -> bytes:
        """The contents of an object. Raises KeyError when there is none."""
        try:
            _, file = self.objects.find(bucket, key)
        except FileError as error:
            raise KeyError(f"{bucket}/{key}") from error
        return file.read_bytes()

    async def start(self, host: str, port: int, certificates: ServerCertificates, name: str) -> int:
        """Serve downloads; the port is returned. Links lead to `name`, which says its port unless it is 443."""
        port = await self._downloads.start(host, port, certificates)
        self.links.base = f"https://{name.format(port=port)}"
        return port

    async def stop(self) -> None:
        await self._downloads.stop()
