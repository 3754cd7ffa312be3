"""Makes what must exist before the stacks of a stage can: for each a state bucket and a key, and GitHub's way in.
Idempotent.

These cannot be resources of a stack: its state would lie in the bucket that it makes.
"""

from bulkhead.operations.bootstrap.clients import Clients
from bulkhead.operations.bootstrap.commands import next_commands
from bulkhead.operations.bootstrap.plan import apply, confirmation, plan
from bulkhead.operations.bootstrap.steps import BootstrapPlan, Effect
from bulkhead.operations.bootstrap.target import StateStore, Target, target

__all__ = [
    "BootstrapPlan",
    "Clients",
    "Effect",
    "StateStore",
    "Target",
    "apply",
    "confirmation",
    "next_commands",
    "plan",
    "target",
]
