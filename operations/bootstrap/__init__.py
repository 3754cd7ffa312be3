"""Makes what must exist before a stage's stack can: state bucket, secrets key, deploy role. Idempotent.

These cannot be resources of the stack: the stack's state would lie in the bucket that the stack makes, and its role
would be able to widen itself.
"""

from operations.bootstrap.parts import Clients, Effect, GitHubIds, Plan, Target, target
from operations.bootstrap.plan import apply, confirmation, next_commands, plan

__all__ = [
    "Clients",
    "Effect",
    "GitHubIds",
    "Plan",
    "Target",
    "apply",
    "confirmation",
    "next_commands",
    "plan",
    "target",
]
