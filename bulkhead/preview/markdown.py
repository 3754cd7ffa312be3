"""The verdict on one stage as its part of a comment on a pull request (pure).

A comment of GitHub's has at most 65,536 characters, and three stages share one. What stops the change is never left
out; everything else is shown as far as there is room, and the rest is counted. For ordinary changes only the paths are
shown, no values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.preview.verdict import Judged, Obstacle, Verdict

COMMENT: Final = 65_536
LIMIT: Final = COMMENT // 3
_ROOM_FOR_ENDS: Final = 200  # characters: a heading and a line that counts what was left out
_LONGEST_MESSAGE: Final = 2_000
_SIGNS: Final = re.compile(r"([\\`*_\[\]|~#<>!])")


def render(verdict: Verdict) -> str:
    """Return the part. Its first line is invisible; the workflow finds the comment by it in order to overwrite it."""
    stops = "\n".join(_stops(verdict))
    if len(stops) > LIMIT // 2:
        stops = "\n".join(_stops_in_short(verdict))
    head = _head(verdict.plan.stack, verdict.sentence)
    parts = [head, stops]
    room = LIMIT - len(head) - len(stops)
    for title, lines in _sections(verdict):
        section = _fitted(title, lines, room - 1)
        room -= len(section) + 1
        parts.append(section)
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def render_refusal(stack: str, refused: Refused) -> str:
    """Return the part for a stage without a verdict, because the engine's output could not be judged."""
    head = _head(stack, f"{stack}: stopped, because there is no verdict.")
    lines = [_refusal(fault) for fault in refused.faults]
    return f"{head}\n{_plain(refused.summary)}\n{_fitted('Why', lines, LIMIT - len(head) - 1_000)}\n"


def _refusal(fault: Fault) -> str:
    place = ": ".join(part for part in (fault.file, fault.key) if part)
    fix = f"  Instead: {_plain(fault.fix)}." if fault.fix else ""
    return f"- **{_plain(place)}**\n{_block(fault.message)}\n{fix}".rstrip()


def _head(stack: str, sentence: str) -> str:
    return f"<!-- bulkhead preview {stack} -->\n### {_plain(sentence)}\n"


def _stops(verdict: Verdict) -> Iterator[str]:
    for leak in verdict.leaks:
        yield f"- **secret** {_code(leak.secret)} stands in {_plain(leak.place)}. Make a new one, and see who shows it."
    for judged in verdict.stops:
        yield _loss(judged)
    for obstacle in verdict.obstacles:
        yield from _obstacle(obstacle)


def _loss(judged: Judged) -> str:
    loss = judged.loss
    return f"- **{loss.kind}** {_code(str(loss.change))}: {_plain(loss.lost)}.\n  Instead: {_plain(loss.fix)}."


def _obstacle(obstacle: Obstacle) -> Iterator[str]:
    yield f"- **{_plain(obstacle.what)}** stops it; {_plain(obstacle.fix)}:"
    yield _block(obstacle.why)


def _stops_in_short(verdict: Verdict) -> Iterator[str]:
    """Yield what stops the change, without explanations, because they would not fit; names that do not fit either are
    left out."""
    yield from (f"- **secret** {_code(leak.secret)} stands in {_plain(leak.place)}." for leak in verdict.leaks)
    yield "Too many to explain here; `bulkhead preview` says of each what to do instead."
    kinds: dict[str, list[str]] = {}
    for judged in verdict.stops:
        kinds.setdefault(judged.loss.kind, []).append(judged.loss.change.name)
    for obstacle in verdict.obstacles:
        kinds.setdefault(obstacle.what, []).append(obstacle.why.partition("\n")[0][:80])
    lines = [f"- **{_plain(kind)}** ({len(names)}): {', '.join(map(_code, names))}" for kind, names in kinds.items()]
    room = LIMIT - 2_000
    for place, line in enumerate(lines):
        # No comment can hold more names than fit into one: the rest is counted, by kind.
        share = room // (len(lines) - place)
        shown = (
            line if len(line) <= share else f"{line[: share - 60].rpartition(', ')[0]}, and more than have room here"
        )
        room -= len(shown) + 1
        yield shown


def _sections(verdict: Verdict) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what may be shortened, the most important first."""
    plan = verdict.plan
    waived = [judged for judged in verdict.losses if judged.waiver is not None]
    shown = [judged for judged in verdict.losses if judged.waiver is None and not judged.stops]
    yield "Lost, and only shown because it is a development stage", [_loss(judged) for judged in shown]
    yield "Lost, as agreed to", [_waived(judged) for judged in waived]
    yield (
        "Forgotten: it leaves the state, and stays where it is",
        [f"- {_code(str(each.change))}: {_plain(each.remains)}." for each in verdict.forgotten],
    )
    advice = [message for message in plan.policies if message.level != "mandatory"]
    yield "Advice of the policies", [f"- {_code(each.policy)}\n{_block(each.message)}" for each in advice]
    yield "About waivers", [f"- {_plain(note)}." for note in verdict.waiver_notes]
    yield "Also to know", [f"- {_plain(note)}." for note in verdict.notes]
    counts = ", ".join(f"{count} {op}" for op, count in sorted(plan.counts.items())) or "nothing"
    yield (
        f"Changes: {counts}",
        [f"- {change.action} {_code(str(change))}{_paths(change.paths)}" for change in verdict.changes],
    )
    yield (
        "Known noise of providers",
        [
            f"- {_code(str(each.change))}{_paths(each.change.paths)}: "
            f"{', '.join(_plain(entry.issue) for entry in each.entries)}"
            for each in verdict.noise
        ],
    )


def _waived(judged: Judged) -> str:
    waiver = judged.waiver
    agreed = f" ({waiver.approved_by}, until {waiver.until}: {waiver.reason})" if waiver else ""
    return f"- **{judged.loss.kind}** {_code(str(judged.loss.change))}: {_plain(judged.loss.lost + agreed)}."


def _paths(paths: Sequence[str]) -> str:
    return f": {', '.join(_code(path) for path in paths)}" if paths else ""


def _fitted(title: str, lines: Sequence[str], room: int) -> str:
    """Return a section with as many of its lines as fit, "" for a section without lines."""
    if not lines and not title.startswith("Changes"):
        return ""
    heading = f"\n#### {_plain(title)}\n"
    left = room - len(heading) - _ROOM_FOR_ENDS
    shown: list[str] = []
    for line in lines:
        if len(line) + 1 > left:
            break
        left -= len(line) + 1
        shown.append(line)
    missing = len(lines) - len(shown)
    more = [f"- and {missing} more, which have no room here: `bulkhead preview` shows them"] if missing else []
    section = "\n".join([heading, *shown, *more])
    return section if len(section) <= room else ""


def _plain(text: str) -> str:
    """Return foreign text with its markup escaped, and without mentions that would notify somebody."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split())).replace("@", "&#64;")


def _code(text: str) -> str:
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def _block(text: str) -> str:
    shown = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]} ..."
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", shown)), default=0) + 1)
    return "\n".join(f"  {line}" for line in (fence, *shown.splitlines(), fence))
