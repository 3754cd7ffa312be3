"""A role that a service takes, such as a function's, is held to its policies in the local AWS, and nobody else is.

Whoever makes a stage asks as an administrator, as in the rest of a rehearsal. What a function asks is judged whole:
its signature, its role's policies and boundary with their conditions, and what AWS demands besides, such as the right
to a key for what is encrypted with it. Which resource a request is about moto does not say, so a call that is not
known here is denied, never let through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import unescape

from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import JsonRESTError
from moto.kms.models import kms_backends
from moto.s3.exceptions import MissingBucket
from moto.sts.models import sts_backends

from bulkhead.localclouds.aws.evaluator import Context, Identity, Request, allows
from bulkhead.localclouds.aws.moto_iam import identity_of
from bulkhead.resources.actions import access_without_resource
from bulkhead.resources.statements import statements

_PARTITION: Final = "aws"
_KMS: Final = ("aws:kms", "aws:kms:dsse")
_UNDECIDED: Final = "sts:GetCallerIdentity"  # always allowed (IAM User Guide)
_OWN: Final = "alias/aws/"  # keys that AWS keeps; their policies admit the account
# What an IAM policy calls a service and an action, where it is not the name that travels.
_SERVICES: Final = {"monitoring": "cloudwatch"}
_ACTIONS: Final = {"lambda:Invoke": "lambda:InvokeFunction"}
# S3's actions by method and by the subresource in the query ("Actions defined by Amazon S3", Service Authorization
# Reference). What stands first is looked for first.
_OF_BUCKETS: Final[Mapping[str, Mapping[str, str]]] = {
    "GET": {
        "versions": "ListBucketVersions",
        "uploads": "ListBucketMultipartUploads",
        "versioning": "GetBucketVersioning",
        "object-lock": "GetBucketObjectLockConfiguration",
        "encryption": "GetEncryptionConfiguration",
        "lifecycle": "GetLifecycleConfiguration",
        "location": "GetBucketLocation",
        "": "ListBucket",
    },
    "HEAD": {"": "ListBucket"},
    "POST": {"delete": "DeleteObject"},
}
_OF_OBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "GET": {
        "uploadId": "ListMultipartUploadParts",
        "retention": "GetObjectRetention",
        "legal-hold": "GetObjectLegalHold",
        "tagging": "GetObjectTagging",
        "versionId": "GetObjectVersion",
        "": "GetObject",
    },
    "HEAD": {"versionId": "GetObjectVersion", "": "GetObject"},
    "PUT": {
        "uploadId": "PutObject",
        "retention": "PutObjectRetention",
        "legal-hold": "PutObjectLegalHold",
        "tagging": "PutObjectTagging",
        "": "PutObject",
    },
    "POST": {"uploads": "PutObject", "uploadId": "PutObject"},
    "DELETE": {
        "uploadId": "AbortMultipartUpload",
        "tagging": "DeleteObjectTagging",
        "versionId": "DeleteObjectVersion",
        "": "DeleteObject",
    },
}
_TAGGING: Final = "x-amz-tagging"
# Rights that `moto_locks` asks for by themselves, where a request's headers take them.
_OF_LOCKS: Final = frozenset({"BypassGovernanceRetention", "PutObjectLegalHold", "PutObjectRetention"})
_CONDITIONS: Final = {
    "x-amz-server-side-encryption": "s3:x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-object-lock-mode": "s3:object-lock-mode",
}

_ENTRY: Final = re.compile(r"<Object>.*?</Object>", re.DOTALL)
_KEY: Final = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)

_original = ActionAuthenticatorMixin._authenticate_and_authorize_action


def extend() -> None:
    """Let moto judge what roles of services ask; safe to repeat."""
    ActionAuthenticatorMixin._authenticate_and_authorize_action = _judged  # type: ignore[method-assign]


def _judged(self: Any, iam_request_cls: type, resource: str = "*") -> None:
    credential = str(self.headers.get("Authorization", "")).partition("Credential=")[2].partition(",")[0].split("/")
    identity = _identity(self.current_account, credential[0])
    if identity is None:
        _original(self, iam_request_cls, resource)
        return
    query = urlsplit(self.uri).query
    asked: Any = iam_request_cls(
        account_id=self.current_account,
        method=self.method,
        path=f"{self.raw_path}?{query}" if query else self.raw_path,
        data=self.data,
        body=self.raw_body,
        headers=self.headers,
        action=self._get_action(),
    )
    asked.check_signature()
    requests = list(_s3(self, resource) if credential[3] == "s3" else _other(self, credential[3]))
    context = _context(self, identity)
    for each in requests:
        whole = Request(each.action, each.resource, {**context, **each.context})
        if each.action != _UNDECIDED and not allows(identity, whole):
            _deny(self, asked, each.action)
    if not requests:
        _deny(self, asked, asked._action)


def _deny(response: Any, asked: Any, action: str) -> None:
    """Refuse in the form of the request, and with the words that AWS has for it."""
    if "json" not in str(response.headers.get("Content-Type")) and asked._service not in {"lambda", "scheduler"}:
        asked._action = action
        asked._raise_access_denied()
    raise _Denied(f"User: {asked._access_key.arn} is not authorized to perform: {action}")


class _Denied(JsonRESTError):
    code = 403

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


def _identity(account: str, key: str) -> Identity | None:
    """Return the role behind temporary credentials if a service may take it."""
    for session in sts_backends[account][_PARTITION].assumed_roles:
        if session.access_key_id == key:
            identity = identity_of(account, session.role_arn)
            is_of_service = identity and any(each.services for each in statements(identity.trust))
            return identity if is_of_service else None
    return None


def _context(response: Any, identity: Identity) -> dict[str, str]:
    return {
        "aws:PrincipalAccount": response.current_account,
        "aws:PrincipalArn": f"arn:aws:iam::{response.current_account}:role/{identity.name}",
        "aws:RequestedRegion": response.region,
        "aws:ResourceAccount": response.current_account,
        "aws:SecureTransport": "true",  # as it would be; here nothing leaves the machine
    }


def _other(response: Any, service: str) -> Iterator[Request]:
    """Yield what a request to any service but S3 takes; nothing where that is not known."""
    name = f"{_SERVICES.get(service, service)}:{response._get_action()}"
    action = _ACTIONS.get(name, name)
    if service == "monitoring" or access_without_resource(action):
        namespace = response._get_param("Namespace")
        yield Request(action, "*", {"cloudwatch:namespace": str(namespace)} if namespace else {})
    elif service == "kms":
        yield from _key(response, str(response._get_param("KeyId")), action)
    elif service in _RESOURCES:
        for resource in _RESOURCES[service](response):
            yield Request(action, resource)
        if service == "ssm" and response._get_param("WithDecryption") is True:
            for parameter in _parameters(response):
                yield from _key(response, parameter.keyid, "kms:Decrypt", "ssm")


def _arn(response: Any, service: str, resource: str) -> str:
    return f"arn:aws:{service}:{response.region}:{response.current_account}:{resource}"


def _function(response: Any) -> list[str]:
    name = unquote(response.path.split("/functions/")[-1].split("/")[0])
    return [name if name.startswith("arn:") else _arn(response, "lambda", f"function:{name}")]


def _parameter_arns(response: Any) -> list[str]:
    names = response._get_param("Names") or [response._get_param("Name")]
    return [_arn(response, "ssm", f"parameter/{str(name).lstrip('/')}") for name in names]


def _parameters(response: Any) -> list[Any]:
    names = response._get_param("Names") or [response._get_param("Name")]
    # Not above: it brings moto's EC2 along, which opens a session by the owner's AWS_PROFILE while it is imported.
    from moto.ssm.models import ssm_backends  # noqa: PLC0415

    found = [ssm_backends[response.current_account][response.region].get_parameter(str(name)) for name in names]
    return [each for each in found if each is not None and each.parameter_type == "SecureString"]


def _queue(response: Any) -> list[str]:
    return [_arn(response, "sqs", str(response._get_param("QueueUrl")).rpartition("/")[2])]


def _topic(response: Any) -> list[str]:
    return [str(response._get_param("TopicArn") or response._get_param("TargetArn"))]


def _logs(response: Any) -> list[str]:
    group, stream = response._get_param("logGroupName"), response._get_param("logStreamName")
    return [_arn(response, "logs", f"log-group:{group}:log-stream:{stream or ''}")]


_RESOURCES: Final[Mapping[str, Callable[[Any], list[str]]]] = {
    "lambda": _function,
    "logs": _logs,
    "sns": _topic,
    "sqs": _queue,
    "ssm": _parameter_arns,
}


def _s3(response: Any, resource: str) -> Iterator[Request]:
    """Yield what a request to S3 takes; nothing where that is not known."""
    query = parse_qs(urlsplit(response.uri).query, keep_blank_values=True)
    bucket, _, key = resource.rpartition(":")[2].partition("/")
    methods = _OF_OBJECTS if key else _OF_BUCKETS
    known = methods.get(response.method, {})
    name = next((known[each] for each in known if each in query or not each), None)
    if name is None:
        return
    headers = response.headers
    context: dict[str, str] = {key: str(headers[each]) for each, key in _CONDITIONS.items() if each in headers}
    if response.data.get("Action") in _OF_LOCKS:
        yield Request(f"s3:{response.data['Action']}", resource, context)
        return
    if not key:
        context |= {f"s3:{each}": query[each][0] for each in ("prefix", "delimiter", "max-keys") if each in query}
    if name == "DeleteObject" and not key:
        yield from _deletions(response, resource)
        return
    yield Request(f"s3:{name}", resource, context)
    if _TAGGING in headers:
        yield Request("s3:PutObjectTagging", resource, context)
    if source := headers.get("x-amz-copy-source"):
        yield Request("s3:GetObject", f"arn:aws:s3:::{unquote(source).partition('?')[0].lstrip('/')}")
    if key:
        upload = query.get("uploadId", [""])[0]
        yield from _of_encryption(response, bucket, key, name, upload, context)


def _deletions(response: Any, bucket: str) -> Iterator[Request]:
    """Yield what the removal of several objects takes; AWS would remove those that may be, this refuses all."""
    for entry in _ENTRY.findall(bytes(response.raw_body).decode()):
        key = _KEY.search(entry)
        action = "s3:DeleteObjectVersion" if "<VersionId>" in entry else "s3:DeleteObject"
        yield Request(action, f"{bucket}/{unescape(key[1]) if key else '*'}")


def _of_encryption(response: Any, bucket: str, key: str, name: str, upload: str, context: Context) -> Iterator[Request]:
    """Yield the rights to the key of an object, and, for one that is not there, the right to know that: without it,
    S3 says 403 (S3 API reference, GetObject). The last call of an upload reads its parts."""
    try:
        found = response.backend.get_bucket(bucket)
    except MissingBucket:
        return
    if name in {"GetObject", "GetObjectVersion"}:
        there = response.backend.get_object(bucket, key)
        if there is None:
            yield Request("s3:ListBucket", f"arn:aws:s3:::{bucket}")
        elif there.encryption in _KMS:
            yield from _key(response, there.kms_key_id, "kms:Decrypt", "s3")
    elif name == "PutObject":
        rule = ((found.encryption or {}).get("Rule") or {}).get("ApplyServerSideEncryptionByDefault") or {}
        algorithm = context.get("s3:x-amz-server-side-encryption", rule.get("SSEAlgorithm"))
        own = context.get("s3:x-amz-server-side-encryption-aws-kms-key-id", rule.get("KMSMasterKeyID"))
        if upload in found.multiparts:
            algorithm, own = found.multiparts[upload].sse_encryption, found.multiparts[upload].kms_key_id
        if algorithm in _KMS and isinstance(own, str):
            yield from _key(response, own, "kms:GenerateDataKey", "s3")
            if upload and response.method == "POST":
                yield from _key(response, own, "kms:Decrypt", "s3")


def _key(response: Any, key: str | None, action: str, via: str = "") -> Iterator[Request]:
    """Yield what the use of a key takes, which may be named by its id, an alias or an ARN."""
    if not key or (via and key.startswith(_OWN)):
        return
    context: dict[str, str | list[str]] = {"kms:ViaService": f"{via}.{response.region}.amazonaws.com"} if via else {}
    kms = kms_backends[response.current_account][response.region]
    try:
        found = kms.keys[kms.any_id_to_key_id(key)]
    except (KeyError, AttributeError):  # there is none
        yield Request(action, _arn(response, "kms", f"key/{key}"), context)
    else:
        yield Request(action, found.arn, {**context, "kms:ResourceAliases": sorted(found.aliases)})
