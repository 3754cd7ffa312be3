"""The adoption of one stack: where it looks, when it is refused, and which commands come after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import require_stage
from bulkhead.model.settings.paths import stack_file
from bulkhead.operations.adopt import everywhere
from bulkhead.operations.adopt.changes import PendingChange, changes
from bulkhead.operations.adopt.discovery import Discovery, discover
from bulkhead.operations.adopt.engine_plan import Engine, State
from bulkhead.operations.adopt.finding import Finder
from bulkhead.operations.secrets.files import IDENTITIES
from bulkhead.resources import types as t

if TYPE_CHECKING:
    from bulkhead.clients.endpoints import Apis
    from bulkhead.engine.stack import StackCli
    from bulkhead.model.settings import StageSettings

# As the Pulumi CLI says it.
_NO_STACK: Final = "no stack named"
_PROTECTED: Final = "marked for protection"


@dataclass(frozen=True, slots=True)
class Adoption:
    """The stack that is filled: the stage's own, or that of its ``identities``. ``root`` is the checkout. Raises
    Refused for identities that a stack cannot have."""

    root: Path
    stage: str
    identities: bool

    def __post_init__(self) -> None:
        if self.identities:
            require_stage(self.stage)

    @property
    def whose(self) -> str:
        return f"{self.stage}'s identities" if self.identities else self.stage

    @property
    def folder(self) -> Path:
        return self.root / IDENTITIES if self.identities else self.root

    def finder(
        self, settings: StageSettings, stack: StackCli, apis: Apis, profile: str | None
    ) -> AbstractContextManager[Finder]:
        """Return what looks into the clouds of the stack. Raises Refused when a credential is missing."""
        if not self.identities:
            return everywhere.finder_of(settings, stack, apis, profile)
        chosen = profile or everywhere.profile_of(self.folder / stack_file(self.stage))
        return everywhere.finder_of_identities(settings, stack, apis, chosen)

    def standing(self, stack: StackCli) -> list[dict[str, Any]]:
        """Return what is in the state. An adoption fills a stack, and does not make one: which key encrypts its
        secrets is for a person to say."""
        try:
            return stack.state().resources
        except Refused as refused:
            if not _says(refused, _NO_STACK):
                raise
            message = (
                "is not in the backend; where the backend keeps versions, see first whether the former state is there"
            )
            lines = "the `export PULUMI_BACKEND_URL` and the `pulumi stack init` lines"
            fix = f"run {lines} that `bulkhead bootstrap {self.stage}` prints for {self.whose}, then this command again"
            fault = Fault(f"stack {self.stage}", message, fix, str(self.folder / "Pulumi.yaml"))
            raise Refused("There is no stack to adopt into.", [fault]) from refused

    def discover(self, engine: Engine, finder: Finder, folder: Path, standing: Sequence[State]) -> Discovery:
        """Return what exists of what an `up` would make; see `discover`."""
        with self._heeding_protection():
            return discover(engine, finder, folder, standing)

    def protects(self, settings: StageSettings) -> bool:
        """Whether what is imported is protected. Of identities nothing is."""
        return settings.protected and not self.identities

    def changes(self, engine: Engine, folder: Path) -> tuple[PendingChange, ...]:
        """Return what the next `up` would do after the import."""
        with self._heeding_protection():
            return changes(engine.plan(folder / "after.json"))

    def refuse_losses(self, after: Sequence[PendingChange]) -> None:
        """Raise Refused when the next `up` would lose something; what was imported stays imported."""
        faults = [Fault(change.name, change.loss, self._remedy(change)) for change in after if change.loses]
        if faults:
            raise self._not_up(faults)

    def next_commands(self, seen: Discovery) -> list[str]:
        """Return the commands that come next, in order: what is in the way of an `up`, the `up`, and what is of no use
        after it."""
        commands = [*(obstacle.removal for obstacle in seen.in_the_way), self._pulumi("up")]
        if any(wanted.type == t.ACCOUNT_TOKEN and is_ != "stray" for wanted, is_, _ in seen.outcomes()):
            told = self._pulumi("stack output deployToken --show-secrets")
            commands.append(f"{told} | bulkhead secrets set {self.stage} cloudflareApiToken")
        return [*commands, *(obstacle.removal for obstacle in (*seen.outlived, *seen.strays))]

    @contextmanager
    def _heeding_protection(self) -> Iterator[None]:
        """Pulumi plans nothing when a protected resource would be replaced, and says how to take the protection
        away."""
        try:
            yield
        except Refused as refused:
            if not _says(refused, _PROTECTED):
                raise
            fix = f"leave it protected: an unprotected one is deleted with all that is in it. Instead, {self._remedy()}"
            raise self._not_up([replace(fault, fix=fix) for fault in refused.faults]) from refused

    def _not_up(self, faults: Sequence[Fault]) -> Refused:
        return Refused(f"Do not bring {self.whose} up: it would replace or delete what exists.", faults)

    def _remedy(self, change: PendingChange | None = None) -> str:
        if change is not None and change.action == "delete":
            return (
                "bring it back into the product or the settings, or let go of it: "
                f"`{self._pulumi('state delete')}`; see `{self._pulumi('preview')}`"
            )
        preview = self._pulumi("preview --diff")
        return f"make {stack_file(self.stage)} or the product say what the cloud has, and see `{preview}`"

    def _pulumi(self, verb: str) -> str:
        """Return a command about the stack, as a person types it in the checkout."""
        return f"pulumi {verb}{f' -C {IDENTITIES}' if self.identities else ''} -s {self.stage}"


def _says(refused: Refused, words: str) -> bool:
    return any(words in fault.message for fault in refused.faults)
