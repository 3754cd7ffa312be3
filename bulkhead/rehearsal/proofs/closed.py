"""A stage that is not public opens to whoever has its key, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Final

from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.model.access import HEADERS, LOGIN
from bulkhead.rehearsal.evidence import NotShown
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene, StandingStage

_REFUSALS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def nobody_without_key(scene: Scene) -> str:
    """Visit every address of each closed stage without a key, with wrong ones and with its own."""
    shut = [stage for stage in scene.stages.values() if not stage.settings.access.public]
    if not shut:
        raise NotShown("the settings of these stages are public: access.public")
    keys = {stage.environment: stage.key() for stage in shut}
    refused, opened = 0, 0
    for stage in shut:
        own = keys[stage.environment]
        require(own, f"{stage.environment} to hand its pipelines a key", "none")
        strangers = list(_strangers(own, [keys[e] for e in keys if e != stage.environment]))
        for address in _addresses(stage):
            for headers in strangers:
                answer = stage.cloud.visit(address, "/health", headers=headers)
                require(
                    _is_refusal(answer), f"{address} to be closed to strangers", f"{answer.status} {answer.text[:200]}"
                )
                refused += 1
            answer = stage.cloud.visit(address, "/health", headers=own)
            wanted = f"{address} to open to the key of {stage.environment}"
            require(not _is_refusal(answer) and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, wanted, answer.status)
            opened += 1
    names = ", ".join(stage.environment for stage in shut)
    return f"{names}: {refused} visits without their key stopped at the login, {opened} of {opened} with it answered"


def _addresses(stage: StandingStage) -> list[str]:
    """Return every hostname at which a Worker of the stage answers, whatever gave it that."""
    workers = stage.cloud.call("state")["workers"]
    found = sorted({route.partition("/")[0] for worker in workers for route in worker["routes"]})
    require(found, f"hostnames of {stage.environment}", "none")
    return found


def _strangers(own: Mapping[str, str], others: list[dict[str, str]]) -> Iterator[Mapping[str, str]]:
    """Yield what somebody may come with who has no key, half of one, or the key of another stage."""
    client, secret = HEADERS
    yield {}
    yield {client: own[client]}
    yield {**own, secret: own[secret][::-1]}
    yield {"Cookie": "CF_Authorization=e30.e30.e30"}
    yield from others


def _is_refusal(answer: Answer) -> bool:
    return answer.status in _REFUSALS or LOGIN in answer.headers.get("location", "")
