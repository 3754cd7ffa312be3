"""Bodies of the type multipart/form-data, in which clients send the modules of a Worker (pure; RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser


class NoForm(Exception):
    """A body that is no multipart/form-data."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form. ``filename`` is empty where it is a plain value; ``full_type`` is its type with parameters."""

    name: str
    filename: str
    type: str
    content: bytes
    full_type: str = field(default="", compare=False)


def read(content_type: str, body: bytes) -> list[Part]:
    """Return the fields of a form. Raises NoForm."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise NoForm("the body must be multipart/form-data")
    _preamble, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if not parts or not parts[-1].startswith(b"--"):
        raise NoForm("the body's last boundary is missing")
    return list(_parts(parts[:-1]))


def write(parts: Iterable[Part]) -> tuple[str, bytes]:
    """Return the content type and the body of a form."""
    boundary = secrets.token_hex(16)
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"; filename="{part.filename}"\r\n'
        f"Content-Type: {part.type}\r\n\r\n".encode()
        + part.content
        + b"\r\n"
        for part in parts
    )
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def _parts(raw: Iterable[bytes]) -> Iterator[Part]:
    for each in raw:
        head, separator, content = each.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        header = BytesHeaderParser().parsebytes(head)
        name = header.get_param("name", header="content-disposition")
        if not separator or not isinstance(name, str):
            raise NoForm("a field of the body has no name")
        full = " ".join(str(header.get("content-type", "")).split())
        yield Part(name, header.get_filename() or "", header.get_content_type(), content, full)
