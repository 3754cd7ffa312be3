"""The stages are apart: nothing one of them owns is known to another, and no secret is anywhere in clear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.engine import canaries
from bulkhead.localclouds.providers.store import Record
from bulkhead.rehearsal.proofs.proof import existing, require, several_stages
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources.catalogue import CATALOGUE

# Properties that say which resource it is. Everything else (a region, a time zone, "auto") may be equal by right.
_NAMING: Final = frozenset(
    {
        *(
            "arn",
            "bucket",
            "bucketDomainName",
            "bucketName",
            "databaseId",
            "hostname",
            "keyId",
            "namespaceId",
            "queueId",
        ),
        *("queueId", "queueName", "scriptName", "service", "targetKeyArn", "targetKeyId", "title", "topic", "topicArn"),
        *("uuid", "versionId", "workerId"),
    }
)
# Further down these name a part of the resource (a rule, a binding), which the program chooses alike in every stage.
_NAMING_AT_THE_TOP: Final = frozenset({"id", "name"})
_MINTED: Final = tuple(row for row in CATALOGUE.values() if row.told_once)
_MAIL: Final = re.escape('"emailDomain": {"domain": "')
_OF_AWS: Final = "alias/aws/"  # keys that AWS makes itself, called alike in every account
_SHORTEST: Final = 8  # a shorter text ("web", "index.js") says nothing about whose it is


def disjoint(scene: Scene) -> str:
    """No name, id, hostname, ARN or secret of a resource that one stage owns occurs in another stage's resources."""
    several_stages(scene)
    for stage in scene.stages.values():
        require(stage.canaries, f"secrets planted in {stage.environment}", "none")
    owned = {e: _identifiers(scene, stage) for e, stage in scene.stages.items()}
    texts = {e: "\n".join(_texts(scene, stage)) for e, stage in scene.stages.items()}
    shared = _allowed(scene)
    for environment, identifiers in owned.items():
        for other, text in texts.items():
            if other == environment:
                continue
            known = sorted(i for i in identifiers - shared if i in text and _whole(i, text))
            require(not known, f"nothing of {environment} to occur in {other}", ", ".join(known[:5]))
            leaked = canaries.find(scene.stages[environment].canaries, text)
            require(not leaked, f"no secret of {environment} in {other}", f"secret {', '.join(leaked)}")
    counts = ", ".join(f"{environment} {len(identifiers)}" for environment, identifiers in owned.items())
    return f"names, ids, hostnames, ARNs compared over all stages: {counts}; none occurs in another stage"


def secrets_hidden(scene: Scene) -> str:
    """No planted secret stands in clear in state, outputs, logs, plain variables or anything else the engine wrote."""
    planted = {f"{e}:{name}": value for e, s in scene.stages.items() for name, value in s.canaries.items()}
    tokens = minted(scene)
    for environment, stage in scene.stages.items():
        require(stage.canaries, f"secrets planted in {environment}", "none")
        for room, files in ((scene.run.state, "*.json"), (scene.run.logs, "*.log"), (scene.run.logs, "*.events")):
            kept = [path for path in room.rglob(files) if path.name.startswith(environment) and path.stat().st_size]
            require(kept, f"{room.name}/{environment}{files} to look into", "no such file")
    places: dict[str, bytes] = {}
    for room in (scene.run.state, scene.run.logs, scene.run.path / "work"):
        for path in sorted(p for p in room.rglob("*") if p.is_file()):
            places[str(path.relative_to(scene.run.path))] = path.read_bytes()
    outputs = scene.in_each_stage(lambda stage: stage.stack.outputs())
    for environment, stage in scene.stages.items():
        plain = _plain_variables(scene, stage)
        require(outputs[environment], f"outputs of {environment} to look into", "none")
        require(plain, f"plain variables of {environment} to look into", "none")
        places[f"outputs of {environment}"] = json.dumps(outputs[environment]).encode()
        places[f"plain variables of {environment}"] = json.dumps(plain).encode()
    for place, content in places.items():
        leaked = canaries.find(planted | tokens, content)
        require(not leaked, f"no secret in {place}", f"{', '.join(leaked)} stands there in clear")
    bound = sum(len(_secret_variables(scene, stage)) for stage in scene.stages.values())
    held = _held_by_workers(scene)
    require(held == bound, f"{bound} secrets bound to Workers to be planted ones", f"{held} are")
    size = sum(map(len, places.values())) // 1024
    return (
        f"{len(planted)} planted secrets, {held} of them bound to Workers, and {len(tokens)} tokens made; "
        f"none in {len(places)} places, {size} KiB"
    )


