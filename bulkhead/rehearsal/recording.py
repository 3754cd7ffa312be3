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

from bulkhead.localclouds.api.journal import Entry, Journal, members_in
from bulkhead.rehearsal.scene import Scene


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
        f"{stage.environment} {resource['urn']}": sorted(set(members_in(resource.get("outputs", {}))))
        for stage in scene.stages.values()
        for resource in stage.resources()
        if resource.get("custom")
    }
    return Recording(calls, states)


def by_route(calls: Iterable[Entry]) -> dict[str, list[str]]:
    """Return the members of the bodies that each route was asked with, all calls together."""
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(f"{call.cloud} {call.method} {call.route or call.path}", set()).update(call.members.split())
    return {route: sorted(members) for route, members in sorted(found.items())}


def differences(own: Recording, real: Recording) -> list[str]:
    """Return what differs between two recordings, a line for each route and resource."""
    return [
        *_compared("call", own.calls, real.calls),
        *_compared("state", own.states, real.states),
    ]


def write(path: Path, recording: Recording) -> None:
    path.write_text(json.dumps(asdict(recording), indent=1, sort_keys=True), encoding="utf-8")


def read(path: Path) -> Recording:
    return Recording(**json.loads(path.read_bytes()))


def _compared(what: str, own: Mapping[str, Sequence[str]], real: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in sorted({*own, *real}):
        if name not in own or name not in real:
            yield f"{what} {name}: only with {'the real plugins' if name in real else 'our own providers'}"
            continue
        ours, theirs = set(own[name]) - set(real[name]), set(real[name]) - set(own[name])
        if ours or theirs:
            told = (("only ours", ours), ("only theirs", theirs))
            yield f"{what} {name}: {'; '.join(f'{side} {sorted(members)}' for side, members in told if members)}"


def main(arguments: Sequence[str]) -> int:
    """Print the differences of two recordings; 1 if there are any."""
    found = differences(*(read(Path(argument)) for argument in arguments))
    for line in found:
        print(line)  # noqa: T201 - this is what it is for
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
