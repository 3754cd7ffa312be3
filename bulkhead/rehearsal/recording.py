"""What a rehearsal asked of the clouds and what its states say: to be held against another one's.

`python -m bulkhead.rehearsal.recording OWN.json REAL.json` compares two recordings (`bulkhead rehearse --record`), one
made with our own providers and one with the real plugins. What differs is our fault: the plugins are what stages are
made with in the end. No value is recorded, only which members there are: a value may be a secret, and ids differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.api.journal import Entry, Journal, members_in
from bulkhead.localclouds.providers.past import without_notes
from bulkhead.rehearsal.scene import Scene
from bulkhead.resources import types as t
from bulkhead.resources.kind import PROVIDER
from bulkhead.resources.sentinels import is_secret

EXPECTED: Final[Mapping[str, Mapping[str, str]]] = {
    f"{PROVIDER}cloudflare": {"baseUrl": "a rehearsal leads the plugins to the local clouds with it"},
    f"{PROVIDER}github": {"writeDelayMs": "as above"},
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: dict.fromkeys(
        ("encryptedValue", "plaintextValue", "valueEncrypted"), "null, which is sealed: the plugin calls it sensitive"
    ),
    t.GITHUB_BRANCH_DEFAULT: {"etag": "a header of an answer, kept for the next question"},
    t.GITHUB_REPOSITORY_RULESET: {"etag": "as above"},
    t.WORKER_VERSION: {"bindings": "one secret: the plugin calls a text in them sensitive"},
    t.WORKERS_CRON_TRIGGER: {"schedules[].createdOn": "nobody compares it", "schedules[].modifiedOn": "as above"},
}
"""What the plugins keep in a state in their own way, by type and property, and why that is no difference."""


@dataclass(frozen=True, slots=True)
class Recording:
    """``calls`` are the members of the bodies that each route was asked with, by cloud, method and route; ``states``
    the paths of the properties of each resource, by environment and URN."""

    calls: Mapping[str, Sequence[str]]
    states: Mapping[str, Sequence[str]]


def record(scene: Scene) -> Recording:
    """Return the recording of a rehearsal so far."""
    with Journal(scene.run.calls) as journal:
        calls = by_route(journal)
    states = {
        f"{stage.environment} {resource['urn']}": sorted(set(members_in(told(resource))))
        for stage in scene.stages.values()
        for resource in stage.resources()
        if resource.get("custom")
    }
    return Recording(calls, states)


def told(resource: Mapping[str, Any]) -> Any:
    """Return the properties of a resource without what says nothing of it: the notes of bridges, what is null, the id
    that the engine keeps as well, and how the engine has sealed a secret."""
    outputs = {name: value for name, value in resource.get("outputs", {}).items() if name != "id"}
    return _told(outputs)


def _told(value: Any) -> Any:
    if is_secret(value):
        return True
    if isinstance(value, Mapping):
        parts = {name: _told(part) for name, part in without_notes(value).items()}
        return {name: part for name, part in parts.items() if part is not None}
    return [_told(part) for part in value] if isinstance(value, list) else value


def by_route(calls: Iterable[Entry]) -> dict[str, list[str]]:
    """Return the members of the bodies that each route was asked with, all calls together."""
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(f"{call.cloud} {call.method} {call.route or call.path}", set()).update(call.members.split())
    return {route: sorted(members) for route, members in sorted(found.items())}


def differences(own: Recording, real: Recording) -> list[str]:
    """Return what differs between two recordings: a line for each route, and one for all resources of a type that
    differ in the same way."""
    alike: dict[tuple[str, str], list[str]] = {}
    for urn, difference in _compared(*map(_without_expected, (own.states, real.states))):
        alike.setdefault((_type(urn), difference), []).append(urn)
    return [
        *(f"call {route}: {difference}" for route, difference in _compared(own.calls, real.calls)),
        *(
            f"state of {len(urns)} {type_}, the first {urns[0]}: {difference}"
            for (type_, difference), urns in alike.items()
        ),
    ]


def write(path: Path, recording: Recording) -> None:
    path.write_text(json.dumps(asdict(recording), indent=1, sort_keys=True), encoding="utf-8")


def read(path: Path) -> Recording:
    return Recording(**json.loads(path.read_bytes()))


def _without_expected(states: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    def is_expected(urn: str, member: str) -> bool:
        known = EXPECTED.get(_type(urn), {})
        return any(f"{member}.".startswith((f"{name}.", f"{name}[")) for name in known)

    return {urn: [each for each in members if not is_expected(urn, each)] for urn, members in states.items()}


def _type(urn: str) -> str:
    return urn.split("::")[-2].rpartition("$")[2]


def _compared(own: Mapping[str, Sequence[str]], real: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for name in sorted({*own, *real}):
        if name not in own or name not in real:
            yield name, f"only with {'the real plugins' if name in real else 'our own providers'}"
            continue
        ours, theirs = set(own[name]) - set(real[name]), set(real[name]) - set(own[name])
        if ours or theirs:
            sides = (("only ours", ours), ("only theirs", theirs))
            yield name, "; ".join(f"{side} {sorted(members)}" for side, members in sides if members)


def main(arguments: Sequence[str]) -> int:
    """Print the differences of two recordings; 1 if there are any."""
    found = differences(*(read(Path(argument)) for argument in arguments))
    for line in found:
        print(line)  # noqa: T201 - this is what it is for
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
