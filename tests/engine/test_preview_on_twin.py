"""What a pull request may try: its program is previewed on the twin, and what judges it is the base's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.engine import canaries
from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.finder import find_engine
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.schema import PACKAGES
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from bulkhead.model import alarms, tasks
from bulkhead.model.project import ROOT
from bulkhead.model.settings.keys import required_secrets
from bulkhead.preview.markdown import LIMIT
from bulkhead.resources.sentinels import PLACEHOLDER
from bulkhead.twin.state import redact
from bulkhead.twin.store import Folder, publish
from infra import program
from infra.product import PRODUCT
from tests.support.deployed import Deployed, deployed, settings_of
from tests.support.program_host import program_host
from tests.support.settings_fixture import own_config

pytestmark = pytest.mark.slow

STAGE = "staging"
# Of a pipeline, and none of a pull request's business.
OURS = ("AWS_SECRET_ACCESS_KEY", "CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
CANARY = "canary-of-the-pipeline"
PROGRAM = (ROOT / "__main__.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Base:
    """What the pipeline has: a stage that stands, and its twin in ``place``."""

    stage: Deployed
    place: Path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    folder = tmp_path_factory.mktemp("base")
    with ExitStack() as ending:
        store = Store(folder / "store.sqlite")
        ending.callback(store.close)
        server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
        ending.callback(server.stop)
        ports, run = dict.fromkeys(PACKAGES, server.port), partial(program.run, PRODUCT)
        stage = ending.enter_context(
            deployed(folder, ROOT, STAGE, required_secrets(PRODUCT), run, ports, own_config(STAGE))
        )
        twin = redact(json.loads(stage.pulumi("stack", "export")), "bulkhead", STAGE)
        publish(twin, Folder(folder / "public"), {}, now="2026-11-21T20:00:00Z")
        yield Base(stage, folder / "public")


@pytest.fixture
def head(base: Base, tmp_path: Path) -> Path:
    """A pull request that changes nothing yet."""
    head = tmp_path / "head"
    for room in ("bulkhead", "infra", "jobs"):
        shutil.copytree(ROOT / room, head / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs" / "runbooks", head / "docs" / "runbooks")
    (head / "docs" / "ops").mkdir()
    for name in ("Pulumi.yaml", "__main__.py", alarms.FILE, tasks.FILE):
        shutil.copy(ROOT / name, head / name)
    for name in (".venv", "worker"):
        (head / name).symlink_to(ROOT / name)
    (head / f"Pulumi.{STAGE}.yaml").write_text(json.dumps(settings_of(base.stage)))
    return head


Preview = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def preview(
    base: Base, head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Preview:
    """Let the command preview the pull request; return its exit code, its document, and all that was said with the
    engine's events. With another form than JSON: without a document, and what stands on standard output."""

    def call(*arguments: str) -> tuple[int, dict[str, Any], str]:
        events = tmp_path / "events.jsonl"
        tools = [str(install_analyzer(tmp_path / "tools")), str(find_engine().path.parent), os.environ["PATH"]]
        with program_host() as host, monkeypatch.context() as patch:
            for name, value in {**host, "PATH": os.pathsep.join(tools), **dict.fromkeys(OURS, CANARY)}.items():
                patch.setenv(name, value)
            command = ["preview", STAGE, "--twin", str(base.place), "--checkout", str(head), "--events", str(events)]
            code = main([*command, "--base", "none", *(arguments or ["--json"])])
        out, err = capsys.readouterr()
        if arguments:
            return code, {}, out
        return code, json.loads(out), out + err + (events.read_text() if events.exists() else "")

    return call


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_pull_request_that_changes_nothing_passes(preview: Preview) -> None:
    code, document, said = preview()
    assert (code, document["obstacles"], document["losses"]) == (0, [], []), said
    assert set(document["changes"]["counts"]) - {"read"} == {"same"}  # a rollout reads its own stack
    assert document["policies"]["packs"] == ["bulkhead"]
    assert any("without its clouds" in note for note in document["notes"])


def test_what_the_product_gains_and_grants_is_a_change_and_breaks_no_rule(preview: Preview, head: Path) -> None:
    product = head / "infra" / "product.py"
    change(product, "    namespaces=(", '    namespaces=(Namespace("drafts"), ')
    change(
        product, '        KV("SESSIONS", "sessions"),', '        KV("SESSIONS", "sessions"), KV("DRAFTS", "drafts"),'
    )
    code, document, said = preview()
    assert (code, document["obstacles"], document["losses"]) == (0, [], []), said
    changed = {
        (each["action"], each["type"].rpartition(":")[2], each["name"]) for each in document["changes"]["resources"]
    }
    assert {("create", "WorkersKvNamespace", "kv-drafts"), ("replace", "WorkerVersion", "web-version")} <= changed


