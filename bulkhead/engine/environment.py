"""The environment variables of an engine: where its state is, which programs replace plugins, and which variables of
this process it gets. It needs no package: `make engine` asks an engine for its version."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

QUIET: Final[Mapping[str, str]] = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
STREAMING: Final[Mapping[str, str]] = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
SAVING_PLANS: Final[Mapping[str, str]] = {"PULUMI_EXPERIMENTAL": "true"}  # else `preview` knows no --save-plan
PASSPHRASE: Final = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 - the name of a variable
ATTACHED_HOSTS: Final = "PULUMI_DEBUG_LANGUAGES"
_ATTACHED_PROVIDERS: Final = "PULUMI_DEBUG_PROVIDERS"
# Without it every operation on existing state tries to download plugins.
_NO_DOWNLOADS: Final = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
# The variables of this process that a program may have: how to find programs, and which providers and hosts run
# already.
_HARMLESS: Final = ("LANG", "PATH", ATTACHED_HOSTS, _ATTACHED_PROVIDERS, _NO_DOWNLOADS, "TMPDIR")
# Credentials that the AWS SDKs prefer to a named profile.
_BEFORE_PROFILE: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def inherited(profile: str | None = None, backend: str | None = None) -> dict[str, str]:
    """Return this process's environment for an engine. With a ``profile``, it and its providers use that AWS profile;
    with a ``backend``, it uses the state there, whatever the CLI is logged in to."""
    environment = {**os.environ, **QUIET}
    if profile is not None:
        environment = {name: value for name, value in environment.items() if name not in _BEFORE_PROFILE}
        environment["AWS_PROFILE"] = profile
    return environment | ({"PULUMI_BACKEND_URL": backend} if backend else {})


def bare(home: Path) -> dict[str, str]:
    """Return the environment of an engine whose program must learn nothing of this process: it has no credential of a
    cloud, of GitHub or of a pipeline, and no user's home. ``home`` is its own."""
    harmless = {name: os.environ[name] for name in _HARMLESS if name in os.environ}
    return {**harmless, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}


def apart(home: Path, state: Path, passphrase: str) -> dict[str, str]:
    """Return the variables that confine an engine to this home, backend and passphrase."""
    return {
        **QUIET,
        "PULUMI_BACKEND_URL": backend_url(state),
        PASSPHRASE: passphrase,
        "PULUMI_HOME": str(home),
    }


def attached(providers: Mapping[str, int], before: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return the variables that make an engine use running providers and download none: ``providers`` maps a package
    to its port. The environment ``before`` may attach others; for a package in both, ``providers`` counts."""
    others = before.get(_ATTACHED_PROVIDERS, "")
    ports = dict(each.split(":", 1) for each in others.split(",") if each)
    ports |= {package: str(port) for package, port in providers.items()}
    return {
        _ATTACHED_PROVIDERS: ",".join(f"{package}:{port}" for package, port in ports.items()),
        _NO_DOWNLOADS: "true",
    }


def backend_url(folder: Path) -> str:
    """Return the URL of the file backend in ``folder``.

    The engine replaces a state file atomically, but not the file of its MD5 (``.attrs``). Killed in between, it can
    never read the state again: "failed to load checkpoint: EOF" (gocloud.dev 0.46, blob/fileblob/attrs.go).
    ``metadata=skip`` turns that file off.
    """
    return f"{folder.as_uri()}?metadata=skip"
