"""Imports existing resources into a stack's state: finds them by name, and lets the engine import them.

A production stage's resources outlive their state on purpose. When the state is lost, a plain `up` would be refused
because most names are taken, and would first duplicate resources without a name. No cloud is changed here: an import
reads them, and writes only the state.
"""

from bulkhead.operations.adopt.adoption import Adoption
from bulkhead.operations.adopt.changes import PendingChange, changes
from bulkhead.operations.adopt.discovery import Discovery, Match, Obstacle, discover
from bulkhead.operations.adopt.engine_plan import Engine
from bulkhead.operations.adopt.finding import Finder, Found, Wanted
from bulkhead.operations.adopt.imports import take

__all__ = [
    "Adoption",
    "Discovery",
    "Engine",
    "Finder",
    "Found",
    "Match",
    "Obstacle",
    "PendingChange",
    "Wanted",
    "changes",
    "discover",
    "take",
]
