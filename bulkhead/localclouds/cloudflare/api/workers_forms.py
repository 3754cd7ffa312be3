"""The form in which wrangler uploads a Worker: its metadata as JSON, and a field for each module."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api import forms
from bulkhead.localclouds.cloudflare.api.answers import Refusal
from bulkhead.localclouds.cloudflare.api.call import Call
from bulkhead.localclouds.cloudflare.api.workers import DEFERRAL, INVALID

_OLDEST: Final = "2021-11-02"  # the compatibility date of a Worker that says none
SETTINGS: Final = ("logpush", "observability", "tags", "tail_consumers")
"""The members that are the Worker's, whatever version runs."""
_APART: Final = {*SETTINGS, DEFERRAL, "keep_bindings"}  # members of a form that are not the version's
_UNHEARD_OF: Final = ("body_part",)


def read(call: Call) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return what a form says of the version, what it says of the Worker, and the types of bindings that it keeps.
    Raises Refusal."""
    try:
        parts = forms.read(call.headers.get("content-type", ""), call.body)
        (metadata,) = (json.loads(part.content) for part in parts if part.name == "metadata")
        keep = list(metadata.get("keep_bindings", []))
        said = {name: value for name, value in metadata.items() if name not in _APART}
    except (AttributeError, TypeError, ValueError, forms.NoForm) as fault:
        raise Refusal(400, (INVALID, f"the upload must be a form with its metadata as JSON: {fault}")) from None
    if not isinstance(metadata.get("keep_bindings", []), list):
        raise Refusal(400, (INVALID, "keep_bindings: must be a list of types of bindings"))
    strange = [f"the local Cloudflare takes no {name}" for name in _UNHEARD_OF if name in metadata]
    if strange:
        raise Refusal(400, *((INVALID, reason) for reason in strange))
    modules = [
        {
            "name": part.filename or part.name,
            "content_type": part.type,
            "content_base64": b64encode(part.content).decode(),
        }
        for part in parts
        if part.name != "metadata"
    ]
    code = {"modules": modules} if modules or "main_module" in said else {}  # there may be nothing but assets
    version = {"compatibility_date": _OLDEST, **said, **code}
    settings = {name: metadata[name] for name in SETTINGS if name in metadata}
    return version, settings, keep


def read_settings(call: Call) -> dict[str, Any]:
    """Return the settings of a form, which has them as JSON. Raises Refusal."""
    try:
        parts = forms.read(call.headers.get("content-type", ""), call.body)
        (settings,) = (json.loads(part.content) for part in parts if part.name == "settings")
    except (ValueError, forms.NoForm) as fault:
        raise Refusal(400, (INVALID, f"the body must be a form with its settings as JSON: {fault}")) from None
    if not isinstance(settings, dict):
        raise Refusal(400, (INVALID, "settings: must be an object"))
    return {name: value for name, value in settings.items() if value is not None}


def triggered(body: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Return the body with what made its version come about."""
    said = body.get("annotations", {})
    return {**body, "annotations": {"workers/triggered_by": by, **said} if isinstance(said, dict) else said}
