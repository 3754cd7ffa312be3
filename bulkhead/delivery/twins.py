"""Publishes a stage's state without its secrets after each `up`: pull requests are previewed on it, and whoever
validates the stage reads in it which alarms there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bulkhead.engine.stack import StackCli
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused


def publish(stack: StackCli, checkout: Path, bucket: str, profile: str | None, say: Callable[[str], None]) -> None:
    """Publish the twin of a stack in its stage's state bucket; ``say`` gets why that did not work. The stage itself is
    no worse for it."""
    from bulkhead.twin.publish import make_twin, put, refuse_values  # noqa: PLC0415 (the providers' SDKs come with it)

    place = f"s3://{bucket}"
    try:
        twin = make_twin(stack, checkout, settle=True)
        refuse_values(twin, stack)
        put(twin, checkout, place, profile)
    except (Refused, Failed) as error:
        say(f"The twin of {stack.name} was not published, so pull requests are compared with the one before: {error}")
        say(f"  bulkhead twin publish {stack.name} --to {place}")
    else:
        say(f"  the twin of {stack.name} is in {place}")
