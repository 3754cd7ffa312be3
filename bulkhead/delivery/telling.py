"""Tells people what became of a run, whoever ended it: each ending once, a killed run when it is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from bulkhead.clients.endpoints import Api
from bulkhead.clients.rest import Rest
from bulkhead.delivery.announce import VERIFIED, Ending, news_of, tell, verify, webhook_in
from bulkhead.delivery.journal import Outcome, Run
from bulkhead.delivery.lease import GIVEN_BACK, Lost
from bulkhead.delivery.run import Deployment
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.model.settings import StageSettings

_ENDINGS: Final = {
    Outcome.DONE: Ending.SUCCEEDED,
    Outcome.STOPPED: Ending.STOPPED,
    Outcome.PERSON: Ending.PERSON,
    None: Ending.PERSON,
}
_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105 - a variable's name: a workflow hands its token to a step by it


@dataclass(frozen=True)
class Telling:
    """What is told of one stage's runs, to Slack and beside the commit; ``say`` gets what could not be told."""

    settings: StageSettings
    github: Api
    say: Callable[[str], None]
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def carried_out(self, deployment: Deployment) -> tuple[Outcome | None, str]:
        """Carry a run to its end, and tell how that came. Raises what the run raises."""
        return self._told(deployment.run, deployment.go)

    def given_up(self, deployment: Deployment, why: str) -> tuple[Outcome | None, str]:
        """Return the traffic of a run, and tell that. Raises what the run raises."""
        return self._told(deployment.run, partial(deployment.give_up, why))

    def found(self, run: Run, why: str) -> None:
        """Tell that a run was found whose process is gone. One that gave the stage back was not killed: it waits for
        somebody, was interrupted, or has said itself why it failed."""
        if why != GIVEN_BACK:
            self._tell(run, Ending.KILLED, why)

    def _told(self, run: Run, act: Callable[[], tuple[Outcome | None, str]]) -> tuple[Outcome | None, str]:
        try:
            outcome, reason = act()
        except Lost:
            raise  # another process goes on with the run, and tells how that ends
        except (Refused, Failed) as error:
            self._tell(run, Ending.FAILED, error.summary)
            raise
        self._tell(run, _ENDINGS[outcome], reason)
        return outcome, reason

    def _tell(self, run: Run, ending: Ending, reason: str) -> None:
        try:
            self._tell_all(run, ending, reason)
        except Refused as refused:  # such as a journal that cannot be read: what is told of matters more than who hears
            self.say(f"Nobody was told that {self.settings.environment} {ending}: {refused}")

    def _tell_all(self, run: Run, ending: Ending, reason: str) -> None:
        stage = self.settings.environment
        unfinished = ending in {Ending.PERSON, Ending.FAILED}
        commands = [f"bulkhead rollout {stage} show", f"bulkhead deploy {stage}"] if unfinished else []
        news = news_of(run, stage, ending, reason, commands, self._page)
        tell(news, webhook_in(self.environ), self.settings.timezone, self.say)
        if self.settings.stage is not Stage.PRODUCTION or ending is Ending.KILLED:
            return
        if not (token := self.environ.get(_TOKEN)):
            self.say(
                f"The commit was not told: {_TOKEN} is not set, as it is in a workflow; {VERIFIED} stays as it was."
            )
        else:
            good = ending is Ending.SUCCEEDED
            with Rest(self.github, token) as github:
                verify(github, self.settings, news.commit, good=good, why=reason, page=self._page, say=self.say)

    @property
    def _page(self) -> str:
        """The address of the workflow's run, "" on a person's machine (GitHub Docs, "Variables reference")."""
        known = [self.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
        return "{}/{}/actions/runs/{}".format(*known) if all(known) else ""
