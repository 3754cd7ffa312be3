"""Asks a running stage whether it works: probes, journeys and health of chosen versions, and what is asked to fill
caches.

A version is chosen by an override, which reaches it even while its share of the traffic is nothing. Anybody on the
internet can send that header (docs/adr/0029): what is kept from people must not depend on a version being at 0 %.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from json import JSONDecodeError, loads
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeGuard

import httpx

from bulkhead.clients.endpoints import Sites
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Reply, ServiceToken, Silence, Visitor
from bulkhead.delivery.answers import OVERRIDES, Answer, Outcome, Pair, Versions, judged, overrides, turned_away
from bulkhead.model.naming import Kind
from bulkhead.model.product import HEALTH, Cleaning, Journey, Probe, Product
from bulkhead.model.settings import StageSettings

_PATIENCE: Final = 10.0  # seconds for an answer where the stage has no limit of its own
_JOURNEY: Final = 60.0  # seconds for a journey, which may wait for a model
_SETTLING: Final = 30.0  # seconds until a deployment is known in every data centre
_PAUSE: Final = 1.0
_MOST_PURGED: Final = 100  # items of one call (Cloudflare Cache documentation, "Purge cache")
_ERRORS: Final = 400  # from here on, HTTP has errors
_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Smoke:
    """What a smoke test saw. ``left_out`` says which journeys were not made, and why."""

    answers: tuple[Answer, ...]
    left_out: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if not answer.ok)

    @property
    def ok(self) -> bool:
        """Whether everything passed. Where nothing was asked, nothing did."""
        return bool(self.answers) and not self.failed


class Prober:
    """Asks a stage of a product through its hostnames. ``versions`` always name the Workers as the product does.

    ``token`` lets it through where the stage is behind Access, ``carried`` through a maintenance. For tests,
    ``transport`` answers instead of the network and ``sleep`` waits.
    """

    def __init__(
        self,
        product: Product,
        settings: StageSettings,
        sites: Sites,
        token: ServiceToken | None = None,
        *,
        carried: Mapping[str, str] = MappingProxyType({}),
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        label = settings.label(product.name)
        self._product = product
        self._hosts = product.hostnames(settings.cloudflare.hostname)
        self._scripts = {worker.name: label.name(Kind.WORKER, worker.name) for worker in product.workers}
        self._max_ms = settings.gates.max_ms
        # Nobody is waited for longer than an answer could still pass.
        self._seconds = self._max_ms / 1000 if self._max_ms else _PATIENCE
        self._keeps_nothing = settings.protected
        self._visitor = Visitor(sites, token, transport, carried)
        self._stranger = Visitor(sites, transport=transport, carried=carried) if token else None
        self._identities = f"pulumi up -C identities -s {settings.environment}"
        self._pool = ThreadPoolExecutor(_AT_ONCE, "probe")
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown()
        for visitor in filter(None, (self._visitor, self._stranger)):
            visitor.__exit__(kind, error, at)

    def ask(self, probe: Probe, versions: Versions | None = None, *, forced: bool = True) -> Answer:
        """Ask once. The answer must come from ``versions``; unless ``forced``, they are not asked for: that is what
        everybody gets."""
        wanted = versions or {}
        reply = self._send(probe, wanted if forced else {}, self._seconds)
        return judged(probe, reply, wanted, self._scripts, self._max_ms)

    def smoke(self, versions: Versions | None = None, *, forced: bool = True, settling: float = _SETTLING) -> Smoke:
        """Ask all probes, and make the journeys once those have passed: nothing is written by a version that cannot
        even be read. A closed stage is also asked without its key. ``settling`` is how many seconds a new deployment
        may take until it is known everywhere."""
        strangers = self._settled(self._strangers, lambda seen: all(answer.ok for answer in seen), settling)
        answers = strangers + self._settled(
            lambda: self._all(self._product.probes, versions, forced=forced),
            lambda seen: not any(answer.outcome is Outcome.NOT_APPLIED for answer in seen),
            settling,
        )
        if not all(answer.ok for answer in answers):
            return Smoke(answers, tuple(f"{j.name}: a probe did not pass" for j in self._product.journeys))
        made = [j for j in self._product.journeys if j.cleans is not None or not self._keeps_nothing]
        left_out = (
            f"{j.name}: it does not say how it cleans up, and this is production"
            for j in self._product.journeys
            if j not in made
        )
        journeys = (self._made_and_cleaned(journey, versions or {}, forced=forced) for journey in made)
        return Smoke((*answers, *journeys), tuple(left_out))

    def health(
        self, versions: Versions | None = None, *, forced: bool = True, settling: float = _SETTLING
    ) -> tuple[Answer, ...]:
        """Ask each public Worker how it is, until all of them are well or ``settling`` seconds are over."""
        probes = [Probe(f"health of {name}", name, HEALTH) for name in self._hosts]
        return self._settled(
            lambda: self._all(probes, versions, forced=forced), lambda seen: all(answer.ok for answer in seen), settling
        )

    def pairs(self, new: Versions, stable: Versions) -> tuple[Pair, ...]:
        """Ask each probe that a moving Worker has a part in of both versions, at the same moment: what fails on both
        sides is not the new one's fault. The other probes would only bring chance into it."""
        moving = [worker for worker in new if new[worker] != stable.get(worker)]
        probes = reaching(self._product, moving)
        asked = [(self._pool.submit(self.ask, p, new), self._pool.submit(self.ask, p, stable)) for p in probes]
        return tuple(Pair(new=one.result(), stable=other.result()) for one, other in asked)

    def alone(self, versions: Versions) -> tuple[Answer, ...]:
        """Ask each probe that one of these Workers has a part in as a visitor does: everybody gets these versions, and
        no other is in their deployments."""
        return self._all(reaching(self._product, versions), versions, forced=False)

    def travel(self, journey: Journey, mark: str, versions: Versions | None = None, *, forced: bool = True) -> Answer:
        """Make a journey and leave its traces, for whoever looks for ``mark`` in the stores."""
        return self._travel(journey, mark, versions or {}, forced=forced)[0]

    def warm(self) -> tuple[Answer, ...]:
        """Ask for each path that the product wants warm. It fills the data centre nearest to this machine and, with
        Tiered Cache, the upper one that the others ask; any answer below 400 has done it."""

        def asked(item: tuple[str, str]) -> Answer:
            worker, path = item
            reply = self._visitor.ask(self._hosts[worker], path, seconds=_PATIENCE)
            status = reply.status if isinstance(reply, Reply) and reply.status < _ERRORS else 200
            probe = Probe(f"{self._hosts[worker]}{path}", worker, path, status=status)
            return judged(probe, reply, {}, self._scripts, None)

        return tuple(self._pool.map(asked, self._product.warm))

    def _strangers(self) -> tuple[Answer, ...]:
        """Visit each hostname as somebody who has no key, where one is needed (STG-8): a stage stays open when it was
        closed in its settings alone."""
        if self._stranger is None:
            return ()
        visitor = self._stranger

        def asked(item: tuple[str, str]) -> Answer:
            name, host = item
            reply = visitor.ask(host, HEALTH, seconds=self._seconds)
            return turned_away(f"{name} without the key", reply, self._identities)

        return tuple(self._pool.map(asked, self._hosts.items()))

    def _all(self, probes: Iterable[Probe], versions: Versions | None, *, forced: bool) -> tuple[Answer, ...]:
        return tuple(self._pool.map(lambda probe: self.ask(probe, versions, forced=forced), probes))

    def _made_and_cleaned(self, journey: Journey, versions: Versions, *, forced: bool) -> Answer:
        """Make a journey and take back what it left, whichever version answered."""
        mark = f"probe{uuid.uuid4().hex[:12]}"  # a product may have rules for its words: letters and digits have none
        answer, reply = self._travel(journey, mark, versions, forced=forced)
        if journey.cleans is None:
            return answer
        left = self._left(journey, journey.cleans, mark, reply, versions if forced else {})
        reasons = "; ".join(filter(None, (answer.reason, left)))
        return replace(answer, outcome=Outcome.FAILED, reason=reasons) if left else answer

    def _travel(
        self, journey: Journey, mark: str, versions: Versions, *, forced: bool
    ) -> tuple[Answer, Reply | Silence]:
        path, body = journey.marked(mark)
        probe = Probe(journey.name, journey.worker, path, journey.method, body)
        reply = self._send(probe, versions if forced else {}, _JOURNEY)
        done = replace(probe, status=reply.status) if _succeeded(reply) else probe
        return judged(done, reply, versions, self._scripts, None), reply

    def _left(self, journey: Journey, cleaning: Cleaning, mark: str, reply: Reply | Silence, versions: Versions) -> str:
        """Take back what a journey left. Return what may be left all the same, "" for nothing."""
        if isinstance(reply, Silence):
            return f"what {mark} may have left was not cleaned up"
        if not _succeeded(reply):
            return ""
        try:
            path = cleaning.filled({**_members(reply.text), "mark": mark})
        except KeyError as missing:
            return f"what {mark} left was not cleaned up: its answer has no member {missing.args[0]!r}"
        probe = Probe(journey.name, journey.worker, path, cleaning.method)
        cookies = {"Cookie": "; ".join(reply.cookies)} if reply.cookies else {}
        cleaned = self._send(probe, versions, _JOURNEY, cookies)
        if _succeeded(cleaned):
            return ""
        why = judged(probe, cleaned, {}, self._scripts, None).reason
        return f"what {mark} left was not cleaned up, by {cleaning.method} {path}: {why}"

    def _send(
        self, probe: Probe, forced: Versions, seconds: float, headers: Mapping[str, str] | None = None
    ) -> Reply | Silence:
        chosen = {OVERRIDES: overrides(forced, self._scripts)} if forced else {}
        return self._visitor.ask(
            self._hosts[probe.worker],
            probe.path,
            method=probe.method,
            json=probe.body,
            headers={**chosen, **(headers or {})},
            seconds=seconds,
        )

    def _settled(
        self, ask: Callable[[], tuple[Answer, ...]], enough: Callable[[Sequence[Answer]], bool], settling: float
    ) -> tuple[Answer, ...]:
        answers, waited = ask(), 0.0
        while waited < settling and not enough(answers):
            self._sleep(_PAUSE)
            answers, waited = ask(), waited + _PAUSE
        return answers


