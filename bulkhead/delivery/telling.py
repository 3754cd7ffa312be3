"""Tells people what became of a run, whoever ended it: each ending once, a killed run when it is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bulkhead.clients.endpoints import Api
from bulkhead.clients.rest import Rest
from bulkhead.delivery.announce import Ending, news_of, tell, verify, webhook_in
from bulkhead.delivery.journal import Outcome, Run
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
        try:
            outcome, reason = deployment.go()
        except (Refused, Failed) as error:
            self._tell(deployment.run, Ending.FAILED, error.summary)
            raise
        self._tell(deployment.run, _ENDINGS[outcome], reason)
        return outcome, reason

    def found(self, run: Run, why: str) -> None:
        """Tell that a run was found whose process is gone."""
        self._tell(run, Ending.KILLED, why)

    def _tell(self, run: Run, ending: Ending, reason: str) -> None:
        stage = self.settings.environment
        commands = {
            Ending.PERSON: [f"bulkhead rollout {stage} show", f"bulkhead deploy {stage}"],
            Ending.FAILED: [f"bulkhead rollout {stage} show", f"bulkhead deploy {stage}"],
        }.get(ending, [])
        news = news_of(run, stage, ending, reason, commands, self._page)
        tell(news, webhook_in(self.environ), self.settings.timezone, self.say)
        token = self.environ.get(_TOKEN)
        if self.settings.stage is Stage.PRODUCTION and ending is not Ending.KILLED and token:
            good = ending is Ending.SUCCEEDED
            with Rest(self.github, token) as github:
                verify(github, self.settings, news.commit, good=good, why=reason, page=self._page, say=self.say)

    @property
    def _page(self) -> str:
        """The address of the workflow's run, "" on a person's machine (GitHub Docs, "Variables reference")."""
        known = [self.environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
        return "{}/{}/actions/runs/{}".format(*known) if all(known) else ""
