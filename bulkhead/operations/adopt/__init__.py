"""Takes into a stack's state what exists in its clouds already: found by name, imported by the engine.

A production stage's resources outlive their state on purpose. When the state is lost, a plain `up` would be refused
because most names are taken, and would first make a second of whatever has no name. No cloud is changed here: an
import reads, and writes the state only.
"""

from bulkhead.operations.adopt.changes import Change, changes
from bulkhead.operations.adopt.imports import take
from bulkhead.operations.adopt.parts import Engine, Finder, Found, Wanted
from bulkhead.operations.adopt.survey import Match, Obstacle, Survey, survey

__all__ = ["Change", "Engine", "Finder", "Found", "Match", "Obstacle", "Survey", "Wanted", "changes", "survey", "take"]
