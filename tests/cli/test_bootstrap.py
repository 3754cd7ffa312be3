"""`bulkhead bootstrap`: prints its plan, asks for the right word, uses one named profile and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.cli.console import Console
from bulkhead.cli.main import main
from bulkhead.localclouds.aws.inventory import inventory
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.model.faults import Refused
from bulkhead.operations.bootstrap.clients import connect
from tests.support.checkout import work_in
from tests.support.second_product import SECOND_PRODUCT

Run = Callable[..., tuple[int, str, str]]
WriteStage = Callable[..., None]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without AWS files and an environment full of somebody's credentials."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "else")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


@pytest.fixture
def profile(home: Path, local_aws: LocalAws, account: str) -> str:
    """A profile with credentials of the test's account."""
    role = {"RoleArn": f"arn:aws:iam::{account}:role/admin", "RoleSessionName": "test"}
    made = local_aws.client("000000000001", "sts").assume_role(**role)["Credentials"]
    (home / "credentials").write_text(
        f"[admin]\naws_access_key_id = {made['AccessKeyId']}\naws_secret_access_key = {made['SecretAccessKey']}\n"
        f"aws_session_token = {made['SessionToken']}\n"
    )
    return "admin"


@pytest.fixture
def write_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteStage:
    """Write the file of a stage, with no secret in it, where the command looks for it."""
    work_in(monkeypatch, tmp_path)

    def write(stage: str, account: str, setting: str = "") -> None:
        (tmp_path / f"Pulumi.{stage}.yaml").write_text(_stage_file(stage, account) + setting)

    return write


@pytest.fixture
def run(write_stage: WriteStage, local_aws: LocalAws, account: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command for a stage whose file names the test's account; return exit code and both outputs."""

    def call(stage: str, *options: str, named: str = account, setting: str = "") -> tuple[int, str, str]:
        write_stage(stage, named, setting)
        code = main(["bootstrap", stage, "--endpoint", local_aws.endpoint, *options])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def _stage_file(stage: str, account: str) -> str:
    return f"""config:
  bulkhead:stage: {stage}
  bulkhead:owner: platform
  bulkhead:costCenter: rnd
  bulkhead:cloudflare:
    accountId: "{"a1" * 16}"
    zoneId: "{"b2" * 16}"
    hostname: acme-hotels.com
  bulkhead:aws:
    accountId: "{account}"
    roleArn: arn:aws:iam::{account}:role/bulkhead-{stage}
  bulkhead:github:
    owner: acme-hotels
    repository: harbor
    reviewers:
      teams: [1]
  bulkhead:owns:
    awsAccount: true
  bulkhead:access: {{{"" if stage == "production" else "emailDomains: [acme-hotels.com]"}}}
  bulkhead:budget:
    finance: [a@acme-hotels.com]
    techLead: [a@acme-hotels.com]
    stakeholders: [a@acme-hotels.com]
"""


@pytest.mark.slow
def test_the_plan_alone_changes_nothing(run: Run, profile: str, local_aws: LocalAws, account: str) -> None:
    code, out, err = run("staging", "--profile", profile, "--plan")
    assert (code, err) == (0, "")
    assert f"+ bucket harbor-staging-state-{account}" in out
    assert f"+ bucket harbor-staging-state-identities-{account}" in out
    assert not inventory(local_aws.endpoint, account, local_aws.region).alive()


@pytest.mark.slow
def test_without_secrets_it_makes_everything_and_says_what_comes_next(run: Run, profile: str, account: str) -> None:
    code, out, err = run("staging", "--profile", profile, "--yes", "staging")
    assert (code, err) == (0, "")
    _, identities, itself = out.split("Next, for ")
    assert f"export PULUMI_BACKEND_URL='s3://harbor-staging-state-identities-{account}?" in identities
    assert f"pulumi config set identities:awsProfile {profile} -C identities --stack staging" in identities
    assert f"export PULUMI_BACKEND_URL='s3://harbor-staging-state-{account}?region=ap-northeast-1'" in itself
    assert "bulkhead secrets set staging sessionKey" in itself
    code, out, err = run("staging", "--profile", profile)
    assert code == 0
    assert "Nothing to do." in out


@pytest.mark.slow
def test_json_is_one_document(run: Run, profile: str, account: str) -> None:
    code, out, _ = run("staging", "--profile", profile, "--json", "--yes", "staging")
    document = json.loads(out)
    assert code == 0
    assert document["account"] == account
    assert document["applied"] is True
    assert document["next"][0] == "export AWS_PROFILE=admin"
    assert document["next"][-1] == "bulkhead secrets set staging sessionKey"
    assert {step["effect"] for step in document["steps"]} == {"create"}
    assert json.loads(run("staging", "--profile", profile, "--json")[1])["applied"] is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "options", "says"),
    [
        ("staging", [], "--yes staging"),
        ("staging", ["--yes", "production"], "names 'production'"),
        ("production", ["--yes", "production"], "--yes production --confirm harbor-production"),
        ("production", ["--yes", "production", "--confirm", "production"], "--confirm harbor-production"),
    ],
)
def test_nothing_is_made_without_the_right_word(
    run: Run, profile: str, local_aws: LocalAws, account: str, *, stage: str, options: list[str], says: str
) -> None:
    code, _, err = run(stage, "--profile", profile, *options)
    assert code == 1
    assert says in err
    assert not inventory(local_aws.endpoint, account, local_aws.region).alive()


