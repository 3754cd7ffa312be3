"""Every command that is about a product is about the one that the settings name, and not about the default one."""

from __future__ import annotations

import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest
import typer
from typer.core import TyperGroup

import bulkhead.model.alarms  # reads its table from the root, which a test moves
import bulkhead.model.bundles  # noqa: F401 - the same
from bulkhead.cli.main import COMMANDS, main
from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.paths import stack_file
from tests.support.checkout import work_in
from tests.support.settings_fixture import write_stage_files

NAMED: Final = "tests.support.second_product:UNBUILT"

# What is typed, and what only somebody can say who has read the product that the settings name.
ABOUT_THE_PRODUCT: Final = {
    "rehearse": ((), "tests/support/never-built.js"),
    "gameday": ((), "tests/support/never-built.js"),
    "settings check": ((), "secrets:paymentKey"),
    "settings show": (("staging",), "paymentKey"),
    "identities explain": (("staging",), "corner-staging"),
    "secrets check": (("staging",), "paymentKey"),
    "secrets set": (("staging", "nothing"), "mailKey"),
    "secrets rotate": (("staging",), "s3://corner-staging-state"),
    "isolation check": ((), "Worker bindings 5 5 5"),
    "access": (("staging",), "corner in staging"),
    "bindings check": ((), "workers.shop."),
    "bindings types": (("--check",), "tests/support/env.d.ts"),
    "wrangler": (("staging", "--manifest", "-"), "manifest.workers.shop"),
    "migrate": (("staging", "--database", "nothing"), "is no database of corner"),
    "backup": (("staging", "list", "--database", "nothing"), "is no database of corner"),
    "optimize": (("staging", "--database", "nothing"), "is no database of corner"),
    "restore objects": (("staging", "nothing"), "is no bucket of corner"),
    "restore database": (("staging", "nothing", "--undo", "--token-env", "A_TOKEN"), "is no database of corner"),
    "restore rows": (
        ("staging", "nothing", "--from", "key", "--table", "t", "--token-env", "A_TOKEN"),
        "is no database of corner",
    ),
    "recover": (
        ("staging", "--into", "Pulumi.production.yaml", "--profile", "admin", "--plan"),
        "no place for staging of corner",
    ),
    "restore anew": (
        ("staging", "nothing", "--from", "key", "--token-env", "A_TOKEN"),
        "is no database of corner",
    ),
    "bootstrap": (("staging", "--profile", "admin", "--plan"), "corner-staging"),
    "deploy": (("staging",), "about corner"),
    "maintenance on": (("staging", "--until", "2h", "--token-env", "A_TOKEN"), "about corner"),
    "maintenance off": (("staging", "--token-env", "A_TOKEN"), "about corner"),
    "maintenance status": (("staging", "--token-env", "A_TOKEN"), "about corner"),
    "rollout": (("staging", "show"), "about corner"),
    "versions": (("staging", "--token-env", "A_TOKEN"), "about corner"),
    "rollback": (("staging", "--token-env", "A_TOKEN"), "about corner"),
    "validate": (("staging", "--token-env", "A_TOKEN"), "tests/support/never-built.js"),
    "delivery seal": (("staging", "--into", "build"), "about corner"),
    "delivery unseal": (("staging", "--from", "build", "--digest", "0"), "about corner"),
}
NOT_ABOUT_IT: Final = {
    "settings schema": "a stage file has the same keys whatever the product",
    "delivery stage": "what deploys a stage is the same whatever the product",
    "delivery triggers": "what deploys a stage is the same whatever the product",
    "policies": "the rules are the same for every product",
    "preview": "the program and the policies find it, which Pulumi runs: tests/infra/test_program.py, test_pack.py",
    "twin publish": "a state is published as it is",
    "twin use": "a state is fetched as it is",
    "adopt": "Pulumi says what the program would make",
    "settle": "the state says what had begun",
    "destroy": "the state says what there is",
}


def commands() -> Iterator[str]:
    for name in COMMANDS:
        command = typer.main.get_command(importlib.import_module(f"bulkhead.cli.{name.replace('-', '_')}").app)
        yield from _leaves(name, command)


def _leaves(name: str, command: object) -> Iterator[str]:
    if not isinstance(command, TyperGroup):
        yield name
        return
    for below, each in command.commands.items():
        yield from _leaves(f"{name} {below}", each)


def test_every_command_says_whether_it_is_about_the_product() -> None:
    assert sorted(commands()) == sorted([*ABOUT_THE_PRODUCT, *NOT_ABOUT_IT])


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "identities").mkdir()
    write_stage_files(tmp_path, tuple(Stage))
    for stage in Stage:
        file = tmp_path / stack_file(stage)
        file.write_text(file.read_text().replace("infra.product:PRODUCT", NAMED))
    work_in(monkeypatch, tmp_path)
    monkeypatch.setattr("bulkhead.rehearsal.run.shed_owner", lambda: ())
    monkeypatch.setattr("bulkhead.operations.bootstrap.target", _names_the_product)
    for function in ("desk.journal_of", "journal.journal_of", "history.read", "build.seal", "build.unseal"):
        monkeypatch.setattr(f"bulkhead.delivery.{function}", _says_what_it_is_about)
    for variable in ("A_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(variable, "a-token")
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://corner-staging-state-222222222222")
    return tmp_path


def _names_the_product(product: str, settings: StageSettings) -> NoReturn:
    """Ends a bootstrap before it asks AWS."""
    raise Refused(f"It is about {product}-{settings.environment}.")


def _says_what_it_is_about(*arguments: object) -> NoReturn:
    """Ends a command of delivery before it asks AWS, Cloudflare or git."""
    names = [each.name if isinstance(each, Product) else each for each in arguments]
    raise Refused(f"It is about {' '.join(str(name) for name in names if name == 'corner')}.")


@pytest.mark.parametrize("command", ABOUT_THE_PRODUCT)
def test_a_command_is_about_the_product_that_the_settings_name(
    command: str, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, said = ABOUT_THE_PRODUCT[command]
    main([*command.split(), *arguments])
    out, err = capsys.readouterr()
    assert said in " ".join((out + err).split())


@pytest.mark.parametrize("command", ABOUT_THE_PRODUCT)
def test_a_product_that_is_not_there_is_said_once_and_where_it_is_named(
    command: str, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in Stage:
        file = checkout / stack_file(stage)
        file.write_text(file.read_text().replace(NAMED, "no.such.module:PRODUCT"))
    assert main([*command.split(), *ABOUT_THE_PRODUCT[command][0]]) == 1
    out, err = capsys.readouterr()
    places = re.findall(r"Pulumi\.(\w+)\.yaml(?::\d+: fault)?: bulkhead:product:? no.such.module:PRODUCT ", out + err)
    assert len(places) == len(set(places)) == (3 if command == "settings check" else 1)
    assert "Traceback" not in out + err
