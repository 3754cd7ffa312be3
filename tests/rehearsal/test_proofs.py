"""Every proof holds in a healthy world, and has at least one way to fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.model.failures import Failed
from bulkhead.rehearsal import closing
from bulkhead.rehearsal.evidence import NotShown, Outcome, Unproven
from bulkhead.rehearsal.proofs import PROOFS
from bulkhead.rehearsal.proofs.proof import Proof, require
from bulkhead.rehearsal.scene import Scene
from tests.rehearsal import (
    test_closing,
    test_proofs_apart,
    test_proofs_closed,
    test_proofs_delivered,
    test_proofs_judged,
    test_proofs_lasting,
    test_proofs_least,
    test_proofs_permitted,
    test_proofs_restored,
    test_proofs_survived,
    test_proofs_twins,
    test_proofs_untouched,
    test_proofs_working,
)
from tests.support.scene import World

BREAKS = (
    *test_proofs_working.BREAKS,
    *test_proofs_closed.BREAKS,
    *test_proofs_judged.BREAKS,
    *test_proofs_delivered.BREAKS,
    *test_proofs_permitted.BREAKS,
    *test_proofs_restored.BREAKS,
    *test_proofs_survived.BREAKS,
    *test_proofs_least.BREAKS,
    *test_proofs_twins.BREAKS,
    *test_proofs_untouched.BREAKS,
    *test_proofs_apart.BREAKS,
    *test_proofs_lasting.BREAKS,
    *test_closing.BREAKS,
)
KEYS = tuple(proof.key for proof in PROOFS)


@pytest.mark.parametrize("key", KEYS)
def test_a_healthy_world_is_proven_with_evidence(key: str, tmp_path: Path) -> None:
    verdict = World(tmp_path, git=key == "checkout").verdict(key)
    assert (verdict.outcome, verdict.expected, verdict.seen) == (Outcome.PROVEN, "", "")
    assert any(character.isdigit() for character in verdict.evidence), "evidence counts something"


def test_the_whole_row_of_proofs_holds_one_after_the_other(tmp_path: Path) -> None:
    world = World(tmp_path, git=True)
    outcomes = {proof.key: proof.verdict(world.scene).outcome for proof in (*PROOFS, closing.STAGES_GONE)}
    assert set(outcomes.values()) == {Outcome.PROVEN}, outcomes


def test_each_proof_is_broken_by_some_test(tmp_path: Path) -> None:
    world = World(tmp_path)
    makers = {
        name: value
        for name, value in vars(closing).items()
        if isinstance(value, Proof) or getattr(value, "__annotations__", {}).get("return") == Proof.__name__
    }
    assert set(makers) == {"STAGES_GONE", "report_is_clean", "nothing_left"}, "World.proof does not know them all"
    last = {world.proof(key).key for key in test_closing.KEYS}
    assert len(last) == len(makers)
    assert {broken.key for broken in BREAKS} == {*KEYS, *last}


def test_no_two_proofs_have_the_same_key_or_claim() -> None:
    assert len({proof.key for proof in PROOFS}) == len({proof.claim for proof in PROOFS}) == len(PROOFS)


def shown(error: BaseException) -> Proof:
    def show(_: Scene) -> str:
        raise error

    return Proof("trial", "a trial", show)


@pytest.mark.parametrize(
    ("error", "outcome", "text"),
    [
        (Unproven("water", "wine"), Outcome.FAILED, "water wine"),
        (NotShown("needs two stages"), Outcome.NOT_SHOWN, "needs two stages"),
        (Failed("It broke.", ["the reason"]), Outcome.FAILED, "the proof to run to its end It broke.; the reason"),
        (KeyError("manifest"), Outcome.FAILED, "the proof to run to its end KeyError: 'manifest'"),
        (StopIteration(), Outcome.FAILED, "the proof to run to its end StopIteration: "),
    ],
)
def test_whatever_ends_a_proof_early_is_never_a_success(
    error: Exception, outcome: Outcome, text: str, tmp_path: Path
) -> None:
    verdict = shown(error).verdict(World(tmp_path, ["staging"]).scene)
    assert verdict.outcome is outcome
    assert f"{verdict.evidence}{verdict.expected} {verdict.seen}".strip() == text.strip()
    assert (verdict.key, verdict.claim) == ("trial", "a trial")


def test_an_interruption_is_not_taken_for_a_failed_proof(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        shown(KeyboardInterrupt()).verdict(World(tmp_path, ["staging"]).scene)


def test_a_proof_that_was_not_tried_says_why() -> None:
    verdict = shown(AssertionError("it was tried")).kept()
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "--keep" in verdict.evidence


@pytest.mark.parametrize("nothing", [False, 0, "", [], {}, None])
def test_a_requirement_that_does_not_hold_says_what_was_seen(nothing: object) -> None:
    require("something", "anything", "")
    with pytest.raises(Unproven) as caught:
        require(nothing, "something", nothing)
    assert (caught.value.expected, caught.value.seen) == ("something", str(nothing))


@pytest.mark.parametrize("key", ["journeys", "stores", "disjoint"])
def test_a_comparison_needs_two_stages(key: str, tmp_path: Path) -> None:
    verdict = World(tmp_path, ["staging"]).verdict(key)
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "--stage" in verdict.evidence


@pytest.mark.parametrize("key", ["vault", "production-stays", "development-goes"])
def test_what_concerns_one_stage_is_not_shown_without_it(key: str, tmp_path: Path) -> None:
    verdict = World(tmp_path, ["staging"]).verdict(key)
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "not part of this rehearsal" in verdict.evidence


@pytest.mark.parametrize("key", ["answers", "bindings", "unchanged", "roles", "twins", "secrets", "local-only"])
def test_what_concerns_each_stage_is_shown_of_one_alone(key: str, tmp_path: Path) -> None:
    assert World(tmp_path, ["staging"]).verdict(key).outcome is Outcome.PROVEN
