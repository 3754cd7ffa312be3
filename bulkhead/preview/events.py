"""Reads the engine's output of a preview (pure): its stream of events, or the digest of `pulumi preview --json`.

A stream is JSON, one event a line: what `PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json` writes, and
the event log of the Automation API, which has the same format (pulumi/pulumi, sdk/go/common/apitype/events.go). A
stream that was cut off, or that lost a line, is refused: what is missing could be a loss. It is read line by line: of a
long one the plan is kept, and no more.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.preview.plan import PolicyMessage, UpdatePlan
from bulkhead.preview.step_reader import AGAIN, as_dict, read_step
from bulkhead.preview.steps import EngineStep, fold

# What a digest does not contain, as seen with 3.250 by previews of the same change in both forms.
NOT_IN_A_DIGEST: Final = (
    "what the policies say",
    "a `retainOnDelete` that is taken away, and a `protect` where the engine lists no step for it",
    "resources that do not change: so not which Worker owns Durable Objects, nor the version of a provider",
    "whether a step is missing: protected resources that would be deleted are not counted",
)
_BYTE_ORDER_MARK: Final = "\ufeff"  # what some editors and shells put before a text
# As the engine lists what was cut off, and bulkhead/engine/state.py after it.
_BEGUN: Final = re.compile(r"^\s*\* (urn:pulumi:.+), interrupted while creating$", re.MULTILINE)
_COLOUR: Final = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_DIGEST_COUNTS: Final = "changeSummary"
_MOST_FAULTS: Final = 10
_COMPLAINT_LINES: Final = 12
_IDENTITIES: Final = "-identities"  # what identities/Pulumi.yaml adds to the project's name


def read(text: str | Iterable[str], stack: str, project: str | None = None) -> UpdatePlan:
    """Return the plan in ``text``, or in its lines, for ``stack``, and check that it is of ``project`` if one is given.
    Raises Refused, with line numbers, when it is no complete preview of the stack.

    A digest is one JSON document; everything else is read as a stream. A byte order mark at the start is ignored.
    """
    lines = io.StringIO(text, newline="\n") if isinstance(text, str) else iter(text)
    try:
        plan = _read(lines, stack)
    except RecursionError:
        raise _unusable([Fault("", "is nested deeper than the engine nests anything", AGAIN)]) from None
    faults = list(_of_another_project(plan, project))
    if faults:
        raise _unusable(faults)
    return plan


def _read(lines: Iterator[str], stack: str) -> UpdatePlan:
    before: list[str] = []
    for line in lines:
        before.append(line if before else line.removeprefix(_BYTE_ORDER_MARK))
        if before[-1].strip():
            break
    else:
        raise _unusable([Fault("", "is empty: the engine said nothing", AGAIN)])
    if not _is_event(before[-1]):  # then it is a digest, or no stream
        before += lines
        text = "".join(before)
        try:
            whole, place = _json(text), 0
        except ValueError as error:
            whole, place = None, getattr(error, "lineno", 1)
        if isinstance(whole, dict) and ("steps" in whole or _DIGEST_COUNTS in whole):
            return _digest(whole, stack)
        if whole is None and text.lstrip().startswith("{\n"):
            raise _unusable([Fault(f"line {place}", "ends a digest that is no whole JSON: it was cut off", AGAIN)])
    return _stream(chain(before, lines), stack)


def _is_event(line: str) -> bool:
    try:
        event = _json(line)
    except ValueError:
        return False
    return isinstance(event, dict) and "steps" not in event and _DIGEST_COUNTS not in event


def _unusable(faults: list[Fault]) -> Refused:
    more = len(faults) - _MOST_FAULTS
    shown = [*faults[:_MOST_FAULTS], *([Fault("", f"{more} more faults of this kind", AGAIN)] if more > 0 else [])]
    return Refused("This is no complete preview, so nothing can be said of it.", shown)


def _json(text: str) -> Any:
    """Return the JSON value of ``text``. Raises ValueError, also for half of a surrogate pair: Python accepts it, but
    cannot print it."""
    value = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value


# --- the stream


def _stream(lines: Iterable[str], stack: str) -> UpdatePlan:
    faults: list[Fault] = []
    steps, summary, line = [], None, 0
    messages: list[PolicyMessage] = []
    errors: list[str] = []
    begun: list[str] = []
    complaints: list[str] = []  # what the program or a policy pack wrote to its standard error
    for line, event in _events(lines, faults):
        if "resourcePreEvent" in event:
            step = _step_of(event["resourcePreEvent"], line, faults)
            steps += [step] if step else []
        elif "summaryEvent" in event:
            if summary is not None:
                faults.append(Fault(f"line {line}", "is a second summary: two operations are in one file", AGAIN))
            summary = event["summaryEvent"]
        elif "policyEvent" in event:
            messages.append(_policy(event["policyEvent"]))
        elif "diagnosticEvent" in event:
            errors += _diagnosed(event["diagnosticEvent"], "error")
            complaints += _diagnosed(event["diagnosticEvent"], "info#err")
            warnings = _diagnosed(event["diagnosticEvent"], "warning")
            begun += [urn for warning in warnings for urn in _BEGUN.findall(warning)]
    if summary is None and not faults:
        message = "is the last, and the engine's summary is not there: the stream was cut off"
        faults.append(Fault(f"line {line}", message, AGAIN))
        complaint = "\n".join([*errors, *complaints][-_COMPLAINT_LINES:])
        faults += [Fault("the engine", complaint, "mend what it says")] if complaint else []
    summary = summary if isinstance(summary, dict) else {}
    counts = summary.get("resourceChanges") or {}
    faults += [] if faults else _inconsistent(steps, counts, stack, summary, line)
    if faults:
        raise _unusable(faults)
    return UpdatePlan(
        "stream",
        stack,
        fold(steps),
        counts,
        # The engine calls a pack in a folder `name|local|folder`.
        tuple(sorted(str(name).partition("|")[0] for name in as_dict(summary.get("PolicyPacks")))),
        tuple(messages),
        tuple(dict.fromkeys(errors)),
        failed=summary.get("result", "failed" if errors else "succeeded") != "succeeded",
        begun=tuple(dict.fromkeys(begun)),
    )


def _events(lines: Iterable[str], faults: list[Fault]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each event with its line. Lines that are no events, and gaps in their numbers, are added to ``faults``."""
    expected = None
    for line, content in enumerate(lines, 1):
        if not content.strip():
            continue
        try:
            event = _json(content)
        except (ValueError, RecursionError):
            message = "is no JSON: the stream was cut off, or something else wrote into it"
            faults.append(Fault(f"line {line}", message, AGAIN))
            continue
        kinds = [key for key in event if key.endswith("Event")] if isinstance(event, dict) else []
        if not kinds or not all(isinstance(event[kind], dict) for kind in kinds):
            faults.append(Fault(f"line {line}", "is no event of the engine", "give it the output of one preview"))
            continue
        number = event.get("sequence")
        if isinstance(number, int):
            if number != (0 if expected is None else expected) and not faults:
                faults.append(Fault(f"line {line}", f"is event {number}: those before it are missing", AGAIN))
            expected = number + 1
        yield line, event


