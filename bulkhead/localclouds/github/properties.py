"""Pulumi's properties of GitHub's resources <-> the JSON of GitHub's REST API (pure).

Pulumi's names are Terraform's in camelCase, and its provider renames a few on the way to GitHub; source of what it
sends and how it reads: integrations/terraform-provider-github, resource_github_*.go and util_rules.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Properties = Mapping[str, Any]

_SIMPLE_RULES: Final = frozenset(
    {"creation", "deletion", "nonFastForward", "requiredLinearHistory", "requiredSignatures"}
)
"""The rules without parameters: a boolean in Pulumi, there or not there in GitHub."""
# Where the provider's name is not GitHub's: of rules, and of other properties.
_RULES: Final = {"requiredCodeScanning": "code_scanning"}
_RENAMED: Final = {
    "excludes": "exclude",
    "includes": "include",
    "patternsAlloweds": "patterns_allowed",
    "requiredChecks": "required_status_checks",
    "requiredCodeScanningTools": "code_scanning_tools",
}
_RULES_BACK: Final = {theirs: ours for ours, theirs in _RULES.items()}
_RENAMED_BACK: Final = {theirs: ours for ours, theirs in _RENAMED.items()}
# What the provider sends for a parameter that the program leaves out (its defaults, and Go's zero values).
_DEFAULTS: Final[Mapping[str, Properties]] = {
    "merge_queue": {
        "check_response_timeout_minutes": 60,
        "grouping_strategy": "ALLGREEN",
        "max_entries_to_build": 5,
        "max_entries_to_merge": 5,
        "merge_method": "MERGE",
        "min_entries_to_merge": 1,
        "min_entries_to_merge_wait_minutes": 5,
    },
    "pull_request": {
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_review_thread_resolution": False,
    },
    "required_status_checks": {"do_not_enforce_on_create": False, "strict_required_status_checks_policy": False},
}
_PEOPLE: Final = {"teams": "Team", "users": "User"}


def json_of(properties: Any) -> Any:
    """Return properties with GitHub's names, nested ones too."""
    if isinstance(properties, Mapping):
        return {_RENAMED.get(name) or _snake(name): json_of(value) for name, value in properties.items()}
    return [json_of(each) for each in properties] if isinstance(properties, list) else properties


def properties_of(body: Any) -> Any:
    """Return GitHub's JSON with Pulumi's names, nested ones too, and without what is null."""
    if isinstance(body, Mapping):
        return {
            _RENAMED_BACK.get(name) or _camel(name): properties_of(value)
            for name, value in body.items()
            if value is not None
        }
    return [properties_of(each) for each in body] if isinstance(body, list) else body


def environment_body(inputs: Properties) -> dict[str, Any]:
    """Return what an environment is put with: the provider names everything, because GitHub takes what is left out for
    its default."""
    policy = inputs.get("deploymentBranchPolicy")
    return {
        "wait_timer": inputs.get("waitTimer") or None,
        "reviewers": list(_reviewers(inputs)) or None,
        "can_admins_bypass": inputs.get("canAdminsBypass", True),
        "prevent_self_review": inputs.get("preventSelfReview", False),
        "deployment_branch_policy": json_of(policy) if policy else None,
    }


def environment_properties(body: Properties) -> dict[str, Any]:
    """Return the properties that an environment is put with."""
    settings = {name: value for name, value in body.items() if name != "reviewers"}
    people = _by_kind((each["type"], each["id"]) for each in body.get("reviewers") or ())
    return {**properties_of(settings), **({"reviewers": [people]} if people else {})}


def environment_seen(answer: Properties) -> dict[str, Any]:
    """Return the properties that an environment has, by GitHub's answer about it."""
    seen = {"canAdminsBypass": answer.get("can_admins_bypass", True), "preventSelfReview": False}
    for rule in answer.get("protection_rules", ()):
        if rule["type"] == "wait_timer":
            seen["waitTimer"] = rule["wait_timer"]
        elif rule["type"] == "required_reviewers":
            seen["preventSelfReview"] = rule["prevent_self_review"]
            people = _by_kind((each["type"], each["reviewer"]["id"]) for each in rule["reviewers"])
            seen |= {"reviewers": [people]} if people else {}
    policy = answer.get("deployment_branch_policy")
    return seen | ({"deploymentBranchPolicy": properties_of(policy)} if policy else {})


