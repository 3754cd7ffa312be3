"""The stage files as a whole: everything that is wrong in them, and the settings one of them holds."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product, ProductFault
from bulkhead.model.settings.check import check_settings, product_faults
from bulkhead.model.settings.cross import Level, cross_check, trespasses
from bulkhead.model.settings.encryption import encryption_doubts, encryption_faults
from bulkhead.model.settings.examples import example_faults
from bulkhead.model.settings.keys import secret_faults
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import Path, stack_file
from bulkhead.model.settings.product_reference import KEY, find_product, reference_in
from bulkhead.model.settings.reader import StackFile, read
from bulkhead.model.settings.recovery import recovery_doubts, replica_doubts
from bulkhead.model.settings.required_checks import check_faults


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, or a warning that stops nothing; ``line`` is the line of its setting, None when the file does not have
    it."""

    level: Level
    fault: Fault
    line: int | None = None


def stage_files(root: File) -> list[File]:
    """Return the files of the three permanent stages below ``root``, whether they exist or not, and then those of all
    other stacks that have one."""
    permanent = [root / stack_file(stage) for stage in Stage]
    return [*permanent, *sorted(set(root.glob(stack_file("*"))) - set(permanent))]


def check_files(files: Sequence[File], chosen: Product | None = None) -> list[Finding]:
    """Return everything that is wrong in ``files``, and between them when the three stages are all among them. Each is
    checked against the product that it names, or against ``chosen``."""
    findings: list[Finding] = []
    stages: dict[str, tuple[StageSettings, Product] | None] = {}
    opened = [read(path) for path in files]
    for path, file in zip(files, opened, strict=True):
        settings, product, faults = _checked(file, chosen)
        if settings is not None:
            faults = (*faults, *check_faults(settings, path.parent))
            doubts = (*recovery_doubts(settings), *replica_doubts(settings))
            findings += [Finding("warning", doubt, file.lines.get(doubt.key)) for doubt in doubts]
        whole = None if settings is None or product is None or file.faults else (settings, product)
        stages.setdefault(file.stack, whole)
        findings += _findings(file, faults)
    findings += [Finding("fault", fault) for fault in _twice(files)]
    findings += [Finding("fault", fault) for fault in encryption_faults(opened)]
    findings += [Finding("warning", fault) for fault in encryption_doubts(opened)]
    if set(stages) >= {stage.value for stage in Stage}:
        known = [stage for stage in stages.values() if stage is not None]
        if len(known) == len(stages):
            findings += [Finding(level, fault) for level, fault in cross_check(known)]
        else:
            message = "what must hold between the stages was not checked, because a file has faults of its own"
            findings.append(Finding("warning", Fault("", message, "mend those first, then check again")))
    return list(dict.fromkeys(findings))  # a fault of the product itself is reported once, not for each stage


def _checked(file: StackFile, chosen: Product | None) -> tuple[StageSettings | None, Product | None, tuple[Fault, ...]]:
    """Return the settings in a file, their product, and the faults. Settings or product are None when they are at
    fault."""
    if not file.was_read:
        return None, None, ()
    settings, faults = check_settings(file.stack, file.config, file.secret_keys)
    product = chosen
    if product is None and not any(fault.key == KEY for fault in faults):
        try:
            product = find_product(reference_in(file.config), file=file.name)
        except ProductFault as unfit:
            faults = (*faults, *unfit.faults)
    if settings is not None:
        faults = (*faults, *example_faults(settings))
    if settings is not None and product is not None:
        faults = (*faults, *product_faults(settings, product))
    if product is not None:
        faults = (*faults, *secret_faults(file.stack, file.config, file.secret_keys, product))
    return settings, product, faults


def read_settings(path: File, *, examples: bool = True) -> StageSettings:
    """Return the settings in one stage file, whichever secrets it lacks. Raises Refused with every fault; without
    ``examples`` a value that was shipped as an example is one: nothing real may be touched with it. Neither may a pull
    request's stack touch what another stage has."""
    file = read(path)
    settings, faults = check_settings(file.stack, file.config, file.secret_keys) if file.was_read else (None, ())
    if settings is not None and not examples:
        faults = tuple(real_faults(settings, path.parent))
    found = [finding.fault for finding in _findings(file, faults)]
    if settings is None or found:
        raise Refused(f"{path.name} cannot be used", found)
    return settings


def settings_with(path: File, product: Product, place: Path, value: str) -> StageSettings:
    """Return the settings in one stage file as they would be if one of a section had this value. Raises Refused with
    every fault that this has."""
    file = read(path)
    config = section = copy.deepcopy(dict(file.config))
    for name in place[:-1]:
        section = section.setdefault(str(name), {})
    section[str(place[-1])] = value
    settings, faults = check_settings(file.stack, config, file.secret_keys)
    if settings is not None:
        faults = (*faults, *product_faults(settings, product))
    if settings is None or faults:
        raise Refused(f"{path.name} could not say so.", faults)
    return settings


def real_faults(settings: StageSettings, folder: File) -> Iterator[Fault]:
    """Yield why nothing real may be touched with these settings: examples, and what the stack of a pull request has of
    another stage in ``folder``. Of a stage whose file is at fault nothing is known."""
    yield from example_faults(settings)
    if settings.environment != settings.stage:
        files = [read(folder / stack_file(stage)) for stage in Stage]
        checked = [check_settings(file.stack, file.config, file.secret_keys)[0] for file in files if file.was_read]
        yield from trespasses([settings], [each for each in checked if each is not None])


def _findings(file: StackFile, faults: Iterable[Fault]) -> list[Finding]:
    """Return one finding per key: a value that YAML readers understand differently is not judged a second time."""
    ambiguous = {fault.key for fault in file.faults}
    all_faults = [*file.faults, *(fault for fault in faults if fault.key not in ambiguous)]
    return [Finding("fault", fault, file.lines.get(fault.key)) for fault in all_faults]


def _twice(files: Sequence[File]) -> Iterator[Fault]:
    for name, count in Counter(path.name for path in files).items():
        if count > 1:
            message = f"is given {count} times: two environments of one name would have the same name for every store"
            yield Fault("", message, "give each stack a file of its own", name)