def _step_of(event: Mapping[str, Any], line: int, faults: list[Fault]) -> EngineStep | None:
    metadata = event.get("metadata")
    if not isinstance(metadata, dict) or not all(isinstance(metadata.get(key), str) for key in ("op", "urn", "type")):
        faults.append(Fault(f"line {line}", "is a step without an operation, a URN or a type", AGAIN))
        return None
    if event.get("planning") is False:
        faults.append(Fault(f"line {line}", "is of an operation that was done, not of a preview", AGAIN))
        return None
    return read_step(metadata, "old", "new", f"line {line}", faults)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _policy(event: Mapping[str, Any]) -> PolicyMessage:
    level, name, urn = (str(event.get(key) or "") for key in ("enforcementLevel", "policyName", "resourceUrn"))
    return PolicyMessage(level, name, _uncoloured(event), urn)


def _uncoloured(event: Mapping[str, Any]) -> str:
    return _COLOUR.sub("", str(event.get("message") or "")).strip()


def _diagnosed(event: Mapping[str, Any], severity: str) -> list[str]:
    message = _uncoloured(event).removeprefix("error: ")
    return [message] if message and str(event.get("severity")).startswith(severity) else []


def _inconsistent(
    steps: list[EngineStep], counts: Any, stack: str, summary: Mapping[str, Any], last: int
) -> list[Fault]:
    """Return faults for events that are no preview of this stack, or not a complete one."""
    if summary.get("isPreview") is False:
        return [Fault("", "tells of an operation that was done, not of a preview", "give it the output of a preview")]
    if summary.get("maybeCorrupt"):
        message = "says that the stack's state may be corrupt: what the state has lost, no preview shows"
        return [Fault("the engine", message, "pulumi state repair")]
    return [*_of_another(steps, stack), *_missing(steps, counts, f"line {last}")]


