"""Rules about logs and the zone: logs arrive, personal data in them, their destinations, and the owner of a zone's
rules.

A destination holds credentials in its query string, so no part of it is ever shown. A destination that is no bucket
(Datadog, Splunk, HTTPS) is not judged: the settings cannot name one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from bulkhead.model.naming import stage_of
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document, is_list, leaves, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_WORKER_TRACES: Final = "workers_trace_events"
_BUCKETS: Final = frozenset({"r2", "s3", "gs"})
_R2_ENDPOINT: Final = ".r2.cloudflarestorage.com"
# Fields that identify a person, or that a person wrote. A field's name means the same in every dataset.
_PERSONAL: Final = frozenset(
    {
        "ActorEmail",
        "ActorTokenDetails",
        "ClientLatitude",
        "ClientLongitude",
        "ClientRefererQuery",
        "ClientRequestQuery",
        "ClientRequestReferer",
        "ClientRequestURI",
        "Cookies",
        "Email",
        "NewValue",
        "OldValue",
        "Raw",
        "RequestHeaders",
        "ResourceRequest",
        "ResourceResponse",
        "ResponseHeaders",
        "UserUID",
    }
)
# Fields about the device: LOG-7 allows them only in the access log and the audit log, which LOG-2 keeps below paths
# of those names.
_DEVICE: Final = frozenset(
    {
        "ActorIP",
        "ActorIPAddress",
        "ClientIP",
        "ClientRequestUserAgent",
        "IPAddress",
        "SourceIP",
        "SrcIP",
        "UserAgent",
    }
)
_DEVICE_CLASSES: Final = frozenset({"access", "audit"})
# Fields that a dataset may have as an exception; a comment beside each gives the reason.
_WAIVED: Final[Mapping[str, frozenset[str]]] = {}


def _disabled(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    jobs = stack.of(t.LOGPUSH_JOB)
    for job in jobs:
        if job["enabled"] in (False, MISSING):  # the provider's default is False
            yield Violation(
                "is made and not switched on",
                "No log arrives, and nobody notices before one is needed",
                "enabled=True",
                job,
            )
    pushing = [job for job in jobs if job["enabled"] is True and job["dataset"] == _WORKER_TRACES]
    for worker in stack.of(t.WORKER):
        takes = [job for job in pushing if _takes(job, worker["name"])]
        if takes and worker["logpush"] in (False, MISSING):  # the provider's default is False
            yield Violation(
                f"has logpush off, and {takes[0].name} is there to take its logs",
                "The job runs and gets nothing from this Worker, so its errors are in no archive",
                "logpush=True",
                worker,
            )


def _takes(job: ObservedResource, worker: Any) -> bool:
    """Whether a job takes the logs of the Worker of this name: it does unless its filter names other Workers."""
    wanted = document(job.props, "filter")
    if wanted is UNKNOWN or not isinstance(worker, str):
        return False
    conditions = [each for each in _conditions(wanted) if at(each, "key") == "ScriptName"]
    filters = [(str(at(each, "operator")), [str(value) for value in listed(each, "value")]) for each in conditions]
    named = [_matches(operator, values, worker) for operator, values in filters if not operator.startswith("!")]
    spared = [_matches(operator[1:], values, worker) for operator, values in filters if operator.startswith("!")]
    return (any(named) or not named) and not any(spared)


def _conditions(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from [value] if "key" in value else []
        value = list(value.values())
    for item in value if is_list(value) else []:
        yield from _conditions(item)


def _matches(operator: str, values: list[str], name: str) -> bool:
    test = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}.get(
        operator, str.__eq__
    )
    return any(test(name, value) for value in values)


def _personal(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if not context.settings.log.redact:
        return
    dataset = resource["dataset"] if isinstance(resource["dataset"], str) else "http_requests"  # the API's default
    fields = _fields(resource)
    if fields is UNKNOWN:
        return
    if not fields:
        yield _telling("does not say which fields it pushes", "then what it pushes is for the API to choose")
        return
    bare = (fields - _WAIVED.get(dataset, frozenset())) & (_PERSONAL | _device_fields(resource))
    if bare:
        yield _telling(f"pushes {', '.join(sorted(bare))} in clear", "people can be recognised by them")


def _telling(wrong: str, why: str) -> Violation:
    causes = f"Personal data is kept where nobody can find, mask or delete it, because {why}"
    fix = "output_options.field_names without them; addresses and user agents into logs/<stage>/access/ or audit/ only"
    return Violation(wrong, causes, fix)


def _fields(resource: ObservedResource) -> Any:
    """Return the fields that a job pushes, or UNKNOWN. The deprecated text counts only if there is nothing else."""
    names = resource["outputOptions.fieldNames"]
    if names is UNKNOWN or (names is MISSING and resource["logpullOptions"] is UNKNOWN):
        return UNKNOWN
    if names is MISSING and isinstance(resource["logpullOptions"], str):
        options = parse_qs(resource["logpullOptions"].rpartition("?")[2])
        names = [name for each in options.get("fields", []) for name in each.split(",")]
    return {name for name in leaves(listed(names)) if isinstance(name, str) and name}


def _device_fields(resource: ObservedResource) -> frozenset[str]:
    """Return the fields about devices that a job may not have; none while its destination is not known."""
    where = resource["destinationConf"]
    if where is UNKNOWN:
        return frozenset()
    return frozenset() if isinstance(where, str) and _DEVICE_CLASSES & set(_path(where)) else _DEVICE


def _path(destination: str) -> list[str]:
    return destination.partition("://")[2].partition("?")[0].split("/")[1:]


def _foreign_destination(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own = context.settings.cloudflare
    for name, wanted in (("accountId", own.account_id), ("zoneId", own.zone_id)):
        if not isinstance(resource[name], Absent) and resource[name] != wanted:
            yield _leaving(f"pushes the logs of another {name.removesuffix('Id')}", f"take {name} from the settings")
    where = resource["destinationConf"]
    if not isinstance(where, str):
        return
    scheme, _, rest = where.partition("://")
    bucket = rest.partition("?")[0].partition("/")[0]
    options = {key: values[0] for key, values in parse_qs(rest.partition("?")[2]).items()}
    if scheme.lower() not in _BUCKETS:
        return
    if not bucket.startswith(context.prefix):
        yield _leaving("pushes to a bucket that is not the stage's", f"name a bucket of the stage: {context.prefix}...")
    account = options.get("account-id")
    endpoint = options.get("endpoint", "").removeprefix("https://")
    if endpoint.endswith(_R2_ENDPOINT):
        account = endpoint.partition(".")[0]
    if account is not None and account != own.account_id:
        yield _leaving("pushes to a bucket of another Cloudflare account", f"name account {own.account_id}")
    if scheme.lower() == "s3" and not endpoint and options.get("region") not in {None, context.settings.region.primary}:
        yield _leaving("pushes to another region than the stage's", f"say region={context.settings.region.primary}")
    if {part for part in _path(where) if stage_of(part)} - {context.stage.value, context.settings.environment}:
        yield _leaving(
            "pushes below a path that is called after another stage", f"push below logs/{context.settings.environment}/"
        )


def _leaving(wrong: str, fix: str) -> Violation:
    causes = "One stage's logs lie among another's: whoever may read the one reads the other, and deletes both together"
    return Violation(wrong, causes, fix)


def _not_owner(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    settings = context.settings
    for name, owned, own, what in (
        ("zoneId", settings.owns.zone, settings.cloudflare.zone_id, "zone"),
        ("accountId", settings.owns.cloudflare_account, settings.cloudflare.account_id, "cloudflareAccount"),
    ):
        value = resource[name]
        if isinstance(value, Absent):
            continue
        if value != own:
            wrong, fix = f"is about {name} {value}, which is not the stage's", "take it from the stage's settings"
        elif not owned and resource["kind"] != "custom":  # of which there may be many; the owner's rules execute it
            wrong = f"is made by a stage that does not own the {what}"
            fix = f"make it in the stage whose owns.{what} is true, or set bulkhead:owns.{what} here and only here"
        else:
            continue
        yield Violation(
            wrong,
            "There is one such set of rules or settings for all stages in there: each up overwrites the other stage's",
            fix,
        )


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule("logpush-disabled", ("LOG-1",), "Logs that are to be kept arrive", _disabled),
    Rule(
        "logpush-plain-personal-data",
        ("LOG-7", "SEC-11"),
        "Logs that are kept tell nothing of people that nobody asked for",
        (t.LOGPUSH_JOB,),
        _personal,
    ),
    Rule(
        "log-destination-of-another-stage",
        ("ENV-3", "LOG-2"),
        "A stage's logs stay in the stage",
        (t.LOGPUSH_JOB,),
        _foreign_destination,
    ),
    Rule(
        "ruleset-not-owner",
        ("ENV-3",),
        "What a zone or account has once is made by the stage that owns it",
        (t.RULESET, t.ZONE_SETTING),
        _not_owner,
    ),
)
