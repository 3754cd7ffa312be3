"""Takes into a stack's state what exists in its clouds already: found by name, imported by the engine.

A production stage's resources outlive their state on purpose. When the state is lost, a plain `up` would be refused
because most names are taken, and would first make a second of whatever has no name. No cloud is changed here: an
import reads, and writes the state only.
"""

from bulkhead.operations.adopt.changes import PendingChange, changes
from bulkhead.operations.adopt.discovery import Discovery, Match, Obstacle, discover
from bulkhead.operations.adopt.engine_plan import Engine
from bulkhead.operations.adopt.finding import Finder, Found, Wanted
from bulkhead.operations.adopt.imports import take

__all__ = [
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
