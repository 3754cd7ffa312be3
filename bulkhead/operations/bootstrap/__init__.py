"""Makes what must exist before the stacks of a stage can: for each a state bucket and a key, and GitHub's way in.
Idempotent.

These cannot be resources of a stack: its state would lie in the bucket that it makes.
"""

from bulkhead.operations.bootstrap.clients import Clients, connect, profile_of
from bulkhead.operations.bootstrap.commands import next_commands
from bulkhead.operations.bootstrap.plan import apply, confirmation, plan, require_done
from bulkhead.operations.bootstrap.steps import BootstrapPlan, Effect
from bulkhead.operations.bootstrap.target import StateStore, Target, require_permanent, target

__all__ = [
    "BootstrapPlan",
    "Clients",
    "Effect",
    "StateStore",
    "Target",
    "apply",
    "confirmation",
    "connect",
    "next_commands",
    "plan",
    "profile_of",
    "require_done",
    "require_permanent",
    "target",
]
