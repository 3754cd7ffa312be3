"""The steps by which a new version reaches everybody, and what each of them can see at the stage's traffic (pure).

What is cheap to know is said before anything moves: at 10 % of 3 requests a minute, it takes hours to tell a version
that fails one request in twenty from a good one, and a canary would only stand there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bulkhead.delivery.observed import NOTHING, Count
from bulkhead.delivery.scores import doubtful, needed, usual
from bulkhead.delivery.times import FEWEST
from bulkhead.delivery.verdict import LATE, Terms
from bulkhead.model.settings.models import Rollout

Strategy = Literal["all-at-once", "blue-green", "canary"]
EVERYBODY: Final = 100
CHECK: Final = "check"
_LONGEST: Final = 80  # minutes that a share may take to tell; for 10 %, that is about 15 requests a minute
_SHOWN: Final = (0.05, 0.2, 1.0)  # shares of requests that a bad version fails
_HOUR: Final = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of a Worker that moves: its requests a ``minute``, and what its users met before, which says how
    often they fail in any case. Where nothing is ``known``, because nobody tells it now, that is not no requests."""

    minute: float = 0.0
    record: Count = NOTHING
    known: bool = True

    def minutes(self, share: int, margin: float) -> float:
        """Return after how many minutes at that share a good version is trusted, as a rule; infinity where never."""
        return needed(usual(self.record), margin) / (self.minute * share / EVERYBODY) if self.minute else float("inf")


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``new`` and ``stable`` are shares in percent; ``terms`` is what `Evidence.entering` takes, None where
    nothing is waited for. ``judges`` are the Workers whose users are enough to decide it. ``waits`` and ``sees`` tell
    people what must be seen before it ends, and what can and cannot be seen in it."""

    name: str
    new: int
    terms: Terms | None
    judges: tuple[str, ...]
    waits: str
    sees: tuple[str, ...] = ()

    @property
    def stable(self) -> int:
        return EVERYBODY - self.new


@dataclass(frozen=True, slots=True)
class Road:
    """The steps in their order. ``strategy`` is what they follow; ``why`` says why that is not what the settings say,
    empty where it is. Without ``way_back``, nothing returns once the release is live."""

    strategy: Strategy
    steps: tuple[Step, ...]
    why: str = ""
    way_back: bool = True


def road(
    rollout: Rollout,
    loads: Mapping[str, Load],
    classes: Sequence[str] = (),
    strategy: Strategy | None = None,
    *,
    asked: bool = True,
    way_back: bool = True,
) -> Road:
    """Return the road of a release that moves the Workers of ``loads``. ``classes`` are those whose classes change.
    ``strategy`` is what a person insists on; else a canary that could not tell anything is replaced. ``asked``: whether
    a probe reaches one of the Workers; none can where queues and crons call them all, and a check would see nothing.
    Without ``way_back``, what came before must not answer again."""
    chosen, why = _chosen(rollout, loads, classes, strategy)
    way_back = way_back and not classes
    shares = rollout.steps[:-1] if chosen == "canary" else ()
    decisive = bool(rollout.watch_minutes)
    steps = [
        _share(loads, Terms(f"{share} %", share, rollout.bake_minutes, last=share == shares[-1] and not decisive))
        for share in shares
    ]
    if chosen == "blue-green" and asked:
        steps.append(_check(loads, rollout.bake_minutes))
    steps.append(_everybody(chosen, asked=asked, decisive=decisive, way_back=way_back))
    if decisive:
        control = chosen != "all-at-once"
        terms = Terms("watch", EVERYBODY, rollout.watch_minutes, last=True, way_back=way_back, control=control)
        steps.append(_share(loads, terms))
    return Road(chosen, tuple(steps), why, way_back)


def _chosen(
    rollout: Rollout, loads: Mapping[str, Load], classes: Sequence[str], insisted: Strategy | None
) -> tuple[Strategy, str]:
    """Return what is followed, and why not what the settings say."""
    if classes:
        changed = (
            f"the classes of {', '.join(classes)} change: two versions with different classes cannot share traffic"
        )
        return "all-at-once", "" if rollout.strategy == "all-at-once" else changed
    if insisted:
        return insisted, "" if insisted == rollout.strategy else f"{insisted} was asked for"
    if rollout.strategy != "canary" or rollout.steps[0] == EVERYBODY:
        return rollout.strategy, ""
    first = Terms("", rollout.steps[0], 0)
    name, soonest = min(
        ((name, load.minutes(rollout.steps[0], first.margin)) for name, load in loads.items()),
        key=lambda each: each[1],
        default=("no Worker", float("inf")),
    )
    if soonest <= _LONGEST:
        return "canary", ""
    if unknown := [name for name, load in loads.items() if not load.known]:
        return "canary", f"nobody can say now how many requests {' and '.join(unknown)} have: users decide all the same"
    busiest = f"{name} has {loads[name].minute:g} requests a minute" if loads else "no Worker moves"
    never, told = soonest == float("inf"), "tell a good version from a bad one"
    could = f"never {told}" if never else f"{told} after {_while(soonest)}"
    return "blue-green", f"{busiest}: {rollout.steps[0]} % of them could {could}"


def _share(loads: Mapping[str, Load], terms: Terms) -> Step:
    share = int(terms.share)
    longest = terms.least + terms.patience if terms.last else _LONGEST
    soon = {name: load.minutes(share, terms.margin) for name, load in loads.items()}
    judges = tuple(name for name in loads if soon[name] <= longest or not loads[name].known) or tuple(
        sorted(soon, key=soon.__getitem__)[:1]
    )
    takes = max((soon[name] for name in judges), default=float("inf"))
    waits = f"at least {terms.least} minutes, and until users' requests tell it from stable: "
    if not all(loads[name].known for name in judges):
        waits += "how long that takes is not known now"
    elif takes == float("inf") and share == EVERYBODY:
        waits = f"{terms.least} minutes; nobody asks, and while that is so, probes alone end it"
    elif takes == float("inf"):
        waits += "nobody asks, so it holds, and a person decides"
    else:
        waits += f"about {_while(max(terms.least, takes) + LATE)} where nothing fails"
        if takes > terms.least + terms.patience:
            waits += f", which is longer than it is given; it holds after {_while(terms.least + terms.patience)}"
    sees = [line for name, load in loads.items() for line in _seen(name, load, share, decides=name in judges)]
    if not terms.control:
        sees.append("no other version can be asked beside it: a fault that would meet both counts against it")
    if not terms.way_back:
        sees.append("nothing can be sent back: what is seen holds the release, and a person decides")
    return Step(terms.step, share, terms, judges, waits, tuple(sees))


def _seen(name: str, load: Load, share: int, *, decides: bool) -> list[str]:
    minute = load.minute * share / EVERYBODY
    if not load.known:
        return [f"{name}: how many requests it has is not known now, so nobody can say what it shows"]
    if not minute:
        return [f"{name}: no user's request; only probes tell anything"]
    rate = usual(load.record)
    told = [
        f"{100 * excess:g} % {_while(requests / minute + LATE)}"
        for excess in _SHOWN
        if (requests := doubtful(rate, excess)) is not None
    ]
    lines = [
        f"{name}: at {minute:g} requests a minute, failures of so many requests show after about: {', '.join(told)}"
    ]
    slow = f"that it is slower for users, after about {_while(5 * FEWEST / minute + LATE)}"
    lines.append(f"{name}: {slow}")
    if not decides:
        lines.append(f"{name}: too few requests to decide this step; what fails can still send the release back")
    return lines


def _check(loads: Mapping[str, Load], minutes: int) -> Step:
    terms = Terms(CHECK, 0, minutes, users=False)
    sees = ("what probes touch, on both versions; nothing of what only users do",)
    waits = f"{max(1, minutes)} minutes in which both versions answer and no probe fails on the new one alone"
    return Step(CHECK, 0, terms, tuple(loads), waits, sees)


def _everybody(strategy: Strategy, *, asked: bool, decisive: bool, way_back: bool) -> Step:
    sees = [] if decisive else ["nobody looks at users' requests after it: no minutes of watching are set"]
    if not way_back:
        sees.append("there is no way back: the version before has other classes, or another store")
    elif strategy == "all-at-once" or not asked:
        sees.append("everybody meets the new version before anything is known of it")
    return Step("everybody", EVERYBODY, None, (), "nothing", tuple(sees))


def _while(minutes: float) -> str:
    """Return so many minutes in words: a figure that is a guess has no decimals."""
    if minutes < 2 * _HOUR:
        return f"{max(1, round(minutes))} min"
    return f"{round(minutes / _HOUR)} h" if minutes < 48 * _HOUR else f"{round(minutes / _HOUR / 24)} days"
