"""Previews made by hand, in the engine's own words: shapes as recorded with 3.250."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bulkhead.preview import events
from bulkhead.preview.losses.catalogue import losses
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
PACKS = {"bulkhead|local|/here/policies": "0.0.1"}
CLOUDFLARE = "urn:pulumi:{stack}::bulkhead::pulumi:providers:cloudflare::cloudflare"

Props = Mapping[str, Any]


class Preview:
    """What the engine would say of a stack. Resources are protected and retained unless a step says otherwise: each of
    ``protect`` and ``retain`` is a pair, before and after."""

    def __init__(self, stack: str = "production") -> None:
        self.stack = stack
        self.events: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.packs: Mapping[str, str] = PACKS
        self.result = "succeeded"
        root = f"urn:pulumi:{stack}::bulkhead::pulumi:pulumi:Stack::bulkhead-{stack}"
        side = {"type": "pulumi:pulumi:Stack", "urn": root, "id": "", "inputs": {}, "outputs": {}}
        self._say("same", {"op": "same", "urn": root, "type": "pulumi:pulumi:Stack", "old": side, "new": side})
        provider = {"version": "6.23.1", "apiToken": SECRET}
        self.step("same", "pulumi:providers:cloudflare", "cloudflare", provider, provider)

    def step(
        self,
        op: str,
        type_: str,
        name: str = "it",
        was: Props | None = None,
        becomes: Props | None = None,
        *,
        protect: tuple[bool, bool] = (True, True),
        retain: tuple[bool, bool] = (True, True),
        id_: str = "the-id",
        keys: Sequence[str] = (),
        paths: Sequence[str] = (),
        custom: bool = True,
        parent: str = "",
        outputs: Props | None = None,
        provider: str | tuple[str, str] = "",
    ) -> Preview:
        """Add one step. ``was`` and ``becomes`` are inputs; a side without any is not there. ``provider`` is the URN of
        the provider, or a pair, before and after."""
        type_path = f"{parent}${type_}" if parent else type_
        urn = f"urn:pulumi:{self.stack}::bulkhead::{type_path}::{name}"
        pair = provider if isinstance(provider, tuple) else (provider, provider)
        providers = [f"{each or CLOUDFLARE.format(stack=self.stack)}::provider-id" for each in pair]
        sides = []
        for index, inputs in enumerate((was, becomes)):
            side = {
                "type": type_,
                "urn": urn,
                "custom": custom,
                "id": id_ if index == 0 else "",
                "parent": "",
                "protect": protect[index],
                "retainOnDelete": retain[index],
                "inputs": inputs,
                "outputs": {**(inputs or {}), **(outputs or {})} if index == 0 else {},
                "provider": providers[index],
            }
            sides.append(None if inputs is None else side)
        differ = [*paths] or [
            key for key in {**(was or {}), **(becomes or {})} if (was or {}).get(key) != (becomes or {}).get(key)
        ]
        detailed = {path: {"diffKind": "update", "inputDiff": True} for path in differ}
        metadata: dict[str, Any] = {"op": op, "urn": urn, "type": type_, "old": sides[0], "new": sides[1]}
        if op not in {"same", "delete", "delete-replaced", "refresh"}:
            metadata |= {"keys": list(keys) or None, "diffs": differ, "detailedDiff": detailed}
        self._say(op, metadata | {"provider": providers[0 if becomes is None else 1]})
        return self

    def same(self, type_: str, name: str = "it", inputs: Props | None = None, **more: Any) -> Preview:
        return self.step("same", type_, name, inputs or {}, inputs or {}, **more)

    def create(self, type_: str, name: str = "it", inputs: Props | None = None, **more: Any) -> Preview:
        return self.step("create", type_, name, None, inputs or {}, **more)

    def update(self, type_: str, was: Props, becomes: Props, name: str = "it", **more: Any) -> Preview:
        return self.step("update", type_, name, was, becomes, **more)

    def delete(self, type_: str, name: str = "it", inputs: Props | None = None, **more: Any) -> Preview:
        """Add a deletion of what is neither protected nor retained, unless ``more`` says otherwise."""
        return self.step("delete", type_, name, inputs or {}, None, **{**UNGUARDED, **more})

    def replace(
        self, type_: str, was: Props, becomes: Props, name: str = "it", *, first: bool = False, **more: Any
    ) -> Preview:
        """Add a replacement, told in three steps; with ``first``, the old one goes before the new one comes."""
        self.counts["replace"] = self.counts.get("replace", 0) + 1
        ops = ["create-replacement", "replace", "delete-replaced"]
        for op in ["delete-replaced", "replace", "create-replacement"] if first else ops:
            self.step(op, type_, name, was, None if op == "delete-replaced" else becomes, **more)
        return self

    def other_event(self, **event: Any) -> Preview:
        """Add an event that is no step."""
        self.events.append(event)
        return self

    def policy(self, level: str, message: str = "It is wrong.\n  fix: mend it", name: str = "a-rule") -> Preview:
        urn = f"urn:pulumi:{self.stack}::bulkhead::{t.D1_DATABASE}::d1"
        event = {"resourceUrn": urn, "message": message, "policyName": name, "policyPackName": "bulkhead"}
        return self.other_event(policyEvent={**event, "color": "never", "enforcementLevel": level})

    def error(self, message: str) -> Preview:
        self.result = "failed"
        return self.other_event(diagnosticEvent={"prefix": "error: ", "message": message, "severity": "error"})

    def lines(self) -> list[str]:
        """Return the stream, line by line."""
        summary = {
            "maybeCorrupt": False,
            "resourceChanges": self.counts,
            "PolicyPacks": self.packs,
            "isPreview": True,
            "result": self.result,
        }
        stream = [{"preludeEvent": {"config": {}}}, *self.events, {"summaryEvent": summary}, {"cancelEvent": {}}]
        return [json.dumps({"sequence": n, "timestamp": 1795295053, **event}) for n, event in enumerate(stream)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines()) + "\n"

    @property
    def digest(self) -> str:
        """Return the same preview as a digest: without what did not change, and without the policies."""
        steps = []
        for event in self.events:
            metadata = event.get("resourcePreEvent", {}).get("metadata")
            if metadata and metadata["op"] not in {"same", "create-replacement", "delete-replaced"}:
                steps.append(
                    {
                        "op": metadata["op"],
                        "urn": metadata["urn"],
                        "oldState": metadata["old"],
                        "newState": metadata["new"],
                    }
                )
        root = self.events[0]["resourcePreEvent"]["metadata"]
        steps.insert(0, {"op": "same", "urn": root["urn"], "oldState": root["old"], "newState": root["new"]})
        return json.dumps({"steps": steps, "changeSummary": self.counts}, indent=4)

    @property
    def plan(self) -> UpdatePlan:
        return events.read(self.text, self.stack)

    @property
    def losses(self) -> list[Loss]:
        return list(losses(self.plan))

    @property
    def kinds(self) -> list[str]:
        """The kinds of loss, in the order in which they are found. Every one must say what is lost and what to do."""
        for loss in self.losses:
            assert loss.lost, loss
            assert loss.fix, loss
            assert not loss.lost.endswith("."), loss
            assert not loss.fix.endswith("."), loss
        return [loss.kind for loss in self.losses]

    def _say(self, op: str, metadata: dict[str, Any]) -> None:
        self.events.append({"resourcePreEvent": {"metadata": metadata, "planning": True}})
        if op not in {"replace", "create-replacement", "delete-replaced", "refresh"}:
            self.counts[op] = self.counts.get(op, 0) + 1


UNGUARDED: dict[str, Any] = {"protect": (False, False), "retain": (False, False)}
