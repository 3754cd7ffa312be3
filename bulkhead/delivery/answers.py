"""What an answer to a probe shows (pure): did it pass, and which version of which Worker does it come from?

Each reply of a public Worker says in the header X-Version which versions had a part in it, as Cloudflare spells version
overrides: ``harbor-staging-worker-web="<id>", harbor-staging-worker-booking="<id>"``. It has to, because an override
that is not applied falls back in silence (Workers documentation, "Version overrides"): a probe of a version that nobody
asked would pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bulkhead.clients.visits import Reply, Silence
from bulkhead.delivery.observed import Probes
from bulkhead.model.access import LOGIN
from bulkhead.model.product import Probe

VERSIONS: Final = "x-version"
OVERRIDES: Final = "Cloudflare-Workers-Version-Overrides"
_MEMBER: Final = re.compile(r'\s*([a-z*][a-z0-9_.*-]*)="([^"\\]*)"\s*')
_VERSION: Final = re.compile(r"[0-9A-Za-z-]+")
_REDIRECTS: Final = range(300, 400)
_REFUSALS: Final = frozenset({401, 403})
_CONTROL: Final = re.compile(r"[^ -~]+")
_SHOWN: Final = 200  # characters of a body in a reason

Versions = Mapping[str, str]
"""The version of each Worker, by the Worker's name in the product."""


class Outcome(StrEnum):
    """``NOT_APPLIED``: the answer comes from another version than the one asked, or does not say from which. It tells
    nothing about the one asked."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLIED = "override not applied"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking a probe. ``versions`` are pairs of a Worker and a version of it that answered; ``reason``
    says why it is not passed."""

    probe: str
    outcome: Outcome
    status: int | None
    ms: int
    versions: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.PASSED

    def __str__(self) -> str:
        told = f"{self.status or 'no answer'} in {self.ms:,} ms"
        return f"{self.probe}: {told}" if self.ok else f"{self.probe}: {told}; {self.outcome}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Pair:
    """One probe, asked of the new and of the stable versions at the same moment."""

    new: Answer
    stable: Answer

    @property
    def is_evidence(self) -> bool:
        return Outcome.NOT_APPLIED not in (self.new.outcome, self.stable.outcome)


def counted(pairs: Iterable[Pair]) -> Probes:
    """Return what a minute's pairs tell of the two versions, and of how long each took."""
    every = tuple(pairs)
    evidence = [pair for pair in every if pair.is_evidence]
    failed = [(not pair.new.ok, not pair.stable.ok) for pair in evidence]
    return Probes(
        asked=len(every),
        new_alone=failed.count((True, False)),
        stable_alone=failed.count((False, True)),
        both=failed.count((True, True)),
        unapplied=len(every) - len(evidence),
        times={each.new.probe: (each.new.ms, each.stable.ms) for each in evidence if each.new.ok and each.stable.ok},
    )


def uncompared(answers: Iterable[Answer]) -> Probes:
    """Return what a minute's answers tell of a version beside which no other can be asked."""
    outcomes = [answer.outcome for answer in answers]
    failed, unapplied = outcomes.count(Outcome.FAILED), outcomes.count(Outcome.NOT_APPLIED)
    return Probes(asked=len(outcomes), new_alone=failed, unapplied=unapplied)


def overrides(versions: Versions, scripts: Mapping[str, str]) -> str:
    """Return the header that asks for ``versions``; ``scripts`` are the Workers' names at Cloudflare."""
    wrong = [version for version in versions.values() if not _VERSION.fullmatch(version)]
    if wrong:
        raise ValueError(f"{wrong} are no ids of versions")
    return ", ".join(f'{scripts[worker]}="{version}"' for worker, version in sorted(versions.items()))


def said(header: str, scripts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return which versions an answer says it comes from, without what is no Worker of the product."""
    workers = {script: worker for worker, script in scripts.items()}
    members = filter(None, map(_MEMBER.fullmatch, header.split(",")))
    return tuple(sorted({(workers[each[1]], each[2]) for each in members if each[1] in workers}))


def judged(
    probe: Probe, reply: Reply | Silence, wanted: Versions, scripts: Mapping[str, str], max_ms: int | None
) -> Answer:
    """Judge a reply to ``probe``, which was to come from the versions ``wanted``, within ``max_ms``."""
    if isinstance(reply, Silence):
        return Answer(probe.name, Outcome.FAILED, None, reply.ms, reason=reply.reason)
    versions = said(reply.headers.get(VERSIONS, ""), scripts)

    def ended(outcome: Outcome, reason: str = "") -> Answer:
        return Answer(probe.name, outcome, reply.status, reply.ms, versions, reason)

    others = [f"{version} of {worker}" for worker, version in versions if version != wanted.get(worker, version)]
    if others:
        return ended(Outcome.NOT_APPLIED, f"{' and '.join(others)} answered instead of what was asked")
    wrong = _wrong(probe, reply, max_ms)
    if wrong:
        return ended(Outcome.FAILED, wrong)
    heard = {worker for worker, _version in versions}
    silent = [worker for worker in probe.asked if worker in wanted and worker not in heard]
    if silent:
        return ended(Outcome.NOT_APPLIED, f"the answer does not say which version of {' and '.join(silent)} it is from")
    return ended(Outcome.PASSED)


def turned_away(name: str, reply: Reply | Silence, identities: str) -> Answer:
    """Judge what a closed stage says to somebody without its key. A refusal that names a version is a Worker's own: who
    hears it was let in. ``identities`` is the command that brings up what closes the stage."""
    if isinstance(reply, Silence):
        return Answer(name, Outcome.FAILED, None, reply.ms, reason=reply.reason)
    refused = reply.status in _REFUSALS or LOGIN in reply.headers.get("location", "")
    if refused and VERSIONS not in reply.headers:
        return Answer(name, Outcome.PASSED, reply.status, reply.ms)
    reason = f"the settings close this stage, and somebody without its key is let in: {identities}"
    return Answer(name, Outcome.FAILED, reply.status, reply.ms, reason=reason)


def _wrong(probe: Probe, reply: Reply, max_ms: int | None) -> str:
    """Return what is wrong with a reply, whoever it comes from; "" for nothing."""
    if reply.status != probe.status:
        return f"{probe.status} was expected{_instead(reply)}"
    if probe.holds not in reply.text:
        return f"{probe.holds!r} is not in the answer: {_told(reply.text)!r}"
    if max_ms is not None and reply.ms > max_ms:
        return f"took {reply.ms:,} ms, and {max_ms:,} are allowed"
    return ""


def _instead(reply: Reply) -> str:
    """Say what else is known of a reply with another status."""
    if reply.headers.get("cf-mitigated"):
        return ", but Cloudflare's protection from bots stopped the probe: let it pass in the zone's rules"
    if reply.status in _REDIRECTS:
        to = reply.headers.get("location", "nowhere").partition("?")[0]  # a query may hold what is nobody's business
        behind = ": Access stands before it and was given no token that it lets in" if LOGIN in to else ""
        return f", not a redirect to {_told(to)}{behind}"
    return f", not {_told(reply.text)!r}" if reply.text else ""


def _told(text: str) -> str:
    """Return the beginning of somebody else's text in one line: what moves a terminal's cursor is left out."""
    plain = _CONTROL.sub(" ", text)
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]} ..."
