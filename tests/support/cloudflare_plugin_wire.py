"""How Cloudflare's plugin plans, writes a body and reads an answer (pure): the rules of each attribute's tag.

Source: internal/apijson/encoder.go and decoder.go of terraform-provider-cloudflare v5.22.0, and how Terraform's plugin
framework plans.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

State = dict[str, Any]


class PluginFault(Exception):
    """The plugin fails, would not come to an end, or would report a provider's bug."""


class _Unknown:
    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN: Final = _Unknown()
OWN_ONLY, OTHERS_TOO = "own", "others"
BYTES, VALUE = "bytes", "value"


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of a model: its tag ``json:"name,tag"``, and what its schema adds.

    ``tag``: required, optional, computed, computed_optional or path. ``json``: the member on the wire, where it has
    another name; "" if it is not there. ``told``: the member in answers, where that is another one; ``overwritten``:
    it wins over the plan. ``refreshed``: False for no_refresh. ``kept``: UseStateForUnknown. ``default``: what the
    schema fills in. ``of``: the attributes of a nested object, and of each in a list if ``many``. ``by_name``: a read
    finds the list's items by name; those that the state has not are OTHERS_TOO or OWN_ONLY. ``remembered``: such a read
    keeps it from the state's item. ``unordered``: a set.
    ``raw``: a string that holds JSON and is sent as JSON; the answer is compared by its BYTES or by its VALUE.
    ``stays``: a modifier lets the state win over the program.
    """

    tag: str = "optional"
    json: str | None = None
    told: str | None = None
    overwritten: bool = False
    refreshed: bool = True
    kept: bool = False
    default: Any = None
    of: Mapping[str, Attribute] | None = None
    many: bool = False
    by_name: str = ""
    remembered: bool = False
    unordered: bool = False
    raw: str = ""
    stays: bool = False

    def sent_as(self, name: str) -> str:
        return name if self.json is None else self.json

    def told_as(self, name: str) -> str:
        return self.sent_as(name) if self.told is None else self.told


Model = Mapping[str, Attribute]


def drift(model: Model, config: Mapping[str, Any], state: Mapping[str, Any] | None, at: str = "") -> list[str]:
    """Return the attributes that the next preview would change, each with what it is and what it should be."""
    return [] if state is None and not config else list(_drift(model, config, state or {}, at))


def _drift(model: Model, config: Mapping[str, Any], state: Mapping[str, Any], at: str) -> Iterator[str]:
    for name, attribute in model.items():
        wanted, found = config.get(name, attribute.default), state.get(name)
        if attribute.tag in {"computed", "path"} or (attribute.stays and found is not None):
            continue
        if wanted is None and attribute.tag == "computed_optional":
            continue
        if attribute.of and isinstance(wanted, Mapping) and isinstance(found, Mapping):
            yield from _drift(attribute.of, wanted, found, f"{at}{name}.")
        elif _alike(attribute, wanted, found):
            for place, (one, other) in enumerate(zip(wanted or (), found or (), strict=True)):
                yield from _drift(attribute.of or {}, one, other, f"{at}{name}[{place}].")
        elif _comparable(attribute, wanted) != _comparable(attribute, found):
            yield f"{at}{name} is {found!r}, and should be {wanted!r}"


def _alike(attribute: Attribute, one: Any, other: Any) -> bool:
    both = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
    return bool(both and attribute.of and not attribute.unordered)


def _comparable(attribute: Attribute, value: Any) -> Any:
    if attribute.raw == VALUE and isinstance(value, str):
        value = json.loads(value)
    if attribute.unordered and isinstance(value, list):
        return sorted(json.dumps(_said(each), sort_keys=True) for each in value)
    return json.dumps(_plain(value), sort_keys=True)  # so that true is not 1, and 5.0 is 5


def _said(item: Any) -> Any:
    """Return an item of a set without the members that it does not say: a state has all of them."""
    return {name: each for name, each in item.items() if each is not None} if isinstance(item, Mapping) else item


def _plain(value: Any) -> Any:
    """Return a value as Go writes it: a whole number has no fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def planned(model: Model, config: Mapping[str, Any], state: Mapping[str, Any] | None) -> State:
    """Return the plan: the program's values, the schema's defaults, and what the state keeps; the rest is unknown."""
    plan: State = {}
    for name, attribute in model.items():
        wanted, had = config.get(name, attribute.default), (state or {}).get(name)
        if attribute.stays and had is not None:
            plan[name] = had
        elif wanted is None and attribute.tag.startswith("computed"):
            plan[name] = had if attribute.kept and state is not None else UNKNOWN
        elif attribute.of and attribute.many and wanted is not None:
            before = had if isinstance(had, list) else []
            plan[name] = [
                planned(attribute.of, each, before[place] if place < len(before) else None)
                for place, each in enumerate(wanted)
            ]
        elif attribute.of and wanted is not None:
            plan[name] = planned(attribute.of, wanted, had)
        else:
            plan[name] = wanted
    return plan


