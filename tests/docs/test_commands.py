"""Whoever types what a page says, types a command that there is; what only reads, runs."""

from __future__ import annotations

import importlib
import itertools
import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from bulkhead.cli.main import COMMANDS, main
from bulkhead.clients import rest
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.journal import Journal, Outcome
from bulkhead.delivery.plan import Pending
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.machine.owner import this_process
from bulkhead.model.faults import Refused
from bulkhead.model.release import trigger_table
from tests.support.checkout import work_in
from tests.support.cloudflare_api import TOKEN, open_api
from tests.support.fake_pulumi import FakePulumi
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import Outside, delivery, plan
from tests.support.released import Released
from tests.support.settings_fixture import make_settings, write_stage_files
from tests.support.sqlite_stage import SqliteStage

ROOT: Final = Path(__file__).resolve().parents[2]
DELIVERY: Final = "docs/delivery.md"
RUNBOOKS: Final = sorted(str(each.relative_to(ROOT)) for each in ROOT.glob("docs/runbooks/*.md"))
PAGES: Final = sorted(str(each.relative_to(ROOT)) for place in ("*.md", "docs/**/*.md") for each in ROOT.glob(place))
_FENCED: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`([^`]+)`")  # also over the end of a line, where a page wraps
_COMMAND: Final = re.compile(r"(?:^|[\s|(])(?:\.venv/bin/)?bulkhead (.*)", re.DOTALL)
_ENDS: Final = {"|", ">", ">>", "&&", "||", ";", "<"}
# What a page writes for what its reader knows.
_STANDS_FOR: Final = {"STAGE": "production", "NAME": "A_TOKEN"}


def commands(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of each command line of a page; of ``a|b`` each, as if it were written out."""
    shell = [body for language, body in _FENCED.findall(text) if language == "console"]
    lines = [line[2:] for body in shell for line in body.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    spans = [span for span in _CODE.findall(_FENCED.sub("", text)) if span.startswith(("bulkhead ", ".venv/bin/"))]
    for line in [*lines, *spans]:
        match = _COMMAND.search(line)
        if match and (words := list(_words(match[1]))):
            yield from itertools.product(*(word.split("|") for word in words))


def _words(line: str) -> Iterator[str]:
    for word in shlex.split(re.sub(r"<[^>]*>", "VALUE", line), comments=True):
        if word in _ENDS:
            return
        yield _STANDS_FOR.get(word, word)


def parse(arguments: tuple[str, ...]) -> None:
    """Have the real command line read the arguments, and do nothing. A command that is only named has to be there."""
    name, *rest = arguments
    assert name in COMMANDS, f"there is no command {name}"
    module = importlib.import_module(f"bulkhead.cli.{name.replace('-', '_')}")
    command: Any = typer.main.get_command(module.app)
    while rest and hasattr(command, "commands"):
        name, *rest = rest if rest[0] in command.commands else [getattr(command, "short", rest[0]), *rest]
        assert name in command.commands, f"there is no command {' '.join(arguments)}"
        command = command.commands[name]
    if rest:
        command.make_context(name, list(rest))


def wrong(text: str) -> list[str]:
    """Return what a page says and no command line takes."""
    return [f"{' '.join(each)}: {why}" for each in commands(text) if (why := _refusal(each))]


def _refusal(arguments: tuple[str, ...]) -> str:
    try:
        parse(arguments)
    except (AssertionError, Refused) as error:
        return str(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command line
            return str(error.format_message())
        raise
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one(page: str) -> None:
    assert wrong(_text(page)) == []


def test_who_needs_commands_most_is_told_some() -> None:
    without = {page for page in (DELIVERY, *RUNBOOKS) if not list(commands(_text(page)))}
    assert without == {"docs/runbooks/notices-undelivered.md"}


@pytest.mark.parametrize(
    "line",
    [
        "bulkhead deliver production",
        "bulkhead rollback production --back",
        "bulkhead rollback produktion",
        "bulkhead rollout production stop",
        "bulkhead rollout STAGE pause|stop",
        "bulkhead rollback",
        "bulkhead versions production --limit many",
        "bulkhead delivery start",
        "bulkhead deploy production staging",
    ],
)
def test_a_command_that_is_not_there_is_found(line: str) -> None:
    text = f"`{line}`\n"
    fenced = f"```console\n$ .venv/bin/{line}  # now\n```\n"
    known = line == "bulkhead rollback"  # a command that is only named
    assert bool(wrong(text)) is not known
    assert bool(wrong(fenced)) is not known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`bulkhead rollout\nSTAGE show`", [("rollout", "production", "show")]),
        (
            "```console\n$ x | .venv/bin/bulkhead secrets \\\n    set staging a  # b\n```",
            [("secrets", "set", "staging", "a")],
        ),
        ("`bulkhead deploy STAGE --plan --json > plan.json`", [("deploy", "production", "--plan", "--json")]),
        ("`bulkhead settle pause|resume`", [("settle", "pause"), ("settle", "resume")]),
        ("```mermaid\nbulkhead nothing\n```\n`bulkhead/model/release.py`", []),
    ],
)
def test_commands_are_read_as_they_are_typed(text: str, expected: list[tuple[str, ...]]) -> None:
    assert list(commands(text)) == expected


