"""The rules of a resource type that need code, beyond its SDK's types and its row in `bulkhead.resources`.

Sources of the tables: the providers' documentation and source, and reports of what the APIs answer; each rule that
surprises names its own.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bulkhead.localclouds.providers.checks import Check
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Properties
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.localclouds.providers.wire import Steps
from bulkhead.model.instants import instant
from bulkhead.resources.kind import EVERY_INPUT, Create, ResourceType, Scope
from bulkhead.resources.limits import exceeded

Identify = Callable[[Caller, Properties], str]
Compute = Callable[[Caller, str, Properties], Properties]
Admission = Callable[[Caller, Store, Properties], Iterator[str]]
Release = Callable[[Store, Record], Iterator[str]]


def compute_nothing(_caller: Caller, _id: str, _inputs: Properties) -> Properties:
    """The API computes nothing beyond the inputs."""
    return {}


def _as_given(inputs: Properties, _provider: Properties) -> Properties:
    """The provider computes no input before it compares."""
    return inputs


@dataclass(frozen=True, slots=True)
class Within:
    """A resource that is part of another and is deleted with it. ``links`` maps properties of the child to the
    parent's properties with the same value; the value may be the parent's id instead."""

    parent: str
    links: Mapping[str, str]

    def holds(self, parent: Record, child: Record) -> bool:
        """Whether ``child`` is part of ``parent``."""
        return parent.account == child.account and all(
            child.outputs.get(own) in (parent.id, parent.outputs.get(theirs)) for own, theirs in self.links.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRules:
    """The rules of a resource type that need code; its row in `bulkhead.resources` has the others.

    ``identify`` makes its ids. A default means that the type has no special rule.

    ``account``: the input that says which account the resource lives in; None: the provider's own.
    ``checks``: rules on the inputs alone. ``admissions`` and ``releases``: checks of a create and of a delete against
    the cloud's current state; each yields reasons for a refusal. ``replaced_when_added_or_removed``: inputs that may
    get another value, but to add or remove one needs a new resource. ``own_name``: the input that the real provider
    would invent; if a replacement keeps its value, the old resource is deleted first. ``plan``: fills in the inputs
    that the provider computes before it compares; it gets the provider's configuration too. ``defaults``: the API's
    values of inputs that were left out. ``computed``: outputs that are no inputs. ``nested_secrets``: paths of secrets
    inside a property that is not secret as a whole. ``import_id``: what `pulumi import` is given, where that is not
    the id. ``unread``: inputs that the API never returns, so that an import lacks them. ``within``: the parent that
    this resource is deleted with. ``taken``: the API's code for a name that another resource has.
    ``over_limit``: its codes for what is over a limit of the row, by the limit's path.
    """

    type: ResourceType
    identify: Identify
    account: str | None = None
    checks: tuple[Check, ...] = ()
    admissions: tuple[Admission, ...] = ()
    releases: tuple[Release, ...] = ()
    replaced_when_added_or_removed: frozenset[str] = frozenset()
    own_name: str | None = None
    plan: Callable[[Properties, Properties], Properties] = _as_given
    defaults: Properties = field(default_factory=dict)
    computed: Compute = compute_nothing
    nested_secrets: Callable[[Properties], Iterable[Steps]] = lambda _values: ()
    import_id: ImportId = field(default_factory=lambda: ImportId("id"))
    unread: frozenset[str] = frozenset()
    within: Within | None = None
    taken: int | None = None
    over_limit: Mapping[str, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What each rule of the type is called, those of its row included: `bulkhead/localclouds/sources` says where
        they come from."""
        row = self.type
        facts = {
            "limits": row.limits,
            "unordered": row.unordered,
            "replaced_by": row.replaced_by,
            "replaced_when_added_or_removed": self.replaced_when_added_or_removed,
            "create": row.create is not Create.FRESH,
            "left_behind": row.left_behind,
            "secrets": row.secrets,
            "own_name": self.own_name,
            "plan": self.plan is not _as_given,
            "defaults": self.defaults,
            "computed": self.computed is not compute_nothing,
            "import_id": self.import_id.names != ("id",),
            "unread": self.unread,
            "within": self.within,
        }
        return (
            *(rule.__name__.strip("_") for rule in (*self.checks, *self.admissions, *self.releases)),
            *(name for name, there in facts.items() if there),
        )

    def account_of(self, caller: Caller, inputs: Properties) -> str:
        """Return the account, zone or repository owner the resource lives in."""
        return str(inputs[self.account]) if self.account else caller.account

    def id_of(self, caller: Caller, inputs: Properties) -> str:
        """Return the id of a resource that is about to be made."""
        return self.identify(caller, inputs)

    def outputs_of(self, caller: Caller, id_: str, inputs: Properties) -> Properties:
        """Return the inputs with the API's defaults, and what the API computes."""
        return {**self.with_defaults(inputs), **self.computed(caller, id_, inputs)}

    def with_defaults(self, inputs: Properties) -> dict[str, Any]:
        """Return the inputs as the API returns them, with defaults for those that were left out."""
        return _merged(self.defaults, inputs)

    def complaints(self, inputs: Properties) -> Iterator[str]:
        """Yield ``path: what is wrong`` with the inputs."""
        for check in self.checks:
            yield from check(inputs)
        for excess in exceeded(self.type, inputs):
            code = self.over_limit.get(excess.path)
            yield f"{excess} [code: {code}]" if code else str(excess)

    def forces_new(self, name: str, *, added_or_removed: bool) -> bool:
        """Whether a change of this input makes a new resource. ``added_or_removed``: not only its value changed."""
        if added_or_removed and name in self.replaced_when_added_or_removed:
            return True
        return self.type.replaced_by == EVERY_INPUT or name in self.type.replaced_by

    def secrets(self, values: Properties) -> frozenset[Steps]:
        """Return the paths of what is secret, whoever asks."""
        return frozenset({*((name,) for name in self.type.secrets & values.keys()), *self.nested_secrets(values)})

    def claim_of(self, caller: Caller, inputs: Properties) -> str:
        """Return the key of the lock that parallel creates share: the name that both want, or the type if names may be
        equal."""
        where = self._where(self.account_of(caller, inputs), caller.region_of(inputs))
        return f"{self.type} {where} {[inputs.get(name) for name in self._names]}"

    def admit(self, caller: Caller, store: Store, inputs: Properties) -> None:
        """Raise ApiRefusal with every reason why the cloud, as it stands, would not make this resource."""
        reasons = list(self._taken(caller, store, inputs))
        for admission in self.admissions:
            reasons.extend(admission(caller, store, inputs))
        _refuse(reasons)

    def admit_change(self, caller: Caller, store: Store, old: Record, inputs: Properties) -> None:
        """Raise ApiRefusal when a change would take a name that another resource has."""
        _refuse(list(self._taken(caller, store, inputs, old)))

    def release(self, store: Store, record: Record) -> None:
        """Raise ApiRefusal with every reason why the cloud, as it stands, would not delete this resource."""
        _refuse([reason for release in self.releases for reason in release(store, record)])

    @property
    def _names(self) -> tuple[str, ...]:
        """The inputs, apart from the account, that must be unique."""
        if self.type.create is not Create.REFUSED:
            return ()
        return tuple(name for name in self.type.identity_inputs if name != self.account)

    def _where(self, account: str, region: str | None) -> tuple[str | None, ...]:
        """Return the scope in which a name must be unique."""
        match self.type.scope:
            case Scope.EVERYWHERE:
                return ()
            case Scope.REGION:
                return account, region
            case _:
                return (account,)

    def _taken(self, caller: Caller, store: Store, inputs: Properties, own: Record | None = None) -> Iterator[str]:
        if not self._names:
            return
        where = self._where(self.account_of(caller, inputs), caller.region_of(inputs))
        wanted = [inputs.get(name) for name in self._names]
        for other in store.all(type_=self.type):
            near = self._where(other.account, other.outputs.get("region")) == where and (not own or other.id != own.id)
            if near and [other.inputs.get(name) for name in self._names] == wanted:
                names = " and ".join(f"{name} {inputs.get(name)!r}" for name in self._names)
                code = f" [code: {self.taken}]" if self.taken else ""
                by = f" ({other.urn})" if other.urn else ""  # whoever asks the API has no program
                yield f"{names} is taken: environment {other.environment!r} has it{by}{code}"


