"""A stack on its redacted twin: it previews as the stack itself would, and nothing of it is secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from bulkhead.engine import canaries
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.machine.rundir import RunDir
from bulkhead.model.faults import Refused
from bulkhead.twin.stacks import twin_of
from tests.support.toy_cloud import Thing, ToyCloud

pytestmark = pytest.mark.slow

MakeStack = Callable[..., InlineStack]


def program() -> None:
    settings, secrets = pulumi.Config("bulkhead"), pulumi.Config("secrets")
    Thing("thing", settings.get_int("size") or 1)
    pulumi.export("owner", settings.require("owner"))
    pulumi.export("token", secrets.require_secret("githubToken"))


def texts(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_an_unchanged_program_is_unchanged_on_it_and_the_stack_is_left_alone(
    make: MakeStack, run: RunDir, cloud: ToyCloud
) -> None:
    stack = make(program)
    stack.up()
    before, things = stack.state_text(), dict(cloud.things)
    twin = twin_of(stack, run.path / "twin")
    assert twin.preview().changes == {"same": 2}
    assert (stack.state_text(), cloud.things) == (before, things)
    assert stack.preview().changes == {"same": 2}


def test_nothing_secret_is_in_it(make: MakeStack, run: RunDir) -> None:
    stack = make(program)
    stack.up()
    folder = run.path / "twin"
    twin = twin_of(stack, folder)
    twin.preview()
    assert len(texts(folder)) >= 4
    secret = {**stack.canaries, "passphrase": run.passphrase}
    assert [name for text in texts(folder) for name in canaries.find(secret, text)] == []


def test_a_change_of_the_settings_is_a_change_on_it(make: MakeStack, run: RunDir, cloud: ToyCloud) -> None:
    stack = make(program)
    stack.up()
    result = twin_of(stack, run.path / "twin", {"bulkhead:size": "2"}).preview()
    assert result.changes == {"same": 1, "update": 1}
    assert len(cloud.created) == 1


def test_a_secret_that_is_not_marked_as_one_is_refused_by_its_place(make: MakeStack, run: RunDir) -> None:
    def leaky() -> None:
        pulumi.export("privateKey", "-----BEGIN " + "RSA PRIVATE KEY-----\nnobody's")  # in two, for the secret scan

    stack = make(leaky)
    stack.up()
    with pytest.raises(Refused, match="privateKey") as caught:
        twin_of(stack, run.path / "twin")
    assert "nobody's" not in str(caught.value)
