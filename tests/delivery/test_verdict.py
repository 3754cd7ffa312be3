"""What sends a new version back, what lets it go on, and what neither does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import pytest

from bulkhead.delivery.observed import Count, Minute, Probes
from bulkhead.delivery.verdict import LATE, Decision, Evidence, Terms, Verdict, together

RECORD = Count(3000, 3, 200.0)
TENTH = Terms("10 %", 10, 10)
WATCH = Terms("watch", 100, 30, last=True)
CHECK = Terms("check", 0, 10, users=False)
FINE = Probes(6)


def begun(terms: Terms, record: Count = RECORD, zone: Count = RECORD) -> Evidence:
    return Evidence(record, zone).entering(terms, 0)


def a_tenth_of(requests: int, errors: int = 0, stable_errors: int = 0) -> Callable[[int], Minute]:
    def minute(at: int) -> Minute:
        return Minute(at, Count(9 * requests, stable_errors), Count(requests, errors), FINE)

    return minute


def everybody(requests: int, errors: int = 0, probes: Probes = FINE) -> Callable[[int], Minute]:
    return lambda at: Minute(at, Count(), Count(requests, errors), probes)


def asked(probes: Probes) -> Callable[[int], Minute]:
    return lambda at: Minute(at, probes=probes)


def through(evidence: Evidence, minute: Callable[[int], Minute], most: int = 500) -> tuple[Evidence, Decision, int]:
    """Live through minutes as a run does, users' late, until something is decided; return also how many it took."""
    first = max(evidence.probed, evidence.since - 1) + 1
    for at in range(first, first + most):
        whole = minute(at)
        evidence = evidence.after(Minute(at, probes=whole.probes))
        if at - LATE > evidence.counted and at - LATE >= first:
            evidence = evidence.after(replace(minute(at - LATE), probes=None))
        if evidence.decision.verdict is not Verdict.WAIT:
            break
    return evidence, evidence.decision, at - first + 1


def said(evidence: Evidence, minute: Callable[[int], Minute], most: int = 500) -> Verdict:
    return through(evidence, minute, most)[1].verdict


# Probes convict.


def test_two_probes_that_fail_on_the_new_version_alone_send_it_back_at_once() -> None:
    _, decision, minutes = through(begun(TENTH), asked(Probes(6, new_alone=2)))
    assert (decision.verdict, minutes) == (Verdict.BACK, 1)
    assert "2 times within 10 minutes a probe failed on the new version alone" in decision.reason


def test_failures_of_the_new_version_alone_count_together_within_ten_minutes_only() -> None:
    evidence = begun(TENTH).after(Minute(1, probes=Probes(6, new_alone=1)))
    apart = evidence
    for at in range(2, 11):
        evidence, apart = evidence.after(Minute(at, probes=FINE)), apart.after(Minute(at, probes=FINE))
    assert evidence.after(Minute(10, probes=FINE)).decision.verdict is Verdict.WAIT
    within = (
        begun(TENTH).after(Minute(1, probes=Probes(6, new_alone=1))).after(Minute(10, probes=Probes(6, new_alone=1)))
    )
    assert within.decision.verdict is Verdict.BACK
    assert apart.after(Minute(11, probes=Probes(6, new_alone=1))).decision.verdict is Verdict.WAIT


def test_as_many_failures_of_stable_alone_take_a_conviction_away() -> None:
    evidence = begun(TENTH)
    for at, probes in enumerate((Probes(6, stable_alone=1), FINE, FINE, Probes(6, new_alone=1), FINE, FINE), start=1):
        evidence = evidence.after(Minute(at, probes=probes))
    assert evidence.after(Minute(7, probes=Probes(6, new_alone=1))).decision.verdict is Verdict.WAIT


def test_a_minute_in_which_stable_fails_as_well_convicts_nobody() -> None:
    evidence = begun(TENTH)
    for at in range(1, 6):
        evidence = evidence.after(Minute(at, probes=Probes(6, new_alone=1, stable_alone=1, both=2)))
    assert evidence.decision.verdict is Verdict.WAIT


def test_the_minute_after_one_in_which_stable_failed_convicts_nobody() -> None:
    evidence = begun(TENTH).after(Minute(1, probes=Probes(6, both=2)))
    assert evidence.after(Minute(2, probes=Probes(6, new_alone=2))).decision.verdict is Verdict.WAIT
    assert evidence.after(Minute(3, probes=Probes(6, new_alone=2))).decision.verdict is Verdict.BACK


