"""What a bootstrap would do to a stage, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bulkhead.clients.clouds import require_account, said_plainly
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.operations.bootstrap.bucket import bucket_steps
from bulkhead.operations.bootstrap.clients import Clients
from bulkhead.operations.bootstrap.key import StoreKey
from bulkhead.operations.bootstrap.provider import provider_steps
from bulkhead.operations.bootstrap.steps import BootstrapPlan, BootstrapStep
from bulkhead.operations.bootstrap.target import StateStore, Target


def plan(target: Target, clients: Clients) -> BootstrapPlan:
    """Return every step with what it would do now; reads only. The account is verified before anything else is asked.

    Raises Refused: the credentials are of another account, or something that exists cannot be used.
    """
    environment = target.scope.label.environment
    steps: list[BootstrapStep] = []
    faults: list[Fault] = []
    with said_plainly("AWS", "reading what exists"):
        require_account(clients.sts, target.scope.account, environment)
        for part in (
            _store_steps(target.identities, target, clients),
            _store_steps(target.stage, target, clients),
            provider_steps(target, clients.iam),
        ):
            try:
                steps += part
            except Refused as refused:
                faults += refused.faults
    if faults:
        raise Refused(f"{environment} cannot be bootstrapped.", faults)
    return BootstrapPlan(tuple(steps))


def _store_steps(store: StateStore, target: Target, clients: Clients) -> Iterator[BootstrapStep]:
    key = StoreKey(store, target.scope.region, clients.kms)
    yield from key.steps()
    yield from bucket_steps(store, target.scope, clients.s3, key)


def apply(bootstrap_plan: BootstrapPlan, progress: Callable[[BootstrapStep], None]) -> None:
    """Do what is pending, in order; ``progress`` is told before each step. After an interruption, plan and apply again.

    Raises Refused when AWS refuses a step; the ones before it are done.
    """
    for step in bootstrap_plan.pending:
        progress(step)
        with said_plainly("AWS", f"making {step.what}"):
            step.act()


def require_done(after: BootstrapPlan) -> None:
    """Raise Refused when a plan made ``after`` everything was done has anything left: then somebody else changed it in
    the meantime."""
    left = [Fault(step.what, f"still says {step.effect}", "run the same command again") for step in after.pending]
    if left:
        raise Refused("The bootstrap went through, but not everything is as it should be.", left)


def confirmation(target: Target) -> str:
    """Return the word a person must type: the stage's name; for production ``<product>-production``, so that a habit
    from another stage or product does not confirm it."""
    label = target.scope.label
    return f"{label.product}-{label.stage}" if label.stage is Stage.PRODUCTION else label.stage.value
