"""Below which version a Worker must not go back: what a release took away stays away when its code goes.

Two things do not come back with a version. A migration of class contract took something from the database; the version
that ran while it was applied did without that already, every older one may need it. And a Durable Object class that was
made or deleted: Cloudflare deploys no version that has other classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bulkhead.clients import d1
from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Content, Traffic, Version
from bulkhead.delivery.going_back import Choice
from bulkhead.delivery.history import History
from bulkhead.delivery.migrations import ledger
from bulkhead.delivery.migrations.copy import Copy
from bulkhead.delivery.migrations.schema import Kind
from bulkhead.delivery.migrations.stage import Folder, folders
from bulkhead.model.bindings import D1
from bulkhead.model.faults import Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known about going back to a version. ``stops`` is why it cannot be done, ``risks`` why it should not,
    ``unknown`` what nobody could find out. ``settings`` and ``secrets`` have the names of what the version has
    otherwise than what answers now; of a secret that both have, nobody is told whether it changed."""

    stops: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A migration that was applied at a time: what it took away, or why nobody can say whether it did."""

    file: str
    at: datetime
    says: str
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Databases:
    """What was taken from each database of a stage; or, by the database, why its ledger could not be read."""

    taken: Mapping[str, Sequence[Taken]]
    unread: Mapping[str, str]


def databases(api: Rest, root: Path, product: Product, settings: StageSettings) -> Databases:
    """Read what the stage's databases had. What cannot be read stops nothing: the way back is for emergencies."""
    taken, unread = dict[str, Sequence[Taken]](), dict[str, str]()
    for database in product.databases:
        if database.migrations is None:
            continue
        try:
            (folder,) = folders(root, product, settings, database.name)
            found = d1.find(api, settings.cloudflare.account_id, folder.physical)
            taken[database.name] = list(takings(folder, ledger.times(found))) if found else []
        except (Refused, d1.SqlFailed) as reason:
            said = reason.faults[0].message if isinstance(reason, Refused) and reason.faults else str(reason)
            unread[database.name] = said
    return Databases(taken, unread)


def takings(folder: Folder, applied: Mapping[str, datetime]) -> Iterator[Taken]:
    """Yield what migrations took away, in the order in which they were applied."""
    files, copy = {each.name: each for each in folder.migrations}, Copy()
    for name, at in applied.items():
        file = f"{folder.path}/{name}"
        if name not in files:
            yield Taken(file, at, "", "is not in this checkout")
            continue
        effect = copy.run(files[name])
        gone = "; ".join(each.says for each in effect.findings if each.kind is Kind.CONTRACT)
        if effect.failure or gone:
            yield Taken(file, at, gone, f"cannot be judged: {effect.failure}" if effect.failure else "")


def ground(choice: Choice, traffic: Traffic, known: Databases) -> Ground:
    """Return what is known about a choice that has a target."""
    history, target = choice.history, choice.target
    if target is None or history.live is None:
        return Ground()
    contents = [_content(traffic, history, share.version) for share in history.live.shares if share.percent > 0]
    own = _content(traffic, history, target.id)
    compared = [each for each in contents if each is not None] if own else []
    risks, unknown = list[str](), list[str]()
    if len(compared) < len(contents):
        unknown.append("the settings, secrets and classes of its versions could not be read")
    for taken in _since(history, target, known):
        if taken.says:
            risks.append(f"{taken.file} was applied after it had answered for the last time: {taken.says}")
        else:
            unknown.append(f"{taken.file} {taken.unknown}: it may have taken away what this version needs")
    for database, why in known.unread.items():
        if _uses(history, database):
            unknown.append(f"what migrations took from database {database} since: {why}")
    stops = [_classes(own, each) for each in compared if own and own.classes != each.classes]
    stops += [said for each in compared if own for said in _stores(own, each)]
    return Ground(
        tuple(dict.fromkeys(stops)),
        tuple(risks),
        tuple(unknown),
        tuple(sorted({name for each in compared if own for name in _differing(own, each)})),
        tuple(sorted({name for each in compared if own for name in own.secrets | each.secrets})),
    )


def _since(history: History, target: Version, known: Databases) -> Iterator[Taken]:
    left = history.left(target)
    for database, taken in known.taken.items():
        if left is not None and _uses(history, database):
            yield from (each for each in taken if each.at > left)


def _uses(history: History, database: str) -> bool:
    return any(isinstance(each, D1) and each.database == database for each in history.worker.bindings)


def _content(traffic: Traffic, history: History, version: str) -> Content | None:
    try:
        return traffic.content(history.script, version)
    except ApiRefused:
        return None


def _classes(own: Content, live: Content) -> str:
    changes = [f"{name} was made" for name in sorted(live.classes - own.classes)]
    changes += [f"{name} was deleted, with all that it kept" for name in sorted(own.classes - live.classes)]
    return f"Durable Object classes have changed since: {', '.join(changes)}; Cloudflare deploys no version from before"


def _stores(own: Content, live: Content) -> Iterator[str]:
    for name in sorted(own.stores.keys() & live.stores.keys()):
        if own.stores[name] != live.stores[name]:
            yield f"{name} was bound to another store ({own.stores[name][1]}): what was written since is not in it"


def _differing(own: Content, live: Content) -> Iterator[str]:
    for name in own.settings.keys() | live.settings.keys():
        if own.settings.get(name) != live.settings.get(name) and name != _RELEASE:
            yield name


_RELEASE = "RELEASE"
"""Says which version answers, and so differs always."""