def test_what_deploys_a_stage_is_what_the_program_says() -> None:
    told = re.findall(r"^\| (git-flow|release-tag) \| (\w+) \| (.*) \|$", _text(DELIVERY), re.MULTILINE)
    assert told == [(model, stage.value, said) for model, stage, said in trigger_table("main")]


def test_every_step_that_a_run_takes_is_explained_and_no_other() -> None:
    taken, pending = {"return"}, (Pending("main/0001_a.sql", "c" * 64, ("expand",)),)
    for strategy in ("canary", "blue-green", "all-at-once"):
        client: Any = MemoryS3()
        journal = Journal(client, "a-bucket", "production", me=this_process())
        with journal.held():
            run = journal.begin({})
            assert delivery(Outside(), journal, run, plan(strategy, migrations=pending)).go()[0] is Outcome.DONE
        taken |= {each.step for each in run.entries()} - {"begin", "facts", "minute", "end"}
    table = _text(DELIVERY).partition("| step | what it does")[2].partition("\n\n")[0]
    told = {step for row in table.splitlines() for step in _CODE.findall(row.partition(" | ")[0])}
    assert told == taken


def _reads(arguments: tuple[str, ...]) -> bool:
    """Whether a command changes nothing, and asks nobody but Cloudflare, S3 and the state."""
    name, *rest = arguments
    if name in {"versions", "rollout"}:
        return bool(rest) and (name == "versions" or rest[-1] == "show")
    return arguments == ("delivery", "triggers") or (name in {"rollback", "migrate", "settle"} and "--plan" in rest)


READING: Final = sorted(
    {each for page in (DELIVERY, *RUNBOOKS) for each in commands((ROOT / page).read_text("utf-8")) if _reads(each)}
)


@pytest.fixture
def bucket() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def production(
    tmp_path: Path, pulumi: FakePulumi, bucket: MemoryS3, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Released]:
    """A production that has had two releases, a migration that is pending, and a deployment that waits for a person."""
    checkout = tmp_path / "checkout"
    (checkout / "worker/migrations/main").mkdir(parents=True)
    (checkout / "worker/migrations/main/0001_a.sql").write_text("CREATE TABLE members (id INTEGER PRIMARY KEY);")
    work_in(monkeypatch, checkout)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    write_stage_files(checkout, ["development", "staging", "production"])
    (pulumi.folder / "secret").write_text(TOKEN)
    account, stage = make_settings("production").cloudflare.account_id, SqliteStage(tmp_path)
    tenant = Tenant("production", account, {}, "acme/harbor", {"cloudflare": {TOKEN: "alice@acme-hotels.com"}})
    api = open_api(tmp_path, tenant, stage=lambda _environment: stage)
    monkeypatch.setattr(rest, "Rest", partial(Rest, transport=api.transport()))
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: bucket)
    client: Any = bucket
    journal = Journal(client, "a-bucket", "production", me=this_process())
    with journal.held():
        journal.begin({"commit": "c" * 40}).note("10 %", {"reason": "nobody knows what users met"})
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as cloudflare:
        released = Released(api, cloudflare, account, stack="production")
        released.keep_time(monkeypatch)
        released.release("aaaaaaa", "clerk", "assistant", "booking", "web")
        released.release("bbbbbbb", "booking", "web")
        released.database()
        yield released
    api.journal.close()
    api.resources.store.close()


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_command_that_only_reads_works_and_changes_nothing(
    production: Released, bucket: MemoryS3, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    asked, kept = len(list(production.api.journal)), dict(bucket.there)
    assert main(arguments) == 0, capsys.readouterr()
    assert capsys.readouterr().out
    calls = list(production.api.journal)[asked:]
    assert [each.path for each in calls if each.method != "GET" and not each.path.endswith("/query")] == []
    assert bucket.there == kept


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
