"""The stages that a checkout has files for: their settings, their plans, and what gives one away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bulkhead.analysis.code.foreign import Marks, marks_of
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.imports import kept_for_good
from bulkhead.model.naming import Stage
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of


def read_stages(files: Sequence[Path]) -> list[StageSettings]:
    """Return the settings in these files. Raises Refused with the faults of all of them."""
    stages: list[StageSettings] = []
    faults: list[Fault] = []
    for file in files:
        try:
            stages.append(read_settings(file))
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused("Without settings nothing can be planned.", faults)
    return stages


def chosen(stages: Sequence[StageSettings], stack: str | None) -> list[StageSettings]:
    """Return the one of ``stages`` that ``stack`` is, the three permanent ones without a stack. Raises Refused when
    there is none."""
    wanted = {stack} if stack else set(Stage)
    found = [each for each in stages if each.environment in wanted]
    if not found:
        message = f"has no file here; there are {', '.join(each.environment for each in stages)}"
        fault = Fault(str(stack), message, f"bulkhead access {stages[0].environment}")
        raise Refused("There is no such stage.", [fault])
    return found


def marks_beside(settings: StageSettings, files: Sequence[Path]) -> list[Marks]:
    """Return what gives away every other stage that has one of ``files``. Raises Refused where a file has faults:
    then it is not known what belongs to its stage."""
    there = [file for file in files if file.is_file() and file.name != stack_file(settings.environment)]
    others = [read_settings(file) for file in there]
    return [marks_of(other.label(product_of(other).name), other) for other in others]


def plans_of(stages: Sequence[StageSettings]) -> list[StagePlan]:
    """Return the plan of each stage. Raises Refused where a product or a program refuses."""
    with kept_for_good():  # it takes seconds, which faults in the settings need not wait for
        from bulkhead.analysis.plan import plan  # noqa: PLC0415

    return [plan(product_of(settings), settings.environment, settings) for settings in stages]
