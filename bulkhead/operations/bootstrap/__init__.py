"""Makes what must exist before the stacks of a stage can: for each a state bucket and a key, and GitHub's way in.
Idempotent.

These cannot be resources of a stack: its state would lie in the bucket that it makes.
"""

from bulkhead.operations.bootstrap.commands import next_commands
from bulkhead.operations.bootstrap.parts import Clients, Effect, Plan, StateStore, Target, target
from bulkhead.operations.bootstrap.plan import apply, confirmation, plan

__all__ = [
    "Clients",
    "Effect",
    "Plan",
    "StateStore",
    "Target",
    "apply",
    "confirmation",
    "next_commands",
    "plan",
    "target",
]
