"""The engine's events during an operation, as small values that a progress display can read (pure).

Nothing in them is secret: the engine masks secrets before it sends its events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bulkhead.engine.analyzer import ANALYZER

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent, StepEventMetadata

# The engine marks colours inside its messages and leaves them to the display.
_COLOUR: Final = re.compile(r"<\{%.*?%\}>")


@dataclass(frozen=True, slots=True)
class OperationStarted:
    """The engine starts ``operation`` (up, preview, refresh, destroy) on a stack."""

    stack: str
    operation: str


@dataclass(frozen=True, slots=True)
class OperationEnded:
    """An operation is over, after ``seconds``."""

    stack: str
    operation: str
    succeeded: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ResourceStep:
    """One resource and what is done to it. ``action`` is the engine's word: create, same, update, delete, replace,
    create-replacement, delete-replaced, read, refresh, import ... ``type`` is Pulumi's token."""

    stack: str
    action: str
    type: str
    name: str
    urn: str


@dataclass(frozen=True, slots=True)
class ResourceStarted(ResourceStep):
    """The engine has begun."""


@dataclass(frozen=True, slots=True)
class ResourceDone(ResourceStep):
    """The step has succeeded."""


@dataclass(frozen=True, slots=True)
class ResourceFailed(ResourceStep):
    """The step has failed; a Diagnostic says why."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A message of the engine, the program or a provider. ``severity`` is info, warning or error."""

    stack: str
    severity: str
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class PolicySpoke:
    """A policy was violated. ``level`` is advisory, mandatory or remediate."""

    stack: str
    level: str
    policy: str
    message: str
    urn: str = ""


Event = OperationStarted | OperationEnded | ResourceStarted | ResourceDone | ResourceFailed | Diagnostic | PolicySpoke
OnEvent = Callable[[Event], None]


# The engine's message when it finds the program that `bulkhead.engine.analyzer` installed.
_ANALYZER_FOUND: Final = f"using {ANALYZER} from $PATH"


def translate(stack: str, event: EngineEvent) -> Iterator[Event]:
    """Yield our events for one event of the engine; none if no display needs it."""
    if started := event.resource_pre_event:
        yield ResourceStarted(stack, *_step(started.metadata))
    if done := event.res_outputs_event:
        yield ResourceDone(stack, *_step(done.metadata))
    if failed := event.res_op_failed_event:
        yield ResourceFailed(stack, *_step(failed.metadata))
    if (diagnostic := event.diagnostic_event) and not diagnostic.ephemeral and (message := plain(diagnostic.message)):
        if message.startswith(_ANALYZER_FOUND):
            return
        yield Diagnostic(stack, diagnostic.severity.partition("#")[0], message, diagnostic.urn or "")
    if policy := event.policy_event:
        urn = policy.resource_urn or ""
        yield PolicySpoke(stack, policy.enforcement_level, policy.policy_name, plain(policy.message), urn)


def plain(message: str) -> str:
    """Return a message of the engine without its colours and outer white space."""
    return _COLOUR.sub("", message).strip()


def _step(metadata: StepEventMetadata) -> tuple[str, str, str, str]:
    return metadata.op.value, metadata.type, metadata.urn.rpartition("::")[2], metadata.urn
