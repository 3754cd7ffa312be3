"""`bulkhead destroy`: never production, never by accident, never in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from tests.support.answering import listening
from tests.support.fake_pulumi import FakePulumi
from tests.support.s3 import InProcessS3
from tests.support.standing import TRANSCRIPTS, UNTOUCHED, VAULT, VAULT_LOG, Destroy, objects


@pytest.mark.parametrize("options", [[], ["--yes", "production"], ["--yes", "production", "--json"]])
def test_production_is_refused_whatever_is_said(destroy: Destroy, pulumi: FakePulumi, options: Sequence[str]) -> None:
    code, _, err = destroy("production", *options)
    assert code == 1
    assert "production: is never destroyed by a command" in err
    assert pulumi.asked == []


@pytest.mark.parametrize("stack", ["Production", "prod", "harbor/production", "acme/harbor/production", "pr-0", "test"])
def test_what_is_no_stage_is_refused(destroy: Destroy, pulumi: FakePulumi, stack: str) -> None:
    code, _, err = destroy(stack, "--yes", stack)
    assert code == 1
    assert f"{stack}: is no stage" in err
    assert pulumi.asked == []


def test_a_pull_requests_stack_whose_file_says_production_is_refused(
    destroy: Destroy, checkout: Path, pulumi: FakePulumi
) -> None:
    file = checkout / "Pulumi.pr-42.yaml"
    file.write_text(file.read_text().replace("bulkhead:stage: development", "bulkhead:stage: production"))
    code, _, err = destroy("pr-42", "--yes", "pr-42")
    assert code == 1
    assert "stack pr-42 is of stage development" in err
    assert pulumi.asked == []


def test_a_stage_without_a_file_is_refused(destroy: Destroy, pulumi: FakePulumi) -> None:
    code, _, err = destroy("development", "--yes", "development")
    assert code == 1
    assert "Pulumi.development.yaml" in err
    assert pulumi.asked == []


def test_a_yes_for_another_stage_is_refused(destroy: Destroy, pulumi: FakePulumi) -> None:
    code, _, err = destroy("staging", "--yes", "development")
    assert code == 1
    assert "confirms 'development', but this would destroy 'staging'" in err
    assert pulumi.asked == []


def test_nobody_there_and_no_yes_is_refused_with_what_would_be_lost(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3
) -> None:
    code, _, err = destroy("staging")
    assert code == 1
    assert f"R2 bucket {TRANSCRIPTS}: 2 objects" in err
    assert "fix: --yes staging" in err
    assert objects(standing) == UNTOUCHED
    assert not any("destroy" in asked for asked in pulumi.asked)


def test_a_person_is_shown_the_losses_and_types_the_stage(
    destroy: Destroy, standing: InProcessS3, state: list[dict[str, Any]], person: Callable[[str], list[str]]
) -> None:
    questions = person("staging")
    code, out, err = destroy("staging")
    assert (code, err) == (0, "")
    assert questions == ["Type staging to go on: "]
    resources = sum(bool(one.get("custom")) and not one["type"].startswith("pulumi:") for one in state)
    for loss in (
        f"  - all {resources} resources of the stack",
        "  - D1 database harbor-staging-d1-main: its tables and every row in them",
        f"  - R2 bucket {TRANSCRIPTS}: 2 objects",
        f"  - S3 bucket {VAULT} of the backups: 1 object",
        "and the answers at staging.harbor.example",
    ):
        assert loss in out
    assert out.index("This destroys, in staging:") < out.index("- destroying") < out.index("staging is destroyed.")
    assert objects(standing) == dict.fromkeys(UNTOUCHED, 0)


def test_another_word_changes_nothing(destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, person: Any) -> None:
    person("yes")
    code, _, err = destroy("staging")
    assert code == 1
    assert "Nothing was done" in err
    assert objects(standing) == UNTOUCHED
    assert not any("destroy" in asked for asked in pulumi.asked)


@pytest.mark.usefixtures("standing")
def test_a_program_gets_one_document(destroy: Destroy) -> None:
    code, out, _ = destroy("staging", "--yes", "staging", "--json")
    document = json.loads(out)
    assert code == 0
    assert document.pop("lost")[0].endswith("resources of the stack")
    gone = {"versions": 0, "delete_markers": 0, "uploads": 0}
    assert document == {
        "stage": "staging",
        "destroyed": True,
        "emptied": {TRANSCRIPTS: {**gone, "versions": 2}, VAULT: {**gone, "versions": 1}, VAULT_LOG: gone},
        "next": ["pulumi up -s staging"],
    }


def test_a_refusal_is_one_document_too(destroy: Destroy, standing: InProcessS3) -> None:
    code, out, _ = destroy("staging", "--json")
    assert code == 1
    assert json.loads(out)["faults"][0]["fix"] == "--yes staging"
    assert objects(standing) == UNTOUCHED


def test_an_empty_stack_is_nothing_to_destroy(destroy: Destroy, pulumi: FakePulumi) -> None:
    code, out, err = destroy("pr-42", "--yes", "pr-42")
    assert (code, err) == (0, "")
    assert "There is nothing to destroy: the stack pr-42 is empty." in out
    assert pulumi.asked == ["--non-interactive --color never stack export --stack pr-42"]
    document = json.loads(destroy("pr-42", "--json")[1])
    assert document["destroyed"] is False
    assert document["next"] == ["pulumi stack rm pr-42", "rm Pulumi.pr-42.yaml"]


def test_what_was_cut_off_while_it_was_made_is_named(destroy: Destroy, pulumi: FakePulumi) -> None:
    pulumi.holds([], [{"type": "creating", "resource": {"urn": "urn:the-bucket"}}])
    code, _, err = destroy("staging", "--yes", "staging")
    assert code == 0
    assert "cut off while it made urn:the-bucket" in err


def test_without_the_cli_it_says_what_to_install(
    destroy: Destroy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = destroy("staging", "--yes", "staging")
    assert code == 1
    assert "pulumi: is not on PATH" in err


@pytest.mark.usefixtures("standing")
@pytest.mark.parametrize("how", ["destroy.sh", "fails-config", "fails-stack"])
def test_no_secret_is_ever_echoed(destroy: Destroy, pulumi: FakePulumi, how: str) -> None:
    (pulumi.folder / how).write_text("echo failed; exit 255\n")
    for options in ([], ["--json"]):
        code, out, err = destroy("staging", "--yes", "staging", *options)
        assert code == 1
        assert pulumi.secret not in out + err
    assert not any(pulumi.secret in asked for asked in pulumi.asked)


def test_cloudflare_is_asked_where_the_program_says_it_is(
    standing: InProcessS3, checkout: Path, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verified(account: str, token: str, cloudflare: Rest) -> Any:
        cloudflare.get("/user/tokens/verify")
        return standing.client

    monkeypatch.setattr("bulkhead.clients.clouds.r2", verified)
    with listening([b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"result": 1}']) as (api, received):
        assert main(["destroy", "staging", "--yes", "staging"], Apis(cloudflare=api)) == 0
    (request,) = received
    assert request.startswith(b"GET /user/tokens/verify ")
    assert f"Bearer {pulumi.secret}".encode() in request
