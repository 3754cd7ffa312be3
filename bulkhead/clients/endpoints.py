"""Where the JSON APIs are that a stage's tokens are sent to, and how its own hostnames are reached.

It is said by whoever builds a client, never by the environment: a variable that is left over from a trial on local
clouds would make `adopt` find nothing in production, and the next `up` make everything a second time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, Self

from bulkhead.model.faults import Fault, Refused
from jobs import config

# No user, query or fragment: what two parsers of URLs read differently sends a token to another host.
_BASE: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::\d{1,5})?(?:/[\w.~-]+)*", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API and the URL before its paths. ``enveloped`` answers hold ``success``, ``errors`` and
    ``result``. Raises Refused for a URL that a token must not be sent to."""

    name: str
    base: str
    enveloped: bool = False

    def __post_init__(self) -> None:
        parts = _BASE.fullmatch(self.base)
        if parts is None:
            message = "is no URL of an API: https, a host, perhaps a port and a path; no user, query or fragment"
        elif parts["scheme"].lower() == "http" and not _is_loopback(parts["host"]):
            message = "is not encrypted: the token could be read on the way, by anybody"
        else:
            return
        fix = "give an https URL; http is for this machine alone, as in http://127.0.0.1:8787/client/v4"
        raise Refused(f"No token is sent to {self.name} there.", [Fault(_shown(self.base), message, fix)])

    def at(self, base: str) -> Self:
        """Return the same API elsewhere: a local cloud's, or a GitHub Enterprise's that ends in ``/api/v3``."""
        return replace(self, base=base.rstrip("/"))


CLOUDFLARE: Final = Api("Cloudflare", config.CLOUDFLARE, enveloped=True)
GITHUB: Final = Api("GitHub", "https://api.github.com")


@dataclass(frozen=True, slots=True)
class Sites:
    """How a stage's hostnames are reached: as everybody does, over https, unless a rehearsal says the address of its
    ``front``, which tells them apart by the header Host. Raises Refused for a front on another machine."""

    front: str = ""

    def __post_init__(self) -> None:
        parts = _BASE.fullmatch(self.front)
        if self.front and (parts is None or not _is_loopback(parts["host"])):
            message = "is no front of a rehearsal, and what answers there would pass for the stage"
            raise Refused("The stage was not asked.", [Fault(_shown(self.front), message, "http://127.0.0.1:<port>")])

    def url(self, host: str, path: str) -> str:
        """Return where ``path`` of a hostname is asked for."""
        return f"{self.front or f'https://{host}'}{path}"


@dataclass(frozen=True, slots=True)
class Apis:
    """The APIs that one command speaks to: the vendors' own, unless a test or a rehearsal says others."""

    cloudflare: Api = CLOUDFLARE
    github: Api = GITHUB
    sites: Sites = Sites()


def _is_loopback(host: str) -> bool:
    try:
        return host.lower() == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _shown(base: str) -> str:
    """The URL without what may be a password in it."""
    return re.sub(r"//[^/]*@", "//", base).partition("?")[0]
