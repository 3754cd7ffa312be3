"""Where Miniflare keeps what a stage stored (pure), as paths below the stage's persist directory.

Source: Miniflare 4, `getPersistPath`, `durableObjectNamespaceIdFromName`. The simulators of D1, KV and R2 are Durable
Objects themselves, one for each store; KV and R2 keep their values as files beside it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

_CLASS: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def database(id_: str) -> list[str]:
    """Return where a D1 database is."""
    return _files("d1/miniflare-D1DatabaseObject", id_)


def bookmarks(database_id: str) -> str:
    """Return where the copies of a D1 database are that it can be restored to; Miniflare has none itself."""
    return f"d1-bookmarks/{database_id}"


def namespace(id_: str) -> list[str]:
    """Return where a KV namespace is."""
    return [f"kv/{id_}", *_files("kv/miniflare-KVNamespaceObject", id_)]


def bucket(name: str) -> list[str]:
    """Return where an R2 bucket is."""
    return [f"r2/{name}", *_files("r2/miniflare-R2BucketObject", name)]


def objects(worker: str, class_name: str) -> str:
    """Return where the Durable Objects of one class are: one SQLite file each, named by the object's id."""
    return f"do/{worker}-{class_name}"


def objects_of(worker: str, directories: Iterable[str]) -> list[str]:
    """Return which of the directories in ``do/`` hold objects of this Worker; no class name has a hyphen in it."""
    prefix = f"{worker}-"
    return [
        f"do/{directory}"
        for directory in directories
        if directory.startswith(prefix) and _CLASS.fullmatch(directory.removeprefix(prefix))
    ]


def object_id(worker: str, class_name: str, name: str) -> str:
    """Return the id that ``idFromName(name)`` gives: 64 hex digits, the second half a checksum of the first."""
    return _object_id(f"{worker}-{class_name}", name)


def _files(directory: str, name: str) -> list[str]:
    path = f"{directory}/{_object_id(directory.rpartition('/')[2], name)}.sqlite"
    return [path, f"{path}-wal", f"{path}-shm"]


def _object_id(unique_key: str, name: str) -> str:
    key = hashlib.sha256(unique_key.encode()).digest()
    head = hmac.digest(key, name.encode(), "sha256")[:16]
    return (head + hmac.digest(key, head, "sha256")[:16]).hex()