def _refuse(reasons: list[str]) -> None:
    if reasons:
        raise ApiRefusal(*reasons)


def _merged(defaults: Properties, inputs: Properties) -> dict[str, Any]:
    merged = {**defaults, **inputs}
    for name, default in defaults.items():
        if isinstance(default, Mapping) and isinstance(inputs.get(name), Mapping):
            merged[name] = _merged(default, inputs[name])
    return merged


# What the APIs' own ids look like.


def new_uuid(_caller: Caller, _inputs: Properties) -> str:
    return str(uuid.uuid4())


def new_hex_id(_caller: Caller, _inputs: Properties) -> str:
    return secrets.token_hex(16)


def joined(*names: str, separator: str = "/") -> Identify:
    """The id is made of inputs."""
    return lambda _caller, inputs: separator.join(str(inputs[name]) for name in names)


class ImportId:
    """What `pulumi import` is given: properties, one after the other; ``id`` stands for the id."""

    def __init__(self, *names: str, separator: str = "/") -> None:
        self.names = names
        self._separator = separator

    def read(self, text: str) -> dict[str, str] | None:
        """Return the properties that a person gave, None if it is not of this form."""
        parts = text.split(self._separator) if len(self.names) > 1 else [text]
        return dict(zip(self.names, parts, strict=True)) if len(parts) == len(self.names) else None


def now() -> str:
    return instant(datetime.now(UTC))
