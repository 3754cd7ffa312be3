"""The facts about each resource type (pure): one row for a type, and every room reads the facts there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any, Final

from bulkhead.resources.permissions import Permission

PROVIDER: Final = "pulumi:providers:"
"""How the types of providers begin. They and STACK are Pulumi's own: no cloud makes them, and they have no row."""
STACK: Final = "pulumi:pulumi:Stack"
STACK_REFERENCE: Final = "pulumi:pulumi:StackReference"
OWN_STACK: Final = "own-stack"
"""The name of the provider by which a program reads the outputs of the stack that it makes."""
EACH_NEW: Final[tuple[str, ...]] = ()
"""The value of ``identity_inputs`` for a type of which each creation makes another resource."""
EVERY_INPUT: Final = frozenset({"*"})
"""The value of ``replaced_by`` for a type of which a change of any input makes a new resource."""


class Scope(StrEnum):
    """Where a resource's name has to be unique: two stages that share this scope cannot use the same name."""

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
    """An input that names another resource. ``path`` is the path of the input, in which ``[]`` is every item of a
    list. ``to`` are the types that it may name; empty if it names something that is no resource, such as a
    hostname."""

    path: str
    link: Link
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """Inputs that protect a resource from people or from loss, so a manual change of them must not be ignored. ``of``
    is the type that they protect if that is another one; ``lost`` says which protection it loses with the guard."""

    inputs: tuple[str, ...]
    of: str = ""
    lost: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class ResourceType(str):
    """A type's token, such as ``aws:s3/bucket:Bucket``, with the facts about the type.

    It equals its token, so it can be compared with what the engine sends. Paths and inputs have their names on the
    wire (camelCase).

    ``admitted``: True if a stage may declare one, otherwise the reason why not. ``holds_data``: the data that is lost
    with it; empty if the program can make all of it again. ``identity_inputs``: two resources with equal values of
    these inputs are one thing in the cloud, and the last of them tells it from others in the same place; or EACH_NEW,
    also where the cloud takes one name twice. ``left_behind``: what stays in the cloud when its provider deletes it;
    empty if nothing stays. ``references``: the inputs that name other resources. Every row states these five: a
    default would be a guess.

    ``unjudged``: for an admitted type about whose content there is no rule, why what it says cannot hurt. That none
    of its references leads out of the stage is judged for every type.

    ``use_instead``: the type to use where this one is not admitted. ``connects``: for a type that only connects two
    things, the inputs that name them. ``replaced_by``: inputs whose change makes a new one. ``secrets``: properties
    that are always secret. ``told_once``: its cloud tells a secret when it makes one and never again, so one that no
    state knows is of no use. ``tells``: how the cloud names it, as templates of its ``id`` and outputs: each uses its
    inputs, those before it, and what bulkhead/analysis/clouds.py adds. ``made_again``: why `adopt` does not look for
    one by name: what the next `up` does instead. ``needs``: the least that a Cloudflare token must be allowed to make,
    change and remove one ("Accepted Permissions" of each operation in Cloudflare's API reference). ``limits``: the
    most bytes or items that a path may hold (`bulkhead/resources/limits.py`). ``unordered``: the paths of lists that
    are sets to the type's plugin: a refresh leaves them in another order, and that is no change. ``triggers``: it
    decides when a Worker is called, or by whom; such a change waits until the new version has everybody.
    """

    token: str
    _: KW_ONLY
    admitted: bool | str
    holds_data: str
    identity_inputs: tuple[str, ...]
    left_behind: str
    references: tuple[Reference, ...]
    unjudged: str = ""
    use_instead: str = ""
    scope: Scope = Scope.ACCOUNT
    guards: Guard | None = None
    named_by: str = ""
    connects: tuple[str, ...] = ()
    replaced_by: frozenset[str] = frozenset()
    create: Create = Create.FRESH
    documents: Mapping[str, Grants] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    told_once: bool = False
    taggable: bool = False
    tells: Mapping[str, str] = field(default_factory=dict)
    made_again: str = ""
    rehearsed: Rehearsed = Rehearsed.NO
    needs: tuple[Permission, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    triggers: bool = False

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
        """The inputs that protect something (see ``Guard``); empty if the type protects nothing."""
        return self.guards.inputs if self.guards else ()