def test_a_probe_that_failed_on_the_new_version_alone_is_waited_out() -> None:
    once = asked(FINE)
    evidence, decision, minutes = through(
        begun(CHECK), lambda at: Minute(at, probes=Probes(6, new_alone=1)) if at == 9 else once(at)
    )
    assert (decision.verdict, minutes) == (Verdict.ON, 19)
    assert evidence.known == 19


def test_a_dead_version_is_sent_back_although_one_probe_fails_on_both() -> None:
    _, decision, minutes = through(begun(TENTH), asked(Probes(6, new_alone=5, both=1)))
    assert decision.verdict is Verdict.BACK
    assert minutes <= 2


def test_probes_that_pass_never_promote() -> None:
    evidence, decision, _ = through(begun(TENTH), asked(FINE), most=10)
    assert decision.verdict is Verdict.WAIT
    _, decision, _ = through(evidence, asked(FINE))
    assert decision.verdict is Verdict.HOLD
    assert "nothing is known of what users met" in decision.reason


# Users acquit.


def test_users_requests_let_it_go_on_after_the_least_minutes() -> None:
    evidence, decision, minutes = through(begun(TENTH), a_tenth_of(50))
    assert (decision.verdict, minutes) == (Verdict.ON, 10 + LATE)
    assert decision.reason == ("the new version failed 0 of 500 requests (0.0 %), stable 3 of 7500 requests (0.0 %)")
    assert evidence.known == 10


def test_few_requests_take_longer_than_the_least_minutes() -> None:
    _, decision, minutes = through(begun(TENTH), a_tenth_of(2))
    assert decision.verdict is Verdict.ON
    assert 30 < minutes < 90


@pytest.mark.parametrize(("requests", "errors"), [(2, 1), (50, 5), (500, 40)])
def test_users_who_fail_oftener_than_on_stable_send_it_back(requests: int, errors: int) -> None:
    _, decision, _ = through(begun(TENTH), a_tenth_of(requests, errors))
    assert decision.verdict is Verdict.BACK
    assert "the new version failed" in decision.reason
    assert "stable failed 3 of" in decision.reason


def test_errors_that_are_usual_convict_nobody() -> None:
    often = Count(3000, 300, 200.0)
    evidence = begun(TENTH, often, often)
    assert said(evidence, lambda at: Minute(at, Count(450, 45), Count(50, 5), FINE, Count(500, 50))) is Verdict.ON


def test_a_minute_in_which_users_of_stable_fail_as_well_is_no_evidence() -> None:
    def minute(at: int) -> Minute:
        return Minute(at, Count(450, 180), Count(50, 20), FINE) if at in range(3, 8) else a_tenth_of(50)(at)

    evidence, decision, minutes = through(begun(TENTH), minute)
    assert decision.verdict is Verdict.ON
    assert minutes > 10 + LATE
    assert evidence.errors.seen.errors == 0


def test_the_minute_after_one_in_which_users_of_stable_failed_is_no_evidence() -> None:
    evidence = begun(TENTH).after(Minute(1, Count(450, 180), Count(50, 20)))
    evidence = evidence.after(Minute(2, Count(450, 2), Count(50, 25)))
    assert evidence.decision.verdict is Verdict.WAIT
    assert evidence.after(Minute(3, Count(450, 2), Count(50, 25))).decision.verdict is Verdict.BACK


def test_users_beside_a_minute_in_which_probes_of_stable_failed_are_no_evidence() -> None:
    evidence = begun(TENTH).after(Minute(5, probes=Probes(6, both=1)))
    for at in (4, 5, 6):
        evidence = evidence.after(Minute(at, Count(50), Count(50, 25)))
    assert evidence.decision.verdict is Verdict.WAIT
    assert evidence.after(Minute(7, Count(50), Count(50, 25))).decision.verdict is Verdict.BACK


def test_requests_that_each_stand_for_many_weigh_as_those_that_were_looked_at() -> None:
    one = begun(TENTH).after(Minute(1, Count(900), Count(100, 10)))
    estimated = begun(TENTH).after(Minute(1, Count(900), Count(100, 10, sample=10.0)))
    assert one.decision.verdict is Verdict.BACK
    assert estimated.decision.verdict is Verdict.WAIT


