"""moto delivers to http and https subscribers for real. A rehearsal talks to this machine only, so the rest is
dropped: a made-up Slack address would otherwise be called."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import moto.sns.models
import requests


class _Loopback:
    """Stands in for the module ``requests``, of which moto's SNS uses ``post`` alone."""

    @staticmethod
    def post(url: str, **request: Any) -> requests.Response | None:
        return requests.post(url, **{"timeout": 5, **request}) if _is_loopback(url) else None  # noqa: S113 - set here


def extend() -> None:
    """Keep moto's deliveries on this machine; safe to repeat."""
    setattr(moto.sns.models, "requests", _Loopback)  # noqa: B010 - a plain assignment to a module is no valid type


def _is_loopback(url: str) -> bool:
    """Only literal addresses count: looking up a name would be traffic already."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
