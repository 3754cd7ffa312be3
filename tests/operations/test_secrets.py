"""A stage's secrets: what is missing, old, unused or readable is found, and no value is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from bulkhead.model.faults import Refused
from bulkhead.model.identities import TOKENS, Slots, Window, read_slots, spelt
from bulkhead.model.naming import Label, Stage
from bulkhead.model.settings.files import check_files
from bulkhead.model.settings.reader import read
from bulkhead.operations.secrets import rotation
from bulkhead.operations.secrets.check import Finding, check
from bulkhead.operations.secrets.files import Keeper, keepers, opened, write_config
from bulkhead.operations.secrets.store import backend_of, needing, require_whole
from tests.model.settings.baseline import CIPHERTEXT, PRODUCT, baseline
from tests.support.settings_fixture import make_settings

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
IDENTITIES, STAGE = keepers(PRODUCT, "staging")
WINDOW = Window(NOW - timedelta(days=10), NOW + timedelta(days=70))
GOOD: dict[str, dict[str, Any]] = {
    IDENTITIES.name: {
        TOKENS: spelt(Slots("a", {"a": WINDOW})),
        **{f"secrets:{name}": CIPHERTEXT for name in IDENTITIES.required},
        **{f"rotated:{name}": "2026-11-01" for name in IDENTITIES.required},
    },
    STAGE.name: {**baseline("staging"), **{f"rotated:{name}": "2026-11-01" for name in STAGE.required}},
}


def found(root: Path, changes: Mapping[str, Mapping[str, Any]] | None = None, **top: Any) -> list[Finding]:
    """Return what is said of a good stage with ``changes`` in its files; None removes a key."""
    (root / "identities").mkdir(exist_ok=True)
    for name, good in GOOD.items():
        merged = {**good, **(changes or {}).get(name, {})}
        content = {**top, "config": {key: value for key, value in merged.items() if value is not None}}
        (root / name).write_text(yaml.safe_dump(content))
    return list(checked(root)[0])


def checked(root: Path) -> tuple[tuple[Finding, ...], tuple[Any, ...]]:
    return check(PRODUCT, {keeper: opened(root, keeper) for keeper in (IDENTITIES, STAGE)}, NOW)


def test_a_stage_that_has_everything_has_nothing_to_do(tmp_path: Path) -> None:
    findings = found(tmp_path)
    assert {each.state for each in findings} == {"set"}
    assert {each.name for each in findings} == {
        *("cloudflareTokenMaker", "githubToken", "slackWebhook", "cloudflareApiToken", "sessionKey", "tokens, slot a")
    }
    assert not [each for each in findings if each.fix or each.stops]


IN_STAGE, IN_IDENTITIES = STAGE.name, IDENTITIES.name
BOTH = Slots("b", {"a": WINDOW, "b": WINDOW})
BROKEN: list[tuple[str, str, Any, str, str, bool]] = [
    (IN_STAGE, "secrets:sessionKey", None, "missing", "sessionKey", True),
    (IN_STAGE, "secrets:sessionKey", "plainly readable", "in the clear", "sessionKey", True),
    (IN_STAGE, "rotated:sessionKey", "2026-08-01", "stale", "sessionKey", True),
    (IN_STAGE, "rotated:sessionKey", None, "of unknown age", "sessionKey", False),
    (IN_STAGE, "rotated:sessionKey", "soon", "of unknown age", "sessionKey", False),
    (IN_STAGE, "rotated:sessionKey", "2099-01-01", "of unknown age", "sessionKey", False),
    (IN_STAGE, "secrets:oldKey", CIPHERTEXT, "unused", "oldKey", False),
    (IN_STAGE, "secrets:oldKey", "plainly readable", "in the clear", "oldKey", True),
    (IN_STAGE, "secrets:githubToken", CIPHERTEXT, "unused", "githubToken", False),
    (IN_IDENTITIES, "secrets:githubToken", None, "missing", "githubToken", True),
    (IN_IDENTITIES, "rotated:cloudflareTokenMaker", "2026-08-01", "stale", "cloudflareTokenMaker", True),
    (IN_IDENTITIES, TOKENS, None, "missing", "identities:tokens", True),
    (IN_IDENTITIES, TOKENS, {"active": "a"}, "missing", "identities:tokens.active", True),
    (IN_IDENTITIES, TOKENS, spelt(BOTH), "unused", "tokens, slot a", False),
]


@pytest.mark.parametrize(("file", "key", "value", "state", "name", "stops"), BROKEN)
def test_what_is_wrong_with_a_secret_is_found(
    tmp_path: Path, file: str, key: str, value: Any, state: str, name: str, stops: bool
) -> None:
    [each] = [each for each in found(tmp_path, {file: {key: value}}) if each.state != "set"]
    assert (each.name, each.file, each.state, each.stops) == (name, file, state, stops)
    assert each.fix
    assert "plainly readable" not in str(each)


@pytest.mark.parametrize(("days", "state"), [(0, "expired"), (-3, "expired"), (14, "expiring"), (15, "set")])
def test_tokens_that_end_are_seen_before_they_do(tmp_path: Path, days: int, state: str) -> None:
    ends = NOW + timedelta(days=days)
    slots = Slots("a", {"a": Window(ends - timedelta(days=80), ends)})
    [tokens] = [each for each in found(tmp_path, {IN_IDENTITIES: {TOKENS: spelt(slots)}}) if "slot" in each.name]
    assert tokens.state == state


def test_tokens_that_begin_later_are_no_tokens_yet(tmp_path: Path) -> None:
    slots = Slots("a", {"a": Window(NOW + timedelta(days=2), NOW + timedelta(days=40))})
    [tokens] = [each for each in found(tmp_path, {IN_IDENTITIES: {TOKENS: spelt(slots)}}) if "slot" in each.name]
    assert (tokens.state, tokens.stops) == ("expired", True)
    assert "begins on" in tokens.says


def test_tokens_are_good_on_the_very_day_of_their_rotation(tmp_path: Path) -> None:
    slots = rotation.opened(None, NOW, "staging")
    [tokens] = [each for each in found(tmp_path, {IN_IDENTITIES: {TOKENS: spelt(slots)}}) if "slot" in each.name]
    assert (tokens.state, tokens.stops) == ("set", False)


def test_slots_that_cannot_be_read_are_taken_away_before_they_are_made_anew(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_slots({"active": "c"}, "staging")
    assert all(
        "pulumi config rm identities:tokens -C identities -s staging" in fault.fix for fault in refused.value.faults
    )


def test_a_secret_is_due_when_the_product_says_so(tmp_path: Path) -> None:
    today = {each.name: each.says for each in found(tmp_path)}
    assert today["sessionKey"] == "20 days old, due in 70"


def test_a_stage_that_was_never_initialised_lacks_everything(tmp_path: Path) -> None:
    findings, faults = checked(tmp_path)
    assert {each.state for each in findings} == {"missing"}
    assert not faults


@pytest.mark.parametrize(
    "top", [{"encryptionsalt": "v1:x"}, {"secretsprovider": "passphrase", "encryptionsalt": "v1:x"}]
)
def test_outside_development_a_passphrase_is_refused(tmp_path: Path, top: dict[str, str]) -> None:
    found(tmp_path, None, **top)
    assert [fault.file for fault in checked(tmp_path)[1]] == [IDENTITIES.name, STAGE.name]
    assert [fault.key for fault in checked(tmp_path)[1]] == ["encryptionsalt"] * 2


def test_development_may_use_a_passphrase_and_a_key_of_a_service_is_welcome(tmp_path: Path) -> None:
    found(tmp_path, None, secretsprovider="awskms://alias/x?region=y", encryptedkey="AAAA")
    assert checked(tmp_path)[1] == ()
    path = tmp_path / "Pulumi.development.yaml"
    path.write_text(yaml.safe_dump({"encryptionsalt": "v1:x", "config": baseline("development")}))
    assert [f.fault.message for f in check_files([path], PRODUCT) if f.level == "fault"] == []


def test_two_stages_with_one_key_are_a_fault(tmp_path: Path) -> None:
    files = []
    for stage in ("development", "staging", "production"):
        key = "awskms://alias/shared" if stage != "development" else "awskms://alias/own"
        files.append(tmp_path / f"Pulumi.{stage}.yaml")
        files[-1].write_text(yaml.safe_dump({"secretsprovider": key, "config": baseline(stage)}))
    [fault] = [each.fault for each in check_files(files, PRODUCT) if each.level == "fault"]
    assert (fault.file, fault.key) == ("Pulumi.production.yaml", "secretsprovider")


class TestRotation:
    def test_a_new_slot_is_handed_out_and_the_old_one_stays_valid(self) -> None:
        first = rotation.opened(None, NOW, "staging")
        assert (first.active, set(first.windows)) == ("a", {"a"})
        later = NOW + timedelta(days=60)
        second = rotation.opened(first, later, "staging")
        assert (second.active, set(second.windows)) == ("b", {"a", "b"})
        assert second.windows["a"] == first.windows["a"]
        assert second.windows["b"].begins == later
        assert rotation.opened(rotation.closed(second, "staging"), later, "staging").active == "a"

    def test_nothing_is_opened_over_tokens_that_may_be_in_use(self) -> None:
        both = rotation.opened(rotation.opened(None, NOW, "staging"), NOW, "staging")
        with pytest.raises(Refused, match="not finished") as refused:
            rotation.opened(both, NOW, "staging")
        assert "--close" in str(refused.value)

    @pytest.mark.parametrize("slots", [None, Slots("a", {"a": WINDOW})])
    def test_what_is_handed_out_is_never_closed(self, slots: Slots | None) -> None:
        with pytest.raises(Refused, match="nothing to close"):
            rotation.closed(slots, "staging")

    def test_a_window_is_within_what_policies_allow(self) -> None:
        window = rotation.opened(None, NOW, "staging").windows["a"]
        assert window.ends - window.begins <= timedelta(days=90)


class TestFiles:
    def test_what_a_person_wrote_stays_as_it_is(self, tmp_path: Path) -> None:
        path = tmp_path / "Pulumi.staging.yaml"
        path.write_text('# mine\nconfig:\n  bulkhead:stage: staging # why\n  bulkhead:aws: {accountId: "0123"}\n')
        path.chmod(0o600)
        write_config(path, {"rotated:sessionKey": "2026-11-21"})
        text = path.read_text()
        assert "# mine" in text
        assert "# why" in text
        assert '"0123"' in text
        assert read(path).config["rotated:sessionKey"] == "2026-11-21"
        assert read(path).faults == ()
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_file_that_is_not_there_is_made(self, tmp_path: Path) -> None:
        path = tmp_path / "Pulumi.staging.yaml"
        write_config(path, {TOKENS: spelt(Slots("a", {"a": WINDOW}))})
        assert read(path).faults == ()
        assert read(path).config[TOKENS]["active"] == "a"
        assert [each.name for each in tmp_path.iterdir()] == [path.name]


class TestStoring:
    def test_a_secret_goes_where_it_is_needed(self) -> None:
        both = (IDENTITIES, STAGE)
        assert needing(both, "slackWebhook") == [IDENTITIES]
        assert needing(both, "sessionKey") == [STAGE]
        with pytest.raises(Refused, match="there are cloudflareApiToken, cloudflareTokenMaker"):
            needing(both, "sessionkey")

    @pytest.mark.parametrize("value", ["", "  ", "key\n", " key"])
    def test_a_value_that_no_service_takes_is_refused_unseen(self, value: str) -> None:
        with pytest.raises(Refused) as refused:
            require_whole("sessionKey", value, PRODUCT)
        assert "key\n" not in str(refused.value).replace("sessionKey", "")

    def test_the_two_stacks_lie_in_two_places(self) -> None:
        settings = make_settings("staging")
        label = Label("harbor", Stage.STAGING, "staging")

        def at(keeper: Keeper, selected: str) -> str | None:
            return backend_of(keeper, label, settings, {"PULUMI_BACKEND_URL": selected})

        own, other = "s3://harbor-staging-state-222222222222", "s3://harbor-staging-state-identities-222222222222"
        for selected in (own, f"{other}?region=ap-northeast-1"):
            assert at(STAGE, selected) == f"{own}?region=ap-northeast-1"
            assert at(IDENTITIES, selected) == f"{other}?region=ap-northeast-1"
        assert at(STAGE, "https://api.pulumi.com") is None
        assert backend_of(STAGE, label, settings, {}) is None


def test_a_rotation_goes_on_in_both_stacks_each_with_its_own_backend() -> None:
    typed = partial(IDENTITIES.command, backend="s3://identities"), partial(STAGE.command, backend=None)
    up = "PULUMI_BACKEND_URL='s3://identities' pulumi up -C identities --stack staging --policy-pack ../policies"
    first, handing_over, deploying, closing = rotation.next_commands("staging", *typed, close=False)
    assert first == up
    assert handing_over.startswith("PULUMI_BACKEND_URL='s3://identities' pulumi stack output deployToken")
    assert deploying == "pulumi up --stack staging --policy-pack policies"
    assert closing.startswith("bulkhead secrets rotate staging --close ")
    assert rotation.next_commands("staging", *typed, close=True) == [up]
