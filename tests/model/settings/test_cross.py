"""What must hold between the three stages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.settings.files import Finding, check_files, read_settings
from infra.load import load
from tests.model.settings.baseline import GONE, PRODUCT, baseline, changed, write
from tests.model.settings.engine_config import in_engine

STAGES = ("development", "staging", "production")


def _check(folder: Path, changes: Mapping[tuple[str, str], Any], *more: str) -> list[Finding]:
    """Check the three stages, and ``more`` stacks, with changes by stack and place."""
    files = []
    for stack in (*STAGES, *more):
        config = changed(stack, "bulkhead:owner", "platform")
        for (changed_stack, place), value in changes.items():
            if changed_stack == stack:
                key, *rest = place.split(".")
                if rest:
                    config.setdefault(key, {})[rest[0]] = value
                else:
                    config[key] = value
        files.append(write(folder, stack, config))
    return check_files(files, PRODUCT)


def _told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.fault.file, finding.fault.key) for finding in findings]


def test_three_stages_apart_are_fine(tmp_path: Path) -> None:
    assert _check(tmp_path, {}) == []


def test_a_preview_stack_of_its_own_name_is_fine(tmp_path: Path) -> None:
    assert _check(tmp_path, {}, "pr-42") == []


@pytest.mark.parametrize("name", ["zone", "cloudflareAccount", "awsAccount"])
def test_what_nobody_owns_is_a_fault(name: str, tmp_path: Path) -> None:
    (finding,) = _check(tmp_path, {("staging", "bulkhead:owns." + name): False})
    assert _told([finding]) == [("fault", "Pulumi.staging.yaml", f"bulkhead:owns.{name}")]
    assert finding.fault.fix == f"pulumi config set --path 'bulkhead:owns.{name}' true --stack staging"


def test_the_repository_needs_one_owner_among_all(tmp_path: Path) -> None:
    (nobody,) = _check(tmp_path, {("production", "bulkhead:owns.repository"): False})
    assert _told([nobody]) == [("fault", "Pulumi.production.yaml", "bulkhead:owns.repository")]
    (both,) = _check(tmp_path, {("development", "bulkhead:owns.repository"): True})
    assert _told([both]) == [("fault", "Pulumi.development.yaml", "bulkhead:owns.repository")]
    assert both.fault.fix.endswith("'bulkhead:owns.repository' false --stack development")


@pytest.mark.parametrize(("name", "value"), [("owner", "Acme-Hotels"), ("repository", "HARBOR")])
def test_a_repository_spelt_in_two_ways_would_be_two_to_aws(name: str, value: str, tmp_path: Path) -> None:
    (finding,) = _check(tmp_path, {("staging", f"bulkhead:github.{name}"): value})
    assert _told([finding]) == [("fault", "Pulumi.staging.yaml", f"bulkhead:github.{name}")]
    assert "letter by letter" in finding.fault.message
    assert finding.fault.fix.startswith(f"pulumi config set --path 'bulkhead:github.{name}' ")


NUMBERS = {"ownerId": 4321, "repositoryId": 8765}


@pytest.mark.parametrize("lacking", STAGES)
def test_a_stage_without_the_numbers_of_the_others_is_told_them(lacking: str, tmp_path: Path) -> None:
    found = _check(tmp_path, {(lacking, f"bulkhead:github.{name}"): None for name in NUMBERS})
    assert [(finding.fault.file, finding.fault.fix) for finding in found] == [
        (f"Pulumi.{lacking}.yaml", f"pulumi config set --path 'bulkhead:github.{name}' {value} --stack {lacking}")
        for name, value in NUMBERS.items()
    ]


def test_numbers_that_no_stage_has_are_asked_for_once(tmp_path: Path) -> None:
    found = _check(tmp_path, {(stage, f"bulkhead:github.{name}"): None for name in NUMBERS for stage in STAGES})
    assert _told(found) == [("warning", "Pulumi.production.yaml", "bulkhead:github.ownerId")]
    assert "gh api repos/" in found[0].fault.fix


PRODUCTIONS = {
    "cloudflare.accountId": "a3" * 16,
    "cloudflare.zoneId": "b3" * 16,
    "aws": {"accountId": "3" * 12, "roleArn": f"arn:aws:iam::{'3' * 12}:role/bulkhead-pr-42"},
}


@pytest.mark.parametrize(("place", "value"), PRODUCTIONS.items())
def test_a_pull_requests_stack_in_productions_accounts_is_refused(place: str, value: Any, tmp_path: Path) -> None:
    (finding,) = _check(tmp_path, {("pr-42", f"bulkhead:{place}"): value}, "pr-42")
    assert (finding.level, finding.fault.file) == ("fault", "Pulumi.pr-42.yaml")
    assert "production's" in finding.fault.message
    assert finding.fault.fix.endswith("--stack pr-42")


@pytest.mark.parametrize(("place", "value"), PRODUCTIONS.items())
def test_nothing_real_is_touched_by_a_pull_requests_stack_in_productions_accounts(
    place: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(tmp_path, {}, "pr-42")
    file = tmp_path / "Pulumi.pr-42.yaml"
    assert read_settings(file, examples=False).environment == "pr-42"
    _check(tmp_path, {("pr-42", f"bulkhead:{place}"): value}, "pr-42")
    with pytest.raises(Refused, match="production's"):
        read_settings(file, examples=False)
    monkeypatch.setattr("infra.load.ROOT", tmp_path)
    with pytest.raises(Refused, match="production's"):
        in_engine(_with(changed("pr-42", "bulkhead:owner", "platform"), place, value), lambda: _load(examples=False))
    in_engine(_with(changed("pr-42", "bulkhead:owner", "platform"), place, value), lambda: _load(examples=True))
    assert read_settings(file).environment == "pr-42"


def _with(config: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    section, _, name = f"bulkhead:{place}".partition(".")
    config[section] = config[section] | {name: value} if name else value
    return config


def _load(*, examples: bool) -> None:
    load("pr-42", PRODUCT, examples=examples)


def test_a_pull_requests_stack_never_takes_the_role_of_another_stage(tmp_path: Path) -> None:
    """Not even where all are in one account."""
    account = {(stack, "bulkhead:aws.accountId"): "1" * 12 for stack in ("staging", "production")}
    roles = {(stack, "bulkhead:aws.roleArn"): f"arn:aws:iam::{'1' * 12}:role/bulkhead-{stack}" for stack, _ in account}
    owns = {(stack, "bulkhead:owns.awsAccount"): False for stack, _ in account}
    shared = account | roles | owns
    assert {finding.level for finding in _check(tmp_path, shared, "pr-42")} == {"warning"}
    theirs = shared | {("pr-42", "bulkhead:aws.roleArn"): roles["production", "bulkhead:aws.roleArn"]}
    faults = [finding.fault for finding in _check(tmp_path, theirs, "pr-42") if finding.level == "fault"]
    assert [(fault.file, fault.key) for fault in faults] == [("Pulumi.pr-42.yaml", "bulkhead:aws.roleArn")]


def test_a_pull_requests_stack_may_have_developments_role_and_profile(tmp_path: Path) -> None:
    role = f"arn:aws:iam::{'1' * 12}:role/bulkhead-development"
    assert _check(tmp_path, {("pr-42", "bulkhead:aws.roleArn"): role}, "pr-42") == []
    everybodys = {(stack, "bulkhead:aws.profile"): "somebody" for stack in (*STAGES, "pr-42")}
    no_role = {(stack, "bulkhead:aws.roleArn"): None for stack in (*STAGES, "pr-42")}
    assert _check(tmp_path, everybodys | no_role, "pr-42") == []


def test_a_repository_of_its_own_needs_an_owner_of_its_own(tmp_path: Path) -> None:
    own = {("staging", "bulkhead:github.repository"): "harbor-staging"}
    assert _told(_check(tmp_path, own)) == [("fault", "Pulumi.staging.yaml", "bulkhead:owns.repository")]
    assert _check(tmp_path, own | {("staging", "bulkhead:owns.repository"): True}) == []


@pytest.mark.parametrize(
    ("place", "owner", "separates"),
    [
        ("bulkhead:cloudflare.accountId", "cloudflareAccount", "harbor-staging-*, harbor-production-*"),
        ("bulkhead:cloudflare.zoneId", "zone", "only hostnames"),
        ("bulkhead:aws.accountId", "awsAccount", "trust and permissions of each stage's role"),
    ],
)
def test_sharing_is_a_warning_that_names_what_is_left(place: str, owner: str, separates: str, tmp_path: Path) -> None:
    shared = "3" * 12 if "aws" in place else "ab" * 16
    changes: dict[tuple[str, str], Any] = {
        ("staging", place): shared,
        ("production", place): shared,
        ("staging", f"bulkhead:owns.{owner}"): False,
    }
    if "aws" in place:
        changes[("staging", "bulkhead:aws.roleArn")] = f"arn:aws:iam::{shared}:role/bulkhead-staging"
    if "zone" in place:  # which is in one account
        changes[("staging", "bulkhead:cloudflare.accountId")] = "a3" * 16
        changes[("staging", "bulkhead:owns.cloudflareAccount")] = False
    (finding,) = (each for each in _check(tmp_path, changes) if each.fault.key == place)
    assert _told([finding]) == [("warning", "Pulumi.staging.yaml", place)]
    assert "staging and production share" in finding.fault.message
    assert separates in finding.fault.message
    both = _check(tmp_path, changes | {("staging", f"bulkhead:owns.{owner}"): True})
    assert ("fault", "Pulumi.staging.yaml", f"bulkhead:owns.{owner}") in _told(both)
    neither = _check(tmp_path, changes | {("production", f"bulkhead:owns.{owner}"): False})
    assert ("fault", "Pulumi.production.yaml", f"bulkhead:owns.{owner}") in _told(neither)


def test_one_role_for_two_stages_is_a_fault(tmp_path: Path) -> None:
    role = f"arn:aws:iam::{'3' * 12}:role/bulkhead-production"
    changes = {
        ("staging", "bulkhead:aws"): {"accountId": "3" * 12, "roleArn": role},
        ("staging", "bulkhead:owns.awsAccount"): False,
    }
    told = _told(_check(tmp_path, changes))
    assert told == [
        ("fault", "Pulumi.production.yaml", "bulkhead:aws.roleArn"),
        ("warning", "Pulumi.staging.yaml", "bulkhead:aws.accountId"),
    ]


def test_a_path_makes_no_other_role(tmp_path: Path) -> None:
    """IAM has a name once in an account."""
    account = {(stack, "bulkhead:aws.accountId"): "1" * 12 for stack in ("staging", "production")}
    owns = {(stack, "bulkhead:owns.awsAccount"): False for stack, _ in account}
    roles = {(stack, "bulkhead:aws.roleArn"): f"arn:aws:iam::{'1' * 12}:role/{stack}/Deploy" for stack in STAGES}
    faults = [each.fault for each in _check(tmp_path, account | owns | roles) if each.level == "fault"]
    assert [(fault.file, fault.key) for fault in faults] == [
        ("Pulumi.staging.yaml", "bulkhead:aws.roleArn"),
        ("Pulumi.production.yaml", "bulkhead:aws.roleArn"),
    ]
    theirs = {("pr-42", "bulkhead:aws.roleArn"): f"arn:aws:iam::{'1' * 12}:role/x/bulkhead-production"}
    usual = {(each, "bulkhead:aws.roleArn"): f"arn:aws:iam::{'1' * 12}:role/bulkhead-{each}" for each in STAGES}
    faults = [
        each.fault for each in _check(tmp_path, account | owns | usual | theirs, "pr-42") if each.level == "fault"
    ]
    assert [(fault.file, fault.key) for fault in faults] == [("Pulumi.pr-42.yaml", "bulkhead:aws.roleArn")]


@pytest.mark.parametrize("stack", ["staging", "pr-42"])
def test_a_role_that_is_called_as_another_stages_was_copied_from_there(stack: str, tmp_path: Path) -> None:
    account = "2" * 12 if stack == "staging" else "1" * 12
    role = f"arn:aws:iam::{account}:role/bulkhead-production"
    (finding,) = _check(tmp_path, {(stack, "bulkhead:aws.roleArn"): role}, "pr-42")
    assert _told([finding]) == [("fault", f"Pulumi.{stack}.yaml", "bulkhead:aws.roleArn")]
    assert finding.fault.fix.endswith(f"role/bulkhead-{stack} --stack {stack}")


@pytest.mark.parametrize("name", ["deploy", "non-prod-deploy", "production-like", "team/prod-engineering"])
def test_a_role_may_have_one_name_in_every_account(name: str, tmp_path: Path) -> None:
    accounts = {"development": "1" * 12, "staging": "2" * 12, "production": "3" * 12}
    roles = {
        (stack, "bulkhead:aws.roleArn"): f"arn:aws:iam::{account}:role/{name}"
        for stack, account in accounts.items()
        if stack != "production" or name == "deploy"
    }
    assert _check(tmp_path, roles) == []


def test_a_zone_is_in_one_account_and_its_hostnames_end_alike(tmp_path: Path) -> None:
    zone = {("staging", "bulkhead:cloudflare.zoneId"): "b3" * 16, ("staging", "bulkhead:owns.zone"): False}
    account = {
        ("staging", "bulkhead:cloudflare.accountId"): "a3" * 16,
        ("staging", "bulkhead:owns.cloudflareAccount"): False,
    }
    elsewhere = {("staging", "bulkhead:cloudflare.hostname"): "staging.acme-inns.com"}
    apart = {("staging", "bulkhead:cloudflare.zoneId"): "a3" * 16}
    for changes in (zone, zone | account | elsewhere, apart):
        faults = [each.fault for each in _check(tmp_path, changes) if each.level == "fault"]
        assert [(fault.file, fault.key) for fault in faults] == [
            ("Pulumi.staging.yaml", "bulkhead:cloudflare.zoneId")
        ], changes
    assert {each.level for each in _check(tmp_path, zone | account)} == {"warning"}
    assert _check(tmp_path, elsewhere) == []


def test_who_fills_in_one_file_after_the_other_is_told_of_examples_alone(tmp_path: Path) -> None:
    """The owner of what stages share may be a stage that is not filled in yet."""
    for done in (["development"], ["development", "staging"], ["production"], []):
        unlike = [stage for stage in STAGES if stage not in done]
        changes: dict[tuple[str, str], Any] = {(stage, "bulkhead:github.owner"): "harbor-inc" for stage in unlike}
        changes |= {(stage, "bulkhead:cloudflare.hostname"): f"{stage}.harbor.example" for stage in unlike}
        changes |= {(stage, "bulkhead:cloudflare.zoneId"): "5e2d8c4b7a6f4039b1c2d3e4f5a60718" for stage in unlike}
        changes |= {(stage, "bulkhead:cloudflare.zoneId"): "ab" * 16 for stage in done}
        changes |= {(stage, "bulkhead:cloudflare.accountId"): "cd" * 16 for stage in STAGES}
        changes |= {
            (stage, f"bulkhead:owns.{name}"): stage == "production"
            for stage in STAGES
            for name in ("zone", "cloudflareAccount")
        }
        faults = [each.fault for each in _check(tmp_path, changes) if each.level == "fault"]
        assert all("an example" in fault.message for fault in faults), (done, faults)


def test_a_stack_that_no_stage_may_have_is_told_so_and_nothing_else(tmp_path: Path) -> None:
    (finding,) = check_files([write(tmp_path, "prod", baseline("production"))], PRODUCT)
    assert finding.fault.key == "bulkhead:stage"


@pytest.mark.parametrize(
    ("stack", "hostname"),
    [
        ("staging", "production.acme-hotels.com"),
        ("staging", "api.production.acme-hotels.com"),
        ("development", "staging.acme-hotels.com"),
        ("pr-42", "development.acme-hotels.com"),
    ],
)
def test_a_hostname_has_one_stage(stack: str, hostname: str, tmp_path: Path) -> None:
    findings = _check(tmp_path, {(stack, "bulkhead:cloudflare.hostname"): hostname}, "pr-42")
    (finding,) = (each for each in findings if "gives this stage a hostname" in each.fault.message)
    assert finding.level == "fault"
    assert finding.fault.key == "bulkhead:cloudflare.hostname"


@pytest.mark.parametrize("hostname", ["pr-42.acme-hotels.com", "a.pr-42.development.acme-hotels.com"])
def test_developments_login_stands_before_the_stack_of_a_pull_request(hostname: str, tmp_path: Path) -> None:
    (finding,) = _check(tmp_path, {("pr-42", "bulkhead:cloudflare.hostname"): hostname}, "pr-42")
    assert "development's login would not stand before it" in finding.fault.message
    assert "pr-42.development.acme-hotels.com" in finding.fault.fix
    opened = {("development", "bulkhead:access"): {"public": True}, ("pr-42", "bulkhead:access"): {"public": True}}
    assert _check(tmp_path, {**opened, ("pr-42", "bulkhead:cloudflare.hostname"): hostname}, "pr-42") == []


def test_the_stack_of_a_pull_request_is_as_open_as_development(tmp_path: Path) -> None:
    (finding,) = _check(tmp_path, {("pr-42", "bulkhead:access"): {"public": True}}, "pr-42")
    assert finding.fault.key == "bulkhead:access.public"
    assert "public' false" in finding.fault.fix


@pytest.mark.parametrize(
    ("place", "value", "key"),
    [
        ("bulkhead:releaseModel", "release-tag", "bulkhead:releaseModel"),
        ("bulkhead:governance", {"profile": "solo"}, "bulkhead:governance.profile"),
        ("bulkhead:github.defaultBranch", "trunk", "bulkhead:github.defaultBranch"),
    ],
)
def test_what_describes_the_product_is_the_same_everywhere(place: str, value: Any, key: str, tmp_path: Path) -> None:
    one = _told(_check(tmp_path, {("development", place): value}))
    assert one == [("fault", "Pulumi.development.yaml", key)]
    most = _told(_check(tmp_path, {("production", place): value}))
    assert most == [("fault", f"Pulumi.{stage}.yaml", key) for stage in ("development", "staging")]
    assert _check(tmp_path, {(stage, place): value for stage in STAGES}) == []


def test_faults_of_one_file_say_that_the_rest_was_not_checked(tmp_path: Path) -> None:
    findings = _check(tmp_path, {("staging", "bulkhead:owner"): "", ("production", "bulkhead:owns.zone"): False})
    assert _told(findings) == [("fault", "Pulumi.staging.yaml", "bulkhead:owner"), ("warning", "", "")]


def test_a_missing_secret_hides_nothing(tmp_path: Path) -> None:
    files = [
        write(tmp_path, "development", changed("development", "secrets:sessionKey", GONE)),
        write(tmp_path, "staging", changed("staging", "bulkhead:owns.zone", False)),
        write(tmp_path, "production", changed("production", "bulkhead:owner", "x")),
    ]
    assert _told(check_files(files, PRODUCT)) == [
        ("fault", "Pulumi.development.yaml", "secrets:sessionKey"),
        ("fault", "Pulumi.staging.yaml", "bulkhead:owns.zone"),
    ]


def test_a_single_file_is_judged_by_itself(tmp_path: Path) -> None:
    assert check_files([write(tmp_path, "staging", changed("staging", "bulkhead:owns", {}))], PRODUCT) == []


def test_two_files_of_one_stack_would_share_every_name(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    files = [
        write(folder, "staging", changed("staging", "bulkhead:owner", "x")) for folder in (tmp_path, tmp_path / "copy")
    ]
    (finding,) = check_files(files, PRODUCT)
    assert "given 2 times" in finding.fault.message
