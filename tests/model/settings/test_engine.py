"""Our reader and the real engine: what a program is handed is what the file was read as, or the reader refuses it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi.runtime.config
import pytest
from pulumi import automation

from bulkhead.engine.environment import backend_url
from bulkhead.engine.finder import find_engine
from bulkhead.model.faults import Refused
from bulkhead.model.settings.files import Finding, check_files
from bulkhead.model.settings.reader import read
from bulkhead.model.settings.scalars import Ambiguous, resolve
from infra.load import load
from tests.model.settings.baseline import CIPHERTEXT, GONE, PRODUCT, baseline, changed, write
from tests.model.settings.test_reader import AMBIGUOUS

pytestmark = pytest.mark.slow

PROJECT = """
name: bulkhead
runtime: python
config:
  pulumi:disable-default-providers:
    value: ["*"]
"""
SECRETS = ("cloudflareApiToken", "sessionKey")

SCALARS = [
    *(
        text for text in AMBIGUOUS if "inf" not in text.lower() and "nan" not in text.lower()
    ),  # the engine fails on these
    *(
        "harbor",
        "Asia/Tokyo",
        "0f" * 16,
        "123456789012345678901234567890ab",
        "arn:aws:iam::1:role/x",
        "v1.2.3",
        "1.2.3",
    ),
    *("true", "True", "TRUE", "false", "tRUE", "null", "Null", "~", '""', "''", '"22:30"', "'0123'", '"yes"'),
    *("0", "-0", "7", "-7", "500", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *(
        "0.05",
        "0.1",
        "20.0",
        "-1.50",
        "0.0",
        "1234567890.25",
        "1e",
        "e5",
        "0x",
        "0xg",
        "0b7e5c1d2f3a48968c7d1e2f3a4b5c6d",
        "0b12",
        "0o78",
        "1.2e",
        "--1",
        "1-1",
        "1:a",
    ),
    *("a:b", "a#b", "a b", "2026-13-01", "2026-01-31x", "nil", "none", "Yes!", "n/a", "on-call"),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without resources, so that the engine needs no plugin; its state and home are below it."""
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
    for name, value in {
        "PATH": f"{find_engine().path.parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": backend_url(tmp_path / "state"),
        "PULUMI_CONFIG_PASSPHRASE": "made up for this test",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def _wrong(*files: Path) -> list[Finding]:
    """Return what is wrong in stage files, apart from the passphrase that these tests encrypt with."""
    return [finding for finding in check_files(files, PRODUCT) if finding.fault.key != "encryptionsalt"]


def test_what_the_engine_hands_over_is_what_was_read(project: Path) -> None:
    nested = "".join(f"    n{number}: {text}\n" for number, text in enumerate(SCALARS))
    top = "".join(f"  top:n{number}: {text}\n" for number, text in enumerate(SCALARS))
    (project / "Pulumi.staging.yaml").write_text(f"config:\n  nested:values:\n{nested}{top}", encoding="utf-8")
    seen: dict[str, str] = {}
    _preview(project, "staging", lambda: seen.update(pulumi.runtime.config.CONFIG.get()))
    values = json.loads(seen["nested:values"])
    read_alike = 0
    for number, text in enumerate(SCALARS):
        try:
            ours = text[1:-1] if text[0] in "'\"" else resolve(text)
        except Ambiguous:
            continue
        read_alike += 1
        theirs = values[f"n{number}"]
        assert (text, type(ours), ours) == (text, type(theirs), theirs)
        as_text = ours if isinstance(ours, str) else "" if ours is None else json.dumps(ours)
        assert (text, seen[f"top:n{number}"]) == (text, as_text)
    assert read_alike > len(SCALARS) / 3


def test_three_programs_at_once_load_their_own_stage(project: Path) -> None:
    stacks = ("development", "staging", "production")
    found: dict[str, tuple[str, dict[str, str]]] = {}

    def program() -> None:
        stack = pulumi.get_stack()
        loaded = load(stack, PRODUCT)
        values = pulumi.Output.all(**loaded.secrets)
        values.apply(lambda each: found.update({stack: (loaded.settings.cloudflare.hostname, each)}))
        pulumi.export("secrets", values)

    for stack in stacks:
        write(project, stack, {key: value for key, value in baseline(stack).items() if not key.startswith("secrets:")})
        _pulumi(project, "stack", "init", stack)
        for name in SECRETS:
            _pulumi(project, "config", "set", "--secret", f"secrets:{name}", "--stack", stack, typed=f"{stack}-{name}")
    assert _wrong(*(project / f"Pulumi.{stack}.yaml" for stack in stacks)) == []
    threads = [threading.Thread(target=_preview, args=(project, stack, program)) for stack in stacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {
        stack: (f"{stack}.acme-hotels.com", {name: f"{stack}-{name}" for name in SECRETS}) for stack in stacks
    }


def test_a_program_is_refused_with_every_fault(project: Path) -> None:
    refused: list[Refused] = []

    def program() -> None:
        try:
            load(pulumi.get_stack(), PRODUCT)
        except Refused as error:
            refused.append(error)

    config = changed("staging", "bulkhead:budget.monthlyUsd", 900)
    plain = {key: value for key, value in config.items() if not key.startswith("secrets:")}
    write(project, "staging", plain | {"bulkhead:typo": "x", "aws:region": "x", "secrets:sessionKey": "in the clear"})
    _preview(project, "staging", program)
    assert {fault.key for fault in refused[0].faults} == {
        *("bulkhead:budget.monthlyUsd", "bulkhead:typo", "aws:region"),
        *(f"secrets:{name}" for name in SECRETS),
    }


OWN = {
    "bulkhead:aws.accountId": "333333333333",
    "bulkhead:cloudflare.accountId": "12345678" * 4,
    "bulkhead:budget.finance": "somebody@acme-hotels.com",
}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("bulkhead:stage", "staging"),
        ("bulkhead:timezone", "Tokyo"),
        ("bulkhead:aws.accountId", 333333333333),
        ("bulkhead:aws.roleArn", None),
        ("bulkhead:cloudflare.accountId", GONE),
        ("bulkhead:backup.retention.dailyDays", 0),
        ("bulkhead:log.redact", False),
        ("bulkhead:workers.traceSampling", 2),
        ("bulkhead:budget.finance", []),
        ("bulkhead:nonsense", "x"),
        ("bulkhead:cloudflare.nonsense", "x"),
        ("aws:region", "x"),
        ("secrets:unheardOf", CIPHERTEXT),
    ],
)
def test_the_command_that_mends_a_fault_mends_it(place: str, value: object, project: Path) -> None:
    file = write(project, "production", changed("production", place, value))
    _pulumi(project, "stack", "init", "production")
    (finding,) = _wrong(file)
    program, *arguments = shlex.split(finding.fault.fix)
    assert program == "pulumi"
    # A command does not make up what is the stage's own: it says where that is found.
    _pulumi(project, *(OWN[place] if argument.startswith("<") else argument for argument in arguments))
    assert _wrong(file) == []


