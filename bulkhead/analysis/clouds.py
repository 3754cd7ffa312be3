"""What the clouds would answer, as far as it can be told beforehand (pure): ids and ARNs, each in words that no other
stage has.

Names are real, because the program chooses them. What a cloud makes up is a placeholder, ``<staging/D1Database/main>``.
What is not listed here stays unknown, and whoever needs it says so; a row is added to ``_TOLD``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from bulkhead.engine.recorded import ENVELOPE, Asked, Made
from bulkhead.resources import types as t

_Inputs = Mapping[str, Any]


def placeholder(environment: str, *path: str) -> str:
    """Return what stands for something that only exists once the stage does."""
    return f"<{environment}/{'/'.join(path)}>"


def answer(asked: Asked) -> Made:
    """Return what the cloud of one resource would make up; the account and region are those of its provider."""
    told = _TOLD.get(asked.type)
    if told is None:
        return Made(_id(asked))
    id_, outputs = told(asked)
    return Made(id_ or _id(asked), outputs)


def account_of(provider: _Inputs) -> str:
    """Return the AWS account that a provider is pinned to, nothing where it is pinned to none or to several."""
    pinned = nested(provider, "allowedAccountIds") or []
    return str(pinned[0]) if len(pinned) == 1 else ""


def nested(provider: _Inputs, name: str) -> Any:
    """Return one setting of a provider; nested ones travel as JSON."""
    value = provider.get(name)
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _id(asked: Asked) -> str:
    return placeholder(asked.stack, asked.type.rpartition(":")[2], asked.name)


def _arn(asked: Asked, service: str, resource: str, *, regional: bool = True) -> str:
    region = str(asked.inputs.get("region") or asked.provider.get("region", "")) if regional else ""
    return f"arn:aws:{service}:{region}:{account_of(asked.provider)}:{resource}"


def _named(asked: Asked, property_: str = "name") -> str:
    """Return the name the program gives; where it gives none the provider makes one up."""
    return str(asked.inputs.get(property_) or _id(asked))


_Told = tuple[str, dict[str, Any]]


def _bucket(asked: Asked) -> _Told:
    name = _named(asked, "bucket")
    return name, {"bucket": name, "arn": f"arn:aws:s3:::{name}"}


def _key(asked: Asked) -> _Told:
    return _id(asked), {"keyId": _id(asked), "arn": _arn(asked, "kms", f"key/{_id(asked)}")}


def _alias(asked: Asked) -> _Told:
    return _named(asked), {"arn": _arn(asked, "kms", _named(asked))}


def _by_arn(service: str, resource: str = "") -> Callable[[Asked], _Told]:
    def told(asked: Asked) -> _Told:
        arn = _arn(asked, service, f"{resource}{_named(asked)}")
        return arn, {"arn": arn}

    return told


def _iam(kind: str, *, id_is_arn: bool) -> Callable[[Asked], _Told]:
    def told(asked: Asked) -> _Told:
        path = str(asked.inputs.get("path") or "/")
        arn = _arn(asked, "iam", f"{kind}{path}{_named(asked)}", regional=False)
        return arn if id_is_arn else _named(asked), {"arn": arn, "name": _named(asked)}

    return told


def _oidc(asked: Asked) -> _Told:
    host = str(asked.inputs.get("url", "")).removeprefix("https://")
    arn = _arn(asked, "iam", f"oidc-provider/{host}", regional=False)
    return arn, {"arn": arn}


def _token(asked: Asked) -> _Told:
    value = placeholder(asked.stack, "secret", asked.name)
    return "", {"value": {**ENVELOPE, "value": value}}


_TOLD: Final[Mapping[str, Callable[[Asked], _Told]]] = {
    t.R2_BUCKET: lambda asked: (_named(asked), {}),
    t.QUEUE: lambda asked: (_id(asked), {"queueId": _id(asked)}),
    t.ACCOUNT_TOKEN: _token,
    t.API_TOKEN: _token,
    t.S3_BUCKET: _bucket,
    t.KMS_KEY: _key,
    t.KMS_ALIAS: _alias,
    t.SNS_TOPIC: _by_arn("sns"),
    t.IAM_ROLE: _iam("role", id_is_arn=False),
    t.IAM_POLICY: _iam("policy", id_is_arn=True),
    t.IAM_OPEN_ID_CONNECT_PROVIDER: _oidc,
    t.SSM_PARAMETER: lambda asked: (
        _named(asked),
        {"arn": _arn(asked, "ssm", f"parameter/{_named(asked).removeprefix('/')}")},
    ),
    t.CLOUDWATCH_METRIC_ALARM: lambda asked: (
        _named(asked),
        {"arn": _arn(asked, "cloudwatch", f"alarm:{_named(asked)}")},
    ),
}
