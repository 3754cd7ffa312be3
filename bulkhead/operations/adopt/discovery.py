"""The discovery: what an `up` would make, compared with what exists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.model.identities import TOKEN_MAKER
from bulkhead.model.settings.paths import SECRETS
from bulkhead.operations.adopt.changes import PendingChange, changes
from bulkhead.operations.adopt.engine_plan import (
    Digest,
    Engine,
    State,
    created,
    name_of,
    sources,
    stack_of,
)
from bulkhead.operations.adopt.finding import Finder, Found, Wanted, made_again, told_once
from bulkhead.operations.adopt.imports import document, provider_inputs
from bulkhead.resources import types as t
from bulkhead.resources.kind import PROVIDER
from bulkhead.resources.sentinels import UNKNOWN_STRING

PLACES: Final[Mapping[str, str]] = {
    t.ACCOUNT_TOKEN: "tokens",
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: "access/service_tokens",
}


@dataclass(frozen=True, slots=True)
class Match:
    """A wanted resource that exists and can be imported."""

    wanted: Wanted
    found: Found


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A wanted resource that exists and cannot be imported; ``removal`` is the command that removes it."""

    wanted: Wanted
    removal: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """The result of a discovery. ``matches`` can be imported. ``again`` is made again by the next `up`. ``missing``
    does not exist. ``in_the_way`` must be removed before the next `up`. ``outlived`` is made a second time, and the
    first one stays usable until it is removed. ``strays`` have the name of one in the state, and nobody knows them:
    the answer of a create was lost, and it was made again. ``unlisted`` has no finder. ``changes`` is what an `up`
    would do without any import; ``document`` is the import."""

    matches: tuple[Match, ...]
    again: tuple[Wanted, ...]
    missing: tuple[Wanted, ...]
    in_the_way: tuple[Obstacle, ...]
    outlived: tuple[Obstacle, ...]
    strays: tuple[Obstacle, ...]
    unlisted: tuple[Wanted, ...]
    changes: tuple[PendingChange, ...]
    document: Mapping[str, Any] = field(repr=False)

    def outcomes(self) -> Iterator[tuple[Wanted, str, str | None]]:
        """Yield each resource that the state lacks, what becomes of it, and the id of one that is imported."""
        yield from ((match.wanted, "import", match.found.id) for match in self.matches)
        yield from ((wanted, "again", None) for wanted in self.again)
        yield from ((wanted, "missing", None) for wanted in self.missing)
        yield from ((obstacle.wanted, "in the way", None) for obstacle in self.in_the_way)
        yield from ((obstacle.wanted, "outlived", None) for obstacle in self.outlived)
        yield from ((obstacle.wanted, "stray", None) for obstacle in self.strays)
        yield from ((wanted, "unknown", None) for wanted in self.unlisted)


def discover(engine: Engine, finder: Finder, folder: Path, standing: Iterable[State] = ()) -> Discovery:
    """Ask the engine what an `up` would make, and the clouds which of it exists; change nothing.

    ``folder`` must be private: the engine writes a file into it that holds the providers' credentials, encrypted.
    ``standing`` is what the state has already; the engine's plan leaves out of it what would stay as it is.
    Raises Refused when the engine or a cloud does.
    """
    file = folder / "plan.json"
    digest = engine.plan(file)
    creates = created(digest)
    there = list(standing)
    states = {state["urn"]: state for state in there} | creates
    tokens = [state for state in there if told_once(state["type"])]
    known = {str(state.get("id")) for state in tokens}
    providers = provider_inputs(creates, json.loads(file.read_text(encoding="utf-8")))
    matches: list[Match] = []
    again, missing, unlisted = [], [], []
    in_the_way: list[Obstacle] = []
    outlived: list[Obstacle] = []
    ids: dict[str, str] = {}
    for wanted in _wanted(digest, ids):
        if made_again(wanted.type):
            again.append(wanted)
        elif not finder.knows(wanted.type):
            unlisted.append(wanted)
        elif (found := finder.find(wanted)) is None:
            missing.append(wanted)
        elif wanted.type == t.QUEUE_CONSUMER:  # no import takes one, and a queue has one that is a Worker
            in_the_way.append(Obstacle(wanted, _removal(wanted, states)))
        elif told_once(wanted.type):  # of no use: its value was said once, and the lost state alone had it
            outlived += _unknown(finder, wanted, known)
        else:
            ids[wanted.urn] = found.id
            matches.append(Match(wanted, found))
    strays = [stray for token in tokens for stray in _unknown(finder, _standing(token), known)]
    import_ids = {match.wanted.urn: match.found.import_id for match in matches}
    return Discovery(
        tuple(matches),
        tuple(again),
        tuple(missing),
        tuple(in_the_way),
        tuple(outlived),
        tuple(strays),
        tuple(unlisted),
        changes(digest),
        document(creates, import_ids, providers),
    )


def _wanted(digest: Digest, ids: Mapping[str, str]) -> Iterator[Wanted]:
    """Yield the resources proper. ``ids`` grows while they are looked for: a property that would be known only after
    an `up`, and comes from one resource alone, is the id of that resource."""
    aliases = _aliases(digest)
    for urn, state in created(digest).items():
        if not state.get("custom") or state["type"].startswith(PROVIDER):
            continue
        inputs = dict(state.get("inputs") or {})
        for property_ in [property_ for property_, value in inputs.items() if value == UNKNOWN_STRING]:
            origins = sources(state, property_)
            if len(origins) == 1 and origins[0] in ids:
                inputs[property_] = ids[origins[0]]
            else:
                del inputs[property_]
        yield Wanted(urn, state["type"], name_of(urn), inputs, aliases.get(urn))


def _aliases(digest: Digest) -> dict[str, str]:
    """Return the alias of each KMS key, by the key's URN. An alias that an interrupted import has imported counts too:
    it would be updated, because its key is not known."""
    states: list[State] = [step["newState"] for step in digest["steps"] if step.get("newState")]
    return {
        key: state["inputs"]["name"]
        for state in states
        if state["type"] == t.KMS_ALIAS
        for key in sources(state, "targetKeyId")
    }


def _removal(consumer: Wanted, states: Mapping[str, State]) -> str:
    """Return the command that takes a consumer away; the messages stay in the queue."""
    (queue,) = sources(states[consumer.urn], "queueId")
    names = f"{states[queue]['inputs']['queueName']} {consumer.inputs['scriptName']}"
    account = f"CLOUDFLARE_ACCOUNT_ID={consumer.inputs['accountId']}"
    return f"{account} npx wrangler queues consumer worker remove {names}"


def _standing(state: State) -> Wanted:
    return Wanted(state["urn"], state["type"], name_of(state["urn"]), state.get("inputs") or {})


def _unknown(finder: Finder, token: Wanted, known: set[str]) -> Iterator[Obstacle]:
    """Yield each token of this name that is not ``known``, and know it: Cloudflare takes one name twice."""
    while (found := finder.find(replace(token, known=frozenset(known)))) is not None:
        known.add(found.id)
        yield Obstacle(token, _revocation(token, found))


def _revocation(token: Wanted, found: Found) -> str:
    """Return the command that ends a token. What may do that is a secret of the same stack; it is in no argument."""
    maker = f"pulumi config get {SECRETS}:{TOKEN_MAKER} -C identities --stack {stack_of(token.urn)}"
    place = f"{CLOUDFLARE.base}/accounts/{token.inputs['accountId']}/{PLACES[token.type]}/{found.id}"
    return f"{maker} | sed 's/^/Authorization: Bearer /' | curl -fsS -X DELETE -H @- {place}"
