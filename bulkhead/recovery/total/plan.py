"""What a recovery brings back, from which copies, and what is lost all the same (pure)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Self

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Database, Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.recovery import recovery_order
from jobs.local_time import shown
from jobs.vault import minutes

_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Copy:
    """The backup that a database comes back from; it was read back in ``seconds``. ``skipped`` are newer ones that are
    no good, each with its reason."""

    database: str
    key: str
    at: datetime
    rows: int
    seconds: float
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The mirror that a bucket comes back from, of which moment, and how many objects it has."""

    bucket: str
    at: datetime
    objects: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``old`` and ``new`` are the places in words. ``lost_at`` is the moment of the loss, from which both goals count.
    ``order`` are the Workers in the order in which they come back, ``copies`` and ``mirrors`` follow it. ``apart`` are
    the minutes between two copies, None where none is kept. ``gone`` is what no copy has, ``by_hand`` what a person
    brings back. The goals are in minutes."""

    stage: str
    old: str
    new: str
    vault: str
    lost_at: datetime
    order: tuple[str, ...]
    copies: tuple[Copy, ...]
    mirrors: tuple[Mirrored, ...]
    gone: tuple[str, ...]
    by_hand: tuple[str, ...]
    apart: int | None
    rpo_goal: int | None
    rto_goal: int | None

    @property
    def digest(self) -> str:
        """The fingerprint of everything that will be done."""
        return hashlib.sha256(json.dumps(self._said(), sort_keys=True).encode()).hexdigest()

    @property
    def lost_minutes(self) -> float:
        """How many minutes of data are lost: the oldest copy says."""
        moments = [*(each.at for each in self.copies), *(each.at for each in self.mirrors)]
        return max((minutes(each, self.lost_at) for each in moments), default=0.0)

    @property
    def rpo_missed(self) -> str:
        """How the goal of lost data is missed, now or by a loss at the worst moment; empty where it is kept."""
        if self.rpo_goal is None:
            return ""
        if self.lost_minutes > self.rpo_goal:
            return f"RPO: {self.lost_minutes:.1f} minutes are lost, and the goal is {self.rpo_goal}"
        if self.apart is not None and self.apart <= self.rpo_goal:
            return ""
        worst = "everything" if self.apart is None else f"up to {self.apart} minutes"
        return f"RPO: {worst} would be lost at the worst moment, and the goal is {self.rpo_goal}"

    @property
    def steps(self) -> tuple[str, ...]:
        """What is done, in that order."""
        return (
            f"the state's buckets and keys, in {self.new}",
            "the identities, by which the stage is deployed",
            "the stage, which nobody can reach yet",
            *(f"database {each.database}, from {each.key}" for each in self.copies),
            *(f"{each.objects} objects of bucket {each.bucket}" for each in self.mirrors),
            f"hostnames, crons and queues; everybody reaches {', '.join(self.order)}",
            "each Worker is asked whether it is well",
        )

    def told(self, zone: str) -> list[str]:
        """Return the plan, a line each, for the person who agrees to it."""
        lines = [f"from {self.vault} of {self.old} into {self.new}"]
        for each in self.copies:
            age = minutes(each.at, self.lost_at)
            lines.append(
                f"database {each.database}: {each.rows:,} rows as of {shown(each.at, zone)}, {age:.0f} minutes before"
                f" the loss; read back in {each.seconds:.0f} s"
            )
            lines += [f"  skipped, as it is no good: {reason}" for reason in each.skipped]
        for one in self.mirrors:
            age = minutes(one.at, self.lost_at)
            lines.append(f"bucket {one.bucket}: {one.objects} objects as of {shown(one.at, zone)}, {age:.0f} minutes")
        lines += [f"lost: {each}" for each in self.gone]
        lines += [f"by hand: {each}" for each in self.by_hand]
        return [*lines, *([f"missed: {self.rpo_missed}"] if self.rpo_missed else [])]

    def document(self) -> dict[str, Any]:
        return {"schema": _SCHEMA, "digest": self.digest, **self._said(), "steps": list(self.steps)}

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(json.dumps(asdict(self), default=datetime.isoformat))
        return said

    @classmethod
    def read(cls, document: Mapping[str, Any], file: str) -> Self:
        """Return the plan of a document. Raises Refused where it is none."""
        said = {name: value for name, value in document.items() if name not in {"schema", "digest", "steps"}}
        try:
            lists = {name: tuple(map(str, said[name])) for name in ("order", "gone", "by_hand")}
            copies = tuple(
                Copy(**{**each, "at": datetime.fromisoformat(each["at"]), "skipped": tuple(each["skipped"])})
                for each in said["copies"]
            )
            mirrors = tuple(Mirrored(**{**each, "at": datetime.fromisoformat(each["at"])}) for each in said["mirrors"])
            lost = datetime.fromisoformat(said["lost_at"])
            plan = cls(**{**said, **lists, "copies": copies, "mirrors": mirrors, "lost_at": lost})
        except (KeyError, TypeError, ValueError) as error:
            fault = Fault("", "does not hold the plan of a recovery", "bring the file back, or remove it", file)
            raise Refused("The recovery cannot go on.", [fault]) from error
        if plan.digest != document.get("digest"):
            fault = Fault("", "was changed since the recovery began", "bring the file back, or remove it", file)
            raise Refused("The recovery cannot go on.", [fault])
        return plan


def ordered_databases(settings: StageSettings, product: Product) -> list[Database]:
    """Return the databases in the order in which their Workers come back; those that no Worker binds come last."""
    names = _bound(settings, product, "database")
    return sorted(product.databases, key=lambda each: names.index(each.name) if each.name in names else len(names))


def ordered_buckets(settings: StageSettings, product: Product) -> list[str]:
    """Return the buckets, by the product's own names, in the order in which their Workers come back."""
    names = _bound(settings, product, "bucket")
    there = [each.name for each in product.buckets]
    return sorted(there, key=lambda each: names.index(each) if each in names else len(names))


def _bound(settings: StageSettings, product: Product, kind: str) -> list[str]:
    workers = {worker.name: worker for worker in product.workers}
    bound = (getattr(each, kind, "") for name in recovery_order(settings, product) for each in workers[name].bindings)
    return list(dict.fromkeys(filter(None, bound)))