def minted(scene: Scene) -> dict[str, str]:
    """Return the tokens that the stages' Cloudflare has made and told once, by name."""
    return {
        str(token.inputs["name"]): str(token.outputs[secret])
        for stage in scene.stages.values()
        for row in _MINTED
        for token in scene.records(stage, row)
        for secret in row.secrets
    }


def _identifiers(scene: Scene, stage: StandingStage) -> set[str]:
    found: set[str] = set()
    for record in existing(scene, stage):
        found.add(record.id)
        found.update(text for key, text in _leaves(record.outputs) if key in _NAMING)
        found.update(record.outputs[key] for key in _NAMING_AT_THE_TOP & record.outputs.keys())
    return {text for text in found if len(text) >= _SHORTEST and not text.startswith(_OF_AWS)}


def _whole(identifier: str, text: str) -> bool:
    """Say whether ``text`` holds it as a name of its own: neither in staging.harbor.example nor in
    finance@harbor.example is production's harbor.example meant, nor where people are let in by their mail's domain."""
    return re.search(rf"(?<![\w.@-])(?<!{_MAIL}){re.escape(identifier)}(?![\w-])", text) is not None


def _texts(scene: Scene, stage: StandingStage) -> Iterator[str]:
    for record in scene.records(stage):
        yield record.id
        yield json.dumps([record.inputs, record.outputs])
    yield json.dumps([stage.manifest(), stage.outputs()])


def _allowed(scene: Scene) -> set[str]:
    """Return what stages share because their settings say so: the repository, its owner, a shared account or zone."""
    shared: set[str] = {"index.js", "github-actions"}
    for stage in scene.stages.values():
        settings = stage.settings
        shared |= {settings.github.repository, settings.github.owner}
    seen: dict[str, int] = {}
    for stage in scene.stages.values():
        for text in (
            stage.settings.cloudflare.account_id,
            stage.settings.cloudflare.zone_id,
            stage.settings.aws.account_id,
        ):
            seen[text] = seen.get(text, 0) + 1
    return shared | {text for text, count in seen.items() if count > 1}


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield key, value
        case Mapping():
            for name, part in value.items():
                yield from _leaves(part, name)
        case list():
            for part in value:
                yield from _leaves(part, key)


def _versions(scene: Scene, stage: StandingStage) -> list[Record]:
    return scene.records(stage, "cloudflare:index/workerVersion:WorkerVersion")


def _plain_variables(scene: Scene, stage: StandingStage) -> list[Any]:
    bound = [b for version in _versions(scene, stage) for b in version.inputs.get("bindings", [])]
    variables = scene.records(stage, "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable")
    return [b for b in bound if b["type"] != "secret_text"] + [dict(v.inputs) for v in variables]


def _secret_variables(scene: Scene, stage: StandingStage) -> list[str]:
    bound = [b for version in _versions(scene, stage) for b in version.inputs.get("bindings", [])]
    return [b["text"] for b in bound if b["type"] == "secret_text"]


def _held_by_workers(scene: Scene) -> int:
    return sum(
        text in stage.canaries.values() for stage in scene.stages.values() for text in _secret_variables(scene, stage)
    )
