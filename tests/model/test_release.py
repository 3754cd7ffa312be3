from __future__ import annotations

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Label, Stage
from bulkhead.model.release import Event, ReleaseModel, refs_that_deploy, stage_of_event

DEVELOPMENT, STAGING, PRODUCTION = Stage
HEADS, TAGS = "refs/heads/", "refs/tags/"

EVENTS: list[tuple[str, str, Stage | None, Stage | None]] = [
    # event, ref, stage in git-flow, stage with release tags
    ("push", f"{HEADS}develop", STAGING, DEVELOPMENT),
    ("push", f"{HEADS}main", PRODUCTION, STAGING),
    ("push", f"{TAGS}v1.2.3", None, PRODUCTION),
    ("push", f"{HEADS}feature/boats", DEVELOPMENT, None),
    ("push", f"{HEADS}feature/boats/more", None, None),
    ("push", f"{HEADS}fix/boats", None, None),
    ("push", f"{HEADS}v1.2.3", None, None),
    ("push", f"{TAGS}main", None, None),
    ("push", f"{TAGS}develop", None, None),
    ("push", f"{TAGS}1.2.3", None, None),
    ("push", f"{HEADS}mainline", None, None),
    ("pull_request", "refs/pull/7/merge", DEVELOPMENT, None),
    ("pull_request", "refs/pull/7/head", None, None),
    ("schedule", f"{HEADS}main", None, None),
    ("workflow_run", f"{HEADS}main", None, None),
    ("pull_request_target", f"{HEADS}main", None, None),
]


@pytest.mark.parametrize(("name", "ref", "git_flow", "release_tag"), EVENTS)
def test_an_event_deploys_the_stage_of_its_ref(
    name: str, ref: str, git_flow: Stage | None, release_tag: Stage | None
) -> None:
    assert stage_of_event(Event(name, ref), "git-flow", "main") is git_flow
    assert stage_of_event(Event(name, ref), "release-tag", "main") is release_tag


def test_the_default_branch_may_be_called_otherwise() -> None:
    assert stage_of_event(Event("push", f"{HEADS}trunk"), "git-flow", "trunk") is PRODUCTION
    assert stage_of_event(Event("push", f"{HEADS}main"), "git-flow", "trunk") is None


@pytest.mark.parametrize("model", ["git-flow", "release-tag"])
@pytest.mark.parametrize("asked", list(Stage))
@pytest.mark.parametrize("ref", sorted({ref for _, ref, _, _ in EVENTS}))
def test_what_a_person_asks_for_is_deployed_from_its_own_refs_only(model: ReleaseModel, asked: Stage, ref: str) -> None:
    label = Label("harbor", asked, asked.value)
    event = Event("workflow_dispatch", ref, asked)
    if any(each.matches(ref) for each in refs_that_deploy(model, label, "main")):
        assert stage_of_event(event, model, "main") is asked
    else:
        with pytest.raises(Refused, match=f"{asked}: is deployed from .* and this run is on {ref}"):
            stage_of_event(event, model, "main")


def test_a_refusal_says_from_where_it_would_work() -> None:
    with pytest.raises(Refused, match=r"gh workflow run deploy.yml --ref develop -f stage=staging"):
        stage_of_event(Event("workflow_dispatch", f"{HEADS}main", STAGING), "git-flow", "main")


def test_a_person_has_to_say_which_stage() -> None:
    with pytest.raises(Refused, match="stage: is not said"):
        stage_of_event(Event("workflow_dispatch", f"{HEADS}develop"), "git-flow", "main")


@pytest.mark.parametrize("tag", ["v1.2.x", "v1.2.3-rc.1", "v01.2.3", "v1..3", "v1.2.3.4"])
def test_a_release_tag_that_is_no_version_is_refused(tag: str) -> None:
    with pytest.raises(Refused, match=r"is no vMAJOR\.MINOR\.PATCH"):
        stage_of_event(Event("push", f"{TAGS}{tag}"), "release-tag", "main")
    assert stage_of_event(Event("push", f"{TAGS}{tag}"), "git-flow", "main") is None