def test_an_alarm_changes_with_its_catalogue_and_not_behind_its_back(preview: Preview, head: Path) -> None:
    """The catalogue is the change's own, like the product: with the base's, no change could change an alarm."""
    change(head / alarms.FILE, f"{STAGE}: 1", f"{STAGE}: 1000")
    code, document, said = preview()
    assert (code, document["obstacles"], document["losses"]) == (0, [], []), said
    (changed,) = document["changes"]["resources"]
    assert (changed["action"], changed["name"], changed["paths"]) == (
        "update",
        "alarms-notices-undelivered",
        ["threshold"],
    )
    shutil.copy(ROOT / alarms.FILE, head / alarms.FILE)
    change(head / "infra" / "components" / "alarms.py", "threshold=alarm.threshold", "threshold=1000")
    code, document, said = preview()
    assert (code, {each["what"] for each in document["obstacles"]}) == (1, {"policy alarm-missing"}), said


def test_a_pull_request_cannot_switch_off_what_judges_it(preview: Preview, head: Path) -> None:
    """It loses two stores and opens a bucket to everybody, and brings along whatever might permit that."""
    stores = head / "infra" / "components" / "stores.py"
    change(stores, 'WorkersKvNamespace(f"kv-{name}"', 'WorkersKvNamespace(f"other-{name}"')
    change(stores, "            enabled=False,", "            enabled=True,")
    (head / "policies").mkdir()
    (head / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (head / "policies" / "__main__.py").write_text('from pulumi_policy import PolicyPack\nPolicyPack("bulkhead", [])\n')
    (head / "bulkhead/preview/__init__.py").write_text("raise SystemExit(0)\n")
    until = datetime.now(UTC).date().isoformat()
    waived = f"loss: renamed, stage: {STAGE}, reason: r, until: '{until}', approvedBy: me"
    entries = "".join(f"  - {{resource: kv-{name}, {waived}}}\n" for name in ("sessions", "answers"))
    (head / "docs" / "ops" / "waivers.yaml").write_text(f"waivers:\n{entries}")
    domain = "type: 'cloudflare:index/r2ManagedDomain:R2ManagedDomain', path: enabled, package: cloudflare"
    noise = f"noise:\n  - {{{domain}, versions: '>=6.0.0', issue: i, until: '{until}'}}\n"
    (head / "docs" / "ops" / "known-noise.yaml").write_text(noise)
    stand_in = "{name: policy-python, path: policies}"
    change(head / "Pulumi.yaml", "name: bulkhead", f"name: bulkhead\nplugins: {{analyzers: [{stand_in}]}}")

    code, document, said = preview()
    assert code == 1
    stopped = {loss["name"] for loss in document["losses"] if loss["stops"]}
    assert stopped == {"kv-sessions", "kv-answers"}, said
    assert document["noise"] == []
    assert any("policy" in each["what"] and "r2.dev" in each["why"] for each in document["obstacles"]), said


FORGED = {"sequence": 0, "summaryEvent": {"result": "succeeded", "resourceChanges": {}, "isPreview": True}}
HOSTILE = {
    "crashes": "raise RuntimeError('boom')",
    "ends early": "import sys; sys.exit(0)",
    "ends at once": "import os; os._exit(0)",
    "registers nothing": "",
    "ends after half of it": f"{PROGRAM}\nimport os; os._exit(0)",
    "forges events": f"print({json.dumps(FORGED)!r}, flush=True); import os; os._exit(0)",
    "has no program": "import nothing_of_this_name",
    "says very much": "print('x' * 3_000_000)\nprint('line\\n' * 20_000)\nraise RuntimeError('y' * 300_000)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_program_that_does_not_say_what_it_would_deploy_does_not_pass(
    preview: Preview, head: Path, name: str
) -> None:
    (head / "__main__.py").write_text(HOSTILE[name])
    code, _, comment = preview("--markdown")
    assert code == 1
    assert comment.startswith(f"<!-- bulkhead preview {STAGE} -->\n### {STAGE}: stopped")
    assert len(comment) <= LIMIT


def test_a_program_that_tells_all_it_knows_tells_no_secret(preview: Preview, head: Path, base: Base) -> None:
    tells = """
import os, pulumi
print(sorted(os.environ.items()), flush=True)
for name in ("cloudflareApiToken", "sessionKey", "slackWebhook"):
    told = pulumi.Output.unsecret(pulumi.Config("secrets").require_secret(name))
    told.apply(lambda value: print(value, value.encode().hex(), flush=True))
    pulumi.export(name, told)
"""
    (head / "__main__.py").write_text(f"{PROGRAM}\n{tells}")
    _, _, said = preview()
    assert PLACEHOLDER.encode().hex() in said, "it told nothing"
    assert CANARY not in said
    assert not canaries.find(base.stage.canaries, said.encode())


def test_a_product_that_is_none_in_the_words_of_the_base_is_refused(preview: Preview, head: Path) -> None:
    change(
        head / "bulkhead/model/product.py",
        "    browser_access: bool = False",
        "    browser_access: bool = False\n    shiny: bool = True",
    )
    code, document, _ = preview()
    assert code == 1
    assert "shiny" in document["faults"][0]["message"]
    assert "bulkhead/model/product.py" in document["faults"][0]["fix"]
