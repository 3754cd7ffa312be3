"""Everything that a deployment from a checkout needs to know and to reach, opened once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bulkhead.analysis.code import reader, verdicts
from bulkhead.clients import clouds, d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery import commits, twins
from bulkhead.delivery.backing_up import Backup
from bulkhead.delivery.build import Source, checked_out
from bulkhead.delivery.checkout_stack import POLICIES, CheckoutStack
from bulkhead.delivery.door import key_of, pass_of
from bulkhead.delivery.eyes import StageEyes, UsersIfCounted
from bulkhead.delivery.journal import Journal, Run, journal_of, scope_of
from bulkhead.delivery.live import commit_of_live, last_done, live_workers, moves
from bulkhead.delivery.migrations.ledger import Standing
from bulkhead.delivery.migrations.plan import Plan as Migrations
from bulkhead.delivery.migrations.plan import plan
from bulkhead.delivery.migrations.run import planned
from bulkhead.delivery.migrations.stage import Folder, folders
from bulkhead.delivery.plan import Plan
from bulkhead.delivery.planning import Known, classes_of, switched_of
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.run import Deployment, World
from bulkhead.delivery.signals import Signals
from bulkhead.delivery.strategy import CHECK, Road, Strategy, road
from bulkhead.delivery.telling import Telling
from bulkhead.delivery.visits import StageVisits
from bulkhead.delivery.watching import Clock, Watch
from bulkhead.engine.cli import OnProgress
from bulkhead.engine.stack import StackCli
from bulkhead.model.bundles import read_bundles
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.product_reference import product_of
from bulkhead.operations.adopt.everywhere import finder_of
from bulkhead.operations.adopt.finding import Finder
from bulkhead.operations.backups import now
from bulkhead.operations.backups.place import place_of
from bulkhead.operations.maintenance.record import Records
from bulkhead.operations.secrets import check as secrets
from bulkhead.operations.secrets.files import keepers, opened
from bulkhead.preview.gate import judged, secrets_of, watched
from bulkhead.preview.waivers import default_base, from_base


@dataclass(frozen=True)
class Desk:
    """A checkout at ``root``, and the stage that it is deployed to. ``say`` tells a person."""

    root: Path
    settings: StageSettings
    product: Product
    stack: StackCli
    api: Rest
    journal: Journal
    prober: Prober
    telling: Telling
    finder: Callable[[], AbstractContextManager[Finder]]
    publish: Callable[[], None]
    backup: Backup
    say: Callable[[str], None]

    @property
    def stage(self) -> str:
        return self.settings.environment

    @property
    def source(self) -> Source:
        return checked_out(self.root)

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.api, self.settings.cloudflare.account_id)

    @property
    def eyes(self) -> StageEyes:
        counted = Signals(self.api, self.settings.cloudflare.account_id, self.settings.cloudflare.zone_id)
        users = counted if self.settings.rollout.strategy == "canary" else UsersIfCounted(counted)
        return StageEyes(self.prober, users, self.product.hostnames(self.settings.cloudflare.hostname))

    def require_whole(self) -> None:
        """Raise Refused, with all faults, where a secret is missing or too old, or the code uses a binding that it is
        not granted: a deployment once failed for one missing variable (ENV-11)."""
        files = {keeper: opened(self.root, keeper) for keeper in keepers(self.product, self.settings.stage)}
        findings, faults = secrets.check(self.product, files, datetime.now(UTC))
        wrong = [Fault(each.name, each.says, each.fix, each.file) for each in findings if each.stops]
        code = verdicts.faults(self.product, reader.read(self.product, self.root))
        if found := [*faults, *wrong, *code]:
            raise Refused(f"{self.stage} cannot be deployed like this.", found)

    def databases(self) -> list[tuple[Folder, D1]]:
        """Return the databases that exist and have migrations. A new one comes with the `up`."""
        return [(folder, there) for folder, there in self._found() if there is not None]

    def migrations(self) -> list[tuple[Folder, Migrations]]:
        """Return what the migrations would do to each database. One that comes with the `up` will have had none."""
        again = f"bulkhead migrate {self.stage} --baseline"
        return [
            (
                folder,
                plan(folder.migrations, Standing({}), folder.path, again)
                if there is None
                else planned(there, folder.migrations, folder.path, again),
            )
            for folder, there in self._found()
        ]

    def known(self, base: str | None, on_progress: OnProgress) -> Known:
        """Return everything that a plan is made of; changes nothing."""
        stack, today = self.stage, datetime.now(UTC).date()
        reference = base or default_base(self.root)
        output = self.stack.preview(POLICIES, on_progress)
        verdict = judged(self.root, stack, output, reference, today)
        verdict = watched(verdict, output, *secrets_of(self.stack))
        stand = live_workers(self.product, self.settings, self.traffic, self.stack.state().resources)
        live = commit_of_live(stand, last_done(self.journal.runs()))
        return Known(
            settings=self.settings,
            source=self.source,
            changed=commits.uncommitted(self.root),
            way=commits.way(self.root, live) if live else None,
            live_workers=stand,
            moves=moves(stand, verdict.changes, read_bundles(self.product, self.root)),
            verdict=verdict,
            migrations=self.migrations(),
            waivers=from_base(self.root, reference, self.settings.stage, today),
            product=self.product,
            maintenance=Records(self.journal.documents.objects, stack).read(),
            has_pass=bool(pass_of(os.environ)),
        )

    def road(self, known: Known, strategy: Strategy | None = None) -> Road:
        """Return the road of a release at the traffic of now; ``strategy`` is what a plan has shown already."""
        loads = self.eyes.loads(Clock().minute(), known.moves)
        way_back = not switched_of(known)
        return road(self.settings.rollout, loads, classes_of(known), strategy, asked=known.asked, way_back=way_back)

    def plan_of(self, run: Run) -> Plan:
        """Return the plan that a run was begun with."""
        return Plan.of(run.entries()[0].facts["plan"], f"run {run.id}")

    def holds(self, plan: Plan) -> bool:
        """Whether the checkout is what a plan was made from."""
        return (self.source.commit, self.source.tree) == (plan.commit, plan.tree) and not commits.uncommitted(self.root)

    def deployment(self, plan: Plan, run: Run) -> Deployment:
        """Return the run of a plan, to be begun or continued."""
        stack = CheckoutStack(
            self.stack, self.finder, self.say, protected=self.settings.protected, publish=self.publish
        )
        visits = StageVisits(self.prober, self.product, self.settings, self.api, self.say)
        eyes = self.eyes
        world = World(self.traffic, stack, self.databases, self.backup, visits, Watch(eyes, self.say), self.say)
        loads, asked = eyes.loads(Clock().minute(), plan.moves), CHECK in plan.steps
        way_back = not plan.switched
        way = road(self.settings.rollout, loads, plan.classes, plan.strategy, asked=asked, way_back=way_back)
        return Deployment(world, plan, way, run)

    def _found(self) -> list[tuple[Folder, D1 | None]]:
        account = self.settings.cloudflare.account_id
        known = folders(self.root, self.product, self.settings)
        return [(each, d1.find(self.api, account, each.physical)) for each in known]


@contextmanager
def at_desk(
    root: Path, settings: StageSettings, apis: Apis, profile: str | None, say: Callable[[str], None]
) -> Iterator[Desk]:
    """Open everything that a deployment of a stage from the checkout at ``root`` needs."""
    product = product_of(settings)
    stack = StackCli(settings.environment, root, profile)
    journal = journal_of(settings, product.name, profile, say)
    token = stack.secret(CLOUDFLARE_TOKEN)
    with (
        Rest(apis.cloudflare, token) as api,
        Prober(product, settings, apis.sites, key_of(settings, os.environ), carried=pass_of(os.environ)) as prober,
    ):
        finder = partial(finder_of, settings, stack, apis, profile)

        def publish() -> None:
            if settings.environment == settings.stage:  # nobody compares anything with the stack of a pull request
                twins.publish(stack, root, scope_of(settings, product.name).state, profile, say)

        def backup(databases: Mapping[str, D1]) -> list[str]:
            if settings.backup.full == "none":
                return []
            place = place_of(settings, product, clouds.aws(settings, profile))
            began = [
                now.take(place, there, name, token, lambda: datetime.now(UTC)) for name, there in databases.items()
            ]
            return [each.backup.key for each in began]

        telling = Telling(settings, apis.github, say)
        yield Desk(root, settings, product, stack, api, journal, prober, telling, finder, publish, backup, say)
