"""The whole check (pure): every text, every reference and every name of every stage, and what is wrong with them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.analysis.identity import is_made, same
from bulkhead.analysis.isolation import accounts, documents, github, tokens, workers
from bulkhead.analysis.isolation.reference import FoundReference, ReferenceKind
from bulkhead.analysis.isolation.shared import Risk, risks
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.marks import REMARKS, Mark, Marks, is_of_mail
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.documents import allowed
from bulkhead.resources.planned import PlannedResource
from bulkhead.resources.texts import Text, parsed, texts
from bulkhead.resources.values import at

KINDS: Final[tuple[ReferenceKind, ...]] = (
    *workers.KINDS,
    *accounts.KINDS,
    *documents.KINDS,
    *tokens.KINDS,
    *github.KINDS,
)
NAMES: Final = "names"
OTHER: Final = "everything else"
FILES: Final = "generated files"
SECRETS: Final = "secrets"


@dataclass(frozen=True, slots=True)
class Leak:
    """A place where a stage is not by itself. ``whose`` is the stage that it reaches, empty where nobody's is known.
    ``wrong`` and ``causes`` are sentences without a full stop, and hold nothing that is secret."""

    stage: str
    kind: str
    resource: str
    path: str
    whose: str
    wrong: str
    causes: str
    fix: str

    @property
    def place(self) -> str:
        return f"{self.stage}: {self.resource}: {self.path}" if self.path else f"{self.stage}: {self.resource}"


@dataclass(frozen=True, slots=True)
class Count:
    """How many references of one kind one stage has, each once a resource, and how many places lead out of it."""

    kind: str
    stage: str
    references: int
    leaks: int


@dataclass(frozen=True, slots=True)
class Isolation:
    """What was looked at, what leads from one stage to another, and what stages share by their settings."""

    counts: tuple[Count, ...]
    leaks: tuple[Leak, ...]
    risks: tuple[Risk, ...]


Files = Sequence[tuple[str, str, str]]
"""Files that were generated for stages: stage, name, text."""


def isolation(plans: Sequence[StagePlan], files: Files = ()) -> Isolation:
    """Return whether these stages are apart. ``files`` were generated for them and are read as texts."""
    marks = Marks(plans)
    leaks: dict[tuple[str, str, str], Leak] = {}
    counts: dict[tuple[str, str], int] = {}
    for plan in plans:
        others = [other for other in plans if other is not plan]
        for kind, looked, found in _looked(plan, others, marks, files):
            counts[kind, plan.environment] = looked
            for leak in found:
                leaks.setdefault((leak.stage, leak.resource, leak.path), leak)
    for leak in _twice(plans):
        leaks.setdefault((leak.stage, leak.resource, leak.path), leak)
    found = tuple(leaks.values())
    return Isolation(
        tuple(
            Count(kind, stage, looked, sum(leak.kind == kind and leak.stage == stage for leak in found))
            for (kind, stage), looked in counts.items()
        ),
        found,
        risks(plans),
    )


def _looked(
    plan: StagePlan, others: Sequence[StagePlan], marks: Marks, files: Files
) -> Iterator[tuple[str, int, Sequence[Leak]]]:
    """Yield, for each kind, how many references there are and which of them lead out of the stage."""
    leaks: defaultdict[str, list[Leak]] = defaultdict(list)
    seen: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    marked: set[tuple[str, str]] = set()
    for resource, text in _everything(plan):
        for mark, owners in marks.seen(plan.environment, text.text):
            if _is_repository(plan, text) or (mark.what == "hostname" and _is_no_hostname(resource, text)):
                continue
            kind = _kind_of(resource, text)
            name = kind.name if kind else OTHER
            seen[name].add((resource.urn, text.text))
            if plan.environment not in owners:
                marked.add((resource.urn, text.text))
                leaks[name].append(_foreign_text(plan, resource, text, kind, mark, min(owners)))
    for kind in KINDS:
        for reference in kind.find(plan, others):
            values = {(reference.resource.urn, value) for value in _values(reference)}
            seen[kind.name] |= values
            if reference.wrong and not marked & values:  # what a mark betrays is in the list already
                leaks[kind.name].append(_foreign_reference(plan, marks, kind, reference))
        if not seen[kind.name] and kind.expected(plan):
            leaks[kind.name].append(_none_found(plan, kind))
        yield kind.name, len(seen[kind.name]), leaks[kind.name]
    yield OTHER, len(seen[OTHER]), leaks[OTHER]
    made = [resource for resource in plan.resources if is_made(resource)]
    yield (
        NAMES,
        len(made),
        [_without_row(plan, resource) for resource in _first_of_type(made) if row_of(resource.type) is None],
    )
    if files:
        yield from _in_files(plan, marks, files)


def _is_repository(plan: StagePlan, text: Text) -> bool:
    """Whether a text is the repository of all stages, which may be called as something of one of them."""
    return text.path.rpartition(".")[2] == "repository" and text.text == plan.settings.github.repository


def _is_no_hostname(resource: PlannedResource, text: Text) -> bool:
    """Whether a text may be spelt as another stage's hostname and is none, but where people have mail."""
    if resource.type == t.DNS_RECORD and resource.inputs.get("type") in {"MX", "TXT"}:
        return text.path.startswith(("content", "data"))
    return is_of_mail(f"{resource.inputs.get('variableName', '')} {text.path}", text.text)


