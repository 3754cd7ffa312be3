"""Moves traffic between two versions of each Worker, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bulkhead.clients.workers import Deployment, Share, Traffic
from bulkhead.delivery.plan import Move
from bulkhead.model.faults import Fault, Refused

_ALL = 100


def divide(traffic: Traffic, moves: Sequence[Move], new: Mapping[str, str], percent: int, message: str) -> list[str]:
    """Send ``percent`` of the requests to the ``new`` version of each Worker, what is called before what calls it, and
    the others to the stable one, which stays in the deployment with 0 %: probes can ask it still. Return the scripts
    that were changed; those that stand so already are not asked again.

    Raises Refused, with nothing changed, where a version serves that is neither: somebody else moves traffic."""
    wanted = [(move.script, _shares(move.stable, new[move.worker], percent)) for move in moves]
    _require_ours(traffic, moves, new)
    return _deploy(traffic, wanted, message)


def taken_back(traffic: Traffic, moves: Sequence[Move], new: Mapping[str, str], least: int) -> str:
    """Return who has taken traffic back from a new version that had ``least`` percent, "" where nobody has: a rollback
    works while a deployment runs, and that must not undo it. Raises Refused as `divide` does."""
    for move, live in _require_ours(traffic, moves, new):
        part = any(share.version == new[move.worker] for share in live.shares) if live else False
        if live and (not part or live.percent_of(new[move.worker]) < least):
            return f"{live.author or 'somebody'} has taken {move.worker} back: {live.message or 'nobody says why'}"
    return ""


def give_back(traffic: Traffic, moves: Sequence[Move], new: Mapping[str, str], message: str) -> list[str]:
    """Send every request to the stable versions again, what calls before what is called. Return the scripts that were
    changed. Can be repeated. Raises Refused as `divide` does."""
    _require_ours(traffic, moves, new)
    wanted = [(move.script, (Share(move.stable, _ALL),)) for move in reversed(moves) if move.stable]
    return _deploy(traffic, wanted, message)


def settle(traffic: Traffic, moves: Iterable[Move], new: Mapping[str, str], message: str) -> list[str]:
    """Leave the new versions alone in their deployments: nobody watches any longer."""
    return _deploy(traffic, [(move.script, (Share(new[move.worker], _ALL),)) for move in moves], message)


def _shares(stable: str, new: str, percent: int) -> tuple[Share, ...]:
    if stable in {"", new}:
        return (Share(new, _ALL),)
    return (Share(stable, _ALL - percent), Share(new, percent))


def _deploy(traffic: Traffic, wanted: Iterable[tuple[str, tuple[Share, ...]]], message: str) -> list[str]:
    """By force, for Cloudflare takes a version with other secrets than the newest has for a mistake (error 10220): the
    stable version has those that it serves with, and a bad release that changed one could never be sent back."""
    changed = []
    for script, shares in wanted:
        live = traffic.live(script)
        if live is None or set(live.shares) != set(shares):
            traffic.deploy(script, shares, message, force=True)
            changed.append(script)
    return changed


def _require_ours(
    traffic: Traffic, moves: Iterable[Move], new: Mapping[str, str]
) -> list[tuple[Move, Deployment | None]]:
    """Return what is deployed of each Worker."""
    faults, deployed = [], [(move, traffic.live(move.script)) for move in moves]
    for move, live in deployed:
        ours = {move.stable, new.get(move.worker)}
        for share in live.shares if live else ():
            if live and share.percent > 0 and share.version not in ours:
                message = f"{share.percent:g} % go to {share.version}, since {live.created:%H:%M} UTC by {live.author}"
                fix = "see who does that; when it is done, or undone by bulkhead rollback STAGE: bulkhead deploy STAGE"
                faults.append(Fault(move.script, message, fix))
    if faults:
        raise Refused("Somebody else moves the traffic of this stage.", faults)
    return deployed
