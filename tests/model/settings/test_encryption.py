"""Each stage has a key of its own for its secrets, however keys are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bulkhead.model.settings.files import Finding, check_files
from tests.model.settings.baseline import PRODUCT, baseline

REGION = "region=ap-northeast-1"
ID = "1f0c5d3e-7a52-4a8e-9a0b-6f2f0b1c9d11"
ARN = "arn:aws:kms:ap-northeast-1:222222222222"
KEY = f"awskms://alias/secrets?{REGION}"


def found(folder: Path, **tops: Mapping[str, str]) -> list[Finding]:
    """Return what is said of how the files of these stacks are encrypted."""
    files = []
    for stack, top in tops.items():
        files.append(folder / f"Pulumi.{stack.replace('_', '-')}.yaml")
        config: dict[str, Any] = baseline(stack.replace("_", "-"))
        files[-1].write_text(yaml.safe_dump({**top, "config": config}))
    keys = {"secretsprovider", "encryptedkey", "encryptionsalt"}
    return [finding for finding in check_files(files, PRODUCT) if finding.fault.key in keys]


def by(staging: str, production: str, folder: Path) -> list[tuple[str, str, str]]:
    tops = {"staging": {"secretsprovider": staging}, "production": {"secretsprovider": production}}
    return [(each.level, each.fault.file, each.fault.key) for each in found(folder, **tops)]


@pytest.mark.parametrize(
    "same",
    [
        KEY,
        f"{KEY}&context_stage=production",
        f"{KEY}&awssdk=v2",
        f"awskms:///alias/secrets?{REGION}",
        "awskms://alias/secrets",
        f"awskms:///{ARN}:alias/secrets?{REGION}",
        f"awskms://{ARN}:alias/secrets",
        f"awskms:///alias%2Fsecrets?{REGION}",
    ],
)
def test_one_key_is_one_key_however_it_is_written(same: str, tmp_path: Path) -> None:
    assert by(KEY, same, tmp_path) == [("fault", "Pulumi.production.yaml", "secretsprovider")]


@pytest.mark.parametrize("same", [f"awskms:///{ARN}:key/{ID}", f"awskms://{ID}?awssdk=v2"])
def test_a_key_by_its_id_is_the_same_by_its_arn(same: str, tmp_path: Path) -> None:
    assert by(f"awskms://{ID}?{REGION}", same, tmp_path) == [("fault", "Pulumi.production.yaml", "secretsprovider")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("azurekeyvault://v.vault.azure.net/keys/k", "azurekeyvault://V.vault.azure.net/keys/K/0123"),
        (
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2",
        ),
    ],
)
def test_a_version_of_a_key_is_that_key(one: str, other: str, tmp_path: Path) -> None:
    assert by(one, other, tmp_path) == [("fault", "Pulumi.production.yaml", "secretsprovider")]


def test_a_key_of_several_regions_is_one(tmp_path: Path) -> None:
    one, other = (f"awskms://mrk-0123?region={region}" for region in ("ap-northeast-1", "ap-northeast-3"))
    assert by(one, other, tmp_path) == [("fault", "Pulumi.production.yaml", "secretsprovider")]


@pytest.mark.parametrize(
    ("staging", "production"),
    [
        (KEY, KEY.replace("secrets", "others")),
        (KEY, KEY.replace("northeast-1", "northeast-3")),
        (f"{KEY}&profile=harbor-staging", f"{KEY}&profile=harbor-production"),
        (f"awskms:///{ARN}:alias/secrets", f"awskms:///{ARN.replace('2', '3')}:alias/secrets"),
        (
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/a",
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/b",
        ),
        ("hashivault://staging", "hashivault://production"),
        ("awskms://alias/harbor-staging-key-secrets", "awskms://alias/harbor-production-key-secrets"),
        *((f"awskms://alias/{name}/secrets", "awskms://alias/prod") for name in ("non-prod", "production-like")),
        ("azurekeyvault://v.vault.azure.net/keys/a/01", "azurekeyvault://v.vault.azure.net/keys/b/01"),
    ],
)
def test_keys_that_differ_are_right(staging: str, production: str, tmp_path: Path) -> None:
    assert by(staging, production, tmp_path) == []


@pytest.mark.parametrize("alias", ["harbor-production-key-secrets", "prod/secrets", "production"])
def test_a_key_that_is_called_as_another_stages_is_refused(alias: str, tmp_path: Path) -> None:
    [finding] = found(tmp_path, staging={"secretsprovider": f"awskms://alias/{alias}?{REGION}"})
    assert (finding.level, finding.fault.key) == ("fault", "secretsprovider")
    assert "production" in finding.fault.message
    assert finding.fault.fix.startswith("pulumi stack change-secrets-provider ")


def test_what_only_the_cloud_can_tell_is_said(tmp_path: Path) -> None:
    assert by(KEY, f"awskms://{ID}?{REGION}", tmp_path) == [("warning", "Pulumi.production.yaml", "secretsprovider")]
    elsewhere = f"awskms://{ID}?region=eu-west-1"
    assert by(KEY, elsewhere, tmp_path) == []


def test_a_data_key_that_was_copied_is_no_key_of_its_own(tmp_path: Path) -> None:
    tops = {
        stage: {"secretsprovider": f"awskms://alias/harbor-{stage}?{REGION}", "encryptedkey": "AQICAHg"}
        for stage in ("staging", "production")
    }
    [finding] = found(tmp_path, **tops)
    assert (finding.level, finding.fault.file, finding.fault.key) == (
        *("fault", "Pulumi.production.yaml"),
        "encryptedkey",
    )
    assert finding.fault.fix.startswith("pulumi stack change-secrets-provider ")


def test_a_pull_requests_stack_is_encrypted_as_development(tmp_path: Path) -> None:
    top = {"secretsprovider": KEY, "encryptedkey": "AQICAHg"}
    assert found(tmp_path, development=top, pr_42=top) == []


@pytest.mark.parametrize("said", ["[harbor/production]", "{imports: [shared], values: {pulumiConfig: {a: b}}}"])
def test_settings_from_elsewhere_are_refused(said: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.staging.yaml"
    file.write_text(f"environment: {said}\n" + yaml.safe_dump({"config": baseline("staging")}))
    [finding] = check_files([file], PRODUCT)
    assert (finding.level, finding.fault.key, finding.line) == ("fault", "environment", 1)
