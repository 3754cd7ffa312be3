"""Which environment variables a rehearsal lets through: none that could reach the owner's clouds.

A provider that finds no credential in its configuration silently takes one from the environment (GITHUB_TOKEN,
CLOUDFLARE_API_TOKEN, AWS_*), so a rehearsal that inherited them could touch something real. Children get a list of
what they may have; this process, which runs the inline programs, loses what it must not have.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import Final

MARK: Final = "BULKHEAD_REHEARSAL"

# What a process needs to start and to write to a terminal. Not HOME: ~/.aws and ~/.pulumi hold credentials too.
_PASSED_ON: Final = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV")
# Set by a test run, for its own children: coverage of the processes that a rehearsal starts.
_PASSED_ON_TO_MEASURE: Final = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
_OWNERS: Final = ("ACTIONS_", "AWS_", "CF_", "CLOUDFLARE_", "GH_", "GITHUB_", "PULUMI_", "R2_", "SLACK_")
_PROXIES: Final = ("ALL_PROXY", "FTP_PROXY", "GRPC_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def child_environment(home: str, mark: str | None, source: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a child process.

    ``home`` becomes HOME, so that no credential file of the owner is found. A child with a ``mark`` is ended with the
    rehearsal; without one it is not. ``source`` is what to pick from, by default this process's environment.
    """
    source = os.environ if source is None else source
    environment = {name: source[name] for name in (*_PASSED_ON, *_PASSED_ON_TO_MEASURE) if name in source}
    environment["HOME"] = home
    if mark is not None:
        environment[MARK] = mark
    return environment


def shed_owner(environ: MutableMapping[str, str] | None = None) -> tuple[str, ...]:
    """Remove the owner's credentials, cloud settings and proxies from this process's environment, for good, and
    return the names of what was removed (never the values)."""
    environ = os.environ if environ is None else environ
    owners = tuple(sorted(n for n in environ if n.startswith(_OWNERS) or n.upper() in _PROXIES))
    for name in owners:
        del environ[name]
    return owners
