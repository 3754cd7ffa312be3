"""By which steps a release reaches everybody, and what people are told of each before anything moves."""

from __future__ import annotations

import pytest

from bulkhead.delivery.observed import Count
from bulkhead.delivery.strategy import Load, Road, Strategy, road
from bulkhead.delivery.verdict import Terms
from bulkhead.model.settings.models import Rollout
from tests.support.settings_fixture import make_settings


def rollout(strategy: Strategy = "canary", watch: int = 30, steps: tuple[int, ...] = (10, 50, 100)) -> Rollout:
    return Rollout(strategy=strategy, steps=steps, bake_minutes=10, watch_minutes=watch)


def shares(found: Road) -> list[tuple[str, int, int]]:
    return [(step.name, step.stable, step.new) for step in found.steps]


BUSY = {"web": Load(60.0)}


def test_a_canary_takes_its_shares_then_everybody_then_watches() -> None:
    found = road(rollout(), BUSY)
    assert (found.strategy, found.why, found.way_back) == ("canary", "", True)
    assert shares(found) == [("10 %", 90, 10), ("50 %", 50, 50), ("everybody", 0, 100), ("watch", 0, 100)]
    assert [step.terms.least for step in found.steps if step.terms] == [10, 10, 30]
    assert [step.terms.last for step in found.steps if step.terms] == [False, False, True]


def test_without_a_watch_the_last_share_decides_and_people_are_told() -> None:
    found = road(rollout(watch=0), BUSY)
    assert [step.terms.last for step in found.steps if step.terms] == [False, True]
    assert "no minutes of watching are set" in found.steps[-1].sees[0]


def test_blue_green_is_checked_at_no_share_then_switched_then_watched() -> None:
    found = road(rollout("blue-green"), BUSY)
    assert shares(found) == [("check", 100, 0), ("everybody", 0, 100), ("watch", 0, 100)]
    check = found.steps[0].terms
    assert check
    assert not check.users
    assert "nothing of what only users do" in found.steps[0].sees[0]


def test_all_at_once_says_that_nothing_is_known_before() -> None:
    [step] = road(rollout("all-at-once", watch=0), BUSY).steps
    assert step.terms is None
    assert "everybody meets the new version before anything is known of it" in step.sees


@pytest.mark.parametrize(
    ("traffic", "proposed"), [(1, "blue-green"), (14, "blue-green"), (15, "canary"), (50, "canary")]
)
def test_below_about_fifteen_requests_a_minute_blue_green_is_proposed(traffic: float, proposed: str) -> None:
    found = road(rollout(), {"web": Load(traffic)})
    assert found.strategy == proposed
    assert (f"web has {traffic} requests a minute: 10 % of them" in found.why) == (proposed == "blue-green")


def test_a_larger_first_share_can_tell_with_less_traffic() -> None:
    assert road(rollout(steps=(50, 100)), {"web": Load(4.0)}).strategy == "canary"


def test_where_requests_often_fail_in_any_case_it_takes_more_traffic() -> None:
    assert road(rollout(), {"web": Load(20.0)}).strategy == "canary"
    assert road(rollout(), {"web": Load(20.0, Count(1000, 50))}).strategy == "blue-green"


def test_what_a_person_insists_on_is_done_and_its_price_is_told() -> None:
    found = road(rollout(), {"web": Load(1.0)}, strategy="canary")
    assert found.strategy == "canary"
    assert found.steps[0].waits.endswith(
        "about 20 h where nothing fails, which is longer than it is given; it holds after 6 h"
    )
    assert road(rollout(), BUSY, strategy="blue-green").why == "blue-green was asked for"


def test_where_nobody_asks_a_share_holds_and_a_watch_is_ended_by_probes() -> None:
    found = road(rollout(), {"web": Load()})
    assert found.why.endswith("could never tell a good version from a bad one")
    assert "nobody asks, and while that is so, probes alone end it" in found.steps[-1].waits
    assert found.steps[-1].sees == ("web: no user's request; only probes tell anything",)
    assert "nobody asks, so it holds" in road(rollout(), {"web": Load()}, strategy="canary").steps[0].waits


@pytest.mark.parametrize("classes", [(), ("web",)])
def test_a_release_at_once_is_watched_without_another_version_beside_it(classes: tuple[str, ...]) -> None:
    watch = road(rollout("all-at-once"), BUSY, classes).steps[-1]
    assert watch.terms
    assert not watch.terms.control
    assert any("no other version can be asked beside it" in line for line in watch.sees)
    assert road(rollout(), BUSY).steps[-1].terms == Terms("watch", 100, 30, last=True)


def test_each_step_says_after_how_long_which_failures_show() -> None:
    tenth = road(rollout(), {"web": Load(30.0)}).steps[0]
    assert tenth.sees[0] == (
        "web: at 3 requests a minute, failures of so many requests show after about: "
        "5 % 48 min, 20 % 14 min, 100 % 7 min"
    )


def test_a_quiet_worker_decides_no_step_but_is_looked_at() -> None:
    found = road(rollout(), {"web": Load(200.0), "cleanup": Load(0.1)})
    assert found.strategy == "canary"
    assert [step.judges for step in found.steps if step.terms] == [("web",)] * 3
    assert any(line.startswith("cleanup: too few requests to decide") for line in found.steps[0].sees)


def test_a_worker_that_is_too_quiet_for_an_early_share_decides_the_last_step() -> None:
    found = road(rollout(), {"web": Load(200.0), "booking": Load(5.0)})
    assert [step.judges for step in found.steps if step.terms] == [("web",), ("web", "booking"), ("web", "booking")]


def test_a_release_whose_classes_change_goes_alone_and_has_no_way_back() -> None:
    found = road(rollout(), BUSY | {"booking": Load(9.0)}, classes=["booking"], strategy="canary")
    assert (found.strategy, found.way_back) == ("all-at-once", False)
    assert shares(found) == [("everybody", 0, 100), ("watch", 0, 100)]
    assert "the classes of booking change" in found.why
    assert "there is no way back" in found.steps[0].sees[0]
    watch = found.steps[1].terms
    assert watch
    assert not watch.way_back


def test_a_canary_of_one_step_is_what_the_settings_say() -> None:
    found = road(rollout(steps=(100,), watch=0), {"web": Load(1.0)})
    assert shares(found) == [("everybody", 0, 100)]


def test_a_push_to_staging_is_checked_for_two_minutes() -> None:
    check = road(make_settings("staging").rollout, {"web": Load()}).steps[0]
    assert check.terms == Terms("check", 0, 2, users=False)


def test_traffic_that_nobody_knows_now_does_not_send_everybody_a_version_that_a_share_would_judge() -> None:
    """While Cloudflare's analytics do not answer, a busy site looks as an idle one does."""
    found = road(rollout(), {"web": Load(known=False), "clerk": Load(known=False)})
    assert found.strategy == "canary"
    assert "nobody can say now how many requests web and clerk have" in found.why
    assert found.steps[0].judges == ("web", "clerk"), "none of them is known to be too idle to decide it"
    assert "not known now" in found.steps[0].waits
    assert any("web: how many requests it has is not known now" in line for line in found.steps[0].sees)
