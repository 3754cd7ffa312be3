"""Whether every required check is one that the checkout's workflows report (pure but for the workflows)."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from bulkhead.model.faults import Fault
from bulkhead.model.project import FILE
from bulkhead.model.release import guarded_branches
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, fault_at
from bulkhead.model.workflows import FOLDER, checks_on


def check_faults(settings: StageSettings, folder: Path) -> Iterator[Fault]:
    """Yield a fault for each required check that some pull request to a guarded branch would wait for in vain.
    ``folder`` is where the stage's file lies; where that is no checkout, nothing is known of its workflows."""
    required = settings.github.required_checks
    if not required or not (folder / FILE).exists():
        return
    reported = {branch: checks_on(folder, branch) for branch in guarded_branches(settings.github.default_branch)}
    for number, name in enumerate(required):
        missing = [branch for branch, checks in reported.items() if not any(check.fullmatch(name) for check in checks)]
        if missing:
            known = sorted({check.pattern.replace("\\", "") for branch in missing for check in reported[branch]})
            near = difflib.get_close_matches(name, known, 1)
            message = (
                f"is reported by no workflow on every pull request to {' and '.join(missing)}, and nothing could be "
                f"merged there any more, because GitHub waits for it" + (f"; did you mean {near[0]}?" if near else "")
            )
            jobs = ", ".join(known) or f"none: write a workflow with `on: pull_request` into {FOLDER}"
            path = (f"{SETTINGS}:github", "requiredChecks", number)
            yield fault_at(path, message, f"name a job that always runs; there are {jobs}", settings.environment)