def reaching(product: Product, workers: Iterable[str]) -> list[Probe]:
    """Return the probes that one of the Workers has a part in."""
    wanted = set(workers)
    return [probe for probe in product.probes if wanted.intersection(probe.asked)]


def purge(
    cloudflare: Rest, zone: str, *, hosts: Iterable[str] = (), prefixes: Iterable[str] = (), tags: Iterable[str] = ()
) -> int:
    """Purge what the zone's cache has of these hosts, prefixes (``host/path``) and tags; return in how many calls. The
    API takes one kind and 100 items at a time. A zone that stages share is never purged as a whole."""
    calls = 0
    for kind, items in (("hosts", hosts), ("prefixes", prefixes), ("tags", tags)):
        wanted = list(items)
        for first in range(0, len(wanted), _MOST_PURGED):
            some = wanted[first : first + _MOST_PURGED]
            cloudflare.post(f"/zones/{zone}/purge_cache", {kind: some}, repeatable=True)
            calls += 1
    return calls


def _succeeded(reply: Reply | Silence) -> TypeGuard[Reply]:
    return isinstance(reply, Reply) and 200 <= reply.status < 300  # noqa: PLR2004 - HTTP's own border of success


def _members(text: str) -> dict[str, Any]:
    """Return the members of an answer, none where it is no object of JSON."""
    try:
        answer = loads(text)
    except (JSONDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
