"""Which Git refs may deploy to which stage, which stage an event deploys, and which branches a pull request guards
(pure).

One table answers for GitHub's deployment policies and for the workflows, so the two cannot drift apart (DEP-1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Label, Stage

ReleaseModel = Literal["git-flow", "release-tag"]

DEVELOP: Final = "develop"
RELEASE_TAGS: Final = "v*.*.*"
_RELEASE: Final = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_FOLDERS: Final = {"branch": "refs/heads/", "tag": "refs/tags/"}
_PULL_REQUEST: Final = "pull_request"
_BY_HAND: Final = "workflow_dispatch"


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag name pattern, as GitHub's environments match it: ``*`` does not match ``/``."""

    kind: Literal["branch", "tag"]
    pattern: str

    def matches(self, ref: str) -> bool:
        """Whether a full ref is one of these: ``refs/heads/develop``, ``refs/pull/7/merge``."""
        whole = self.pattern if self.pattern.startswith("refs/") else _FOLDERS[self.kind] + self.pattern
        return re.fullmatch("[^/]*".join(map(re.escape, whole.split("*"))), ref) is not None


# A run for a pull request has the ref refs/pull/<number>/merge, and environments match that, not the head branch.
PULL_REQUESTS: Final = Ref("branch", "refs/pull/*/merge")


@dataclass(frozen=True, slots=True)
class Event:
    """What started a run: GitHub's names of the event and of the ref, and the stage that a person asked for."""

    name: str
    ref: str
    asked: Stage | None = None


def refs_that_deploy(model: ReleaseModel, label: Label, main: str) -> tuple[Ref, ...]:
    """Return the refs that may deploy to the environment of ``label``, where ``main`` is the default branch.

    An ephemeral environment serves its pull request, whatever the model.
    """
    return _refs(model, label.stage, main) if label.environment == label.stage else (PULL_REQUESTS,)


def stage_of_event(event: Event, model: ReleaseModel, main: str) -> Stage | None:
    """Return the stage that ``event`` deploys, None where it deploys none. Raises Refused where a person asks for a
    stage that is not deployed from that ref, and for a release tag that is no version."""
    fits = [stage for stage in Stage if any(ref.matches(event.ref) for ref in _refs(model, stage, main))]
    stage = fits[0] if fits else None
    if event.name == _BY_HAND:
        if event.asked is None or event.asked is not stage:
            raise Refused("Nothing is deployed.", [_elsewhere(event, model, main)])
    elif event.name not in {_PULL_REQUEST, "push"}:
        return None
    if stage is not None and event.ref.startswith(_FOLDERS["tag"]):
        tag = event.ref.removeprefix(_FOLDERS["tag"])
        if not _RELEASE.fullmatch(tag):  # a ruleset can demand a name's form on GitHub Enterprise only
            message = "is no vMAJOR.MINOR.PATCH, so nobody could say what it is newer than"
            raise Refused("Nothing is deployed.", [Fault(tag, message, "git tag v1.2.3 && git push origin v1.2.3")])
    return stage


def trigger_table(main: str) -> Iterator[tuple[ReleaseModel, Stage, str]]:
    """Yield what deploys each stage in words, for documents."""
    models: tuple[ReleaseModel, ...] = ("git-flow", "release-tag")
    for model in models:
        for stage in Stage:
            refs = _refs(model, stage, main)
            said = ("pull request" if ref == PULL_REQUESTS else f"{ref.kind} `{ref.pattern}`" for ref in refs)
            yield model, stage, ", ".join(said)


def guarded_branches(main: str) -> tuple[str, ...]:
    """Return the branches that change by pull request only (QLT-5), where ``main`` is the default branch."""
    return (DEVELOP, main)


def _refs(model: ReleaseModel, stage: Stage, main: str) -> tuple[Ref, ...]:
    develop, stable = Ref("branch", DEVELOP), Ref("branch", main)
    triggers: dict[ReleaseModel, dict[Stage, tuple[Ref, ...]]] = {
        "git-flow": {
            Stage.DEVELOPMENT: (PULL_REQUESTS, Ref("branch", "feature/*")),
            Stage.STAGING: (develop,),
            Stage.PRODUCTION: (stable,),
        },
        "release-tag": {
            Stage.DEVELOPMENT: (develop,),
            Stage.STAGING: (stable,),
            Stage.PRODUCTION: (Ref("tag", RELEASE_TAGS),),
        },
    }
    return triggers[model][stage]


def _elsewhere(event: Event, model: ReleaseModel, main: str) -> Fault:
    if event.asked is None:
        return Fault("stage", "is not said, and a run that a person starts has to say it", "-f stage=staging")
    refs = _refs(model, event.asked, main)
    known = " or ".join("a pull request" if ref == PULL_REQUESTS else f"{ref.kind} {ref.pattern}" for ref in refs)
    place = next((ref.pattern for ref in refs if "/" not in ref.pattern), refs[-1].pattern)
    message = f"is deployed from {known} ({model}), and this run is on {event.ref}"
    return Fault(event.asked, message, f"gh workflow run deploy.yml --ref {place} -f stage={event.asked}")
