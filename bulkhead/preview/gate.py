"""The gate: makes a verdict from the engine's output, the waivers and the known noise of a checkout. The engine's
output and the printed verdict are searched for the values of secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bulkhead.engine.cli import Output
from bulkhead.engine.stack import StackCli
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import stage_of
from bulkhead.model.project import project_name
from bulkhead.preview import events, markdown, noise, waivers
from bulkhead.preview.leaks import SHORTEST, Leak, leaks, too_short
from bulkhead.preview.verdict import Leaked, Verdict, as_json, bare, judge, with_failure, with_leaks, with_note
from policies.catalogue import NAME


def judged(checkout: Path, stack: str, output: Output, base: str, today: date) -> Verdict:
    """Return the verdict about a preview of ``stack``, with the waivers of the commit ``base`` and the noise of
    ``checkout``. Raises Refused when the output is no preview; if the CLI failed, with the CLI's message as well."""
    stage = stage_of(stack)
    if stage is None:
        raise ValueError(f"no stage has a stack {stack}")  # a fault of the caller
    try:
        plan = events.read(output.lines, stack, project_name(checkout))
    except Refused as refused:
        if not output.complaint:
            raise
        why = Fault(f"pulumi preview --stack {stack}", output.complaint, "mend what it says")
        raise Refused(refused.summary, [why, *refused.faults]) from None
    agreed = waivers.from_base(checkout, base, stage, today)
    try:
        known = noise.parse((checkout / noise.PATH).read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ()
    verdict = judge(plan, stage, agreed, known, today, pack=NAME)
    return with_failure(verdict, output.complaint) if output.failed else verdict


def secrets_of(stack: StackCli) -> tuple[Mapping[str, str], str]:
    """Return the values of the stack's secrets, which must not be shown, and a note about those that cannot be
    searched for."""
    try:
        secrets = stack.secrets()
    except Refused:
        return {}, "no secret was looked for: their values could not be had, because the stack cannot be decrypted here"
    short = too_short(secrets)
    return secrets, f"not looked for, being shorter than {SHORTEST} characters: {', '.join(short)}" if short else ""


def watched(verdict: Verdict, output: Output, secrets: Mapping[str, str], note: str) -> Verdict:
    """Return the verdict after a search for secrets in the engine's whole output and in everything that would be
    printed."""
    verdict = with_note(verdict, note) if note else verdict
    verdict = with_leaks(verdict, _leaked(output.lines, secrets, "what the engine said"))
    printed = "\n".join([*_texts(as_json(verdict)), markdown.render(verdict)])
    shown = _leaked(printed.splitlines(), secrets, "what would have been printed here")
    return bare(with_leaks(verdict, shown)) if shown else verdict


def _leaked(text: Iterable[str], secrets: Mapping[str, str], where: str) -> list[Leaked]:
    """Return one finding per secret, with the first line that contains it."""
    found: dict[str, list[Leak]] = {}
    for leak in leaks(text, secrets):
        found.setdefault(leak.name, []).append(leak)
    return [
        Leaked(name, f"line {each[0].line} of {where}, {each[0].form}" + (f" ({len(each)} lines)" if each[1:] else ""))
        for name, each in found.items()
    ]


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, part in document.items():
            yield name
            yield from _texts(part)
    elif isinstance(document, list):
        for item in document:
            yield from _texts(item)
    else:
        yield document if isinstance(document, str) else json.dumps(document)
