"""Thousands of resources in seconds, long streams at constant memory, and nothing malformed ends in a traceback."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.preview import events
from bulkhead.preview.markdown import render
from bulkhead.preview.verdict import Verdict, as_json, judge
from bulkhead.preview.waivers import Waivers
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from tests.preview.made import SECRET, UNGUARDED, UNKNOWN, Preview

TYPES = sorted(value for value in vars(t).values() if isinstance(value, ResourceType))
MANY = 4_000
ODD: list[Any] = [
    None,
    "",
    "text",
    UNKNOWN,
    SECRET,
    True,
    0,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    [],
    ["a", ["b"]],
    [None, UNKNOWN, {}],
    {},
    {"a": {"b": [1]}},
    "9" * 400,
    '{"Statement": [7, null, {"Effect": "Deny", "Action": {"a": 1}}]}',
    '{"Statement": {"Effect": "Deny", "Condition": {"Bool": 3, "NumericLessThan": {"a": "x"}}}}',
    "2026-13-45",
    "\u202e\ud7ff",
]


def judged(text: str, stack: str = "production") -> Verdict:
    verdict = judge(events.read(text, stack), Stage.PRODUCTION, Waivers("main"), (), date(2026, 11, 21))
    json.dumps(as_json(verdict))
    render(verdict)
    return verdict


def stated(type_: ResourceType, number: int, side: str | None = None) -> dict[str, Any]:
    """Return inputs that say what the type is told apart by; references to others are not known if ``side`` is."""
    refers = {reference.path for reference in type_.references if reference.path.isidentifier()}
    named = {path: f"{path}-{number}" for path in {*type_.identity_inputs, type_.named_by} if path.isidentifier()}
    return {**named, **dict.fromkeys(refers, side or f"host-{number}"), "accountId": "a", "description": "d"}


@pytest.mark.parametrize("known", ["known", UNKNOWN])
@pytest.mark.parametrize(
    "type_",
    [
        t.D1_DATABASE,
        t.KMS_KEY,
        t.KMS_KEY_POLICY,
        t.QUEUE_CONSUMER,
        t.S3_BUCKET_POLICY,
        t.WORKER,
        t.WORKER_VERSION,
        t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
    ],
)
def test_thousands_of_resources_are_judged_in_seconds(type_: ResourceType, known: str) -> None:
    """The time of twice as many is about twice the time: four times, where each is compared with each."""

    def seconds(many: int) -> float:
        preview = Preview()
        for number in range(many):
            preview.create(type_, f"new-{number}", stated(type_, number, known))
            preview.delete(type_, f"old-{number}", stated(type_, number + many))
        plan = preview.plan
        began = time.process_time()
        judge(plan, Stage.PRODUCTION, Waivers("main"), (), date(2026, 11, 21))
        return time.process_time() - began

    assert seconds(800) < 3 * max(seconds(400), 0.2)


@pytest.mark.slow
def test_four_thousand_creations_and_deletions_take_seconds() -> None:
    preview = Preview()
    for number in range(MANY):
        preview.create(t.D1_DATABASE, f"new-{number}", {"accountId": "a", "name": f"new-{number}"})
        preview.delete(t.D1_DATABASE, f"old-{number}", {"accountId": "a", "name": f"old-{number}"})
    text = preview.text
    began = time.process_time()
    verdict = judged(text)
    assert time.process_time() - began < 20
    assert len(verdict.losses) == MANY


def long_stream(megabytes: int) -> Iterator[str]:
    """Yield a stream most of which says what became of a resource, as the stream of a large stage does."""
    lines = Preview().create(t.R2_BUCKET, "r2", {"name": "r2"}).lines()
    outputs = {"resOutputsEvent": {"metadata": {"new": {"outputs": {"text": "x" * 10_000}}}}}
    padding = [json.dumps({"sequence": 0, **outputs})] * (megabytes * 100)
    told = [*lines[:2], *padding, *lines[2:]]
    for number, line in enumerate(told):
        yield json.dumps({**json.loads(line), "sequence": number}) + "\n"


@pytest.mark.slow
def test_a_hundred_megabytes_take_no_more_memory_than_one() -> None:
    peaks = []
    for megabytes in (1, 100):
        tracemalloc.start()
        assert events.read(long_stream(megabytes), "production").counts["create"] == 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4_000_000  # the list of lines in this test grows by some


def test_odd_values_anywhere_are_judged_or_refused() -> None:
    dice = random.Random(11)  # noqa: S311 - the same cases each time
    for _ in range(400):
        preview = Preview()
        for number in range(dice.randint(1, 6)):
            _odd_step(preview, dice, number)
        try:
            judged(preview.text)
        except Refused as refused:
            pytest.fail(f"refused what is whole: {refused.faults}")


def _odd_step(preview: Preview, dice: random.Random, number: int) -> None:
    type_ = dice.choice(TYPES)
    paths = {path.split(".")[0].removesuffix("[]") for path in _spoken_of(type_)}
    was, becomes = (
        {path: _odd(dice, path) for path in paths if dice.random() < 0.8} | dice.choice(EXTRAS) for _ in range(2)
    )
    name, about = f"n{number if dice.random() < 0.7 else 0}", dict(UNGUARDED) if dice.random() < 0.7 else {}
    keys = [path for path in paths if dice.random() < 0.3]
    op = dice.choice(["same", "create", "update", "delete", "replace", "gone", "read", "import"])
    if op == "replace":
        preview.replace(type_, was, becomes, name, keys=keys, first=dice.random() < 0.5, **about)
    elif op == "gone":
        preview.step("refresh", type_, name, was, becomes, **about).create(type_, name, becomes)
    else:
        sides = {"create": (None, becomes), "import": (None, becomes), "delete": (was, None)}.get(op, (was, becomes))
        preview.step(op, type_, name, *sides, keys=keys, paths=keys, **about)


EXTRAS: list[dict[str, Any]] = [
    {},
    {"exports": {"Room": {"type": "durable-object", "state": ["x"]}}, "workerId": "n"},
    {"migrations": {"steps": [{"deletedClasses": [["a"]]}, 7], "renamedClasses": [{"from": {}, "to": []}]}},
    {"bindings": [{"type": "durable_object_namespace", "className": ["R"], "scriptName": {"a": 1}}, "x"]},
    {"rules": [{"status": "Enabled", "expiration": {"days": "nan"}, "filter": {"and": {"tags": [1]}}}]},
    {
        "rules": [
            {"enabled": True, "condition": {"maxAgeSeconds": 10**400}, "deleteObjectsTransition": {"condition": []}}
        ]
    },
    {"rule": {"defaultRetention": {"days": "1e999", "years": [1], "mode": {}}}, "policy": {"Statement": {"a": []}}},
]


def _spoken_of(type_: ResourceType) -> list[str]:
    guards = type_.guards.inputs if type_.guards else ()
    references = [reference.path for reference in type_.references]
    return [*type_.identity_inputs, *references, *guards, *type_.replaced_by, type_.named_by or "name"]


def _odd(dice: random.Random, path: str) -> Any:
    return dice.choice(ODD) if dice.random() < 0.6 else f"{path}-{dice.randint(0, 2)}"


def test_a_stream_that_is_broken_anywhere_is_refused_or_read() -> None:
    dice = random.Random(12)  # noqa: S311
    whole = Preview().update(t.D1_DATABASE, {"name": "a"}, {"name": "b"}).delete(t.WORKER, "w", {"name": "w"}).text
    for _ in range(600):
        text = _broken(whole, dice)
        with suppress(Refused):
            judged(text)


def _broken(text: str, dice: random.Random) -> str:
    lines = text.splitlines()
    place = dice.randrange(len(lines))
    match dice.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines[place] = lines[place][: dice.randrange(len(lines[place]))]
        case 2:
            lines.insert(place, dice.choice(["[]", "7", "null", '{"summaryEvent": {}}', "NaN", '{"a": 1}', "\ufeff"]))
        case _:
            event = json.loads(lines[place])
            _replace_somewhere(event, dice)
            lines[place] = json.dumps(event)
    return "\n".join(lines)


def _replace_somewhere(value: Any, dice: random.Random) -> None:
    """Put an odd value somewhere into nested data."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = dice.choice(keys)
        if dice.random() < 0.3 or not isinstance(value[key], dict | list):
            value[key] = dice.choice([odd for odd in ODD if odd != SECRET])
            return
        value = value[key]
