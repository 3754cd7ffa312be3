"""Known noise: an update of nothing else is set apart, as long as the entry holds; a loss never is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bulkhead.model.faults import Refused
from bulkhead.preview import noise
from bulkhead.preview.noise import Noise
from bulkhead.resources import types as t
from tests.preview.made import Preview

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 21)
PATH = "observability.headSamplingRate"
ISSUE = "cloudflare/terraform-provider-cloudflare#7155"
ENTRY = f"""noise:
  - type: {t.WORKER}
    path: {PATH}
    package: cloudflare
    versions: ">=6.0.0,<7.0.0"
    issue: {ISSUE}
    until: "2027-03-31"
"""


def updated(*paths: str) -> Preview:
    return Preview().update(t.WORKER, {"name": "w"}, {"name": "w"}, "web", paths=paths)


def known(**changes: object) -> list[Noise]:
    [entry] = noise.parse(ENTRY)
    fields = {name: getattr(entry, name) for name in ("type", "path", "package", "versions", "issue", "until", "line")}
    return [Noise(**{**fields, **changes})]


def test_an_update_of_known_noise_alone_is_set_apart() -> None:
    [found], notes = noise.noisy_updates(updated(PATH).plan, known(), TODAY)
    assert (str(found.change), found.entries[0].issue) == ("Worker web", ISSUE)
    assert notes == []


@pytest.mark.parametrize("paths", [[PATH, "logpush"], ["logpush"], ["observability"], [f"{PATH}.deeper"], []])
def test_an_update_of_anything_else_as_well_is_an_ordinary_one(paths: list[str]) -> None:
    assert noise.noisy_updates(updated(*paths).plan, known(), TODAY) == ([], [])


@pytest.mark.parametrize("op", ["replace", "create-replacement", "delete", "create", "same"])
def test_only_an_update_can_be_noise(op: str) -> None:
    preview = Preview().step(op, t.WORKER, "web", {"name": "w"}, {"name": "w"}, paths=[PATH])
    assert noise.noisy_updates(preview.plan, known(), TODAY)[0] == []


def test_a_place_in_a_list_is_any() -> None:
    entries = known(path="tailConsumers[*].name")
    assert len(noise.noisy_updates(updated("tailConsumers[3].name").plan, entries, TODAY)[0]) == 1
    assert noise.noisy_updates(updated("tailConsumers[3].service").plan, entries, TODAY)[0] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until": date(2026, 11, 20)}, "it ended on 2026-11-20"),
        ({"versions": ">=7.0.0"}, "cloudflare is 6.23.1, and it is about >=7.0.0"),
        ({"versions": "<6.23.1"}, "cloudflare is 6.23.1"),
        ({"versions": "==6.23.0"}, "cloudflare is 6.23.1"),
        ({"versions": ">6.23.1"}, "cloudflare is 6.23.1"),
        ({"versions": ">=6.0.0,<=6.23.0"}, "cloudflare is 6.23.1"),
    ],
)
def test_an_entry_that_no_longer_holds_is_named(changes: dict[str, object], message: str) -> None:
    found, [note] = noise.noisy_updates(updated(PATH).plan, known(**changes), TODAY)
    assert found == []
    assert message in note
    assert ISSUE in note


@pytest.mark.parametrize("versions", [">=6.23.1", "<=6.23.1", "==6.23.1", "<6.24.0", ">6.9.9,<6.100.0"])
def test_versions_are_compared_as_numbers(versions: str) -> None:
    assert len(noise.noisy_updates(updated(PATH).plan, known(versions=versions), TODAY)[0]) == 1


def test_without_the_provider_s_version_no_entry_holds() -> None:
    plan = updated(PATH).plan
    unversioned = type(plan)(plan.source, plan.stack, tuple(c for c in plan.changes if "providers" not in c.type), {})
    found, [note] = noise.noisy_updates(unversioned, known(), TODAY)
    assert found == []
    assert "does not say which version" in note


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('until: "2027-03-31"', "until: 2027-03-31", "quote it"),
        ('until: "2027-03-31"', 'until: "next year"', "is no date"),
        (">=6.0.0,<7.0.0", "^6", "is no range"),
        (">=6.0.0,<7.0.0", ">=6", "is no range"),
        ("package: cloudflare", "package: aws", "the type is of another package"),
        ("path:", "paths:", "has a field 'paths', which there is not; did you mean path?"),
        ("noise:", "noises:", "does not consist of one list called `noise:`"),
        ("    issue:", "    type:", "says type twice"),
        ("noise:", "noise: [", "line"),
    ],
)
def test_a_bad_file_is_refused_with_its_lines(was: str, becomes: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        noise.parse(ENTRY.replace(was, becomes))
    assert message in str(refused.value)
    assert "docs/ops/known-noise.yaml" in str(refused.value)


def test_the_file_of_the_repository_is_in_order_and_has_sources() -> None:
    entries = noise.parse((ROOT / noise.PATH).read_text(encoding="utf-8"))
    assert entries
    assert all("#" in entry.issue for entry in entries)
