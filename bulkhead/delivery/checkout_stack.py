"""A stage's stack as a deployment from a checkout drives it: by the Pulumi CLI, which runs the checkout's program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from bulkhead.engine.stack import StackCli
from bulkhead.operations import settle as settling
from bulkhead.operations.adopt.finding import Finder
from bulkhead.resources.catalogue import TRIGGERS

POLICIES: Final = "policies"


class CheckoutStack:
    """``finder`` looks into the stage's clouds for what an `up` had begun; ``protected`` is whether a person has to say
    that something does not exist. ``publish`` publishes the state's twin."""

    def __init__(
        self,
        stack: StackCli,
        finder: Callable[[], AbstractContextManager[Finder]],
        say: Callable[[str], None],
        *,
        protected: bool,
        publish: Callable[[], None],
    ) -> None:
        self._stack = stack
        self._finder = finder
        self._say = say
        self._protected = protected
        self._publish = publish

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self._stack.up(POLICIES, self._told, [*keep, *(() if triggers else TRIGGERS)])
        self._publish()

    def settle(self) -> None:
        self._stack.cancel()
        exported = self._stack.export()
        if not (exported.get("deployment") or {}).get("pending_operations"):
            return
        with self._finder() as finder:
            begun = settling.begun(exported, finder, {})
        settling.refuse_doubts(self._stack.name, begun, (), protected=self._protected)
        taken = settling.settle(self._stack, exported, begun, ())
        self._say(f"  {len(taken)} of {len(begun)} creations that were cut off exist, and are in the state now")

    def resources(self) -> Sequence[Mapping[str, Any]]:
        return self._stack.state().resources

    def _told(self, line: str) -> None:
        if line.startswith("    "):  # of a summary, or of a change; the CLI's first lines name an account
            self._say(f"  {line.strip()}")
