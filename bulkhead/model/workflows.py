"""Which checks a checkout's workflows report on a pull request (pure but for the files).

A check has the name of its job. GitHub waits for a required check that nothing reports, and no merge is possible then
(GitHub Docs, "Troubleshooting required status checks").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path
from typing import Any, Final

FOLDER: Final = ".github/workflows"

Name = re.Pattern[str]

_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
# Without these words an event tells of every pull request to a branch that it names.
_PATHS: Final = ("paths", "paths-ignore")


def checks_on(checkout: Path, branch: str) -> list[Name]:
    """Return the names of the checks that every pull request to ``branch`` gets, as patterns: a name may hold an
    expression, and another repository's workflow names its own jobs."""
    always: list[Name] = []
    sometimes: Counter[str] = Counter()
    for path in sorted((checkout / FOLDER).glob("*.y*ml")):
        workflow = _read(path)
        names = list(_names(workflow, checkout))
        if _runs(workflow, lambda event: not any(word in event for word in _PATHS), branch):
            always += names
        elif _runs(workflow, lambda _: True, branch):
            sometimes.update({name.pattern for name in names})
    # Of two workflows with one job each for some paths and for all others, GitHub's documentation makes one check.
    return always + [re.compile(pattern) for pattern, count in sometimes.items() if count > 1]


def _read(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 (only where a stage requires checks)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        return {}  # GitHub runs none of it either
    return content if isinstance(content, dict) else {}


def _runs(workflow: Mapping[str, Any], suits: Callable[[Mapping[str, Any]], bool], branch: str) -> bool:
    on = workflow.get("on")
    events = on if isinstance(on, dict) else dict.fromkeys(on if isinstance(on, list) else [on])
    for name, said in events.items():
        event = said if isinstance(said, dict) else {}
        if name in {"pull_request", "pull_request_target"} and suits(event) and _to(event, branch):
            return True
        # A push to any branch is reported on its commit, and so on the pull request.
        if name == "push" and suits(event) and not {"branches", "branches-ignore", "tags", "tags-ignore"} & set(event):
            return True
    return False


def _to(event: Mapping[str, Any], branch: str) -> bool:
    if any(fnmatchcase(branch, pattern) for pattern in _strings(event.get("branches-ignore"))):
        return False
    admitted = "branches" not in event
    for pattern in _strings(event.get("branches")):  # the last that matches counts
        if fnmatchcase(branch, pattern.removeprefix("!")):
            admitted = not pattern.startswith("!")
    return admitted


def _names(workflow: Mapping[str, Any], checkout: Path) -> Iterator[Name]:
    jobs = workflow.get("jobs")
    for key, job in (jobs if isinstance(jobs, dict) else {}).items():
        if not isinstance(job, dict):
            continue
        for name in _of_job(str(key), job):
            calls = job.get("uses")
            if not isinstance(calls, str):
                yield re.compile(name)
            elif calls.startswith("./"):
                inner = _names(_read(checkout / calls), checkout) if calls.startswith(f"./{FOLDER}/") else ()
                yield from (re.compile(f"{name} / {each.pattern}") for each in inner)
            else:
                yield re.compile(f"{name} / .+")


def _of_job(key: str, job: Mapping[str, Any]) -> Iterator[str]:
    """Yield a pattern for each check of a job."""
    strategy = job.get("strategy")
    matrix = strategy.get("matrix") if isinstance(strategy, dict) else None
    parts = _EXPRESSION.split(str(job.get("name") or key))
    name = ".+".join(re.escape(part) for part in parts)
    if matrix is None or len(parts) > 1:
        yield name
    elif isinstance(matrix, dict) and all(_plain(values) for values in matrix.values()):
        for values in product(*matrix.values()):
            yield name + re.escape(f" ({', '.join(map(_spelt, values))})")
    else:  # what `include`, `exclude` or an expression makes of it is GitHub's to say
        yield rf"{name}\ \(.+\)"


def _plain(values: Any) -> bool:
    return isinstance(values, list) and all(
        isinstance(value, str | int | float) and "${{" not in str(value) for value in values
    )


def _spelt(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _strings(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [] if value is None else [value])]
