"""The import: a document for the engine that says under which id each found resource exists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.engine_plan import Engine, State, ancestors, name_of
from bulkhead.resources.kind import PROVIDER, STACK


def take(engine: Engine, document: Mapping[str, Any], folder: Path, *, protect: bool) -> None:
    """Import what ``document`` names into the state; ``protect`` keeps the engine from deleting any of it.

    Can be repeated after a failure: what has been imported is no longer wanted. Raises Refused when the engine does.
    """
    file = folder / "import.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    engine.take(file, protect=protect)


def document(
    creates: Mapping[str, State], ids: Mapping[str, str], providers: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the import of the resources in ``ids`` (URN to what the import is given), with the components they are in
    where the state lacks them too. ``providers``: see `provider_inputs`.

    Names in it only join its parts, so they are made up; what a resource is called stands in ``logicalName``.
    """
    inside = {component for urn in ids for component in ancestors(creates, urn)}
    included = [urn for urn in creates if urn in ids or (urn in inside and creates[urn]["type"] != STACK)]
    keys: dict[str, str] = {}

    def key(urn: str) -> str:
        return keys.setdefault(urn, f"part{len(keys)}")

    resources = []
    for urn in included:
        state = creates[urn]
        entry: dict[str, Any] = {"type": state["type"], "name": key(urn), "logicalName": name_of(urn)}
        parent = state.get("parent") or ""
        if parent and f"::{STACK}::" not in parent:
            entry["parent"] = key(parent)
        if urn in ids:
            entry |= {"id": ids[urn], "provider": key(_urn_in(state["provider"]))}
        else:
            entry["component"] = True
        resources.append(entry)
    table = {name: urn for urn, name in keys.items() if urn not in included}
    configured = {keys[urn]: inputs for urn, inputs in providers.items() if urn in keys}
    return {"nameTable": table, "resources": resources, "providerInputs": configured}


def provider_inputs(creates: Mapping[str, State], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the providers that the state lacks, by URN, as the engine has ``written`` it.

    Raises Refused when the engine is too old to write it: it would import with whatever credentials it finds.
    """
    names = written.get("nameTable") or {}
    inputs = {names[name]: given for name, given in (written.get("providerInputs") or {}).items()}
    # One whose resources are all in the state is not written down, and no import needs it.
    used = {_urn_in(state["provider"]) for state in creates.values() if state.get("provider")}
    lacking = [urn for urn in used if creates.get(urn, {}).get("type", "").startswith(PROVIDER) and urn not in inputs]
    if lacking:
        message = "is not configured in what the engine wrote, so it would be asked with whatever credentials are found"
        fix = "update the Pulumi CLI to 3.250 or newer: https://www.pulumi.com/docs/install/"
        faults = [Fault(f"provider {name_of(urn)}", message, fix) for urn in sorted(lacking)]
        raise Refused("This Pulumi CLI cannot import with the stage's own credentials.", faults)
    return inputs


def _urn_in(reference: str) -> str:
    """Return the URN in a provider reference, which is ``URN::ID``."""
    return reference.rpartition("::")[0]
