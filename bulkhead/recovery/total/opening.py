"""Opens what a recovery from a checkout needs: the copies that are left of the old place, and the new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bulkhead.clients import clouds
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from bulkhead.delivery.checkout_stack import CheckoutStack
from bulkhead.delivery.door import key_of
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.run import Visits
from bulkhead.delivery.visits import StageVisits
from bulkhead.engine.stack import StackCli
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.operations import bootstrap
from bulkhead.operations.adopt.everywhere import finder_of
from bulkhead.operations.backups.place import Place
from bulkhead.recovery.objects import Mirror, sides_of
from bulkhead.recovery.total.ground import Ground
from bulkhead.recovery.total.plan import Plan
from jobs.vault import Vault


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a lost stage: its vault, or the vault's copy in another region."""

    settings: StageSettings
    product: Product
    s3: Any
    bucket: str
    state: str

    @property
    def books(self) -> Place:
        return Place(self.settings, self.product, Vault(self.s3, self.bucket, ""), self.state)

    def mirror(self, bucket: str, r2: Any = None, into: StageSettings | None = None) -> Mirror:
        """Return the mirror of a bucket, to be written into that of the new place by ``r2``."""
        target = (into or self.settings).label(self.product.name).name(Kind.R2, bucket)
        source = sides_of(self.settings, self.product.name, bucket, s3=self.s3, r2=r2)
        return Mirror(replace(source, vault=self.bucket, bucket=target), self.settings.timezone)


def left_of(settings: StageSettings, product: Product, client: Callable[[str | None], Any], *, replica: bool) -> Left:
    """Return what is left; ``client`` makes the S3 client of a region of the lost account, None for the stage's own.
    Raises Refused where the stage keeps nothing there."""
    scope = aws_scope_of(settings.label(product.name), settings)
    if not scope.keeps_backups or (replica and not scope.replica_region):
        key = "bulkhead:backup.replicaRegion" if scope.keeps_backups else "bulkhead:backup.full"
        fault = Fault(key, "says that nothing is kept there", "bulkhead adopt takes over what still exists")
        raise Refused(f"{settings.environment} cannot be recovered.", [fault])
    s3 = client(scope.replica_region if replica else None)
    return Left(settings, product, s3, scope.replica if replica else scope.vault, scope.state)


@contextmanager
def at_checkout(
    root: Path,
    left: Left,
    new: StageSettings,
    plan: Plan,
    apis: Apis,
    profile: str,
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> Iterator[Ground]:
    """Open the new place as a checkout reaches it: by Pulumi's CLI, with ``profile`` and the state's own bucket."""
    product = left.product
    aim = bootstrap.target(product.name, new)
    stack = StackCli(plan.stage, root, profile, f"s3://{aim.stage.bucket}?region={aim.scope.region}")

    def identities() -> str:
        """Making them takes secrets that only a person has: a recovery waits until they are there."""
        try:
            stack.secret(CLOUDFLARE_TOKEN)
        except Refused as refused:
            commands = bootstrap.next_commands(aim, product, profile)
            steps = [Fault(whose, "a person makes it", each) for whose, all_ in commands.items() for each in all_]
            again = Fault("", "and then", "the same command again")
            raise Refused("The recovery waits for what no copy has.", [*steps, again]) from refused
        return "their token deploys the stage"

    def open_api() -> Rest:
        return Rest(apis.cloudflare, stack.secret(CLOUDFLARE_TOKEN))

    def mirror(bucket: str, api: Rest) -> Mirror:
        account = new.cloudflare.account_id
        return left.mirror(bucket, clouds.r2(account, stack.secret(CLOUDFLARE_TOKEN), api), new)

    @contextmanager
    def visits(api: Rest) -> Iterator[Visits]:
        with Prober(product, new, apis.sites, key_of(new, environment)) as prober:
            yield StageVisits(prober, product, new, api, say)

    yield Ground(
        root,
        new,
        product,
        plan.lost_at,
        bootstrap.connect(profile, aim.scope.region),
        identities,
        CheckoutStack(
            stack, partial(finder_of, new, stack, apis, profile), say, protected=new.protected, publish=lambda: None
        ),
        open_api,
        mirror,
        visits,
    )
