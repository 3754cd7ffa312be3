"""The commit that a checkout holds, against the one that is live."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkhead.machine.git import git
from bulkhead.model.faults import Fault, Refused

_LENGTH: Final = 12
_SAID: Final = re.compile(rf"([0-9a-f]{{{_LENGTH}}})(?: |$)")
_MOST: Final = 50  # commits that a plan names


@dataclass(frozen=True, slots=True)
class Way:
    """How a checkout's commit stands to the one that is live. ``since`` are the commits that would become live,
    ``gone`` those that would no longer be, newest first, each with its subject. ``known`` is false where the checkout
    does not have the live commit, so that nobody can say."""

    live: str
    since: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    known: bool = True


def uncommitted(checkout: Path) -> tuple[str, ...]:
    """Return the files that are otherwise than in the commit that is checked out, those that git does not know left
    aside. Raises Refused where git cannot tell."""
    changed = git(checkout, "status", "--porcelain", "--untracked-files=no")
    if changed is None:
        raise Refused("Nobody can say what was changed.", [Fault(str(checkout), "git cannot tell", "git status")])
    return tuple(line[3:] for line in changed.splitlines())


def way(checkout: Path, live: str) -> Way:
    """Return how the checkout stands to ``live``, a commit or the beginning of one."""
    full = git(checkout, "rev-parse", "--verify", "--quiet", f"{live}^{{commit}}")
    if not full:
        return Way(live, known=False)
    return Way(live, since=_named(checkout, f"{full.strip()}..HEAD"), gone=_named(checkout, f"HEAD..{full.strip()}"))


def _named(checkout: Path, span: str) -> tuple[str, ...]:
    said = git(checkout, "log", f"--max-count={_MOST}", f"--abbrev={_LENGTH}", "--format=%h %s", span)
    return tuple((said or "").splitlines())


def short(commit: str) -> str:
    """Return a commit as a deployment's message begins with it."""
    return commit[:_LENGTH]


def message(commit: str, what: str) -> str:
    """Return what a deployment at Cloudflare says of itself: of which commit it is comes first."""
    return f"{short(commit)} {what}"


def commit_of(said: str) -> str:
    """Return the commit that a deployment's message begins with, empty where it begins with none."""
    found = _SAID.match(said)
    return found[1] if found else ""