def _values(reference: FoundReference) -> list[str]:
    return [str(each) for each in reference.value] if isinstance(reference.value, list) else [str(reference.value)]


_REMARK: Final = re.compile(REMARKS)


def _everything(plan: StagePlan) -> Iterator[tuple[PlannedResource, Text]]:
    """Yield every text of a plan, apart from what policies forbid and what only people read."""
    for resource in plan.resources:
        for name, value in resource.inputs.items():
            if _REMARK.fullmatch(name):
                continue
            row = row_of(resource.type)
            if row and name in row.documents:
                value = allowed(parsed(value) or value if isinstance(value, str) else value)  # noqa: PLW2901
            elif resource.type in tokens.TOKENS and name == "policies" and isinstance(value, list):
                value = [each for each in value if at(each, "effect") != "deny"]  # noqa: PLW2901
            yield from ((resource, text) for text in texts(value, name))
    exported = PlannedResource("output", "of the stack", "output", "", plan.outputs)
    yield from ((exported, text) for text in texts(plan.outputs))


_BY_PROPERTY: Final = {property_: kind for kind in KINDS for property_ in kind.properties}
_BY_NAME: Final = {kind.name: kind for kind in KINDS}


def _kind_of(resource: PlannedResource, text: Text) -> ReferenceKind | None:
    path = text.path.split(" ")[0]
    property_ = path.split(".")[0].split("[")[0]
    if text.sealed and text.text.startswith("<"):
        return _BY_NAME[SECRETS]
    if property_ in {"accountId", "zoneId"} and resource.type.startswith("cloudflare:"):
        return _BY_NAME["accounts and zones"]
    if property_ in {"tags", "defaultTags"}:
        return _BY_NAME["tags and variables"]
    exact = _BY_PROPERTY.get((resource.type, re.sub(r"\[[^\]]*\]", "[]", path)))
    return exact or _BY_PROPERTY.get((resource.type, property_))


def _foreign_text(
    plan: StagePlan, resource: PlannedResource, text: Text, kind: ReferenceKind | None, mark: Mark, whose: str
) -> Leak:
    return Leak(
        plan.environment,
        kind.name if kind else OTHER,
        resource.title,
        text.path,
        whose,
        f"holds {mark.text}, the {mark.what} of {whose}",
        kind.causes if kind else "What is meant for one stage would happen in the other",
        kind.fix if kind else f"take it from the settings and the names of {plan.environment}",
    )


def _foreign_reference(plan: StagePlan, marks: Marks, kind: ReferenceKind, reference: FoundReference) -> Leak:
    foreign = next(marks.foreign(plan.environment, str(reference.value)), None)
    whose = reference.whose or (foreign[1] if foreign else "")
    sealed = [text.text for text in texts(reference.resource.inputs) if text.sealed]
    hidden = any(value in text for value in _values(reference) for text in sealed)
    shown = f"{reference.value} " if isinstance(reference.value, str | list) and reference.value and not hidden else ""
    return Leak(
        plan.environment,
        kind.name,
        reference.resource.title,
        reference.path,
        whose,
        f"{shown}{reference.wrong}",
        kind.causes,
        reference.fix or kind.fix,
    )


def _none_found(plan: StagePlan, kind: ReferenceKind) -> Leak:
    return Leak(
        plan.environment,
        kind.name,
        "the whole plan",
        kind.name,
        "",
        "has no reference of this kind, although the stage must have some",
        "Nothing was looked at, so nothing is shown",
        "find out why the program makes none, or mend bulkhead/analysis/isolation",
    )


def _without_row(plan: StagePlan, resource: PlannedResource) -> Leak:
    return Leak(
        plan.environment,
        NAMES,
        resource.title,
        "",
        "",
        f"is of a type of which it is not known what tells two of them apart ({resource.type})",
        "Two stages could make one and the same thing, and nobody would see it",
        "add a row for the type to bulkhead/resources",
    )


def _first_of_type(resources: Sequence[PlannedResource]) -> list[PlannedResource]:
    return list({resource.type: resource for resource in reversed(resources)}.values())


def _twice(plans: Sequence[StagePlan]) -> Iterator[Leak]:
    """Yield what two stages would both make."""
    first: dict[tuple[Any, ...], tuple[StagePlan, PlannedResource]] = {}
    for plan in plans:
        for resource in plan.resources:
            if not is_made(resource) or (what := same(plan, resource)) is None:
                continue
            other, theirs = first.setdefault(what, (plan, resource))
            if other is not plan:
                yield Leak(
                    plan.environment,
                    NAMES,
                    resource.title,
                    "",
                    other.environment,
                    f"is the very thing that {other.environment} makes as {theirs.title}",
                    "The stage deployed last takes it over, and removing one stage removes it from both",
                    "take its name from Label, or let one stage alone own it (`owns` in the settings)",
                )


def _in_files(plan: StagePlan, marks: Marks, files: Files) -> Iterator[tuple[str, int, Sequence[Leak]]]:
    leaks, looked = [], 0
    for stage, name, text in files:
        if stage != plan.environment:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            looked += any(True for _ in marks.seen(stage, line))
            leaks += [
                Leak(
                    stage,
                    FILES,
                    name,
                    f"line {number}",
                    whose,
                    f"holds {mark.text}, the {mark.what} of {whose}",
                    "Whoever works with this file works on the other stage",
                    "generate it anew from the manifest of the stage",
                )
                for mark, whose in marks.foreign(stage, line)
            ]
    yield FILES, looked, leaks
