"""Which Workers of a stage go back, and to which version: those that the last release changed, and no others (pure).

The last release is that of the newest version that ever answered anybody, whether it still does or not. So a second
run after a first one that stopped half-way goes on with the rest, and after a whole one, or after somebody has gone
back in the dashboard, it does nothing: what was left behind is never brought back by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bulkhead.clients.workers import Version
from bulkhead.delivery.history import History
from bulkhead.model.faults import Fault, Refused

_ONE_RUN: Final = timedelta(minutes=10)
"""Uploads closer than this are of one `up`, where no commit says more."""
_SHORTEST: Final = 7  # letters of an id or a commit that are taken for it

_SUMMARY: Final = "Nothing was rolled back."


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one Worker: all its requests go to ``target``, or it stays as it is, and ``why``."""

    history: History
    target: Version | None
    why: str


def last_release(histories: Sequence[History]) -> list[Choice]:
    """Return what undoes the last release, Worker by Worker. Raises Refused where there is nothing to go back to."""
    released = [(history, version) for history in histories for version in history.deployed()]
    if not released:
        message = "no version answers anybody, and none ever did, as far as Cloudflare remembers"
        raise Refused(_SUMMARY, [Fault(each.script, message) for each in histories])
    first, newest = max(released, key=lambda each: each[1].created)
    alone = _only_settings(first, newest)
    choices = [_undone(each, newest, alone=alone) for each in histories]
    firsts = [each for each in choices if each.target is None and each.why == _FIRST]
    if firsts and all(each.target is None for each in choices):
        fix = "mend it and deploy again; `bulkhead versions` shows what is there"
        raise Refused(_SUMMARY, [Fault(each.history.script, each.why, fix) for each in firsts])
    return choices


def named(histories: Sequence[History], wanted: str) -> list[Choice]:
    """Return what brings back one version, or the whole stage as it was with a release. Raises Refused where nothing,
    or more than one thing, is called so."""
    every = [(history, version) for history in histories for version in history.versions.values()]
    by_id = [each for each in every if _is_called(each[1].id, wanted)]
    releases = {each[1].release for each in every}
    meant = [wanted] if wanted in releases else [each for each in sorted(releases) if _is_called(each, wanted)]
    if len(by_id) == 1 and not meant:
        return _to_version(histories, *by_id[0])
    if len(meant) == 1 and not by_id:
        return _to_release(histories, meant[0])
    found = [f"version {version.id} of {history.worker.name}" for history, version in by_id]
    found += [f"release {each}" for each in meant]
    if found:
        raise Refused(_SUMMARY, [Fault(f"--to {wanted}", f"may be {' or '.join(found)}", "write more of it")])
    message = f"is no version or release that can be deployed; of a part, the first {_SHORTEST} letters are needed"
    raise Refused(_SUMMARY, [Fault(f"--to {wanted}", message, "name one that `bulkhead versions` shows")])


def _is_called(name: str, wanted: str) -> bool:
    return name == wanted or (len(wanted) >= _SHORTEST and name.startswith(wanted))


_FIRST: Final = "nothing answered before it: it is the first version that Cloudflare remembers as deployed"


def _undone(history: History, newest: Version, *, alone: bool) -> Choice:
    if history.live is None:
        return Choice(history, None, "is not deployed")
    of_it = {each.id for each in history.deployed() if _of_one_release(each, newest, alone=alone)}
    divided = len(history.live.shares) > 1  # a rollout runs, whatever it is of
    if not divided and history.live.stable not in of_it:
        if of_it:
            return Choice(history, None, f"went back already{_by(history)}")
        return Choice(history, None, "the last release did not change it")
    before = history.before()
    if before is None:
        return Choice(history, None, _FIRST)
    return Choice(history, _deployable(history, before), "answered before")


def _by(history: History) -> str:
    live = history.live
    return "" if live is None else f", {live.created:%Y-%m-%d %H:%M} UTC{f' by {live.author}' if live.author else ''}"


def _only_settings(history: History, newest: Version) -> bool:
    """Whether the version came without a new release: then what others have of the same release is older than it."""
    before = history.versions.get(history.replaced(newest) or "")
    return before is not None and before.release == newest.release


def _of_one_release(one: Version, other: Version, *, alone: bool) -> bool:
    """Whether two versions came together. A release that is named by its bundle, as `up` does it, says nothing of
    another Worker's."""
    if alone or any(each.tag.startswith(each.release) for each in (one, other)):
        return abs(one.created - other.created) <= _ONE_RUN
    return one.release == other.release


def _to_version(histories: Sequence[History], wanted: History, version: Version) -> list[Choice]:
    others = [Choice(each, None, "is not named") for each in histories if each is not wanted]
    deployed = list(wanted.deployed())
    if version not in deployed and version.number > max((each.number for each in deployed), default=0):
        message = f"was uploaded for {wanted.script} and never answered anybody: that is no way back"
        raise Refused(_SUMMARY, [Fault(f"--to {version.id}", message, "bring it up as every new version")])
    return sorted([*others, _towards(wanted, version)], key=lambda each: histories.index(each.history))


def _to_release(histories: Sequence[History], release: str) -> list[Choice]:
    """The moment when the last Worker of the release had it; what the others were then, they become again."""
    own: dict[str, Version] = {}
    moments = []
    for history in histories:
        for version in history.deployed():
            since = history.first_stable(version.id)
            if version.release == release and since is not None and history.script not in own:
                own[history.script] = version
                moments.append(since)
    if not moments:
        message = "never answered everybody, as far as Cloudflare remembers, so the stage was never as it would be"
        raise Refused(_SUMMARY, [Fault(f"--to {release}", message, "name the version of each Worker instead")])
    return [_as_it_was(each, own.get(each.script), max(moments)) for each in histories]


def _as_it_was(history: History, own: Version | None, moment: datetime) -> Choice:
    then = own.id if own else history.at(moment)
    if then is None:
        return Choice(history, None, "was not deployed then")
    return _towards(history, own or _deployable(history, then))


def _towards(history: History, version: Version) -> Choice:
    if history.live is not None and {share.version for share in history.live.shares} == {version.id}:
        return Choice(history, None, "answers already")
    return Choice(history, version, "is named")


def _deployable(history: History, id_: str) -> Version:
    version = history.versions.get(id_)
    if version is None:
        message = f"answered with version {id_}, which is not among the last 100 uploads: it cannot be deployed again"
        fix = f"name another with --to: {', '.join(_candidates(history)) or 'there is none'}"
        raise Refused(_SUMMARY, [Fault(history.script, message, fix)])
    return version


def _candidates(history: History) -> Iterator[str]:
    live = {share.version for share in history.live.shares} if history.live else set()
    yield from [each for each in history.versions if each not in live][:3]
