"""A state as the real providers' plugins write it, made of one that our own providers wrote.

They are bridged Terraform providers, and put more into a state than a program says (pulumi/pulumi-terraform-bridge,
pkg/tfbridge and pkg/pf/tfbridge):

- what Terraform's schema calls sensitive is a secret, whatever the program says (`MarkSchemaSecrets`): the text of each
  binding of a WorkerVersion, a plain one, too;
- what the provider computes itself is an output and no input: the digest of a module, the tags with the provider's own;
- ``__defaults`` in each object names the inputs that the program left out (not from the Plugin Framework, which
  Cloudflare's provider is made with); ``__meta`` holds the version of the schema and a provider's private notes; and
  ``__pulumi_raw_state_delta`` says how Terraform's state is recovered, or holds a copy of it as a secret (`Marshal`);
- a set is in an order of its own after a refresh, among the inputs too (of tags, that of the alphabet);
- a number that does not fit Pulumi's is a text (`numDelta`).
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bulkhead.localclouds.providers import planning, registry
from bulkhead.resources.sentinels import is_secret
from bulkhead.twin.state import secret

_VERSION = "cloudflare:index/workerVersion:WorkerVersion"
# What a provider noted for itself: in the form of a token, so that a twin that tells it is found out.
NOTE = "ghp_" + "a1B2c3D4e5F6" * 3


def dressed(export: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exported state as the plugins would have written it; secrets need not be open."""
    state = copy.deepcopy(dict(export))
    for resource in state["deployment"]["resources"]:
        package = registry.package_of(resource["type"])
        if resource.get("custom") and package in registry.TABLES and resource["type"] in registry.TABLES[package]:
            _dress(resource, package)
    return state


def _dress(resource: dict[str, Any], package: str) -> None:
    inputs, outputs = resource["inputs"], resource["outputs"]
    for name in registry.catalogue(package).computed(resource["type"]):
        outputs.setdefault(name, f"computed {name}")
    inputs.pop("tagsAll", None)
    if resource["type"] == _VERSION:
        for module in inputs.get("modules", ()):
            module.pop("contentSha256")
        for part in (inputs, outputs):
            part["bindings"] = [_sensitive(binding) for binding in part.get("bindings", ())]
        outputs["bindings"].reverse()  # cloudflare/terraform-provider-cloudflare#7363
    for name in planning.unordered(resource["type"]):
        for part in (inputs, outputs):
            if isinstance(part.get(name), list):
                part[name].sort(key=json.dumps)
    resource["inputs"], resource["outputs"] = (_each(part, _as_text) for part in (inputs, outputs))
    if package != "cloudflare":
        resource["inputs"] = _noted(resource["inputs"])
        _default(resource, package)
    private = base64.b64encode(json.dumps({"note": NOTE}).encode()).decode()
    resource["outputs"] |= {
        "__meta": json.dumps({"schema_version": "500", "private_state": private, "note": NOTE}),
        "__pulumi_raw_state_delta": {"obj": {"ps": _deltas(outputs)}},
    }


def _sensitive(binding: dict[str, Any]) -> dict[str, Any]:
    return {
        name: secret(value) if name in {"text", "json"} and not is_secret(value) else value
        for name, value in binding.items()
    }


def _default(resource: dict[str, Any], package: str) -> None:
    """Let the plugin have filled in one input that the program left out."""
    properties = registry.catalogue(package).properties(resource["type"])
    left_out = next((n for n, type_ in properties.items() if type_ == "boolean" and n not in resource["inputs"]), None)
    if left_out is not None:
        resource["inputs"] |= {left_out: False, "__defaults": [left_out]}
        resource["outputs"].setdefault(left_out, False)


def _deltas(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the deltas of lists and objects, and of one property the copy that is kept where none could be found."""
    deltas = dict(_delta_of_each(outputs))
    copied = "bindings" if "bindings" in outputs else next(iter(outputs), "id")
    return {**deltas, copied: secret({"replace": {"raw": [{"text": "a copy of it"}, NOTE]}})}


def _delta_of_each(outputs: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in outputs.items():
        if isinstance(value, list):
            yield name, {"arr": {"el": {str(n): {"obj": {}} for n, each in enumerate(value) if isinstance(each, dict)}}}
        elif isinstance(value, dict) and not is_secret(value):
            yield name, {"obj": {}}


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not value.is_integer() else value


def _noted(value: Any) -> Any:
    if isinstance(value, list):
        return [_noted(each) for each in value]
    if not isinstance(value, dict) or is_secret(value):
        return value
    return {**{name: _noted(part) for name, part in value.items()}, "__defaults": []}


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {name: _each(part, change) for name, part in value.items()}
    return [_each(part, change) for part in value] if isinstance(value, list) else change(value)