@pytest.mark.slow
def test_production_with_both_words(run: Run, profile: str, local_aws: LocalAws, account: str) -> None:
    options = ["--yes", "production", "--confirm", "harbor-production"]
    code, _, err = run("production", "--profile", profile, *options)
    assert (code, err) == (0, "")
    assert len(inventory(local_aws.endpoint, account, local_aws.region).buckets) == 2


@pytest.mark.slow
def test_a_person_types_the_word(monkeypatch: pytest.MonkeyPatch, run: Run, profile: str) -> None:
    monkeypatch.setattr(Console, "interactive", property(lambda self: True))
    asked: list[str] = []
    answers = iter(["production", "harbor-production"])

    def ask(self: Console, question: str) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr(Console, "ask", ask)
    code, _, err = run("production", "--profile", profile)
    assert code == 1
    assert "harbor-production was not typed" in err
    assert run("production", "--profile", profile)[0] == 0
    assert asked == ["Type harbor-production to go on: "] * 2


@pytest.mark.slow
def test_a_profile_of_another_account_is_refused(run: Run, profile: str, local_aws: LocalAws, account: str) -> None:
    code, _, err = run("staging", "--profile", profile, "--yes", "staging", named="909090909090")
    assert code == 1
    assert f"is 909090909090, but these credentials are of account {account}" in err
    for untouched in (account, "909090909090"):
        assert not inventory(local_aws.endpoint, untouched, local_aws.region).alive()


@pytest.mark.usefixtures("home")
def test_a_role_in_the_settings_needs_a_profile_on_the_command_line(
    write_stage: WriteStage, capsys: pytest.CaptureFixture[str]
) -> None:
    write_stage("staging", "222222222222")
    assert main(["bootstrap", "staging"]) == 1
    err = capsys.readouterr().err
    assert "the environment is never used" in err
    assert "--profile" in err


@pytest.mark.parametrize(
    ("stage", "said"), [("pr-42", "fix: bulkhead bootstrap development"), ("prod", "did you mean production?")]
)
def test_only_the_three_stages_are_bootstrapped(stage: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bootstrap", stage]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_names_are_those_of_the_product_that_the_settings_name(run: Run, profile: str) -> None:
    setting = "  bulkhead:product: tests.support.second_product:SECOND_PRODUCT\n"
    _, out, _ = run("staging", "--profile", profile, "--plan", setting=setting)
    assert f"+ bucket {SECOND_PRODUCT.name}-staging-state-" in out


@pytest.mark.usefixtures("home")
def test_a_profile_that_does_not_exist_is_no_reason_to_look_elsewhere() -> None:
    with pytest.raises(Refused, match="is no profile"):
        connect("absent", "ap-northeast-1")


def test_a_profile_without_credentials_does_not_borrow_those_of_the_environment(home: Path) -> None:
    (home / "config").write_text("[profile hollow]\nregion = ap-northeast-1\n")
    with pytest.raises(Refused, match="holds no credentials"):
        connect("hollow", "ap-northeast-1")
