"""The plans of the stages that a checkout has files for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bulkhead.analysis.planned import Plan
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import StageSettings, read_settings
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


def plans_of(stages: Sequence[StageSettings]) -> list[Plan]:
    """Return the plan of each stage. Raises Refused where a product or a program refuses."""
    with _kept_for_good():
        # The providers' SDKs take seconds to import, which faults in the settings need not wait for.
        from bulkhead.analysis.plan import plan  # noqa: PLC0415

    return [plan(product_of(settings), settings.environment, settings) for settings in stages]


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Let no collection look at what is imported here: the providers' SDKs are a third of a million objects that stay,
    and each look at them takes a third of a second."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
