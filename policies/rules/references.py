"""The rule against references to another stage, wherever one may stand: a name, an owner, a right, a guest, a hostname.

What a reference is, the row of a type says. What another rule judges already is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bulkhead.model.marks import REMARKS, is_of_mail
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.documents import allowed, documents_in
from bulkhead.resources.kind import Grants, Link
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.texts import at_path, texts
from bulkhead.resources.values import document
from policies.context import PolicyContext
from policies.rule import AnyRule, StackRule, Violation
from policies.rules.iam import about_the_stage, only_bounds, with_resource
from policies.rules.whose import Whose, names_nothing, whose
from policies.rules.worker_carriers import CARRIERS

# Whose these are, `stage-mismatch` and the rules about GitHub say.
_JUDGED: Final = frozenset({"accountId", "zoneId", "scriptName", "bucketName", "workerId", "repository"})
# What nobody acts by, and whom somebody excludes, which is a safeguard.
_IDLE: Final = re.compile(rf"tags|tagsAll|excludes|{REMARKS}")
_JUDGED_HOSTS: Final = frozenset({t.WORKERS_CUSTOM_DOMAIN, t.WORKERS_ROUTE})
_BELOW_A_PATH: Final = (t.IAM_POLICY, t.IAM_ROLE)
_OF_AWS: Final = re.compile(r"arn:[^:]*:(?:iam::aws:policy/|scheduler:::aws-sdk:|automate:[^:]*:[a-z0-9]+:).+")
_BUCKETS: Final = frozenset({Link.BUCKET, Link.LOGS})
_FIX: Final = (
    "name what is the stage's own: by the output of its resource, by a name that begins with {prefix}, or by the "
    "stage's settings"
)


def _foreign(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    eyes = whose(context)
    for resource in stack.resources:
        seen: set[str] = set()
        for path, wrong in _wrongs(resource, stack, eyes):
            about = wrong.partition(", which")[0]
            if wrong and about not in seen:
                seen.add(about)
                yield Violation(
                    f"{path} {wrong}",
                    "What is done in one stage is done to the other, and whoever gets into one is in both",
                    _FIX.format(prefix=context.prefix),
                    resource,
                )


def _wrongs(resource: ObservedResource, stack: ObservedStack, eyes: Whose) -> Iterator[tuple[str, str]]:
    """Yield the places of a resource that may lead somewhere, each with what is wrong with it."""
    found = [*_in_documents(resource, stack, eyes), *_in_references(resource, stack, eyes)]
    if resource.type in _BELOW_A_PATH:
        names = ((property_, resource[property_]) for property_ in ("name", "path"))
        found += [(property_, eyes.name(value)) for property_, value in names if isinstance(value, str)]
    yield from found
    told = {path for path, wrong in found if wrong}
    yield from ((path, wrong) for path, wrong in _in_texts(resource, eyes) if path not in told)


def _in_documents(resource: ObservedResource, stack: ObservedStack, eyes: Whose) -> Iterator[tuple[str, str]]:
    if resource.type == t.IAM_POLICY and only_bounds(resource, stack):
        return  # it gives no rights
    for path, grants, found in documents_in(resource.type, resource.props):
        for statement in statements(found):
            if statement.allows:
                yield from _in_statement(path, grants, statement, eyes)


def _in_statement(path: str, grants: Grants, statement: Statement, eyes: Whose) -> Iterator[tuple[str, str]]:
    for kind, who in statement.principals:
        if kind in {"AWS", "Federated"} and "*" not in who:
            yield path, eyes.name(who)
    if grants is not Grants.RIGHTS:
        return
    confined = about_the_stage(statement, list(statement.actions), eyes.context)
    for arn in statement.resources if with_resource(statement) else ():
        if not names_nothing(arn, eyes.context):  # `iam-wildcard-resource` says that
            yield path, eyes.name(arn) if confined else eyes.pattern(arn)


def _in_references(resource: ObservedResource, stack: ObservedStack, eyes: Whose) -> Iterator[tuple[str, str]]:
    row = row_of(resource.type)
    for reference in row.references if row else ():
        made_here = resource.sources(re.split(r"[.\[]", reference.path)[0], *reference.to) if reference.to else ()
        if made_here or reference.link is Link.ENVIRONMENT:  # `github-environment-unprotected`
            continue
        for path, value in at_path(resource.props, reference.path):
            if not isinstance(value, str) or not value or _OF_AWS.fullmatch(value):
                continue
            if not reference.to and reference.link is not Link.HOSTNAME and not value.startswith("arn:"):
                continue  # the address of a person, or of something that is in no cloud
            if reference.link is not Link.HOSTNAME:
                outside = reference.link in _BUCKETS and _is_outside(value, resource, stack, eyes.context)
                yield (
                    path,
                    eyes.name(value, abroad=False) or ("names a bucket that is not the stage's" if outside else ""),
                )
            elif resource.type not in _JUDGED_HOSTS:
                own_zone = resource.type != t.DNS_RECORD or eyes.context.settings.owns.zone
                yield path, eyes.hostname(value, everywhere=own_zone)


def _is_outside(name: str, resource: ObservedResource, stack: ObservedStack, context: PolicyContext) -> bool:
    """Whether a bucket in S3 is not the stage's, by its name. That of R2, `stage-mismatch` judges."""
    if not resource.type.startswith("aws:s3/"):
        return False
    bucket = name.removeprefix("arn:aws:s3:::")
    made = any(bucket in (each["bucket"], each["id"]) for each in stack.of(t.S3_BUCKET))
    return not made and not bucket.startswith(context.prefix)


def _in_texts(resource: ObservedResource, eyes: Whose) -> Iterator[tuple[str, str]]:
    """Yield every text of a resource that holds a mark of another stage, apart from what policies forbid."""
    row = row_of(resource.type)
    own = {row.named_by} if row else set()
    repository = eyes.context.settings.github.repository
    for name, value in resource.props.items():
        if name in _JUDGED or _IDLE.fullmatch(name) or (name in own and resource.type not in _BELOW_A_PATH):
            continue
        if resource.type == t.DNS_RECORD and name == "content" and resource["type"] != "CNAME":
            continue  # a text that mail is judged by may name the owner's other domains
        said = allowed(document(value)) if row and name in row.documents else value
        bound = resource.type in CARRIERS and name == CARRIERS[resource.type][1]
        for text in texts(said, name):
            last = text.path.partition(" ")[0].rpartition(".")[2]  # what is opened is named behind a space
            if bound and last not in {"text", "json"}:  # `binding-from-another-stage`
                continue
            called = f"{resource.props.get('variableName', '')} {text.path}"
            if text.text != repository and last not in _JUDGED:
                yield text.path, eyes.text(text.text, of_mail=is_of_mail(called, text.text))


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "reference-to-another-stage",
        ("ENV-3", "ENV-1", "SEC-7"),
        "Nothing in a stage names, reaches or lets in another stage",
        _foreign,
    ),
)
