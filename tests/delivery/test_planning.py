"""What stops a deployment before anything is changed, and what a plan says of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.workers import Deployment, Share, Version
from bulkhead.delivery.build import Source
from bulkhead.delivery.commits import Way, commit_of, message, way
from bulkhead.delivery.door import PASS
from bulkhead.delivery.history import History
from bulkhead.delivery.live import Done, LiveWorker, commit_of_live, moves
from bulkhead.delivery.observed import Count
from bulkhead.delivery.plan import Plan
from bulkhead.delivery.planning import Known, Wish, classes_of, planned, stops
from bulkhead.delivery.strategy import Load, road
from bulkhead.model.bundles import Bundle
from bulkhead.model.faults import Refused
from bulkhead.operations.maintenance.record import Record, State
from bulkhead.preview.verdict import judge
from bulkhead.preview.waivers import Waivers
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.preview.made import Preview
from tests.support.settings_fixture import make_settings

TODAY = date(2026, 11, 30)
WEB = next(worker for worker in PRODUCT.workers if worker.name == "web")
BUNDLES = {worker.name: Bundle(worker.bundle, "e" * 64) for worker in PRODUCT.workers}
Git = Callable[..., str]


def deployed(*shares: tuple[str, float], message: str = "", number: int = 0) -> Deployment:
    at = datetime(2026, 11, 30, tzinfo=UTC) + timedelta(minutes=number)
    return Deployment(f"d{number}", at, "ci@harbor.example", message, tuple(Share(*share) for share in shares))


def web(*deployments: Deployment, uploaded: str, later: int = 0, gone: str = "") -> LiveWorker:
    """Return the Worker web, with deployments newest first. Since the versions that they name came so many ``later``
    uploads; one is ``gone``."""
    named = dict.fromkeys([uploaded, *(share.version for each in deployments for share in each.shares)])
    ids = [*(f"more-{number}" for number in range(later)), *(each for each in named if each != gone)][:100]
    versions = {each: Version(each, 1000 - nth, deployments[-1].created, "", "", "") for nth, each in enumerate(ids)}
    return LiveWorker(History(WEB, "harbor-production-worker-web", deployments, versions), uploaded)


def known(preview: Preview | None = None, stage: str = "production", **changes: Any) -> Known:
    settings = make_settings(stage)
    verdict = judge((preview or Preview(stage)).plan, settings.stage, Waivers("main"), (), TODAY, pack="bulkhead")
    workers = changes.pop("live_workers", [web(deployed(("v1", 100)), uploaded="v1")])
    found = Known(
        settings=settings,
        source=Source("c" * 40, "d" * 40),
        changed=(),
        way=Way("b" * 12, since=("c" * 12 + " a change",)),
        live_workers=workers,
        moves=moves(workers, verdict.changes, BUNDLES),
        verdict=verdict,
        migrations=(),
        waivers=Waivers("main"),
        product=PRODUCT,
    )
    return replace(found, **changes)


def switches() -> Preview:
    """Return the preview of an `up` after which the Worker web has another database."""
    before, after = ([{"type": "d1", "name": "DB", "databaseId": id_}] for id_ in ("lost", "restored"))
    return Preview().replace(t.WORKER_VERSION, {"bindings": before}, {"bindings": after}, name="web-version", id_="v1")


def said(found: Known, wish: Wish | None = None) -> str:
    return "\n".join(map(str, stops(found, wish or Wish())))


def test_nothing_stops_a_newer_commit() -> None:
    assert said(known()) == ""


@pytest.mark.parametrize("state", State)
def test_a_stage_under_maintenance_is_not_deployed_to(state: State) -> None:
    record = Record(state, datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "", "alice")
    stopped = said(known(maintenance=record))
    assert ("is under maintenance since 2026-11-30 09:00 JST" in stopped) is (state is not State.OFF)
    assert ("bulkhead maintenance off production" in stopped) is (state is not State.OFF)


def test_only_a_switch_of_stores_goes_through_a_maintenance_and_only_with_its_pass() -> None:
    on, off = (
        Record(state, datetime(2026, 11, 30, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "", "alice")
        for state in (State.ON, State.ENDING)
    )
    switching, now = switches(), Wish(now=True)
    assert f"export {PASS} with what bulkhead maintenance on production" in said(known(switching, maintenance=on), now)
    assert "under maintenance" not in said(known(switching, maintenance=on, has_pass=True), now)
    assert "under maintenance" in said(known(switching, maintenance=off, has_pass=True), now)
    assert "bulkhead maintenance off production" in said(known(maintenance=on, has_pass=True), now)


def test_a_commit_that_lacks_what_is_live_is_refused_unless_that_is_named() -> None:
    older = known(way=Way("b" * 12, gone=("b" * 12 + " the newest",)))
    assert "1 live commits are not in cccccccccccc and would go: bbbbbbbbbbbb the newest" in said(older)
    assert said(older, Wish(instead_of="a" * 12)) != ""
    assert said(older, Wish(instead_of="b" * 7)) == ""


def test_a_live_commit_that_nobody_has_here_is_refused() -> None:
    assert "this checkout does not have it" in said(known(way=Way("b" * 12, known=False)))


def test_uncommitted_changes_are_refused_outside_development() -> None:
    assert "in no commit (infra/product.py)" in said(known(changed=("infra/product.py",)))
    assert said(known(stage="development", changed=("infra/product.py",))) == ""


def test_a_verdict_that_stops_stops() -> None:
    assert "bulkhead preview production" in said(known(Preview().delete(t.D1_DATABASE, "d1-main", {"name": "n"})))


def test_a_version_that_was_taken_back_is_not_sent_again_unless_somebody_says_so() -> None:
    back = web(deployed(("v1", 100), message="rolled back", number=2), deployed(("v2", 100), number=1), uploaded="v2")
    found = known(live_workers=[back])
    assert "was live and was taken back on 2026-11-30 00:02 UTC by ci@harbor.example: rolled back" in said(found)
    assert said(found, Wish(again=True)) == ""


def test_a_version_that_was_only_shown_to_probes_may_be_sent() -> None:
    tried = web(
        deployed(("v1", 100), number=2),
        deployed(("v1", 100), ("v2", 0), number=1),
        deployed(("v1", 100)),
        uploaded="v2",
    )
    assert said(known(live_workers=[tried])) == ""


def moved(*names: str, stage: str = "staging") -> Known:
    """Return what is known where these Workers have an upload that does not serve yet."""
    one = web(deployed(("v1", 100)), uploaded="v2")
    workers = [
        replace(one, history=replace(one.history, worker=each)) for each in PRODUCT.workers if each.name in names
    ]
    return known(stage=stage, live_workers=sorted(workers, key=lambda each: names.index(each.worker)))


UNPROBED = replace(PRODUCT, probes=())


def test_a_rollout_that_no_probe_could_judge_is_refused() -> None:
    faults = said(replace(moved("web", "clerk"), product=UNPROBED))
    assert "web: moves, and no probe reaches it" in faults
    assert "clerk" not in faults
    assert said(moved("web")) == ""
    only_home = replace(PRODUCT, probes=PRODUCT.probes[:1])
    assert "name booking in `reaches`" in said(replace(moved("booking"), product=only_home))
    assert said(replace(moved("web", "booking"), product=only_home)) == ""


def test_where_everybody_gets_a_release_at_once_no_probe_is_needed() -> None:
    assert said(replace(moved("web", stage="development"), product=UNPROBED)) == ""
    becomes = {"modules": "b", "deploy": True}
    preview = Preview().replace(t.WORKER_VERSION, {"modules": "a"}, becomes, name="web-version", id_="v1")
    assert said(known(preview, product=UNPROBED)) == ""


def test_what_only_queues_and_crons_call_goes_without_a_check_that_could_see_nothing() -> None:
    clerk = moved("clerk")
    assert said(clerk) == ""
    found = road(clerk.settings.rollout, {"clerk": Load()}, asked=clerk.asked)
    assert [step.name for step in found.steps] == ["everybody"]
    assert "everybody meets the new version before anything is known of it" in found.steps[0].sees
    both = moved("clerk", "web")
    found = road(both.settings.rollout, {"clerk": Load(), "web": Load()}, asked=both.asked)
    assert [step.name for step in found.steps] == ["check", "everybody"]


def replaced(**becomes: Any) -> Preview:
    return Preview().replace(t.WORKER_VERSION, {"modules": "a"}, {"modules": "b", **becomes}, "web-version", id_="v1")


def test_a_version_that_no_share_can_go_to_any_more_is_told_before_anything_is_uploaded() -> None:
    """Cloudflare deploys the last 100 uploads, and the release is one more."""

    def with_later(later: int, preview: Preview | None = None) -> str:
        return said(known(preview, live_workers=[web(deployed(("v1", 100)), uploaded="v1", later=later)]))

    assert with_later(98, replaced()) == ""
    assert "v1, which serves now, is not among the last 100 uploads" in with_later(99, replaced())
    assert with_later(200) == "", "nothing moves"
    assert with_later(200, replaced(deploy=True)) == "", "nothing is divided"


def test_an_upload_that_was_deleted_is_told_before_anything_is_changed() -> None:
    found = known(live_workers=[web(deployed(("v1", 100)), uploaded="v2", gone="v2")])
    assert "v2, which is to serve, is not among the last 100 uploads" in said(found)


def test_a_worker_moves_when_its_upload_does_not_serve() -> None:
    assert [
        (move.stable, move.uploaded) for move in known(live_workers=[web(deployed(("v1", 100)), uploaded="v2")]).moves
    ] == [("v1", "v2")]
    assert known().moves == ()


def test_a_worker_moves_when_its_version_is_replaced() -> None:
    preview = Preview().replace(t.WORKER_VERSION, {"modules": "a"}, {"modules": "b"}, name="web-version", id_="v1")
    assert [(move.worker, move.stable, move.uploaded) for move in known(preview).moves] == [("web", "v1", "")]


def test_a_class_that_changes_makes_the_release_go_alone() -> None:
    becomes = {"modules": "b", "deploy": True}
    preview = Preview().replace(t.WORKER_VERSION, {"modules": "a"}, becomes, name="web-version", id_="v1")
    found = known(preview)
    plan = planned(found, road(found.settings.rollout, {"web": Load(500.0, Count(5000, 5))}, classes_of(found)))
    assert plan.classes == ("web",)
    assert plan.strategy == "all-at-once"
    assert any("none before comes back" in each for each in plan.cannot)


def test_a_worker_that_goes_on_with_another_store_goes_at_once_and_never_back() -> None:
    found = known(switches())
    assert "--now" in said(found)
    assert "--now" not in said(found, Wish(now=True))
    way = road(found.settings.rollout, {"web": Load(500.0, Count(5000, 5))}, strategy="all-at-once", way_back=False)
    plan = planned(found, way)
    assert plan.switched == ("web",)
    assert not way.way_back
    assert any("another store" in each for each in plan.cannot)
    assert Plan.of(plan.document(), "plan.json").switched == ("web",)


def test_what_an_up_deletes_is_part_of_the_plan() -> None:
    found = known(Preview("staging").delete(t.QUEUE, "clicks", {"name": "n"}), stage="staging")
    plan = planned(found, road(found.settings.rollout, {}))
    assert [urn.partition("::bulkhead::")[2] for urn in plan.goes] == [f"{t.QUEUE}::clicks"]
    assert Plan.of(plan.document(), "plan.json").goes == plan.goes


def test_a_plan_is_applied_only_while_it_is_what_would_be_done() -> None:
    found = known(live_workers=[web(deployed(("v1", 100)), uploaded="v2")])
    plan = planned(found, road(found.settings.rollout, {"web": Load(500.0, Count(5000, 5))}))
    plan.require_shown(replace(plan, notes=("told a minute ago",)))
    with pytest.raises(Refused, match="commit"):
        plan.require_shown(replace(plan, commit="0" * 40))


def test_a_plan_that_was_changed_by_hand_is_none() -> None:
    plan = planned(known(), road(known().settings.rollout, {}))
    document = plan.document()
    assert Plan.of(document, "plan.json") == plan
    with pytest.raises(Refused, match="changed after it was made"):
        Plan.of({**document, "stage": "staging"}, "plan.json")
    others: tuple[Any, ...] = ({}, [], {**document, "more": 1}, {**document, "schema": 1}, {**document, "moves": "all"})
    for other in others:
        with pytest.raises(Refused):
            Plan.of(other, "plan.json")


def test_the_live_commit_is_that_of_the_worker_that_changed_last() -> None:
    booking = web(deployed(("b1", 100), message=message("a" * 40, "done"), number=1), uploaded="b1")
    changed = web(
        deployed(("v1", 100), message="by hand in the dashboard", number=9),
        deployed(("v1", 10), ("v0", 90), message=message("f" * 40, "10 %"), number=5),
        uploaded="v1",
    )
    assert commit_of_live([booking, changed]) == "f" * 12
    assert commit_of_live([web(deployed(("v1", 100), message="release abc"), uploaded="v1")]) == ""


def test_a_deployment_that_left_no_message_of_its_own_says_all_the_same_which_commit_is_live() -> None:
    """One of migrations or resources alone moves no traffic, and what its upload deploys has no commit in its message:
    an older commit would have been taken for a newer one."""
    before = deployed(("v1", 100), message=message("a" * 40, "done"), number=1)
    own = deployed(("v2", 100), message="release abc", number=5)
    at = own.created + timedelta(minutes=1)
    alone, classes = Done("f" * 40, at, {}), Done("f" * 40, at, {"web": "v2"})
    assert commit_of_live([web(before, uploaded="v1")], alone) == "f" * 12
    assert commit_of_live([web(own, before, uploaded="v2")], classes) == "f" * 12


@pytest.mark.parametrize("versions", [{"web": "v2"}, {}])
def test_what_was_taken_back_since_is_not_live(versions: dict[str, str]) -> None:
    first = deployed(("v1", 100), message=message("a" * 40, "done"), number=1)
    second = deployed(("v2", 100), message=message("f" * 40, "done"), number=2)
    back = deployed(("v1", 100), message="rollback to release abc", number=9)
    done = Done("f" * 40, second.created + timedelta(minutes=1), versions)
    assert commit_of_live([web(back, second, first, uploaded="v2")], done) == "a" * 12


@pytest.mark.parametrize("text", ["", "release aaaaaaaaaaaa", "0123456789abcdef done", "AAAAAAAAAAAA done"])
def test_a_message_without_a_commit_names_none(text: str) -> None:
    assert commit_of(text) == ""


@pytest.fixture
def git(tmp_path: Path) -> Git:
    def run(*arguments: str) -> str:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    run("commit", "--quiet", "--allow-empty", "-m", "first")
    return run


def commit(git: Git, subject: str) -> str:
    git("commit", "--quiet", "--allow-empty", "-m", subject)
    return git("rev-parse", "HEAD")


def test_commits_after_the_live_one_are_new_and_none_goes(git: Git, tmp_path: Path) -> None:
    live = commit(git, "live")
    commit(git, "next")
    found = way(tmp_path, live[:12])
    assert [each[13:] for each in found.since] == ["next"]
    assert (found.gone, found.known) == ((), True)


def test_a_merge_and_a_revert_take_nothing_away(git: Git, tmp_path: Path) -> None:
    live = commit(git, "live")
    git("checkout", "--quiet", "-b", "feature")
    commit(git, "feature")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "-m", "merge it", "feature")
    commit(git, 'Revert "feature"')
    assert way(tmp_path, live).gone == ()


def test_an_older_tag_and_a_hotfix_from_an_older_tag_lack_what_is_live(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.0.0")
    live = commit(git, "v1.1.0")
    git("checkout", "--quiet", "v1.0.0")
    assert [each[13:] for each in way(tmp_path, live).gone] == ["v1.1.0"]
    commit(git, "hotfix")
    assert [each[13:] for each in way(tmp_path, live).gone] == ["v1.1.0"]


def test_a_commit_that_was_never_fetched_is_not_known(tmp_path: Path, git: Git) -> None:
    commit(git, "next")
    assert not way(tmp_path, "0123456789ab").known