def encoded(model: Model, plan: Mapping[str, Any], state: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a body: never what is computed or unknown; null for what the state has and the plan has not."""
    body: dict[str, Any] = {}
    for name, attribute in model.items():
        value, member = plan.get(name), attribute.sent_as(name)
        if attribute.tag in {"computed", "path"} or not member or value is UNKNOWN:
            continue
        if value is None:
            if (state or {}).get(name) is not None:
                body[member] = None
        elif attribute.raw:
            body[member] = json.loads(value)
        elif attribute.of and attribute.many:
            body[member] = [encoded(attribute.of, each, None) for each in value]
        elif attribute.of:
            body[member] = encoded(attribute.of, value, (state or {}).get(name))
        else:
            body[member] = _plain(value)
    return body


def computed(model: Model, plan: Mapping[str, Any], told: Any) -> State:
    """UnmarshalComputed: what is computed is taken, what was planned stays."""
    answer = told if isinstance(told, Mapping) else {}
    state: State = {}
    for name, attribute in model.items():
        planned, found = plan.get(name), answer.get(attribute.told_as(name))
        open_ = attribute.tag == "computed_optional" and (planned is None or planned is UNKNOWN)
        if (attribute.overwritten and found is not None) or attribute.raw == BYTES:
            state[name] = found
        elif attribute.tag == "computed" and not attribute.refreshed and planned is not UNKNOWN:
            state[name] = planned
        elif attribute.tag == "computed" or open_:
            state[name] = _decoded(attribute, found)
        elif attribute.of and attribute.many and planned is not None:
            items = found if isinstance(found, list) else []
            state[name] = [
                computed(attribute.of, each, items[place] if place < len(items) else None)
                for place, each in enumerate(planned)
            ]
        elif attribute.of and planned is not None:
            state[name] = computed(attribute.of, planned, found)
        else:
            state[name] = planned
    return state


def read(model: Model, state: Mapping[str, Any], answer: Mapping[str, Any]) -> State:
    """Unmarshal: everything is overwritten, what is missing becomes null."""
    return {
        name: state.get(name)
        if attribute.tag == "path" or not attribute.refreshed or not attribute.told_as(name)
        else _found(attribute, state.get(name), answer.get(attribute.told_as(name)))
        for name, attribute in model.items()
    }


def _found(attribute: Attribute, had: Any, told: Any) -> Any:
    """Return what a read finds. A list that is read by name keeps the state's order, and what it remembers of each."""
    if not attribute.by_name or attribute.of is None or not isinstance(had, list):
        return _decoded(attribute, told)
    left = {item["name"]: item for item in told or []}
    known = [
        {**read(attribute.of, {}, left.pop(item["name"])), **_remembered(attribute.of, item)}
        if item["name"] in left
        else item
        for item in had
        if item["name"] in left or attribute.by_name == OWN_ONLY
    ]
    others = left.values() if attribute.by_name == OTHERS_TOO else ()
    return known + [read(attribute.of, {}, item) for item in others]


def _remembered(model: Model, item: Mapping[str, Any]) -> State:
    return {name: item[name] for name, each in model.items() if each.remembered and item.get(name) is not None}


def _decoded(attribute: Attribute, told: Any) -> Any:
    if attribute.of is None or told is None:
        return told
    if attribute.many:
        return [read(attribute.of, {}, each) for each in told]
    return read(attribute.of, {}, told)


def with_raw(model: Model, told: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return an answer with the bytes of what a string attribute takes as they are."""
    answer = dict(told)
    for name, attribute in model.items():
        member = attribute.told_as(name)
        if member not in answer or answer[member] is None:
            continue
        if attribute.raw:
            compact = json.dumps(answer[member], separators=(",", ":"), ensure_ascii=False)
            same = attribute.raw == VALUE or compact in text
            answer[member] = compact if same else f"{compact} in other bytes"
        elif attribute.of and attribute.many:
            answer[member] = [with_raw(attribute.of, each, text) for each in answer[member]]
        elif attribute.of:
            answer[member] = with_raw(attribute.of, answer[member], text)
    return answer


def from_pulumi(model: Model, inputs: Mapping[str, Any]) -> State:
    config: State = {}
    left = dict(inputs)
    for name, attribute in model.items():
        spelt = _BRIDGED.get(name) or re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
        if spelt not in left:
            continue
        value = left.pop(spelt)
        if attribute.of and attribute.many:
            config[name] = [from_pulumi(attribute.of, each) for each in value]
        else:
            config[name] = from_pulumi(attribute.of, value) if attribute.of else value
    if left:
        raise PluginFault(f"the plugin has no {', '.join(sorted(left))}")
    return config


_BRIDGED: Final = {
    **{"in": "ins", "not_in": "notIns", "exclude": "excludes", "include": "includes", "require": "requires"},
    "service_auth_401_redirect": "serviceAuth401Redirect",
}