def ruleset_body(inputs: Properties) -> dict[str, Any]:
    """Return what a ruleset is made and changed with (terraform-provider-github, util_rules.go)."""
    body = {name: value for name, value in inputs.items() if name not in {"rules", "repository"}}
    source = {"source": inputs["repository"], "source_type": "Repository"}
    return {**json_of(body), **source, "rules": list(_rules(inputs["rules"]))}


def ruleset_planned(inputs: Properties, _provider: Properties) -> Properties:
    """Return the inputs of a ruleset with the parameters that the plugin fills in where the program leaves them out
    (terraform-provider-github, resource_github_repository_ruleset.go: Default)."""
    rules = inputs.get("rules")
    if not isinstance(rules, Mapping):
        return inputs
    filled = {
        name: {**properties_of(_DEFAULTS.get(_RULES.get(name) or _snake(name), {})), **value}
        if isinstance(value, Mapping)
        else value
        for name, value in rules.items()
    }
    return {**inputs, "rules": filled}


def ruleset_properties(body: Properties) -> dict[str, Any]:
    """Return the properties of a ruleset, by what it is made with or by GitHub's answer about it."""
    known = ("name", "target", "enforcement", "bypass_actors", "conditions")
    rules: dict[str, Any] = {}
    for rule in body.get("rules") or ():
        name, parameters = _RULES_BACK.get(rule["type"]) or _camel(rule["type"]), rule.get("parameters") or {}
        if name == "update":
            rules |= {name: True, **{_camel(key): value for key, value in parameters.items() if value}}
        else:
            rules[name] = True if name in _SIMPLE_RULES else properties_of(parameters)
    settings = properties_of({name: body[name] for name in known if body.get(name) not in (None, [])})
    return {**settings, "rules": rules}


def ruleset_seen(answer: Properties) -> dict[str, Any]:
    """Return the properties that a ruleset has, by GitHub's answer about it: the rules without parameters are all
    there, true or false, as the provider reads them."""
    seen = ruleset_properties(answer)
    rules = {**dict.fromkeys((*sorted(_SIMPLE_RULES), "update", "updateAllowsFetchAndMerge"), False), **seen["rules"]}
    return {**seen, "rules": rules}


def policy_body(inputs: Properties) -> dict[str, str]:
    """Return the pattern of refs that an environment admits, and which kind of refs it is of."""
    kind = "branch" if inputs.get("branchPattern") else "tag"
    return {"name": inputs[f"{kind}Pattern"], "type": kind}


def policy_properties(body: Properties) -> dict[str, str]:
    """Return the properties of such a pattern; GitHub takes one that does not say its kind for branches."""
    return {f"{body.get('type') or 'branch'}Pattern": body["name"]}


def _rules(rules: Properties) -> Iterator[dict[str, Any]]:
    for name, value in rules.items():
        type_ = _RULES.get(name) or _snake(name)
        if name == "update":
            parameters = {"parameters": {"update_allows_fetch_and_merge": True}}
            if value:
                yield {"type": type_, **(parameters if rules.get("updateAllowsFetchAndMerge") else {})}
        elif name in _SIMPLE_RULES:
            if value:
                yield {"type": type_}
        elif name != "updateAllowsFetchAndMerge":
            yield {"type": type_, "parameters": {**_DEFAULTS.get(type_, {}), **json_of(value)}}


def _reviewers(inputs: Properties) -> Iterator[dict[str, Any]]:
    for people in inputs.get("reviewers") or ():
        for name, kind in _PEOPLE.items():
            yield from ({"type": kind, "id": number} for number in people.get(name) or ())


def _by_kind(people: Any) -> dict[str, list[int]]:
    found = list(people)
    lists = {name: [number for kind, number in found if kind == of] for name, of in _PEOPLE.items()}
    return {name: numbers for name, numbers in lists.items() if numbers}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
