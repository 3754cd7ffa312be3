"""What is known of a type of resource (pure): one row for each, and whoever needs a fact of it asks the row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any, Final

from bulkhead.resources.permissions import Permission

EACH_NEW: Final[tuple[str, ...]] = ()
"""Says of ``same`` that no two resources of the type are one: each creation makes another."""
EVERY_INPUT: Final = frozenset({"*"})
"""Says of ``replaced_by`` that a change of whichever input makes a new resource."""


class Scope(StrEnum):
    """Within what a resource's name is taken: two stages that share it can have only one of that name."""

    EVERYWHERE = "all customers of the cloud"
    ACCOUNT = "an account"
    REGION = "a region of an account"
    ZONE = "a zone"
    REPOSITORY = "a repository"


class Create(StrEnum):
    """What the cloud does when the resource exists already."""

    FRESH = "makes another one"
    UPSERTS = "writes over it"
    REFUSED = "refuses"


class Rehearsed(StrEnum):
    """How a rehearsal treats the type: docs/rehearsal-coverage.md says what each of these means."""

    EMULATED = "emulated"
    RECORDED = "recorded"
    NO = "not rehearsed"


class Link(StrEnum):
    """What a reference is for; `isolation check` judges and counts references by it."""

    BUCKET = "buckets"
    CONSUMER = "queue consumers"
    ENVIRONMENT = "GitHub environments"
    FUNCTION = "functions and schedules"
    HOSTNAME = "hostnames and routes"
    KEY = "keys"
    LOGS = "log destinations"
    NOTICE = "notices and alarms"
    RIGHTS = "rights of roles"
    VISITOR = "Access policies"
    WORKER = "Worker parts"


class Grants(StrEnum):
    """What a policy document inside a resource says."""

    TRUST = "who may take the role"
    RIGHTS = "what its holder may do"
    RESOURCE = "who may reach the resource"


@dataclass(frozen=True, slots=True)
class Reference:
    """An input that names another resource. ``path`` is its place, in which ``[]`` is every item of a list; ``to`` are
    the types that it may lead to, none where it leads to something that is no resource, such as a hostname."""

    path: str
    link: Link
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """``inputs`` keep people out or data in: a change behind the program's back has to be seen. ``of`` is the type that
    is guarded where that is another one, and ``lost`` says what it loses with the guard."""

    inputs: tuple[str, ...]
    of: str = ""
    lost: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class ResourceType(str):
    """A type's token, such as ``aws:s3/bucket:Bucket``, which knows what is true of the type.

    It compares as its token does, so that it finds itself among texts that came from the engine. Paths and inputs are
    spelt as they travel (camelCase).

    ``admitted``: whether a stage may declare one; a text says why not. ``holds``: what is lost with it, empty where
    nothing is that the program could not make again. ``same``: the inputs that make two of them one and the same thing,
    the last of which tells it from others in the same place; or EACH_NEW, also where its cloud takes a name twice.
    ``leaves``: what stays in the cloud when its provider deletes it, empty where the delete removes it.
    ``references``: what it points at. The row states each of these five: a default would be a guess.

    ``instead``: what to use where it is not admitted. ``ends``: where two are told apart by nothing but what they
    connect, the inputs that say so. ``replaced_by``: inputs whose change makes a new one. ``secrets``: properties that
    are secret whatever they hold. ``tells``: how its cloud names it, as templates of its ``id`` and outputs, each made
    of its inputs, of those before it and of what bulkhead/analysis/clouds.py adds. ``unfound``: why `adopt` does not
    look for one by name, and what is done instead. ``needs``: the least that a Cloudflare token must
    be allowed to make, change and remove one ("Accepted Permissions" of each operation in Cloudflare's API reference).
    ``limits``: the most bytes or items that a path may hold.
    """

    token: str
    _: KW_ONLY
    admitted: bool | str
    holds: str
    same: tuple[str, ...]
    leaves: str
    references: tuple[Reference, ...]
    instead: str = ""
    scope: Scope = Scope.ACCOUNT
    guards: Guard | None = None
    named_by: str = ""
    ends: tuple[str, ...] = ()
    replaced_by: frozenset[str] = frozenset()
    create: Create = Create.FRESH
    documents: Mapping[str, Grants] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    taggable: bool = False
    tells: Mapping[str, str] = field(default_factory=dict)
    unfound: str = ""
    rehearsed: Rehearsed = Rehearsed.NO
    needs: tuple[Permission, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)

    def __new__(cls, token: str, **_facts: Any) -> ResourceType:
        return super().__new__(cls, token)

    @property
    def provider(self) -> str:
        """The package that makes it: ``aws``."""
        return self.partition(":")[0]

    @property
    def kind(self) -> str:
        """The last word of the token: ``Bucket``."""
        return self.rpartition(":")[2]

    @property
    def guarding(self) -> tuple[str, ...]:
        """The inputs that keep people out or data in, none where the type guards nothing."""
        return self.guards.inputs if self.guards else ()
