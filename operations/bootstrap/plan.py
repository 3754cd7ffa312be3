"""What a bootstrap would do to a stage, doing it, and what a person does next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from infra.naming import Stage
from operations.bootstrap.bucket import bucket_steps
from operations.bootstrap.key import SecretsKey
from operations.bootstrap.parts import Clients, Plan, Step, Target
from operations.bootstrap.role import identity_provider_steps, role_steps
from operations.clouds import require_account, said_plainly


def plan(target: Target, clients: Clients) -> Plan:
    """Return every step with what it would do now; reads only. The account is verified before anything else is asked.

    Raises Refused: the credentials are of another account, or something that exists cannot be used.
    """
    with said_plainly("AWS", "reading what exists"):
        require_account(clients.sts, target.account, target.label.environment)
        key = SecretsKey(target, clients.kms)
        return Plan(
            tuple(
                chain(
                    key.steps(),
                    bucket_steps(target, clients.s3, key),
                    identity_provider_steps(target, clients.iam),
                    role_steps(target, clients.iam, key),
                )
            )
        )


def apply(made: Plan, progress: Callable[[Step], None]) -> None:
    """Do what is pending, in order; ``progress`` is told before each step. After an interruption, plan and apply again.

    Raises Refused when AWS refuses a step; the ones before it are done.
    """
    for step in made.pending:
        progress(step)
        with said_plainly("AWS", f"making {step.what}"):
            step.act()


def confirmation(target: Target) -> str:
    """Return the word a person must type: the stage's name; for production ``<product>-production``, so that a habit
    from another stage or product does not confirm it."""
    label = target.label
    return f"{label.product}-{label.stage}" if label.stage is Stage.PRODUCTION else label.stage.value


def next_commands(target: Target, secret_commands: Sequence[str], profile: str) -> list[str]:
    """Return the commands that come after a bootstrap; the last ones ask for the stage's secrets. No credential is in
    them, only the profile's name."""
    stage, region = target.label.environment, target.region
    return [
        f"export AWS_PROFILE={profile}",
        f"pulumi login 's3://{target.bucket}?region={region}'",
        f"pulumi stack init {stage} --secrets-provider='awskms://{target.alias}?region={region}'",
        *secret_commands,
    ]
