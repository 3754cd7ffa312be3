"""Tells people how a deployment ended: in Slack (DEP-13), and beside the commit (QLT-3).

What could not be announced is said and changes nothing: a deployment is no worse for Slack's having an incident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from bulkhead.clients import slack
from bulkhead.clients.rest import Rest
from bulkhead.delivery.documents import without_secrets
from bulkhead.delivery.journal import Run
from bulkhead.delivery.validation import UNVALIDATED
from bulkhead.delivery.words import fact, moved
from bulkhead.model.faults import Refused
from bulkhead.model.naming import upper_snake
from bulkhead.model.settings import StageSettings
from jobs.local_time import lasted, shown

VERIFIED: Final = "production-verified"
"""The commit status that says whether a production deployment was watched to its end and found good."""

WEBHOOK: Final = "slackWebhook"
"""The secret of a stage that says which channel is told."""

# Slack's limits: "Reference: Block Kit", and "REST API endpoints for commit statuses" for GitHub's.
_HEADER: Final = 150
_SECTION: Final = 3000
_FIELD: Final = 2000
_DESCRIPTION: Final = 140
_COMMIT: Final = 12  # characters
_CUT: Final = " ..."


class Ending(StrEnum):
    """What became of a deployment. ``KILLED`` is told by whoever finds it."""

    SUCCEEDED = "deployed"
    FAILED = "failed"
    STOPPED = "stopped, and safe"
    PERSON = "waits for a person"
    KILLED = "was killed"


_SIGNS: Final[Mapping[Ending, str]] = {
    Ending.SUCCEEDED: ":white_check_mark:",
    Ending.FAILED: ":x:",
    Ending.STOPPED: ":leftwards_arrow_with_hook:",
    Ending.PERSON: ":raising_hand:",
    Ending.KILLED: ":skull:",
}


@dataclass(frozen=True, slots=True)
class News:
    """How a deployment ended. ``moved`` is one line for each Worker, ``next`` the commands that a person may type,
    ``page`` the address of the run in GitHub, where it has one; ``unvalidated`` why it went without staging's word."""

    ending: Ending
    stage: str
    commit: str
    who: str
    began: datetime
    ended: datetime
    moved: Sequence[str] = ()
    reason: str = ""
    next: Sequence[str] = ()
    page: str = ""
    unvalidated: str = ""


def news_of(
    run: Run, stage: str, ending: Ending, reason: str = "", commands: Sequence[str] = (), page: str = ""
) -> News:
    """Return the news of a run, as far as its journal goes."""
    entries = run.entries()
    people = dict.fromkeys(f"{each.by.user}@{each.by.host}" for each in entries)
    return News(
        ending=ending,
        stage=stage,
        commit=fact(entries[0], "commit"),
        who=", then ".join(people),
        began=entries[0].at,
        ended=entries[-1].at,
        moved=moved(entries),
        reason=reason or f"{entries[-1].step} {fact(entries[-1], 'reason')}".strip(),
        next=commands,
        page=page,
        unvalidated=fact(entries[0], UNVALIDATED),
    )


def webhook_in(environ: Mapping[str, str]) -> str | None:
    """Return the webhook that a workflow was given with the secrets of its GitHub environment, None without one."""
    return environ.get(upper_snake(WEBHOOK)) or None


def tell(
    news: News,
    webhook: str | None,
    zone: str,
    say: Callable[[str], None],
    post: Callable[[str, Mapping[str, Any]], None] = slack.post,
) -> bool:
    """Tell Slack, and return whether it was told; ``say`` gets why not. ``zone`` is the stage's time zone."""
    if not webhook:
        say(f"Slack was not told: {upper_snake(WEBHOOK)} is not set, as it is in a workflow of the stage.")
        return False
    return _attempted(partial(post, webhook, message(news, zone)), say)


def verify(
    github: Rest, settings: StageSettings, commit: str, *, good: bool, why: str, page: str, say: Callable[[str], None]
) -> bool:
    """Set the commit status that says how a production deployment was found to be, and return whether that was done;
    ``say`` gets why not. ``page`` is where more can be read, "" for nowhere."""
    status = {
        "state": "success" if good else "failure",
        "context": VERIFIED,
        "description": _cut(_plain(why), _DESCRIPTION),
        **({"target_url": page} if page else {}),
    }
    ours = settings.github
    # The newest status of a context counts, so a second one that says the same does no harm.
    path = f"/repos/{ours.owner}/{ours.repository}/statuses/{commit}"
    return _attempted(partial(github.post, path, status, repeatable=True), say)


def message(news: News, zone: str) -> dict[str, Any]:
    """Return what Slack is to show (pure): blocks, and a line for notices and for who reads without them."""
    title = f"{news.stage}: {news.ending}"
    took = lasted(news.ended - news.began)
    facts = {
        "Commit": f"`{_marked(news.commit[:_COMMIT]) or 'unknown'}`",
        "By": _marked(news.who) or "unknown",
        "Began": shown(news.began, zone),
        "Took": took,
    }
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(f"{_SIGNS[news.ending]} {title}", _HEADER)}},
        {"type": "section", "fields": [_text(f"*{name}*\n{value}", _FIELD) for name, value in facts.items()]},
    ]
    told = {
        "": [_marked(news.reason)] if news.reason else [],
        "*Not validated by staging*": [_marked(news.unvalidated)] if news.unvalidated else [],
        "*What moved*": [f"• {_marked(line)}" for line in news.moved],
        "*What to type*": [f"`{_marked(line)}`" for line in news.next],
        "*Where*": [_marked(news.page)] if news.page else [],
    }
    for heading, lines in told.items():
        if lines:
            text = "\n".join([heading, *lines] if heading else lines)
            blocks.append({"type": "section", "text": _text(text, _SECTION)})
    return {"text": _cut(_marked(f"{title} ({news.commit[:_COMMIT]}, {news.who}, {took})"), _SECTION), "blocks": blocks}


def _attempted(doing: Callable[[], Any], say: Callable[[str], None]) -> bool:
    try:
        doing()
    except Refused as refused:
        say(str(refused))
        return False
    return True


def _text(text: str, most: int) -> dict[str, str]:
    return {"type": "mrkdwn", "text": _cut(text, most)}


def _plain(text: str) -> str:
    return str(without_secrets(text))


def _marked(text: str) -> str:
    """Return a text without secrets and without Slack's own signs: `<!channel>` in a commit's message must not wake
    everybody up, and a backtick must not end the mark around it."""
    plain = _plain(text).replace("`", "'")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    """Return at most ``most`` characters, and no half of an escaped sign."""
    if len(text) <= most:
        return text
    kept = text[: most - len(_CUT)]
    start = kept.rfind("&")
    return (kept[:start] if ";" not in kept[start:] and start >= 0 else kept) + _CUT
