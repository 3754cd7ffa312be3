"""Which hostnames the login of a closed stage stands before, and whose address is nobody's in particular (pure).

Source of the patterns: Cloudflare One documentation, "Application paths".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from bulkhead.model.naming import Stage

HEADERS: Final = ("CF-Access-Client-Id", "CF-Access-Client-Secret")
"""The headers with which a request shows its key, the id and the secret."""
KEY_ID, KEY_SECRET = (header.upper().replace("-", "_") for header in HEADERS)
"""The variables in which the pipelines of a closed stage, and whoever deploys by hand, have that key."""
LOGIN: Final = ".cloudflareaccess.com/cdn-cgi/access/login/"
"""What the address of every team's login has in it, to which a browser without a key is sent."""
ANYBODYS_MAIL: Final = frozenset(
    {
        "aol.com",
        "gmail.com",
        "gmx.de",
        "googlemail.com",
        "hotmail.com",
        "icloud.com",
        "live.com",
        "mail.com",
        "outlook.com",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "yahoo.co.jp",
        "yahoo.com",
    }
)
"""Mail services at which everybody can have an address."""


def closed_hostnames(stage: Stage, apex: str, hosts: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns of hostnames that a closed stage of these ``hosts`` closes.

    They take in what it will have tomorrow, so that a Worker which is made public later is never open meanwhile; the
    stacks of pull requests answer below development's. Production often has the zone's own name, and below that the
    other stages, so it closes exactly what it has.
    """
    if stage is Stage.PRODUCTION:
        return tuple(sorted({apex, *hosts}))
    below = f"*.{apex}"
    return (apex, below, f"*.{below}") if stage is Stage.DEVELOPMENT else (apex, below)


def covers(pattern: str, hostname: str) -> bool:
    """Whether a pattern takes a hostname in. A wildcard stands for one label, or for a part of one."""
    parts = (r"[^.]+" if label == "*" else re.escape(label).replace(r"\*", "[^.]*") for label in pattern.split("."))
    return re.fullmatch(r"\.".join(parts), hostname) is not None
