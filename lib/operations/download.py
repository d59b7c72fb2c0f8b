"""Downloads a file: {"operation": "download", "url": "https://...", "path": "/files/...", "sha256": hex}.

Or as AWS-Download-File, with the arguments link and path. Only below /files, where nothing lies that is run: no job
brings code past the signatures of updates.
"""

import asyncio
import sys

import errors

_FOLDER = "/files/"
_LONGEST = 64
_TRIES = 3
_AGAIN_MS = 5000
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"


async def run(system, job):
    """Download it, in up to three tries."""
    if system.make_download is None:
        raise errors.error("not_supported", "The download of files")
    try:
        await _download(system, job)
    finally:
        if system.slot is not None:
            system.slot().unload("files", "https")
        if sys.modules.pop("aws.connector", None):
            delattr(sys.modules["aws"], "connector")


async def _download(system, job):
    url, path, digest = _wanted(job.document)
    fetch, limit = system.make_download(system).fetch, system.settings.limits.download
    for tries in range(1, _TRIES + 1):
        try:
            size = await fetch(url, path, limit, digest, job.progress)
            job.result = {"path": path, "size": size}
            return
        except errors.RetryError as failure:
            if failure.code == "link_expired" or tries == _TRIES:
                raise
        await asyncio.sleep_ms(_AGAIN_MS)


def _wanted(document):
    """(link, path, SHA-256 or None) of the document."""
    given = document.get("args")
    given = (given if isinstance(given, list) else []) + [None, None]
    url, path = document.get("url", given[0]), document.get("path", given[1])
    digest = document.get("sha256")
    if not isinstance(url, str) or not url.startswith("https://"):
        raise errors.error("invalid_setting", "url", "no link by https", "https://...")
    if digest is not None and (not isinstance(digest, str) or len(digest) != 64):
        raise errors.error("invalid_setting", "sha256", "no digest", "64 hexadecimal digits")
    return url, _path(path), digest.lower() if digest else None


def _path(path):
    if isinstance(path, str) and not path.startswith("/"):
        path = _FOLDER + path
    if (
        not isinstance(path, str)
        or not path.startswith(_FOLDER)
        or len(path) > _LONGEST
        or not all(byte in _LETTERS for byte in path.encode())
        or any(part in ("", ".", "..") for part in path[1:].split("/"))
    ):
        raise errors.error("invalid_setting", "path", "not a path below %s" % _FOLDER, "letters, digits and ._-/")
    return path