def test_what_the_engine_writes_can_be_read(project: Path) -> None:
    _pulumi(project, "stack", "init", "staging")
    left_bare = ["12e34567", "="]  # text to the engine, so it writes them bare; a number or a key to others
    texts = [*AMBIGUOUS[1::4], "0.05", "true", *left_bare]
    for number, text in enumerate(texts):
        typed = ("--path", f"t:values.n{number}", "--type", "string", "--stack", "staging")
        _pulumi(project, "config", "set", *typed, "--", text)
    file = read(project / "Pulumi.staging.yaml")
    assert file.config["t:values"] == {f"n{number}": text for number, text in enumerate(texts)}
    assert [fault.key for fault in file.faults] == [f"t:values.n{texts.index(text)}" for text in left_bare]


def _preview(project: Path, stack: str, program: Callable[[], None]) -> None:
    """Run ``program`` as the engine runs a program, in a folder of its own, because the engine writes there."""
    folder = project / f"work-{stack}"
    folder.mkdir()
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        shutil.copy(project / name, folder)
    settings = automation.LocalWorkspaceOptions(work_dir=str(folder))
    automation.create_or_select_stack(stack, project_name="bulkhead", program=program, opts=settings).preview()


def _pulumi(project: Path, *arguments: str, typed: str | None = None) -> None:
    """Run the CLI in the project; ``typed`` is what a person would type, so that no secret is in a command's argv."""
    command = ["pulumi", "--non-interactive", *arguments]
    done = subprocess.run(command, cwd=project, input=typed, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
