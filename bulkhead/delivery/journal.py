"""What a deployment has done so far, kept where the stage's state is: whoever continues it after a kill reads it there.

Below ``delivery/<stack>/`` of the stage's state bucket, each object JSON::

    lease.json               who may change the stage now (`lease`)
    <run>/00001.json         {"format": 1, "step", "facts": {…}, "at", "by": owner, "nonce"}
    <run>/orders/00001.json  {"format": 1, "kind", "entry", "at", "by": owner, "nonce"}: what is asked of it (`orders`)
    restores/<run>/…         a restore of one of the stage's databases: under the same lease, in the same form

A run's id is the time at which it began. Entries are only ever added, each under the next number, and S3 gives a number
to one writer: a process that was believed dead loses there. So what is about to be done is noted first, and who goes on
with another's run begins with CONTINUE. While a run has no END, no other begins, of whichever kind.

``facts`` are the run's own; BEGIN's ``again`` is the command that goes on with it. `bulkhead rollout` shows of them
``commit``, ``shares`` ({Worker: {version: percent}}), ``evidence``, ``waits_for`` and ``reason``, where an entry has
them.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bulkhead.clients.objects import Objects, Taken, Unreachable
from bulkhead.delivery.documents import Document, Documents, unreadable
from bulkhead.delivery.lease import LENGTH, Lease, Living, Lost, Tenure
from bulkhead.delivery.orders import Asked, Order, OrderKind, asked
from bulkhead.machine.owner import Owner, this_process
from bulkhead.model.aws_scope import JOURNAL, AwsScope, aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

T = TypeVar("T")

BEGIN: Final = "begin"
CONTINUE: Final = "continue"
END: Final = "end"
_ID: Final = "%Y%m%dT%H%M%SZ"
_IS_ID: Final = re.compile(r"\d{8}T\d{6}Z")
_PAUSE: Final = 3.0  # seconds between two attempts to reach the bucket


class Outcome(StrEnum):
    """How a run ended. One that only waits for somebody has not."""

    DONE = "done"
    STOPPED = "stopped"  # and the stage is safe: all of it is one version again
    PERSON = "needs a person"


@dataclass(frozen=True, slots=True)
class Doing:
    """A kind of run: below which folder it is noted down, and the command that continues or returns it."""

    folder: str
    command: str


DEPLOYMENT: Final = Doing("", "bulkhead deploy {stack}")
RESTORE: Final = Doing("restores/", "bulkhead restore {stack} STORE")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a run has done, or is about to do."""

    number: int
    step: str
    at: datetime
    by: Owner
    facts: Mapping[str, Any]


