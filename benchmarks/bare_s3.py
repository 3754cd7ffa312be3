"""An S3 that does next to nothing: what is sent lies in a folder as it came, and a list is counted, so that what is
measured against it is the client."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

LISTED: Final = "files"
UPLOADED: Final = "2026-11-30T00:00:00+00:00"
_CHUNK: Final = 1 << 20
_PAGE: Final = 1000  # keys of a list, as S3 and R2 have them
_ETAG: Final = '"0"'
_CHECKSUM: Final = "x-amz-checksum-crc32"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: BareS3

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        begins = "uploads" in urlsplit(self.path).query.split("&")[0]
        if begins:
            self.server.file(self.path).write_bytes(b"")
            self._xml("<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
        else:
            self._xml(f"<CompleteMultipartUploadResult><ETag>{_ETAG}</ETag></CompleteMultipartUploadResult>")

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        with self.server.file(self.path).open("ab" if "partNumber=" in self.path else "wb") as out:
            while left:
                left -= out.write(self.rfile.read(min(left, _CHUNK)))
        told = {"ETag": _ETAG, _CHECKSUM: self.headers.get(_CHECKSUM, "")}
        self._answer(b"", headers={name: value for name, value in told.items() if value})

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "list-type" in asked:
            if urlsplit(self.path).path.strip("/") != LISTED:
                return self._xml("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")
            self.server.calls["list"] += 1
            return self._xml(self.server.listed(int(asked.get("continuation-token", ["0"])[0])))
        self.server.calls["get"] += 1
        file = self.server.file(self.path)
        if not file.exists():
            return self._answer(b"<Error><Code>NoSuchKey</Code></Error>", 404)
        self.send_response_only(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.send_header("ETag", _ETAG)
        self.end_headers()
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                self.wfile.write(chunk)
        return None

    def do_DELETE(self) -> None:
        self._answer(b"", 204)

    def _xml(self, body: str) -> None:
        self._answer(body.encode())

    def _answer(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class BareS3(ThreadingHTTPServer):
    """Keeps what it is sent in ``folder``, and lists ``objects`` in the bucket LISTED, of which it has nothing else."""

    daemon_threads = True

    def __init__(self, folder: Path, objects: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._folder, self._objects = folder, objects
        self.calls = Counter[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def file(self, path: str) -> Path:
        """Return where an object lies, by the path of a request or by its bucket and key."""
        return self._folder / quote(unquote(re.sub(r"\?.*", "", path)).lstrip("/"), safe="")

    def listed(self, start: int) -> str:
        end = min(start + _PAGE, self._objects)
        keys = "".join(
            f"<Contents><Key>{key_of(number)}</Key><LastModified>{UPLOADED}</LastModified>"
            f"<ETag>&quot;{number:x}&quot;</ETag><Size>{number}</Size></Contents>"
            for number in range(start, end)
        )
        is_cut = end < self._objects
        more = f"<NextContinuationToken>{end}</NextContinuationToken>" if is_cut else ""
        told = f"<KeyCount>{end - start}</KeyCount><IsTruncated>{str(is_cut).lower()}</IsTruncated>"
        return f"<ListBucketResult>{told}{more}{keys}</ListBucketResult>"


def key_of(number: int) -> str:
    return f"reports/{number:07d}.pdf"


@contextmanager
def served(folder: Path, objects: int = 0) -> Iterator[BareS3]:
    with BareS3(folder, objects) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
