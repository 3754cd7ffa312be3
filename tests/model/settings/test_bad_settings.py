"""Every bad setting is refused by its key, in a file and in the program, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bulkhead.model.faults import Fault
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.check import check, from_engine
from bulkhead.model.settings.reader import read
from tests.model.settings.baseline import (
    GONE,
    PLAIN,
    PRODUCT,
    as_engine,
    as_read,
    baseline,
    by_engine,
    by_file,
    by_values,
    changed,
    write,
)
from tests.model.settings.corpus import BAD, Bad

STACKS = ["development", "staging", "production", "pr-42"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_baseline_is_compliant(stack: str, folder: Path) -> None:
    assert read(write(folder, stack, baseline(stack))).config == as_read(baseline(stack))
    assert by_file(folder, stack, baseline(stack)) == []
    assert by_engine(stack, baseline(stack)) == []


def test_a_role_may_have_the_longest_path_that_iam_takes() -> None:
    role = f"arn:aws:iam::333333333333:role/{'a' * 510}/{'b' * 64}"
    assert by_values("production", changed("production", "bulkhead:aws.roleArn", role)) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(
            ("owner", name)
            for name in ("基盤チーム", "プラットフォーム 開発部", "Équipe plateforme", "x" * 256, "2部/4課")
        ),
        *(("costCenter", name) for name in ("営業部", "0047", "harbor: sales @ 2026")),
        *(("budget.finance", [name]) for name in ("r&d@acme-hotels.jp", "keiri@acme.xn--wgv71a119e")),
    ],
)
def test_what_the_clouds_take_is_taken(place: str, value: object) -> None:
    assert by_values("production", changed("production", f"bulkhead:{place}", value)) == []


def test_the_corpus_is_large_and_has_no_doubles() -> None:
    assert len(BAD) >= 130
    assert len({(bad.stack, bad.place, repr(bad.value)) for bad in BAD}) == len(BAD)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_file_with_it_is_refused(bad: Bad) -> None:
    _says(bad, by_values(bad.stack, changed(bad.stack, bad.place, bad.value)))


@pytest.mark.parametrize("bad", [bad for bad in BAD if not bad.file_only], ids=str)
def test_the_program_with_it_is_refused(bad: Bad) -> None:
    _says(bad, by_engine(bad.stack, changed(bad.stack, bad.place, bad.value)))


def _says(bad: Bad, found: list[Fault]) -> None:
    faults = {fault.key: fault for fault in found}
    assert len(faults) == len(found)
    about = faults.pop(bad.where)
    if bad.place == "bulkhead:cloudflare" and bad.value is GONE:
        assert set(faults) == {"bulkhead:cloudflare.zoneId", "bulkhead:cloudflare.hostname"}
    else:
        assert faults == {}
    assert bad.says in about.message
    assert about.fix
    assert about.file == f"Pulumi.{bad.stack}.yaml"
    if isinstance(bad.value, str) and len(bad.value) > 12:
        assert bad.value not in str(about)


def test_all_faults_come_at_once(folder: Path) -> None:
    config = baseline("production")
    config["bulkhead:owner"] = ""
    config["bulkhead:cloudflare"] |= {"accountId": "x", "zoneId": "y"}
    config["bulkhead:log"] = {"level": "debug"}
    config["bulkhead:budget"]["monthlyUsd"] = 0
    config["bulkhead:backup"] = {"lock": {"weeklyDays": 400}, "retention": {"dailyDays": 500}}
    config["bulkhead:typo"] = 1
    config["aws:region"] = "x"
    del config["bulkhead:stage"], config["secrets:sessionKey"]
    assert {finding.fault.key for finding in by_file(folder, "production", config)} == {
        *("bulkhead:owner", "bulkhead:cloudflare.accountId", "bulkhead:cloudflare.zoneId", "bulkhead:log.level"),
        *("bulkhead:budget.monthlyUsd", "bulkhead:backup.retention.weeklyDays", "bulkhead:backup.lock.weeklyDays"),
        *("bulkhead:typo", "aws:region", "bulkhead:stage", "secrets:sessionKey"),
    }


@pytest.mark.parametrize(
    ("value", "says"),
    [("", "is empty"), (" \n", "is empty"), (f"{PLAIN}\n", "white space"), (f" {PLAIN}", "white space")],
)
def test_a_secret_with_stray_white_space_is_refused_and_not_shown(value: str, says: str) -> None:
    texts, secret = as_engine(baseline("staging"))
    texts["secrets:sessionKey"] = value
    settings, faults = check("staging", from_engine(texts), secret, PRODUCT)
    assert settings is not None
    assert [fault.key for fault in faults] == ["secrets:sessionKey"]
    assert says in faults[0].message
    assert PLAIN not in str(faults[0])


@pytest.mark.parametrize(
    "place", ["bulkhead:githubToken", "bulkhead:cloudflare.apiToken", "secrets:github", "github:token"]
)
def test_a_secret_in_the_wrong_place_is_not_shown(place: str) -> None:
    config = changed("staging", place, PLAIN)
    for faults in (by_values("staging", config), by_engine("staging", config)):
        assert faults
        assert PLAIN not in "".join(map(str, faults))


@pytest.mark.parametrize(
    ("place", "value", "fix"),
    [
        (
            "bulkhead:backup.retention.dailyDays",
            0,
            "pulumi config set --path 'bulkhead:backup.retention.dailyDays' 7 --stack production",
        ),
        ("bulkhead:timezone", "Tokyo", "pulumi config set bulkhead:timezone Asia/Tokyo --stack production"),
        (
            "bulkhead:aws.accountId",
            "1",
            "pulumi config set --path 'bulkhead:aws.accountId' '<aws sts get-caller-identity>' --type string "
            "--stack production",
        ),
        (
            "bulkhead:aws.roleArn",
            "bulkhead-production",
            "pulumi config set --path 'bulkhead:aws.roleArn' 'arn:aws:iam::<account>:role/<name>' --stack production",
        ),
        (
            "bulkhead:cloudflare.hostname",
            "Acme-Hotels.jp",
            "pulumi config set --path 'bulkhead:cloudflare.hostname' '<a hostname of the zone>' --stack production",
        ),
        (
            "bulkhead:github.ownerId",
            "acme",
            "pulumi config set --path 'bulkhead:github.ownerId' '<gh api: its .id>' --stack production",
        ),
        (
            "bulkhead:budget.finance",
            [],
            "pulumi config set --path 'bulkhead:budget.finance[0]' '<an e-mail address>' --stack production",
        ),
        ("secrets:sessionKey", GONE, "bulkhead secrets set production sessionKey"),
        ("bulkhead:cloudflare.account_id", "x", "rename it to bulkhead:cloudflare.accountId"),
        ("bulkhead:zoneId", "x", "move it to bulkhead:cloudflare.zoneId"),
        ("bulkhead:nonsense", "x", "pulumi config rm bulkhead:nonsense --stack production"),
    ],
)
def test_the_fix_can_be_typed(place: str, value: object, fix: str) -> None:
    assert [fault.fix for fault in by_engine("production", changed("production", place, value))] == [fix]


def test_no_branch_looks_like_a_release_tag() -> None:
    config = changed("production", "bulkhead:github.defaultBranch", "v2")
    assert by_engine("production", config) == []
    (fault,) = by_engine("production", config | {"bulkhead:releaseModel": "release-tag"})
    assert fault.key == "bulkhead:github.defaultBranch"
    assert "release tag" in fault.message


def test_a_model_cannot_be_made_by_hand_against_the_rules() -> None:
    texts, secret = as_engine(baseline("staging"))
    settings, _ = check("staging", from_engine(texts), secret, PRODUCT)
    assert settings is not None
    values = dict(settings)
    values["budget"] = settings.budget.model_copy(update={"monthly_usd": 21.0})
    with pytest.raises(ValidationError, match="CST-4"):
        StageSettings(**values)
    with pytest.raises(ValidationError, match="frozen"):
        settings.owner = "somebody"