def test_where_requests_often_fail_a_few_more_are_no_reason() -> None:
    often = Count(3000, 600, 200.0)
    evidence = begun(TENTH, often, often)
    assert said(evidence, lambda at: Minute(at, Count(450, 90), Count(50, 12), FINE)) is Verdict.ON


def test_errors_at_the_end_of_a_good_watch_are_looked_into() -> None:
    evidence = begun(WATCH)
    for at in range(1, 30):
        evidence = evidence.after(everybody(50)(at))
    evidence = evidence.after(everybody(50, 3)(30))
    assert evidence.decision.verdict is Verdict.WAIT
    assert evidence.after(everybody(200)(31)).decision.verdict is Verdict.ON


def test_a_zone_that_fails_somewhat_oftener_is_waited_for() -> None:
    evidence = begun(replace(WATCH, least=1)).after(Minute(1, Count(), Count(300), edge=Count(300, 4)))
    assert evidence.decision.verdict is Verdict.WAIT
    assert "the zone answered 5xx to 4 of 300 requests" in evidence.decision.reason


def test_trouble_that_stays_is_given_to_a_person() -> None:
    _, decision, minutes = through(begun(TENTH), lambda at: Minute(at, Count(450, 180), Count(50, 20), FINE))
    assert (decision.verdict, minutes) == (Verdict.HOLD, 30 + LATE)
    assert "stable failed as well" in decision.reason


def test_what_the_step_before_showed_ends_no_step() -> None:
    evidence, _, minutes = through(begun(TENTH), a_tenth_of(50))
    half = evidence.entering(Terms("50 %", 50, 0), minutes)
    for at in range(minutes + 1, minutes + LATE + 1):
        half = half.after(Minute(at, probes=FINE)).after(Minute(at - LATE, Count(900), Count(5000)))
        assert half.decision.verdict is Verdict.WAIT
    few = half.after(Minute(minutes + 1, Count(5), Count(5)))
    assert few.decision.verdict is Verdict.WAIT
    assert "failed 0 of 5 requests" in few.decision.reason
    assert few.after(Minute(minutes + 2, Count(250), Count(250))).decision.verdict is Verdict.ON


def test_each_step_lasts_its_own_least_minutes() -> None:
    evidence, _, minutes = through(begun(TENTH), a_tenth_of(50))
    half = evidence.entering(Terms("50 %", 50, 10), minutes)
    half = half.after(Minute(minutes + 1, Count(500), Count(500)))
    assert half.decision == Decision(Verdict.WAIT, "1 of at least 10 minutes are known")


def test_what_is_suspected_in_one_step_is_still_suspected_in_the_next() -> None:
    some = begun(TENTH).after(Minute(1, Count(180), Count(20, 4)))
    half = some.entering(Terms("50 %", 50, 10), 1)
    assert half.decision.verdict is Verdict.WAIT
    assert half.after(Minute(2, Count(20), Count(20, 3))).decision.verdict is Verdict.BACK
    assert begun(TENTH).after(Minute(2, Count(20), Count(20, 3))).decision.verdict is Verdict.WAIT


def test_what_the_step_before_showed_still_sends_it_back() -> None:
    evidence, _, minutes = through(begun(TENTH), a_tenth_of(50))
    half = evidence.entering(Terms("50 %", 50, 10), minutes)
    late = half.after(Minute(minutes, Count(450), Count(50, 25)))
    assert late.decision.verdict is Verdict.BACK


def test_a_version_that_rots_after_hours_of_good_service_is_sent_back_as_soon() -> None:
    evidence = begun(WATCH)
    for at in range(1, 300):
        evidence = evidence.after(everybody(50)(at))
    _, decision, minutes = through(begun(WATCH), everybody(50, 10))
    assert decision.verdict is Verdict.BACK
    for at in range(300, 303):
        evidence = evidence.after(everybody(50, 10)(at))
    assert evidence.decision.verdict is Verdict.BACK
    assert minutes <= LATE + 3


def test_answers_of_500_that_no_version_owns_up_to_send_it_back() -> None:
    def minute(at: int) -> Minute:
        return Minute(at, Count(), Count(50), FINE, Count(60, 6))

    _, decision, _ = through(begun(WATCH), minute)
    assert decision.verdict is Verdict.BACK
    assert "the zone answered 5xx to" in decision.reason
    unknown = begun(WATCH, zone=Count())
    assert said(unknown, minute) is Verdict.ON, "nobody knows how often the zone failed before"


# Nothing is known.