# --- the digest


def _digest(whole: Mapping[str, Any], stack: str) -> UpdatePlan:
    faults: list[Fault] = []
    steps = []
    for number, raw in enumerate(_list(whole.get("steps")), 1):
        if not isinstance(raw, dict) or not all(isinstance(raw.get(key), str) for key in ("op", "urn")):
            faults.append(Fault(f"step {number}", "is a step without an operation or a URN", AGAIN))
            continue
        step = read_step(raw, "oldState", "newState", f"step {number}", faults)
        steps += [step] if step else []
    counts = whole.get("changeSummary")
    found = [error for each in _list(whole.get("diagnostics")) for error in _diagnosed(as_dict(each), "error")]
    errors = tuple(dict.fromkeys(found))
    if not faults:
        faults = [*_of_another(steps, stack), *_missing(steps, counts, _DIGEST_COUNTS)]
    if faults:
        raise _unusable(faults)
    return UpdatePlan("digest", stack, fold(steps), as_dict(counts), errors=errors, failed=bool(errors))


# --- both


def _of_another(steps: list[EngineStep], stack: str) -> Iterator[Fault]:
    others = sorted({step.urn.split("::")[0].removeprefix("urn:pulumi:") for step in steps} - {stack})
    if others:
        yield Fault("", f"is of {', '.join(others)}, not of {stack}", f"bulkhead preview {others[0]} --from FILE")
    if not steps:
        yield Fault("", "holds no resource, not even the stack itself: nothing was looked at", AGAIN)


def _of_another_project(plan: UpdatePlan, project: str | None) -> Iterator[Fault]:
    """Yield a fault when the plan is of another project. Every project has a stack of this name, so the name proves
    nothing."""
    found = sorted({change.urn.partition("::")[2].partition("::")[0] for change in plan.changes})
    if len(found) > 1:
        yield Fault("", f"is of several projects, {', '.join(found)}: several operations are in one file", AGAIN)
    elif project is not None and found != [project]:
        what = ", who may do what to a stage" if found[0] == f"{project}{_IDENTITIES}" else ""
        message = f"is of the project {found[0]}{what}, not of {project}, this folder's: it says nothing of its stage"
        yield Fault("", message, f"give it a preview of {project}: pulumi preview --stack {plan.stack}, in this folder")


def _missing(steps: list[EngineStep], counts: Any, place: str) -> Iterator[Fault]:
    """Yield a fault for each operation with fewer steps than the engine counted. The engine may count fewer steps than
    there are: one for a replacement, and none for a protected deletion."""
    if not isinstance(counts, dict):
        yield Fault(place, "does not count what changes", AGAIN)
        return
    found = Counter(step.op for step in steps)
    for op, count in counts.items():
        if place == _DIGEST_COUNTS and op == "same":
            continue  # a digest lists few of the unchanged resources
        if isinstance(count, int) and count > found[op]:
            yield Fault(place, f"counts {op}: {count}, and {found[op]} are there: lines are missing", AGAIN)
