"""The verdict on one stage as its part of a comment on a pull request (pure).

Three stages share one comment. What stops the change comes first: with its reasons, without them where they have no
room, and counted where the names have none either. Everything else is shown as far as there is room, and the rest is
counted. For ordinary changes only the paths are shown, no values. Text of others does nothing:
`bulkhead.preview.inert`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.visible import visible
from bulkhead.preview.inert import block, code, plain
from bulkhead.preview.verdict import Judged, Obstacle, Verdict

# GitHub refuses a longer body ("maximum is 65536 characters"). It has been seen to store 262,144 bytes, four for each
# character (dead-claudia/github-limits#13), so characters are what `len` counts, whichever of the two it checks.
COMMENT: Final = 65_536
ABOVE: Final = 1_000  # for what the workflow writes above the parts: the mark that it finds the comment by, the commit
LIMIT: Final = (COMMENT - ABOVE) // 3
_ROOM_FOR_ENDS: Final = 200  # characters: a heading and a line that counts what was left out
_LEAST_SHARE: Final = 200  # characters of one kind of stop
_LONGEST_NAME: Final = 80


def render(verdict: Verdict) -> str:
    """Return the part."""
    head = _head(verdict.plan.stack, verdict.sentence)
    stops = _whole(_stops(verdict), LIMIT // 2)
    if stops is None:
        stops = "\n".join(_stops_in_short(verdict, LIMIT - len(head) - _ROOM_FOR_ENDS))
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
    return f"{head}\n{plain(refused.summary)}\n{_fitted('Why', lines, LIMIT - len(head) - 1_000)}\n"


def _refusal(fault: Fault) -> str:
    place = ": ".join(part for part in (fault.file, fault.key) if part)
    fix = f"  Instead: {plain(fault.fix)}." if fault.fix else ""
    return f"- **{plain(place)}**\n{block(fault.message)}\n{fix}".rstrip()


def _head(stack: str, sentence: str) -> str:
    return f"<!-- bulkhead preview {stack} -->\n### {plain(sentence)}\n"


def _stops(verdict: Verdict) -> Iterator[str]:
    for leak in verdict.leaks:
        yield f"- **secret** {code(leak.secret)} stands in {plain(leak.place)}. Make a new one, and see who shows it."
    for judged in verdict.stops:
        yield _loss(judged)
    for obstacle in verdict.obstacles:
        yield from _obstacle(obstacle)


def _loss(judged: Judged) -> str:
    loss = judged.loss
    return f"- **{loss.kind}** {code(str(loss.change))}: {plain(loss.lost)}.\n  Instead: {plain(loss.fix)}."


def _obstacle(obstacle: Obstacle) -> Iterator[str]:
    yield f"- **{plain(obstacle.what)}** stops it; {plain(obstacle.fix)}:"
    yield block(obstacle.why)


def _stops_in_short(verdict: Verdict, room: int) -> Iterator[str]:
    """Yield what stops the change within ``room`` characters: each kind with its number, and names as far as they
    fit."""
    kinds: dict[str, list[str]] = {}
    for leak in verdict.leaks:
        kinds.setdefault("secret that is shown", []).append(leak.secret)
    for judged in verdict.stops:
        kinds.setdefault(judged.loss.kind, []).append(judged.loss.change.name)
    for obstacle in verdict.obstacles:
        kinds.setdefault(obstacle.what, []).append(obstacle.why.partition("\n")[0])
    yield (
        opening := f"Too many to explain here; `bulkhead preview {verdict.plan.stack}` says of each what to do instead."
    )
    room -= len(opening) + 1
    for place, (kind, names) in enumerate(kinds.items()):
        if room < _LEAST_SHARE:
            left = [len(each) for each in list(kinds.values())[place:]]
            yield f"- and **{sum(left)} more** of {len(left)} other kinds, which have no room here"
            return
        line = _kind(kind, names, max(room // (len(kinds) - place), _LEAST_SHARE))
        room -= len(line) + 1
        yield line


def _kind(kind: str, names: Sequence[str], room: int) -> str:
    line = f"- **{plain(_cut(kind))}** ({len(names)}): "
    room -= len(line) + len("and 65536 more")
    shown: list[str] = []
    for name in names:
        one = code(_cut(name))
        room -= len(one) + 2
        if room < 0:
            shown.append(f"and {len(names) - len(shown)} more")
            break
        shown.append(one)
    return line + ", ".join(shown)


def _cut(text: str) -> str:
    seen = visible(text)
    return seen if len(seen) <= _LONGEST_NAME else f"{seen[:_LONGEST_NAME]} ..."


def _sections(verdict: Verdict) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what may be shortened, the most important first."""
    plan = verdict.plan
    waived = [judged for judged in verdict.losses if judged.waiver is not None]
    shown = [judged for judged in verdict.losses if judged.waiver is None and not judged.stops]
    yield "Lost, and only shown because it is a development stage", [_loss(judged) for judged in shown]
    yield "Lost, as agreed to", [_waived(judged) for judged in waived]
    yield "Who gets which version", [f"- {plain(each)}." for each in verdict.traffic]
    yield (
        "Forgotten: it leaves the state, and stays where it is",
        [f"- {code(str(each.change))}: {plain(each.remains)}." for each in verdict.forgotten],
    )
    advice = [message for message in plan.policies if message.level != "mandatory"]
    yield "Advice of the policies", [f"- {code(each.policy)}\n{block(each.message)}" for each in advice]
    yield "About waivers", [f"- {plain(note)}." for note in verdict.waiver_notes]
    yield "Also to know", [f"- {plain(note)}." for note in verdict.notes]
    counts = ", ".join(f"{count} {op}" for op, count in sorted(plan.counts.items())) or "nothing"
    yield (
        f"Changes: {counts}",
        [f"- {change.action} {code(str(change))}{_paths(change.paths)}" for change in verdict.changes],
    )
    yield (
        "Known noise of providers",
        [
            f"- {code(str(each.change))}{_paths(each.change.paths)}: "
            f"{', '.join(plain(entry.issue) for entry in each.entries)}"
            for each in verdict.noise
        ],
    )


def _waived(judged: Judged) -> str:
    waiver = judged.waiver
    agreed = f" ({waiver.approved_by}, until {waiver.until}: {waiver.reason})" if waiver else ""
    return f"- **{judged.loss.kind}** {code(str(judged.loss.change))}: {plain(judged.loss.lost + agreed)}."


def _paths(paths: Sequence[str]) -> str:
    return f": {', '.join(code(path) for path in paths)}" if paths else ""


def _whole(lines: Iterable[str], room: int) -> str | None:
    """Return all lines, None where they do not fit."""
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return None
        shown.append(line)
    return "\n".join(shown)


def _fitted(title: str, lines: Sequence[str], room: int) -> str:
    """Return a section with as many of its lines as fit, "" for a section without lines."""
    if not lines and not title.startswith("Changes"):
        return ""
    heading = f"\n#### {plain(title)}\n"
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