def test_no_user_at_all_is_given_to_a_person_with_figures() -> None:
    _, decision, minutes = through(begun(TENTH), a_tenth_of(0))
    assert decision.verdict is Verdict.HOLD
    assert minutes < 60
    assert "0 requests reached the new version in 30 minutes" in decision.reason


def test_users_too_few_to_tell_within_the_patience_are_not_waited_for() -> None:
    def minute(at: int) -> Minute:
        return Minute(at, Count(1), Count(int(at % 10 == 0)), FINE)

    _, decision, minutes = through(begun(TENTH), minute)
    assert decision.verdict is Verdict.HOLD
    assert minutes < 60
    assert "will not come within 360 minutes" in decision.reason


def test_a_night_in_which_nobody_looked_is_no_time_that_was_waited() -> None:
    """A part of a rollout waits for its reviewers as long as they sleep: then users are asked on, not a person."""
    evidence, decision, _ = through(begun(TENTH), a_tenth_of(10), most=8)
    assert decision.verdict is Verdict.WAIT
    morning = replace(evidence, probed=evidence.probed + 600)
    assert said(morning, a_tenth_of(10)) is Verdict.ON


def test_users_who_rather_convict_are_waited_for() -> None:
    def minute(at: int) -> Minute:
        return Minute(at, Count(), Count(1, int(at % 8 == 0)), FINE)

    assert said(begun(WATCH), minute) is Verdict.BACK


def test_an_override_that_is_not_applied_holds() -> None:
    _, decision, minutes = through(begun(CHECK), asked(Probes(6, unapplied=6)))
    assert (decision.verdict, minutes) == (Verdict.HOLD, 10)
    assert "another version answered 6 of 6 probes" in decision.reason
    partly = lambda at: replace(a_tenth_of(50)(at), probes=Probes(6, unapplied=1))  # noqa: E731
    assert said(begun(TENTH), partly) is Verdict.HOLD


def test_nothing_goes_on_while_another_version_answers_the_probes() -> None:
    evidence, decision, minutes = through(begun(TENTH), a_tenth_of(50))
    assert decision.verdict is Verdict.ON
    astray = evidence.after(Minute(minutes + 1, probes=Probes(6, unapplied=1)))
    assert astray.decision == Decision(Verdict.WAIT, "another version answered 1 of 6 probes")


def test_an_override_that_is_applied_late_costs_time_only() -> None:
    _, decision, minutes = through(begun(CHECK), lambda at: Minute(at, probes=Probes(6, unapplied=6 * (at < 4))))
    assert (decision.verdict, minutes) == (Verdict.ON, 13)
    assert "users have not met it" in decision.reason


def test_a_check_that_asks_nothing_passes_nothing() -> None:
    assert said(begun(CHECK), asked(Probes())) is Verdict.HOLD


def test_a_step_with_a_long_watch_is_no_longer_than_its_patience_allows() -> None:
    _, decision, minutes = through(begun(replace(WATCH, least=600)), everybody(50), most=1000)
    assert (decision.verdict, minutes) == (Verdict.ON, 600 + LATE)


def test_without_a_way_back_a_person_is_asked() -> None:
    _, decision, _ = through(begun(replace(WATCH, way_back=False)), everybody(50, 10))
    assert decision.verdict is Verdict.HOLD
    assert decision.reason.endswith("and there is no way back")


# Nothing stands beside it.

UNCOMPARED = replace(WATCH, control=False)


def test_without_another_version_probes_and_users_are_held_against_what_was_usual_before() -> None:
    assert said(begun(UNCOMPARED), everybody(50)) is Verdict.ON
    assert said(begun(UNCOMPARED), everybody(50, 10)) is Verdict.BACK


def test_without_another_version_it_takes_three_minutes_of_failed_probes() -> None:
    def failing(minutes: int) -> Callable[[int], Minute]:
        return lambda at: everybody(50, probes=Probes(6, new_alone=6 * (at <= minutes)))(at)

    _, decision, minutes = through(begun(UNCOMPARED), failing(3))
    assert (decision.verdict, minutes) == (Verdict.BACK, 3)
    assert decision.reason == "in 3 of 10 minutes a probe failed, and there is no other version to compare it with"
    assert said(begun(UNCOMPARED), failing(2)) is Verdict.ON


