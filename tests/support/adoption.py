"""A plan as the engine writes it, and an engine that has one: for tests of adopting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bulkhead.engine.stack import State
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Found, Wanted
from bulkhead.resources import types as t
from bulkhead.resources.sentinels import UNKNOWN_STRING as UNKNOWN

ROOT = "urn:pulumi:production::bulkhead::pulumi:pulumi:Stack::bulkhead-production"
ACCOUNT = "f" * 32
D1 = "cloudflare:index/d1Database:D1Database"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
QUEUE = "cloudflare:index/queue:Queue"
VERSION = "cloudflare:index/workerVersion:WorkerVersion"


def wanted(type_: str, alias: str | None = None, **inputs: Any) -> Wanted:
    """Return a wanted resource; one of Cloudflare's is in ACCOUNT."""
    given = {"accountId": ACCOUNT, **inputs} if type_.startswith("cloudflare:") else inputs
    return Wanted(f"urn:{type_}", type_, "it", given, alias)


class Plan:
    """What an `up` would do, told step by step. Begins with the stack and its providers, all to be made unless they are
    in the state (``standing``)."""

    def __init__(self, *, standing: bool = False) -> None:
        self.steps: list[dict[str, Any]] = []
        self.providers: dict[str, str] = {}
        self.written: dict[str, Any] = {"nameTable": {}, "providerInputs": {}}
        op = "same" if standing else "create"
        self.steps.append({"op": op, "urn": ROOT, "newState": {"urn": ROOT, "type": "pulumi:pulumi:Stack"}})
        for package in ("aws", "cloudflare"):
            type_ = f"pulumi:providers:{package}"
            urn = self.step(op, type_, package, custom=True)
            self.providers[package] = f"{urn}::an-id"
            if not standing:
                self.written["nameTable"][package] = urn
                self.written["providerInputs"][package] = {"token": {"ciphertext": f"{package}-encrypted"}}

    def step(
        self,
        op: str,
        type_: str,
        name: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        parent: str = ROOT,
        custom: bool = True,
        was: Mapping[str, Any] | None = None,
        reasons: Sequence[str] = (),
    ) -> str:
        """Add a step and return the URN. An input that is a URN stands for a value which comes from that resource and
        is not known yet. ``was`` are the inputs before."""
        above = parent.split("::")[2]
        qualified = type_ if above.endswith("pulumi:pulumi:Stack") else f"{above}${type_}"
        urn = f"urn:pulumi:production::bulkhead::{qualified}::{name}"
        needs = {key: [value] for key, value in (inputs or {}).items() if str(value).startswith("urn:pulumi:")}
        state = {
            "urn": urn,
            "type": type_,
            "custom": custom,
            "parent": parent,
            "inputs": {key: UNKNOWN if key in needs else value for key, value in (inputs or {}).items()},
            "propertyDependencies": needs,
            "provider": self.providers.get(type_.partition(":")[0], "") if custom else "",
        }
        step: dict[str, Any] = {"op": op, "urn": urn, "diffReasons": list(reasons)}
        if op != "delete":
            step["newState"] = state
        if op not in {"create", "same"}:
            step["oldState"] = {**state, "inputs": dict(was or {})}
        self.steps.append(step)
        return urn

    def create(self, type_: str, name: str, inputs: Mapping[str, Any] | None = None, *, parent: str = ROOT) -> str:
        return self.step("create", type_, name, inputs, parent=parent)

    def component(self, type_: str, name: str, *, op: str = "create", parent: str = ROOT) -> str:
        return self.step(op, type_, name, parent=parent, custom=False)

    @property
    def digest(self) -> dict[str, Any]:
        return {"steps": self.steps}


def token_in_state(name: str, id_: str) -> dict[str, Any]:
    """Return a token as the state has it."""
    urn = f"urn:pulumi:production::bulkhead-identities::{t.ACCOUNT_TOKEN}::{name}"
    return {"urn": urn, "type": t.ACCOUNT_TOKEN, "id": id_, "inputs": {"accountId": ACCOUNT, "name": f"the-{name}"}}


class FakeEngine:
    """Has a plan before and one after the import, and keeps what it was told to import."""

    def __init__(self, before: Plan, after: Plan | Refused | None = None) -> None:
        self.plans: list[Plan | Refused] = [before, after or Plan(standing=True)]
        self.taken: list[tuple[dict[str, Any], bool]] = []
        self.files: list[Path] = []
        self.no_stack: Refused | None = None
        self.standing: list[dict[str, Any]] = []

    def state(self) -> State:
        if self.no_stack is not None:
            raise self.no_stack
        return State(self.standing, [])

    def plan(self, import_file: Path) -> dict[str, Any]:
        self.files.append(import_file)
        plan = self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
        if isinstance(plan, Refused):
            raise plan
        import_file.write_text(json.dumps(plan.written))
        return plan.digest

    def take(self, import_file: Path, *, protect: bool) -> None:
        self.taken.append((json.loads(import_file.read_text()), protect))


class FakeFinder:
    """Finds what it was given, by logical name; ``types`` are those it knows, all of them when empty."""

    def __init__(self, there: Mapping[str, Found], types: Sequence[str] = ()) -> None:
        self.there = there
        self.types = types
        self.asked: list[Wanted] = []

    def knows(self, type_: str) -> bool:
        return not self.types or type_ in self.types

    def find(self, wanted: Wanted) -> Found | None:
        self.asked.append(wanted)
        found = self.there.get(wanted.name)
        return None if found is None or found.id in wanted.known else found

    def inputs_of(self, name: str) -> Mapping[str, Any]:
        """Return the inputs that were known when a resource was looked for."""
        return next(wanted.inputs for wanted in self.asked if wanted.name == name)
