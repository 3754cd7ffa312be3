"""The Pulumi CLI is asked without a value in an argument, and what it says when it fails reaches the person."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from bulkhead.engine.environment import backend_url
from bulkhead.engine.finder import find_engine
from bulkhead.engine.stack import StackCli, State
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Wanted
from bulkhead.operations.destroy_plan import destroy_plan, unsettled
from bulkhead.operations.settle import Begun, settle
from tests.support.fake_pulumi import FakePulumi
from tests.support.toy_cloud import ToyCloud, serving

RESOURCE = {"urn": "urn:pulumi:staging::harbor::cloudflare:index/queue:Queue::events", "type": "t"}


@pytest.fixture
def stack(pulumi: FakePulumi, tmp_path: Path) -> StackCli:
    return StackCli("staging", tmp_path)


def test_the_state_is_what_the_engine_wrote_down(pulumi: FakePulumi, stack: StackCli) -> None:
    begun = {"type": "creating", "resource": RESOURCE}
    pulumi.holds([RESOURCE], [begun])
    assert stack.state() == State([RESOURCE], [begun])
    assert pulumi.asked == ["--non-interactive --color never stack export --stack staging"]


@pytest.mark.parametrize("deployment", [None, {}, {"manifest": {}, "resources": None}])
def test_a_stack_that_was_never_brought_up_has_nothing(pulumi: FakePulumi, stack: StackCli, deployment: object) -> None:
    (pulumi.folder / "state.json").write_text(json.dumps({"version": 3, "deployment": deployment}))
    assert stack.state() == State([], [])


def test_a_secret_comes_whole_and_is_in_no_argument(pulumi: FakePulumi, stack: StackCli) -> None:
    assert stack.secret("githubToken") == pulumi.secret
    assert pulumi.asked == ["--non-interactive --color never config get secrets:githubToken --stack staging"]


def test_a_secret_is_stored_through_a_pipe(pulumi: FakePulumi, stack: StackCli) -> None:
    stack.store_secret("sessionKey", "a value")
    assert pulumi.asked == ["--non-interactive --color never config set --secret secrets:sessionKey --stack staging"]


def test_a_backend_is_chosen_for_one_stack(pulumi: FakePulumi, tmp_path: Path) -> None:
    StackCli("staging", tmp_path, backend="s3://elsewhere").state()
    assert pulumi.environment["PULUMI_BACKEND_URL"] == "s3://elsewhere"


def test_a_destroy_is_told_line_by_line_and_asks_nobody(pulumi: FakePulumi, stack: StackCli) -> None:
    pulumi.destroys("echo one; echo two >&2; cp empty.json state.json")
    said: list[str] = []
    stack.destroy(said.append)
    assert said == ["one", "two"]
    assert pulumi.asked == ["--non-interactive --color never destroy --yes --stack staging"]


def test_a_destroy_that_fails_is_refused_with_its_last_words(pulumi: FakePulumi, stack: StackCli) -> None:
    pulumi.destroys("for n in $(seq 30); do echo line $n; done; echo 'bucket is not empty' >&2; exit 255")
    with pytest.raises(Refused, match="could not do what staging needs") as refused:
        stack.destroy(lambda _: None)
    (fault,) = refused.value.faults
    assert fault.key == "pulumi destroy --stack staging"
    assert fault.message.splitlines()[-1] == "bucket is not empty"
    assert "line 30" in fault.message
    assert "line 3\n" not in fault.message


def test_an_interruption_lets_the_engine_finish_its_step(pulumi: FakePulumi, stack: StackCli) -> None:
    pulumi.destroys("echo one; echo two; cp empty.json state.json")
    said: list[str] = []

    def interrupted_once(line: str) -> None:
        said.append(line)
        if line == "one":
            raise KeyboardInterrupt

    pulumi.holds([RESOURCE])
    with pytest.raises(KeyboardInterrupt):
        stack.destroy(interrupted_once)
    assert said == ["one", "two"]
    assert stack.state().resources == []


@pytest.mark.parametrize(("command", "ask"), [("stack", StackCli.state), ("config", lambda stack: stack.secret("x"))])
def test_what_the_cli_complains_of_is_passed_on(pulumi: FakePulumi, stack: StackCli, command: str, ask: object) -> None:
    assert callable(ask)
    pulumi.fails(command, "error: no stack named 'staging' found\n")
    with pytest.raises(Refused, match="no stack named 'staging' found"):
        ask(stack)


@pytest.mark.parametrize(
    ("name", "made_by"), [("staging", "bulkhead bootstrap staging"), ("pr-42", "pulumi stack init pr-42")]
)
def test_a_stack_that_is_not_there_yet_is_made_first(
    pulumi: FakePulumi, tmp_path: Path, name: str, made_by: str
) -> None:
    pulumi.fails("config", f"error: no stack named '{name}' found\n")
    with pytest.raises(Refused, match=f"PULUMI_BACKEND_URL.*: {made_by}"):
        StackCli(name, tmp_path).store_secret("sessionKey", "a value")


def test_a_failure_without_a_word_says_so(pulumi: FakePulumi, stack: StackCli) -> None:
    pulumi.fails("stack", "\n")
    with pytest.raises(Refused, match="it gave no reason"):
        stack.state()


def test_a_preview_that_fails_says_its_own_diagnostics(pulumi: FakePulumi, stack: StackCli, tmp_path: Path) -> None:
    errors = [{"severity": "error", "message": "no such account "}, {"severity": "info", "message": "fetching"}]
    pulumi.previews(json.dumps({"diagnostics": errors}), fine=False)
    with pytest.raises(Refused) as refused:
        stack.plan(tmp_path / "import.json")
    assert refused.value.faults[0].message == "no such account"


def test_a_plan_is_what_the_preview_says(pulumi: FakePulumi, stack: StackCli, tmp_path: Path) -> None:
    pulumi.previews('{"steps": []}', fine=True)
    assert stack.plan(tmp_path / "import.json") == {"steps": []}
    assert pulumi.asked[0].endswith(f"preview --json --import-file {tmp_path / 'import.json'} --stack staging")


@pytest.mark.parametrize("protect", [True, False])
def test_taking_says_whether_to_protect(pulumi: FakePulumi, stack: StackCli, tmp_path: Path, *, protect: bool) -> None:
    stack.take(tmp_path / "import.json", protect=protect)
    assert f"--protect={str(protect).lower()}" in pulumi.asked[0].split()


def test_a_profile_wins_over_credentials_in_the_environment(
    pulumi: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "else")
    monkeypatch.setenv("AWS_PROFILE", "another")
    StackCli("staging", tmp_path, "harbor").state()
    assert pulumi.environment["AWS_PROFILE"] == "harbor"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"} & pulumi.environment.keys()
    StackCli("staging", tmp_path).state()
    assert pulumi.environment["AWS_PROFILE"] == "another"
    assert pulumi.environment["AWS_ACCESS_KEY_ID"] == "somebody"


def test_without_the_cli_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    stack = StackCli("staging", tmp_path)
    for ask in (stack.state, lambda: stack.destroy(lambda _: None)):
        with pytest.raises(Refused, match="is not on PATH") as refused:
            ask()
        assert "https://www.pulumi.com" in refused.value.faults[0].fix


URN = "urn:pulumi:staging::harbor"
PROVIDER: Final[dict[str, Any]] = {
    "urn": f"{URN}::pulumi:providers:toy::toy",
    "type": "pulumi:providers:toy",
    "custom": True,
    "id": "4f5e8a3c-0000-4000-8000-000000000000",
}
THING: Final[dict[str, Any]] = {
    "urn": f"{URN}::toy:index:Thing::main",
    "type": "toy:index:Thing",
    "custom": True,
    "id": "thing-1",
    "inputs": {"size": 1},
    "outputs": {"size": 1},
    "provider": f"{PROVIDER['urn']}::{PROVIDER['id']}",
}


@pytest.fixture
def cloud() -> ToyCloud:
    cloud = ToyCloud()
    cloud.things[THING["urn"]] = THING["id"]
    return cloud


@pytest.fixture
def run(cloud: ToyCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Run the real CLI in a project of the test's, whose cloud is the toy one."""
    for name in os.environ.keys() & {"PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE_FILE"}:
        monkeypatch.delenv(name)
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: harbor\nruntime: python\n")
    with serving(cloud) as port:
        monkeypatch.setenv("PATH", f"{find_engine().path.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend_url(tmp_path / "state"))
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of a test")
        monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", f"toy:{port}")
        monkeypatch.setenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")

        def cli(*arguments: str, stdin: str = "") -> None:
            command = ["pulumi", "--non-interactive", *arguments, "--stack", "staging"]
            subprocess.run(command, cwd=tmp_path, input=stdin, text=True, check=True, capture_output=True)

        subprocess.run(["pulumi", "stack", "init", "staging"], cwd=tmp_path, check=True, capture_output=True)
        yield cli


def _holding(*resources: dict[str, Any]) -> str:
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


def _cut_off(folder: Path, resource: dict[str, Any]) -> None:
    """Leave the state as an engine does that is killed while it makes ``resource``; an import would mend that."""
    (file,) = (folder / "state").rglob("staging.json")
    checkpoint = json.loads(file.read_text())
    checkpoint["checkpoint"]["latest"]["pending_operations"] = [{"type": "creating", "resource": resource}]
    file.write_text(json.dumps(checkpoint))


@pytest.mark.slow
def test_the_real_engine_is_understood(cloud: ToyCloud, run: Callable[..., None], tmp_path: Path) -> None:
    stack = StackCli("staging", tmp_path)
    assert stack.state() == State([], [])
    stack.store_secret("token", "canary of a secret")
    assert "canary" not in (tmp_path / "Pulumi.staging.yaml").read_text()
    assert stack.secret("token") == "canary of a secret"
    half_made = {**THING, "urn": f"{URN}::toy:index:Thing::half", "id": ""}
    run("stack", "import", stdin=_holding(PROVIDER, THING))
    _cut_off(tmp_path, half_made)
    state = stack.state()
    assert [one["urn"] for one in state.resources] == [PROVIDER["urn"], THING["urn"]]
    assert unsettled(state.begun) == [half_made["urn"]]
    assert destroy_plan("staging", state.resources).resources == 1
    said: list[str] = []
    stack.destroy(said.append)
    assert any("toy:index:Thing main deleted" in line for line in said)
    assert cloud.things == {}
    assert stack.state().resources == []


@pytest.mark.slow
def test_what_was_begun_is_settled_in_the_real_state(cloud: ToyCloud, run: Callable[..., None], tmp_path: Path) -> None:
    half_made = {**THING, "urn": f"{URN}::toy:index:Thing::half", "id": "", "outputs": {}}
    run("stack", "import", stdin=_holding(PROVIDER, THING))
    _cut_off(tmp_path, half_made)
    cloud.things[half_made["urn"]] = "thing-2"
    stack = StackCli("staging", tmp_path)
    found = [Begun(Wanted(half_made["urn"], half_made["type"], "half", {}), "exists", "thing-2")]
    assert settle(stack, stack.export(), found, ()) == [half_made["urn"]]
    state = stack.state()
    assert state.begun == []
    assert [(one["urn"], one.get("id")) for one in state.resources][-1] == (half_made["urn"], "thing-2")


@pytest.mark.slow
def test_what_is_protected_stops_the_real_engine_and_is_seen_before(
    cloud: ToyCloud, run: Callable[..., None], tmp_path: Path
) -> None:
    stack = StackCli("staging", tmp_path)
    run("stack", "import", stdin=_holding(PROVIDER, {**THING, "protect": True}))
    with pytest.raises(Refused, match="protected") as seen:
        destroy_plan("staging", stack.state().resources)
    with pytest.raises(Refused, match="could not do what staging needs"):
        stack.destroy(lambda _: None)
    assert list(cloud.things) == [THING["urn"]]
    mending = seen.value.faults[0].fix.removesuffix(" --stack staging")
    run(*shlex.split(mending)[1:], "--yes")
    assert destroy_plan("staging", stack.state().resources).resources == 1


@pytest.mark.slow
@pytest.mark.usefixtures("run")
def test_a_stack_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no stack named 'pr-42' found"):
        StackCli("pr-42", tmp_path).state()
