"""The local clouds, as one process: `python -m bulkhead.localclouds RUN_DIR --stages staging,production`.

Serves the providers cloudflare, aws and github to the engine and holds what is behind them: moto for AWS, one Node
process for each environment's Cloudflare, the store for everything else. Prints one line of JSON when it is ready and
keeps the same in RUN_DIR/clouds.json. Ends on request, or when its parent process ends without having written "keep".
Its log is its stderr.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, TextIO

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.journal import Journal
from bulkhead.localclouds.api.seed import Seed
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.api.shared import write_whole
from bulkhead.localclouds.aws import handlers as aws_handlers
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.cloudflare import handlers as cloudflare_handlers
from bulkhead.localclouds.cloudflare.api import app as cloudflare_api
from bulkhead.localclouds.cloudflare.api.call import ANALYTICS_DELAY, Cloudflare
from bulkhead.localclouds.cloudflare.api.credentials import Credentials
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.github.api import app as github_api
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.github.api.credentials import Credentials as GitHubCredentials
from bulkhead.localclouds.providers.cloudflare_remote import cloudflare_remotes
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.github_remote import github_remotes
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.remote import Remote
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from bulkhead.machine import egress
from bulkhead.machine.environment import MARK
from bulkhead.machine.rundir import CALLS, FAULTS, SEED
from bulkhead.model.project import ROOT

_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class LocalCloudflares:
    """One local Cloudflare for each environment, started when it is first asked for. Safe to ask from any thread."""

    def __init__(self, run_dir: Path, store: Store) -> None:
        self._run_dir = run_dir
        self._store = store
        self._lock = threading.Lock()
        self._starting: dict[str, threading.Lock] = {}
        self._running: dict[str, LocalCloudflare] = {}

    def __enter__(self) -> LocalCloudflares:
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(LocalCloudflare.stop, self._running.values()))

    def of(self, environment: str) -> LocalCloudflare:
        """Return the Cloudflare of an environment. Raises Failed when it cannot be started."""
        with self._lock:
            starting = self._starting.setdefault(environment, threading.Lock())
        with starting:
            if environment not in self._running:
                cloud = LocalCloudflare(
                    environment,
                    self._run_dir / "cloudflare" / environment,
                    ROOT,
                    os.environ.get(MARK, str(self._run_dir)),
                    log=self._run_dir / "logs" / f"cloudflare-{environment}.log",
                )
                cloud.start()
                self._running[environment] = cloud
                with cloud.lock:  # in a kept rehearsal, the old stage must run before anything changes
                    cloud.declare(self._store.all(environment=environment))
            return self._running[environment]

    def start(self, environments: Sequence[str]) -> None:
        """Start several side by side."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.of, environments))

    def addresses(self) -> dict[str, dict[str, str]]:
        """Return where each environment's Workers answer, and where and with what token a proof may ask about it."""
        return {
            environment: {"url": cloud.url, "control": cloud.control, "token": cloud.token}
            for environment, cloud in self._running.items()
        }


class RunningClouds:
    """Everything behind the engine, running. ``write`` keeps the addresses in RUN_DIR/clouds.json."""

    def __init__(
        self,
        run_dir: Path,
        server: ProviderServer,
        aws: LocalAws,
        cloudflares: LocalCloudflares,
        cloudflare: ApiServer,
        github: ApiServer,
    ) -> None:
        self._file = run_dir / "clouds.json"
        self._server = server
        self._aws = aws
        self._cloudflares = cloudflares
        self._cloudflare = cloudflare
        self._github = github

    def write(self) -> dict[str, Any]:
        """Write the addresses, whole or not at all, and return them."""
        addresses = {
            "providers": self._server.port,
            "moto": self._aws.endpoint,
            "cloudflare": f"{self._cloudflare.url}{cloudflare_api.PREFIX}",
            "github": self._github.url,
            "pid": os.getpid(),
            "stages": self._cloudflares.addresses(),
        }
        write_whole(self._file, json.dumps(addresses))
        return addresses


@contextmanager
def running(run_dir: Path, stages: Sequence[str], analytics_delay: float = ANALYTICS_DELAY) -> Iterator[RunningClouds]:
    """Start everything, and end it in the opposite order."""
    (run_dir / "cloudflare").mkdir(parents=True, exist_ok=True)
    with ExitStack() as ending:
        store = Store(run_dir / "store.sqlite")
        ending.callback(store.close)
        aws = ending.enter_context(LocalAws(folder=run_dir / "functions"))
        cloudflares = ending.enter_context(LocalCloudflares(run_dir, store))
        real = {**cloudflare_handlers.handlers(cloudflares.of), **aws_handlers.handlers(aws)}

        def welcome(caller: Caller) -> None:
            if caller.package == "cloudflare" and caller.environment not in cloudflares.addresses():
                cloudflares.of(caller.environment)
                clouds.write()

        resources = Resources(Registry(real), store)
        journal = Journal(run_dir / CALLS)
        ending.callback(journal.close)
        seed, faults = Seed(run_dir / SEED), FaultPlan(run_dir / FAULTS)
        cloudflare = ApiServer(
            cloudflare_api.application(
                Cloudflare(
                    resources,
                    stage=lambda environment: cloudflares.of(environment).client,
                    uploads=lambda environment: cloudflares.of(environment).uploads,
                    analytics_delay=analytics_delay,
                ),
                Credentials(seed, store),
                journal,
                faults,
            )
        )
        ending.callback(cloudflare.stop)
        aws.functions.addresses[CLOUDFLARE.base] = f"{cloudflare.url}{cloudflare_api.PREFIX}"
        hub = GitHub(resources, seed)
        github = ApiServer(github_api.application(hub, GitHubCredentials(seed, hub), journal, faults))
        ending.callback(github.stop)
        remote: dict[str, Remote] = {
            **cloudflare_remotes(f"{cloudflare.url}{cloudflare_api.PREFIX}"),
            **github_remotes(github.url),
        }
        server = ProviderServer(ProviderServicer(Dispatch(resources, remote), welcome))
        ending.callback(server.stop)
        clouds = RunningClouds(run_dir, server, aws, cloudflares, cloudflare, github)
        cloudflares.start(stages)
        yield clouds


def wait_for_end(stdin: TextIO) -> None:
    """Return when ``stdin`` ends, because the parent process has ended; after "keep", never."""
    if "keep" in {line.strip() for line in stdin}:
        while True:
            signal.pause()


def _end_in_order(_number: int, _frame: FrameType | None) -> None:
    for number in _ENDING:  # a second signal must not interrupt the clean-up
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m bulkhead.localclouds", description="The local clouds of a rehearsal."
    )
    parser.add_argument("run_dir", type=Path, help="where everything is kept")
    parser.add_argument("--stages", default="", help="environments to start at once, separated by commas")
    late = "seconds until analytics tell what happened"
    parser.add_argument("--analytics-delay", type=float, default=ANALYTICS_DELAY, help=late)
    options = parser.parse_args(arguments)
    for number in _ENDING:
        signal.signal(number, _end_in_order)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    stages = [stage for stage in options.stages.split(",") if stage]
    run_dir = options.run_dir.resolve()
    (run_dir / "logs").mkdir(parents=True, exist_ok=True)
    egress.audit(run_dir / "logs", egress.CLOUDS)
    with running(run_dir, stages, options.analytics_delay) as clouds:
        print(json.dumps(clouds.write()), flush=True)  # noqa: T201 - whoever started this reads it
        wait_for_end(sys.stdin)
