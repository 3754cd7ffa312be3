"""`bulkhead deploy production`, the command itself, at a desk whose stage is in memory, or in a file between processes.

As a program it is a deployment that a test may kill: it says at which call of the outside world it waits for that.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bulkhead.cli.main import main
from bulkhead.clients.endpoints import GITHUB
from bulkhead.delivery.build import Source
from bulkhead.delivery.journal import Journal, Run
from bulkhead.delivery.observed import Count, Probes
from bulkhead.delivery.plan import Plan
from bulkhead.delivery.run import Deployment
from bulkhead.delivery.telling import Telling
from bulkhead.localclouds.aws.client import client
from tests.support.moving_stage import Outside, delivery, plan
from tests.support.settings_fixture import make_settings

_LASTING = ("deployments", "versions", "ups", "settled", "freshened", "history")


@dataclass
class Desk:
    """What the command needs of its desk; ``shown`` is what the checkout would deploy."""

    outside: Outside
    journal: Journal
    shown: Plan = field(default_factory=plan)
    say: Callable[[str], None] = print
    stage: str = "production"

    @property
    def source(self) -> Source:
        return Source(self.shown.commit, self.shown.tree)

    @property
    def telling(self) -> Telling:
        return Telling(make_settings(self.stage), GITHUB, self.say, {})

    def holds(self, shown: Plan) -> bool:
        return shown.commit == self.shown.commit

    def plan_of(self, run: Run) -> Plan:
        return Plan.of(run.entries()[0].facts["plan"], run.id)

    def deployment(self, shown: Plan, run: Run) -> Deployment:
        return delivery(self.outside, self.journal, run, shown, self.say)


WITHOUT_STAGING = ("--unvalidated", "the test has no staging")


def deploy(desk: Desk, *more: str) -> int:
    """Run the command at this desk, on a person's machine, and return its exit code."""

    @contextmanager
    def at_desk(*_: Any) -> Iterator[Desk]:
        yield desk

    with (
        patch("bulkhead.delivery.desk.at_desk", at_desk),
        patch("bulkhead.cli.deploy.read_settings", lambda *_, **__: make_settings(desk.stage)),
        patch("bulkhead.cli.deploy._planned", lambda *_: desk.shown),
        patch.dict("os.environ", GITHUB_ACTIONS=""),
    ):
        return main(["deploy", desk.stage, "--yes", desk.stage, *(more or WITHOUT_STAGING)])


class Kept(Outside):
    """An outside that outlives the processes which act on it. At call ``at`` it says so, and waits."""

    def __init__(self, file: Path, at: int = 0, say: Callable[[str], None] = print) -> None:
        super().__init__()
        self._file, self._at, self._say = file, at, say
        if file.exists():
            vars(self).update(pickle.loads(file.read_bytes()))  # noqa: S301 - the test's own
        self.shows = lambda _at, _percent: (Count(9000, 9), Count(1000, 1), Probes(asked=5))

    def call(self, do: Callable[[], Any]) -> Any:
        if self.calls + 1 == self._at:
            self._say("here")
            time.sleep(60)
        answer = super().call(do)
        self._file.write_bytes(pickle.dumps({name: getattr(self, name) for name in _LASTING}))
        return answer


def _program(arguments: Sequence[str]) -> int:
    endpoint, account, bucket, file, at = arguments
    s3 = client(endpoint, account, "ap-northeast-1", "s3")
    return deploy(Desk(Kept(Path(file), int(at), partial(print, flush=True)), Journal(s3, bucket, "production")))


if __name__ == "__main__":
    sys.exit(_program(sys.argv[1:]))