class Run:
    """One run: read by anybody, added to by the process that has the stage."""

    def __init__(self, journal: Journal, id_: str) -> None:
        self.id = id_
        self._journal = journal
        self._documents = journal.documents
        self._entries: list[Entry] = []
        self._orders: list[Order] = []
        self._lock = threading.RLock()

    @property
    def ended(self) -> Outcome | None:
        """How it ended, as far as its entries were read; None while it has not."""
        last = self._entries[-1] if self._entries else None
        return Outcome(last.facts["outcome"]) if last and last.step == END else None

    def entries(self) -> Sequence[Entry]:
        """Return what it has done so far, in order."""
        with self._lock:
            for number, document in self._documents.after(f"{self.id}/", len(self._entries)):
                self._entries.append(self._entry(number, document))
            return tuple(self._entries)

    def orders(self) -> Sequence[Order]:
        """Return what was asked of it so far, in order."""
        with self._lock:
            folder = f"{self.id}/orders/"
            for number, document in self._documents.after(folder, len(self._orders)):
                self._orders.append(_order(self._documents.key(folder, number), document))
            return tuple(self._orders)

    def asked(self, since: Entry) -> Asked:
        """Return what is asked of it now; its present wait began with ``since``. For the process that runs it: waits
        for the bucket as `note` does."""
        return asked(self._journal.patiently(self.orders), since.number)

    def note(self, step: str, facts: Mapping[str, Any] | None = None) -> Entry:
        """Write down what is done, or about to be done: only then may it be. Raises Lost when another process has gone
        on with this run, and Unreachable when the bucket stays away: then nothing more may be done."""
        with self._lock:
            if self.ended:
                raise RuntimeError(f"run {self.id} has ended")
            if self._entries and self._entries[-1].by != self._documents.me and step != CONTINUE:
                raise RuntimeError(f"run {self.id} is another process's: note {CONTINUE!r} first")
            number = len(self._entries) + 1
            self._journal.require()
            document = self._documents.signed({"step": step, "facts": dict(facts or {})})
            try:
                self._journal.patiently(lambda: self._add(number, document))
            except Taken:
                raise self._lost(number) from None
            self._entries.append(self._entry(number, document))
            return self._entries[-1]

    def end(self, outcome: Outcome, facts: Mapping[str, Any] | None = None) -> Entry:
        """Write down how it ended; nothing is noted after that."""
        return self.note(END, {**(facts or {}), "outcome": outcome.value})

    def order(self, kind: OrderKind) -> Order:
        """Ask something of it, from any process."""
        folder = f"{self.id}/orders/"
        with self._lock:
            document = self._documents.signed({"kind": kind.value, "entry": len(self.entries())})
            while True:
                number = len(self.orders()) + 1
                try:
                    self._documents.add(folder, number, document)
                except Taken:  # by another order, which counts as well
                    continue
                return _order(self._documents.key(folder, number), document)

    def _add(self, number: int, document: Document) -> None:
        self._journal.lease.require()
        self._documents.add(f"{self.id}/", number, document)

    def _lost(self, number: int) -> Lost:
        by = next((each.by for each in self.entries() if each.number == number), "another process")
        fix = "end this process; what it has begun is continued there"
        return Lost("This process does not have the run any more.", [Fault(self.id, f"{by} has gone on with it", fix)])

    def _entry(self, number: int, document: Document) -> Entry:
        try:
            at, by = datetime.fromisoformat(document["at"]), Owner.read(document["by"])
            entry = Entry(number, str(document["step"]), at, by, dict(document["facts"]))
            if entry.step == END:
                Outcome(entry.facts["outcome"])
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(self._documents.key(f"{self.id}/", number)) from error
        return entry


