"""What S3 answers instead of a file: XML with a code and a sentence."""

from __future__ import annotations

from xml.sax.saxutils import escape


class FileError(Exception):
    """HTTP status, S3's code, and a message for a person."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def xml(self) -> bytes:
        body = f"<Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{body}</Error>'.encode()


class OldSignature(FileError):
    """Signed by Signature Version 2, which S3 takes in its oldest regions only."""

    def __init__(self):
        message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        super().__init__(400, "InvalidRequest", message)
