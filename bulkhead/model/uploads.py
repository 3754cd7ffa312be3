"""What an `up` has uploaded of each Worker (pure): the output `release` of a stage's stack.

By it the next `up` knows which Durable Object classes Cloudflare has, and delivery which versions it may send requests
to. Its shape, by Worker: ``{"version", "tag", "classes", "retired", "content", "deploysItself", "reach"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.product import Worker

OUTPUT: Final = "release"
EVERYBODY: Final = "everybody"
NOBODY: Final = "uploaded, not live"


@dataclass(frozen=True, slots=True)
class Upload:
    """The newest version of one Worker. ``tag`` is the digest of its bundle, ``classes`` the Durable Object classes
    that it owns, ``retired`` those that it ends, ``content`` the digest of everything that makes it another version,
    but for values of secrets. ``deploys_itself``: it was deployed by its upload. ``reach``: who got it by the `up`,
    EVERYBODY or NOBODY."""

    version: str
    tag: str
    classes: tuple[str, ...]
    retired: tuple[str, ...]
    content: str
    deploys_itself: bool
    reach: str

    def has_classes_of(self, worker: Worker) -> bool:
        """Whether Cloudflare has the Worker's classes as they are to be. A class that ends and was never told of counts
        as one that is there: the `up` that brought it may have failed before it exported anything."""
        return set(self.classes) == set(worker.owns) and set(worker.retired) <= set(self.retired)


def read_uploads(release: Any) -> Mapping[str, Upload]:
    """Return what the output says, by Worker; nothing where there is no such output, as before the first `up`."""
    return {
        worker: Upload(
            version=said["version"],
            tag=said["tag"],
            classes=tuple(said["classes"]),
            retired=tuple(said["retired"]),
            content=said["content"],
            deploys_itself=said["deploysItself"],
            reach=said["reach"],
        )
        for worker, said in (release or {}).items()
    }
