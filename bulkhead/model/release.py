"""Which Git refs may deploy to which stage, and which branches a pull request guards (pure).

One function answers for GitHub's deployment policies and for whoever writes a workflow's trigger, so the two cannot
drift apart (DEP-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bulkhead.model.naming import Label, Stage

ReleaseModel = Literal["git-flow", "release-tag"]

DEVELOP: Final = "develop"
RELEASE_TAGS: Final = "v*.*.*"


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag name pattern, as GitHub's environments match it: ``*`` does not match ``/``."""

    kind: Literal["branch", "tag"]
    pattern: str


# A run for a pull request has the ref refs/pull/<number>/merge, and environments match that, not the head branch.
PULL_REQUESTS: Final = Ref("branch", "refs/pull/*/merge")


def refs_that_deploy(model: ReleaseModel, label: Label, main: str) -> tuple[Ref, ...]:
    """Return the refs that may deploy to the environment of ``label``, where ``main`` is the default branch.

    An ephemeral environment serves its pull request, whatever the model.
    """
    if label.environment != label.stage:
        return (PULL_REQUESTS,)
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
    return triggers[model][label.stage]


def guarded_branches(main: str) -> tuple[str, ...]:
    """Return the branches that change by pull request only (QLT-5), where ``main`` is the default branch."""
    return (DEVELOP, main)
