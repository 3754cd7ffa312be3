"""What an adoption is made of: the resource that is wanted, the one that is found, and who is asked for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

PROVIDER: Final = "pulumi:providers:"
STACK: Final = "pulumi:pulumi:Stack"

# What no import takes, or need take, and what the next `up` does instead. Each of these is written over by its create:
# of the side settings of an R2 bucket there is one each, a secret can never be read back, and every version of a Worker
# is a new one. Sources: the resources' own documentation ("does not currently support pulumi import") and
# integrations/terraform-provider-github, resource_github_actions_environment_secret.go.
WRITTEN_AGAIN: Final[Mapping[str, str]] = {
    "cloudflare:index/r2BucketCors:R2BucketCors": "is written again",
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": "is written again",
    "cloudflare:index/r2BucketLock:R2BucketLock": "is written again",
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain": "is written again",
    "cloudflare:index/workerVersion:WorkerVersion": "the code is uploaded again, as a new version",
    "cloudflare:index/workersDeployment:WorkersDeployment": "the new version is deployed",
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": "is written again",
}
# Can neither be imported nor written over: a queue has one consumer that is a Worker.
CONSUMER: Final = "cloudflare:index/queueConsumer:QueueConsumer"
# Could be imported, but for nothing: its value is told once, when it is made, and the state alone had it.
TOKEN: Final = "cloudflare:index/accountToken:AccountToken"  # noqa: S105 - a type

State = Mapping[str, Any]
"""One resource as the engine describes it: urn, type, inputs, parent, propertyDependencies ..."""
Digest = Mapping[str, Any]
"""What `pulumi preview --json` prints."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource that an `up` would make. ``inputs`` are as its cloud would be told (camelCase), without what is not
    known yet; ``alias`` is, of a KMS key, the alias that the stage gives it, as a key has no name of its own."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that exists: the id its cloud knows it by, and what `pulumi import` is given for it."""

    id: str
    import_id: str


class Finder(Protocol):
    """Looks into the clouds, and changes nothing there."""

    def knows(self, type_: str) -> bool:
        """Whether resources of this type can be found at all."""

    def find(self, wanted: Wanted) -> Found | None:
        """Return the resource that has the wanted one's name, None when there is none. Raises Refused."""


class Engine(Protocol):
    """The stack's engine; see bulkhead.engine.stack.Stack."""

    def plan(self, import_file: Path) -> dict[str, Any]:
        """Return what an `up` would do; write what it would make, in the form of an import, into ``import_file``."""

    def take(self, import_file: Path, *, protect: bool) -> None:
        """Import what ``import_file`` names."""


def created(digest: Digest) -> dict[str, State]:
    """Return what an `up` would make, by URN, in the engine's order: what something depends on comes before it."""
    return {step["urn"]: step["newState"] for step in digest["steps"] if step["op"] == "create"}


def sources(state: State, property_: str) -> list[str]:
    """Return the URNs of the resources that a property's value comes from."""
    return list((state.get("propertyDependencies") or {}).get(property_) or ())


def ancestors(states: Mapping[str, State], urn: str) -> Iterator[str]:
    """Yield the URNs of the components that a resource is in, the nearest first, as far as ``states`` has them."""
    while urn in states:
        urn = states[urn].get("parent") or ""
        yield urn


def name_of(urn: str) -> str:
    """Return the logical name in a URN."""
    return urn.rpartition("::")[2]


def stack_of(urn: str) -> str:
    """Return the name of the stack in a URN, which is ``urn:pulumi:STACK::PROJECT::TYPE::NAME``."""
    return urn.partition("::")[0].rpartition(":")[2]
