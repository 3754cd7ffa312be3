"""The HTTP client for a stage's own hostnames: one request, and what came back, as a visitor sees it.

Nothing is taken from the environment, no cookie is kept, no redirect is followed: whoever asks hears what this hostname
says, and a service token goes nowhere else.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self

import httpx

from bulkhead.clients.endpoints import Sites
from bulkhead.clients.rest import trusted
from bulkhead.model.faults import Fault, Refused

_MOST: Final = 1024**2  # bytes of a body, unpacked: what a probe looks for stands near its beginning
# An idle connection is given up before an edge does it, or a probe would fail on one that just closes.
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0)
_VISIBLE: Final = re.compile(r"[!-~]+")
_NAME: Final = "bulkhead"  # in the logs of the Workers, probes are told from people by it


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """What lets a machine through Cloudflare Access (Zero Trust documentation, "Service tokens"). Raises Refused for
    what no header can carry."""

    id: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        faults = [
            Fault(f"the service token's {name}", "is empty, or holds a blank or a line's end", "store it again")
            for name, value in (("id", self.id), ("secret", self.secret))
            if not _VISIBLE.fullmatch(value)
        ]
        if faults:
            raise Refused("The stage was not asked.", faults)

    def headers(self) -> dict[str, str]:
        return {"CF-Access-Client-Id": self.id, "CF-Access-Client-Secret": self.secret}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a hostname answered. ``headers`` have lower-case names; ``cookies`` are name=value, as they are sent back;
    ``text`` is no more than the first MiB."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    text: str
    ms: int


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer came; ``reason`` says why, in words."""

    reason: str
    ms: int


class Visitor:
    """Asks a stage's hostnames, from as many threads as there are. ``carried`` are headers of each request whose values
    nobody is to see. For tests, ``transport`` answers instead of the network."""

    def __init__(
        self,
        sites: Sites,
        token: ServiceToken | None = None,
        transport: httpx.BaseTransport | None = None,
        carried: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if any(not _VISIBLE.fullmatch(value) for value in carried.values()):
            message = "holds a blank, a line's end or what no header carries"
            raise Refused("The stage was not asked.", [Fault(min(carried), message, "copy it again")])
        self._sites = sites
        self._secrets = [*([token.secret] if token else []), *carried.values()]
        self._client = httpx.Client(
            headers={"User-Agent": _NAME, "Accept": "*/*"} | (token.headers() if token else {}) | dict(carried),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            transport=transport,
            limits=_LIMITS,
            trust_env=False,
            verify=trusted(),
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def ask(
        self,
        host: str,
        path: str,
        *,
        method: str = "GET",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float,
    ) -> Reply | Silence:
        """Ask once. Nobody is waited for longer than ``seconds`` at each step: to be connected, and to be answered."""
        started = time.perf_counter()

        def ms() -> int:
            return round((time.perf_counter() - started) * 1000)

        url, named = self._sites.url(host, path), {**(headers or {}), "Host": host}
        try:
            with self._client.stream(method, url, json=json, headers=named, timeout=seconds) as response:
                content = bytearray()
                for part in response.iter_bytes():
                    content += part
                    if len(content) > _MOST:
                        break
                    if ms() > seconds * 1000:  # a body that comes byte by byte
                        return Silence(_too_late(seconds), ms())
                text = self._plain(bytes(content[:_MOST]).decode(response.encoding or "utf-8", "replace"))
                cookies = (each.partition(";")[0] for each in response.headers.get_list("set-cookie"))
                return Reply(response.status_code, dict(response.headers), tuple(cookies), text, ms())
        except httpx.TimeoutException:
            return Silence(_too_late(seconds), ms())
        except httpx.RequestError as error:
            return Silence(_why(error, host), ms())

    def _plain(self, text: str) -> str:
        """Return a text without the token, whoever repeats it."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _too_late(seconds: float) -> str:
    return f"no answer within {round(seconds * 1000)} ms"


def _why(error: httpx.RequestError, host: str) -> str:
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate does not hold: {cause.verify_message}"
            case ssl.SSLError():
                return f"no encrypted connection: {cause.reason or 'it broke'}"
            case socket.gaierror():
                return f"{host} has no address in DNS"
            case ConnectionRefusedError():
                return "nobody listens there"
    return f"the connection broke ({type(error).__name__})"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