def test_another_version_that_answers_for_it_is_no_override_that_failed() -> None:
    _, decision, _ = through(begun(UNCOMPARED), everybody(50, probes=Probes(6, unapplied=6)))
    assert decision == Decision(Verdict.HOLD, "for 10 minutes another version answered 6 of 6 probes")


# Nobody asks.


def test_a_watch_of_what_nobody_ever_asked_is_ended_by_probes() -> None:
    quiet = begun(WATCH, Count(), Count())
    evidence, decision, minutes = through(quiet, everybody(0))
    assert (decision.verdict, minutes) == (Verdict.ON, 30 + LATE)
    assert "nobody else asked, before it either" in decision.reason
    assert evidence.known == 30


@pytest.mark.parametrize(
    ("evidence", "probes"),
    [
        (begun(WATCH), FINE),  # users came before: that none come now may be the fault
        (begun(WATCH, Count(), Count()), Probes()),
        (begun(replace(TENTH, least=30), Count(), Count()), FINE),
    ],
    ids=["users came before", "no probe asks", "a share"],
)
def test_nobody_asking_lets_nothing_else_go_on(evidence: Evidence, probes: Probes) -> None:
    assert said(evidence, everybody(0, probes=probes)) is Verdict.HOLD


def test_a_probe_that_fails_where_nobody_asks_sends_it_back() -> None:
    assert said(begun(WATCH, Count(), Count()), everybody(0, probes=Probes(6, new_alone=1))) is Verdict.BACK


# It is slow.


def timed(requests: int, p95: float) -> Callable[[int], Minute]:
    return lambda at: Minute(at, Count(9 * requests, 0, 200.0), Count(requests, 0, p95), FINE)


def test_a_version_that_is_only_slow_for_users_is_sent_back() -> None:
    _, decision, _ = through(begun(TENTH), timed(50, 450.0))
    assert decision.verdict is Verdict.BACK
    assert "95 of 100 of 100 requests took up to 450 ms, stable's up to 200 ms" in decision.reason


def test_users_who_waited_once_are_asked_again() -> None:
    evidence = begun(replace(TENTH, least=1)).after(timed(200, 450.0)(1))
    assert evidence.decision.verdict is Verdict.WAIT
    assert "up to 450 ms" in evidence.decision.reason
    assert evidence.after(timed(200, 210.0)(2)).decision.verdict is Verdict.ON


def test_a_probe_that_was_often_slower_is_waited_for() -> None:
    def slow_at_first(at: int) -> Minute:
        return Minute(at, probes=Probes(6, times={"home": (300.0 if at <= 9 else 100.0, 100.0)}))

    evidence, decision, minutes = through(begun(CHECK), slow_at_first)
    assert (decision.verdict, minutes) == (Verdict.ON, 14)
    assert evidence.pace.probes == {"home": 4}


def test_what_nobody_notices_is_not_slow() -> None:
    assert said(begun(CHECK), lambda at: Minute(at, probes=Probes(6, times={"home": (9.0, 3.0)}))) is Verdict.ON


def test_a_version_that_is_hardly_slower_goes_on() -> None:
    assert said(begun(TENTH), timed(50, 240.0)) is Verdict.ON


def test_below_a_hundred_requests_there_is_no_p95() -> None:
    evidence = begun(Terms("10 %", 10, 1))
    for at in range(1, 50):
        evidence = evidence.after(timed(2, 900.0)(at))
    assert "p95" not in evidence.decision.reason
    assert evidence.pace.users == 0
    assert evidence.after(timed(2, 900.0)(50)).pace.users == 1


def test_the_last_step_waits_for_a_p95_where_times_are_known() -> None:
    def minute(at: int) -> Minute:
        return Minute(at, Count(), Count(200 if at == 40 else 0, 0, 150.0), FINE)

    evidence = begun(replace(WATCH, least=1)).after(Minute(1, Count(), Count(99, 0, 150.0)))
    evidence = replace(evidence, errors=replace(evidence.errors, trust=-100.0))
    assert "the last 99 requests have no p95" in evidence.decision.reason
    assert evidence.after(minute(40)).decision.verdict is Verdict.ON


def test_a_version_that_slows_down_at_the_end_of_the_watch_is_looked_into() -> None:
    evidence = begun(WATCH)
    for at in range(1, 37):
        evidence = evidence.after(Minute(at, Count(), Count(5, 0, 200.0 if at <= 20 else 900.0), FINE))
    assert evidence.decision == Decision(Verdict.WAIT, "the last 80 requests have no p95 that says anything; 100 have")
    for at in range(37, 41):
        evidence = evidence.after(Minute(at, Count(), Count(5, 0, 900.0), FINE))
    assert "95 of 100 of 100 requests took up to 900 ms" in evidence.decision.reason


