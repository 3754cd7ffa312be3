"""Rules about S3 buckets: nobody reaches them from outside, and nothing in them gets lost.

Side resources make a bucket safe. In a new stack they name a bucket that does not exist yet, so they are matched by
the source of the name. A bucket's own properties for the same settings (`versioning`, `lifecycleRules`) are
deprecated, and show the old values rather than the new ones: they are ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Final

from bulkhead.model.naming import Kind
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import Statement, account_of, matches, statements, texts
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_PUBLIC_ACLS: Final = ("public-read", "public-read-write", "authenticated-read")
_PUBLIC_GROUPS: Final = ("/groups/global/AllUsers", "/groups/global/AuthenticatedUsers")
# Amazon S3 User Guide, "The meaning of public": a policy is not public where one of these keys has a fixed value.
_FIXING: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
_WIDEST: Final = {4: 8, 6: 32}  # the same page: a network that is wider than this is everybody
_ENCRYPTED: Final = ("AES256", "aws:kms", "aws:kms:dsse")
_KEYS: Final = (t.KMS_KEY, t.KMS_REPLICA_KEY, t.KMS_ALIAS)
_COMPARED: Final = ("bool", "stringequals", "stringequalsignorecase", "stringlike")
_COMPARED_NOT: Final = ("stringnotequals", "stringnotequalsignorecase", "stringnotlike")


def _public(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    leak = "Anybody who learns the bucket's name could read or replace what it holds"
    for bucket in () if _is_account_closed(stack, context) else stack.of(t.S3_BUCKET):
        blocks = beside(stack, bucket, t.S3_BUCKET_PUBLIC_ACCESS_BLOCK)
        if not blocks:
            yield Violation(
                "has no block of public access",
                leak + " as soon as one policy or ACL is too wide",
                "add a BucketPublicAccessBlock with all four flags on",
                bucket,
            )
        for block in blocks:
            if off := _off(block):
                yield Violation(f"leaves {', '.join(off)} off", leak, "turn all four flags on", block)
    for policy in stack.of(t.S3_BUCKET_POLICY, t.S3_BUCKET):
        open_to_all = [s for s in statements(document(policy.props, "policy")) if s.allows and s.for_anybody]
        if any(not _fixed(statement) for statement in open_to_all) and not _outdated(stack, policy):
            fix = "name the principals, or add a condition that only the stage's own callers meet"
            yield Violation("allows something to everybody", leak, fix, policy)
    for acl in stack.of(t.S3_BUCKET_ACL, t.S3_BUCKET):
        if _is_public_acl(acl):
            fix = "remove the ACL and let a BucketPolicy say who may what"
            yield Violation("has an ACL that lets everybody in", leak, fix, acl)


def _is_account_closed(stack: ObservedStack, context: PolicyContext) -> bool:
    """Whether the account blocks public access to all of its buckets: S3 then asks no bucket for more."""
    own = (MISSING, UNKNOWN, context.settings.aws.account_id)
    return any(each["accountId"] in own and not _off(each) for each in stack.of(t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK))


def _off(block: ObservedResource) -> list[str]:
    """Return the flags that are off, as each of the four is unless somebody turns it on (provider's default)."""
    flags = t.S3_BUCKET_PUBLIC_ACCESS_BLOCK.guarding
    return [flag for flag in flags if block[flag] is not True and block[flag] is not UNKNOWN]


def _fixed(statement: Statement) -> bool:
    """Whether a condition admits only callers whose identity or network is known."""
    return any(
        key in _FIXING and values and all(_is_fixed(key, value) for value in values)
        for key, values in statement.requires()
    )


def _is_fixed(key: str, value: str) -> bool:
    if key in {"aws:sourceip", "aws:vpcsourceip"}:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return False
        return network.prefixlen >= _WIDEST[network.version]
    if key == "aws:userid":  # AROAEXAMPLE:* is every session of one role
        value = value.removesuffix(":*")
    return not any(sign in value for sign in ("*", "?", "${")) or account_of(value) is not None


def _outdated(stack: ObservedStack, resource: ObservedResource) -> bool:
    """Whether this is a bucket's own `policy`, which its BucketPolicy replaces."""
    return resource.type == t.S3_BUCKET and bool(beside(stack, resource, t.S3_BUCKET_POLICY))


def _is_public_acl(acl: ObservedResource) -> bool:
    grantees = [at(grant, "grantee", "uri") for grant in listed(acl.props, "accessControlPolicy", "grants")]
    return acl["acl"] in _PUBLIC_ACLS or any(isinstance(uri, str) and uri.endswith(_PUBLIC_GROUPS) for uri in grantees)


def _unversioned(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    causes = "What is overwritten or deleted, by mistake or by an intruder, cannot be brought back"
    fix = 'add a BucketVersioning with versioning_configuration={"status": "Enabled"}'
    for bucket in stack.of(t.S3_BUCKET):
        versionings = beside(stack, bucket, t.S3_BUCKET_VERSIONING)
        if not versionings:
            yield Violation("keeps no versions of its objects", causes, fix, bucket)
        for versioning in versionings:
            status = versioning["versioningConfiguration.status"]
            if status is not UNKNOWN and status != "Enabled":
                yield Violation("does not enable versions", causes, fix, versioning)


def _unencrypted(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    for bucket in stack.of(t.S3_BUCKET):
        vault = is_vault(bucket, context)
        default = (
            '{"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}' if vault else '{"sse_algorithm": "AES256"}'
        )
        fix = f"add a BucketServerSideEncryptionConfiguration with apply_server_side_encryption_by_default={default}"
        found = beside(stack, bucket, t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION)
        if not found:
            causes = "Nobody has said with which key the objects are encrypted, and nobody can take that key away"
            yield Violation("has no encryption of its own", causes, fix, bucket)
        for encryption in found:
            if encryption["rules"] is not UNKNOWN:
                yield from _weak(stack, encryption, fix, vault=vault)


def _weak(stack: ObservedStack, encryption: ObservedResource, fix: str, *, vault: bool) -> Iterator[Violation]:
    defaults = [at(rule, "applyServerSideEncryptionByDefault") for rule in listed(encryption.props, "rules")]
    algorithms = [at(default, "sseAlgorithm") for default in defaults]
    if not any(each is UNKNOWN or each in _ENCRYPTED for each in algorithms):
        yield Violation(
            "names no encryption", "Nobody has said with which key the objects are encrypted", fix, encryption
        )
    elif vault and "AES256" in algorithms:
        causes = "Whoever gets at the bucket reads the backups: no key stands in between that could be refused"
        yield Violation("encrypts the backups without a key of the stage", causes, fix, encryption)
    elif vault and any(not _is_own(stack, encryption, at(default, "kmsMasterKeyId")) for default in defaults):
        causes = "Who may read the backups is decided by the policy of a key that this stack does not control"
        yield Violation("encrypts the backups with a key that is not the stack's", causes, fix, encryption)


def _is_own(stack: ObservedStack, encryption: ObservedResource, key: Any) -> bool:
    if key is UNKNOWN:
        return True
    own = [resource[name] for resource in stack.of(*_KEYS) for name in ("arn", "keyId", "name")]
    return isinstance(key, str) and key != "" and (key in own or bool(encryption.sources("rules", *_KEYS)))


def _plain_text(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    causes = "Somebody on the way could read what is sent to the bucket, or what comes from it"
    fix = (
        'deny everybody s3:* on the bucket and on <bucket>/* with "Condition": '
        '{"Bool": {"aws:SecureTransport": "false"}} in its BucketPolicy'
    )
    for bucket in stack.of(t.S3_BUCKET):
        policies = beside(stack, bucket, t.S3_BUCKET_POLICY)
        if not policies:
            yield Violation("has no policy that refuses plain HTTP", causes, fix, bucket)
        for policy in policies:
            policy_document = document(policy.props, "policy")
            if UNKNOWN not in leaves(policy_document) and not _refuses_plain_text(policy_document, bucket, policy):
                yield Violation("does not refuse plain HTTP for the whole bucket", causes, fix, policy)


def _refuses_plain_text(policy_document: Any, bucket: ObservedResource, policy: ObservedResource) -> bool:
    refusing = [statement for statement in statements(policy_document) if _is_refusal(statement)]
    arn, name = bucket["arn"], bucket["bucket"]
    if isinstance(arn, str):
        arns = [arn]
    else:  # then its statement about the bucket must cover the objects too
        named = isinstance(name, str) and not policy.sources("policy", t.S3_BUCKET)
        arns = [each for statement in refusing for each in statement.resources if "/" not in each]
        arns = [each for each in arns if not named or matches(each.rpartition(":")[2], name)]
    return any(
        all(any(statement.covers(part) for statement in refusing) for part in (each, f"{each}/*")) for each in arns
    )


def _is_refusal(statement: Statement) -> bool:
    everybody = statement.for_anybody and not statement.not_principals
    everything = any(action.lower() in {"*", "s3:*"} for action in statement.actions)
    tests = [
        (
            operator.lower().removeprefix("foranyvalue:").removesuffix("ifexists"),
            key.lower(),
            {value.lower() for value in texts(values)},
        )
        for operator, condition in statement.conditions.items()
        for key, values in condition.items()
    ]
    plain = [test for test in tests if _is_plain(*test)]
    # Amazon's own services never use plain HTTP, so a policy may leave them out.
    services = [("bool", key, {"false"}) for key in ("aws:principalisawsservice", "aws:viaawsservice")]
    rest = [test for test in tests if test not in [*plain, *services]]
    return statement.denies and everybody and everything and bool(plain) and not rest


def _is_plain(operator: str, key: str, values: set[str]) -> bool:
    refuses_false = operator in _COMPARED and "false" in values
    return key == "aws:securetransport" and (refuses_false or (operator in _COMPARED_NOT and values == {"true"}))


def beside(stack: ObservedStack, bucket: ObservedResource, type_: str) -> list[ObservedResource]:
    """Return the resources of one type that are about ``bucket``."""
    return [each for each in stack.of(type_) if bucket.urn in _about(stack, each)]


def _about(stack: ObservedStack, resource: ObservedResource) -> set[str]:
    """Return the URNs of the buckets a resource is about: the bucket with that name, else the source of the name, also
    by way of another side resource (`versioning.bucket`, used to be made after it)."""
    bucket_name = resource["bucket"]
    named = {
        each.urn for each in stack.of(t.S3_BUCKET) if isinstance(bucket_name, str) and bucket_name == each["bucket"]
    }
    return named or set(_origins(resource))


def _origins(resource: ObservedResource) -> Iterator[str]:
    for source in resource.depends.get("bucket", ()):
        if source.type == t.S3_BUCKET:
            yield source.urn
        else:
            yield from _origins(source)


def is_vault(bucket: ObservedResource, context: PolicyContext) -> bool:
    """Whether it is the bucket of the stage's backups, or another with such a name (a second region's)."""
    name = bucket["bucket"]
    if not isinstance(name, str):
        return False
    label = context.label
    called = [f"{name}-".startswith(f"{label.name(kind)}-") for kind in (Kind.VAULT, Kind.VAULT_LOG)]
    return called == [True, False] or name == label.name(Kind.VAULT, context.settings.aws.account_id)


def _echo(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    bucket = resource["bucket"]
    if isinstance(bucket, str) and bucket == resource["targetBucket"]:
        yield Violation(
            "logs into the bucket that it is about",
            "Each line of the log is a request that is logged again, so it grows and costs without an end",
            "name a bucket of the stage that takes logs alone",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule("s3-public", ("SEC-8",), "Nobody outside the account reaches a bucket", _public),
    StackRule(
        "s3-unversioned", ("BAK-4", "BAK-5"), "What is overwritten or deleted in S3 can be brought back", _unversioned
    ),
    StackRule(
        "s3-unencrypted", ("SEC-8", "BAK-5"), "Buckets are encrypted, and backups with a key of the stage", _unencrypted
    ),
    Rule("s3-log-into-itself", ("SEC-8",), "A log is kept apart from what it tells of", (t.S3_BUCKET_LOGGING,), _echo),
    StackRule("s3-no-tls-only", ("SEC-8",), "Nothing goes to or from a bucket in plain text", _plain_text),
)
