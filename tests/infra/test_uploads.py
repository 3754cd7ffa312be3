"""Which version everybody gets by an `up`, and which is only uploaded; of one `up` after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.engine.rendered import Rendered
from bulkhead.model.bindings import DurableObject, Secret
from bulkhead.model.product import Product, StageSecret, Worker
from bulkhead.model.uploads import EVERYBODY, read_uploads
from bulkhead.resources import types as t
from bulkhead.resources.kind import OWN_STACK, PROVIDER
from bulkhead.resources.planned import Sealed
from tests.support.second_product import BUNDLE
from tests.support.stages import FIRST_PRODUCT, render_stage, rendered_stage

ROOM = Worker("room", BUNDLE, owns=("Room",), bindings=(DurableObject("ROOM", "Room"), Secret("KEY", "key")))
SHOP = Worker("shop", BUNDLE)
PRODUCT = Product(name="inn", workers=(ROOM, SHOP), secrets=(StageSecret("key"),))


def up(
    room: Worker = ROOM,
    last: Rendered | None = None,
    stage: str = "production",
    changes: Mapping[str, Any] | None = None,
    key: str = "k1",
) -> Rendered:
    product, before = replace(PRODUCT, workers=(room, SHOP)), last.outputs if last else {}
    return render_stage(product, stage, changes, before=before, other_secrets={"key": key})


def deploys(stage: Rendered, worker: str = "room") -> Any:
    return stage.one(t.WORKER_VERSION, f"{worker}-version").inputs.get("deploy")


def other(room: Worker) -> Worker:
    """Return a Worker of which the program makes another version."""
    return replace(room, cpu_ms=77)


def test_where_delivery_moves_requests_every_worker_has_a_deployment_that_later_ups_leave_alone() -> None:
    for stage in ("staging", "production"):
        deployments = rendered_stage("first", stage).of(t.WORKERS_DEPLOYMENT)
        assert {each.name for each in deployments} == {f"{worker.name}-deployment" for worker in FIRST_PRODUCT.workers}
        assert {each.ignore_changes for each in deployments} == {("versions", "annotations")}


def test_where_everybody_gets_a_version_at_once_nothing_is_ignored_and_no_stack_is_read() -> None:
    stage = rendered_stage("first", "development")
    assert {each.ignore_changes for each in stage.of(t.WORKERS_DEPLOYMENT)} == {()}
    assert not [each for each in stage.resources if each.read]


def test_a_program_reads_its_own_stack_alone_and_by_a_provider_that_says_so() -> None:
    stage = rendered_stage("first", "staging")
    [read] = [each for each in stage.resources if each.read]
    [provider] = stage.of(f"{PROVIDER}pulumi")
    assert read.id == "organization/bulkhead/staging"
    assert provider.name == OWN_STACK


def test_the_first_up_sends_everybody_to_every_version() -> None:
    first = up()
    assert (deploys(first), deploys(first, "shop")) == (True, None)
    assert {upload.reach for upload in read_uploads(first.outputs["release"]).values()} == {EVERYBODY}


def test_an_up_that_changes_nothing_uploads_nothing_again() -> None:
    first = up()
    second = up(last=first)
    third = up(last=second)
    assert [deploys(each) for each in (first, second, third)] == [True, True, True]
    assert first.outputs["release"] == second.outputs["release"] == third.outputs["release"]


def test_code_that_changes_no_class_is_not_deployed_by_its_upload() -> None:
    second = up(other(ROOM), up())
    assert deploys(second) is None
    assert deploys(up(other(ROOM), second)) is None
    assert not read_uploads(second.outputs["release"])["room"].deploys_itself


def test_code_from_before_the_classes_came_back_is_not_deployed_by_its_upload() -> None:
    """A revert: the version that once deployed itself is uploaded as any other."""
    first = up()
    assert deploys(up(last=up(other(ROOM), first))) is None


def test_a_new_class_goes_to_everybody_and_the_next_change_does_not() -> None:
    wider = replace(ROOM, owns=("Room", "Hall"))
    first = up(last=up(other(ROOM), up()))
    brought = up(wider, first)
    assert deploys(brought) is True
    assert read_uploads(brought.outputs["release"])["room"].reach == EVERYBODY
    again = up(wider, brought)
    assert deploys(again) is True
    assert deploys(up(other(wider), again)) is None


def test_a_class_that_retires_goes_to_everybody() -> None:
    gone = replace(ROOM, owns=(), retired=("Room",), bindings=(Secret("KEY", "key"),))
    assert deploys(up(gone, up())) is True


def test_a_class_that_retires_although_no_up_ever_told_of_it_goes_to_everybody() -> None:
    """The `up` that brought it has failed later on, so it exported nothing, and the class is there all the same."""
    assert deploys(up(replace(ROOM, retired=("Hall",)), up(other(ROOM), up()))) is True


def test_a_class_that_retired_long_ago_may_be_left_out() -> None:
    ended = replace(ROOM, retired=("Hall",))
    assert deploys(up(other(ROOM), up(ended, up()))) is None


def test_a_worker_that_gets_its_first_class_goes_to_everybody() -> None:
    plain = Worker("room", BUNDLE, bindings=(Secret("KEY", "key"),))
    assert deploys(up(plain)) is None
    assert deploys(up(ROOM, up(plain))) is True


def test_a_secret_that_changes_is_not_deployed_by_the_upload_that_brings_it() -> None:
    first = up()
    second = up(last=first, key="k2")
    assert deploys(second) is None
    assert deploys(up(last=second, key="k2")) is None


def test_nobody_learns_a_secret_from_what_is_exported() -> None:
    outputs = up().outputs
    assert isinstance(outputs["seals"], Sealed)
    one, other_ = (up(key=key).outputs["release"] for key in ("k1", "k2"))
    assert one == other_
    assert "seals" not in rendered_stage("first", "production").outputs, "none of its owners has a secret"


def test_on_a_twin_whose_seals_are_a_placeholder_no_version_changes() -> None:
    outputs = {**up().outputs, "seals": "placeholder"}
    twin = render_stage(PRODUCT, "production", before=outputs, other_secrets={"key": "placeholder"})
    assert deploys(twin) is True


def test_a_stage_that_begins_to_roll_out_uploads_nothing_again() -> None:
    at_once = up(stage="production", changes={"rollout": {"strategy": "all-at-once"}})
    assert deploys(at_once) is True
    assert deploys(up(last=at_once)) is True


@pytest.mark.parametrize("classes", [("Room", "Hall"), ("Hall", "Room")])
def test_the_order_of_classes_is_no_change_of_them(classes: tuple[str, ...]) -> None:
    wide = replace(ROOM, owns=("Room", "Hall"))
    said = replace(wide, owns=classes)
    assert deploys(up(other(said), up(wide))) is None