def test_a_probe_that_is_slower_again_and_again_sends_it_back() -> None:
    def slow(at: int) -> Minute:
        return Minute(at, probes=Probes(6, times={"home": (300.0, 100.0), "search": (80.0, 90.0)}))

    _, decision, minutes = through(begun(CHECK), slow)
    assert (decision.verdict, minutes) == (Verdict.BACK, 10)
    assert "probe home took over 1.5 times as long" in decision.reason


def test_times_that_scatter_as_much_on_both_send_nobody_back() -> None:
    draw = Random(3)  # noqa: S311

    def minute(at: int) -> Minute:
        times = {name: (100 * draw.lognormvariate(0, 0.4), 100 * draw.lognormvariate(0, 0.4)) for name in "abcdef"}
        return Minute(at, Count(50, 0, 200.0), Count(50, 0, 200.0), Probes(6, times=times))

    assert said(begun(replace(TENTH, least=200)), minute) is Verdict.ON


# A run that was killed goes on.


def anything(draw: Random) -> Iterator[Minute]:
    for at in range(1, 80):
        bad = draw.random() < 0.05
        times = {"home": (draw.uniform(50, 400), draw.uniform(50, 400))} if draw.random() < 0.8 else {}
        probes = Probes(6, new_alone=int(bad), both=int(draw.random() < 0.1), unapplied=int(bad), times=times)
        yield Minute(at, probes=probes)
        if at > LATE and draw.random() < 0.9:
            new = Count(
                draw.randrange(90), draw.randrange(3) * bad, draw.choice((None, 123.4)), draw.choice((1.0, 4.0))
            )
            yield Minute(at - LATE, Count(draw.randrange(400), draw.randrange(5), 99.0), new, edge=Count(500, 2))


@pytest.mark.parametrize("seed", range(40))
def test_evidence_that_was_written_down_and_told_again_decides_the_same(seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    minutes = list(anything(draw))
    whole = broken = begun(draw.choice((TENTH, WATCH, CHECK)))
    killed = draw.randrange(len(minutes))
    for number, minute in enumerate(minutes):
        whole, broken = whole.after(minute), broken.after(minute)
        if number == killed:
            broken = Evidence.of_json(json.loads(json.dumps(broken.as_json())))
            for again in minutes[max(0, number - 8) : number + 1]:
                broken = broken.after(again)
        assert broken.decision == whole.decision
    assert broken == whole


@pytest.mark.parametrize("terms", [TENTH, CHECK])
def test_the_time_in_which_a_run_lay_killed_is_held_against_nobody(terms: Terms) -> None:
    evidence, decision, _ = through(begun(terms), a_tenth_of(50), most=9)
    assert decision.verdict is Verdict.WAIT
    later = evidence.after(Minute(evidence.probed + 120, probes=Probes(6, unapplied=6)))
    assert later.decision.verdict is Verdict.WAIT
    assert through(later, a_tenth_of(50))[1].verdict is Verdict.ON


def test_what_is_no_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="record"):
        Evidence.of_json({"record": "nothing"})


# Several Workers.


def test_any_worker_sends_all_back_and_only_judges_let_them_go_on() -> None:
    web, cleanup = Decision(Verdict.ON, "fine"), Decision(Verdict.HOLD, "nobody asks")
    both = {"web": web, "cleanup": cleanup}
    assert together(both, ["web"]) == Decision(Verdict.ON, "web: fine")
    assert together(both, ["web", "cleanup"]) == Decision(Verdict.HOLD, "cleanup: nobody asks")
    bad = together(both | {"cleanup": Decision(Verdict.BACK, "it fails", convicts=True)}, ["web"])
    assert bad == Decision(Verdict.BACK, "cleanup: it fails", convicts=True)


def test_a_quiet_worker_that_is_found_bad_is_heard_where_nothing_goes_back() -> None:
    web = begun(replace(WATCH, way_back=False, control=False)).decision
    cleanup = through(begun(replace(WATCH, way_back=False, control=False)), everybody(50, 50))[1]
    said_together = together({"web": web, "cleanup": cleanup}, ["web"])
    assert said_together.verdict is Verdict.HOLD
    assert said_together.reason.startswith("cleanup: ")