class Journal:
    """The journal of one stack. ``bucket`` is the stage's state bucket, ``owner`` the account that it must belong to.
    When the bucket cannot be reached ``say`` is told so, and it is waited for ``patience`` seconds. ``length`` is the
    lease's, in seconds. Its runs are deployments; `of` has the others."""

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        stack: str,
        *,
        owner: str | None = None,
        me: Owner | None = None,
        length: float = LENGTH,
        say: Callable[[str], None] = lambda _: None,
        patience: float = 300.0,
    ) -> None:
        self.stack = stack
        self.doing = DEPLOYMENT
        self.documents = Documents(Objects(s3, bucket, owner), self._root, me or this_process())
        self.lease = Lease(self.documents.objects, f"{self._root}lease.json", self.documents.me, length)
        self._say = say
        self._patience = patience

    def of(self, doing: Doing) -> Journal:
        """Return the journal of the stack's runs of another kind; this process has the stage in both, or in none."""
        other = copy(self)
        other.doing = doing
        other.documents = Documents(self.documents.objects, other._root, self.documents.me)
        return other

    @property
    def _root(self) -> str:
        return f"{JOURNAL}{self.stack}/{self.doing.folder}"

    @contextmanager
    def held(self) -> Iterator[str]:
        """Have the stage for this process alone until the end; yields why it could be had, in words. Raises Refused
        by name while another process has it that may be alive."""
        try:
            with self.lease.held() as why:
                yield why
        except Living as living:
            raise self._refused(living.tenure) from None

    def tenure(self) -> tuple[Tenure, str | None] | None:
        """Return who has or had the stage last, and why they have it no more, None while they have it; None when nobody
        ever had it."""
        found = self.lease.tenure()
        return found and (found[0], found[0].ended(found[1]))

    def runs(self) -> Iterator[Run]:
        """Yield the runs, newest first, with what they have done so far."""
        for id_ in reversed(self._ids()):
            run = Run(self, id_)
            if not run.entries():
                raise unreadable(self.documents.key(f"{id_}/", 1))
            yield run

    def open_run(self) -> Run | None:
        """Return the run that has no end: it goes on, waits for somebody, or was killed; None when there is none."""
        newest = next(self.runs(), None)
        return None if newest is None or newest.ended else newest

    def begin(self, facts: Mapping[str, Any]) -> Run:
        """Begin a run. Raises Refused while another one has no end, of whichever kind."""
        self.require()
        self.require_ended()
        at, ids = self.documents.objects.now().earliest, self._ids()
        if ids:  # of two in one second, the second has to come later
            at = max(at, datetime.strptime(ids[-1], _ID).replace(tzinfo=UTC) + timedelta(seconds=1))
        run = Run(self, at.strftime(_ID))
        run.note(BEGIN, facts)
        return run

    def require_ended(self) -> None:
        """Return when every run has its end, of whichever kind; raise Refused otherwise."""
        for doing, unended in self._unended():
            again = unended.entries()[0].facts.get("again") or doing.command.format(stack=self.stack)
            fix = f"{again} continues or returns it"
            raise Refused("No other run is begun.", [Fault(f"{doing.folder}{unended.id}", "has not ended", fix)])

    def require(self) -> None:
        """Return while this process has the stage, and what it begins now can end before others may have it. Raises
        Lost, and Unreachable when the bucket stays away."""
        self.patiently(self.lease.require)

    def patiently(self, doing: Callable[[], T]) -> T:
        """Do what needs the bucket, and wait for the bucket when it cannot be reached."""
        until, told = time.monotonic() + self._patience, False
        while True:
            try:
                return doing()
            except Unreachable as away:
                if time.monotonic() >= until:
                    message = "stays as it is: nothing is done to it that cannot be written down"
                    fix = f"{self.doing.command.format(stack=self.stack)} continues, when the bucket is there again"
                    raise Unreachable(away.summary, [*away.faults, Fault(self.stack, message, fix)]) from away
                if not told:
                    self._say(f"{away}\n{self.stack} stays as it is until the journal can be written again.")
                    told = True
                time.sleep(min(_PAUSE, self._patience))

    def _ids(self) -> list[str]:
        return [name for name in self.documents.folders() if _IS_ID.fullmatch(name)]

    def _unended(self) -> Iterator[tuple[Doing, Run]]:
        for doing in (DEPLOYMENT, RESTORE):
            if run := self.of(doing).open_run():
                yield doing, run

    def _refused(self, tenure: Tenure) -> Refused:
        doing, run = next(self._unended(), (DEPLOYMENT, None))
        step = f", at step {run.entries()[-1].step}" if run else ""
        message = f"has it since {tenure.since:%Y-%m-%d %H:%M} UTC{step}; two at once would undo each other's work"
        fix = "wait for it" + (f", or: bulkhead rollout {self.stack} show (or: abort)" if doing is DEPLOYMENT else "")
        return Refused(f"{self.stack} is being changed.", [Fault(str(tenure.owner), message, fix)])


def journal_of(
    settings: StageSettings, product: str, profile: str | None = None, say: Callable[[str], None] = lambda _: None
) -> Journal:
    """Return the journal of the stack that ``settings`` are of, in AWS."""
    from bulkhead.clients.clouds import aws  # noqa: PLC0415 (boto3 takes half a second to import)

    scope = scope_of(settings, product)
    return Journal(aws(settings, profile)("s3"), scope.state, settings.environment, owner=scope.account, say=say)


def scope_of(settings: StageSettings, product: str) -> AwsScope:
    """Return what the stage of a stack has in AWS: the stack of a pull request keeps things where development does."""
    return aws_scope_of(Label(product, settings.stage, settings.stage.value), settings)


def _order(key: str, document: Document) -> Order:
    try:
        kind, entry = OrderKind(document["kind"]), int(document["entry"])
        return Order(kind, entry, datetime.fromisoformat(document["at"]), Owner.read(document["by"]))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(key) from error
