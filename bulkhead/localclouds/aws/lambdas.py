"""Functions in the local AWS, and what becomes of a run that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import Shape, Tagging, TagMap
from bulkhead.localclouds.providers.handler import ApiRefusal, Properties

_TAGGING: Final = Tagging(read="list_tags", tags=TagMap())
_CONFIGURATION: Final = Shape(
    {
        "deadLetterConfig": ("DeadLetterConfig", Shape({"targetArn": "TargetArn"})),
        "description": "Description",
        "environment": ("Environment", Shape({"variables": "Variables"})),
        "ephemeralStorage": ("EphemeralStorage", Shape({"size": "Size"})),
        "handler": "Handler",
        "kmsKeyArn": "KMSKeyArn",
        "loggingConfig": (
            "LoggingConfig",
            Shape(
                {
                    "applicationLogLevel": "ApplicationLogLevel",
                    "logFormat": "LogFormat",
                    "logGroup": "LogGroup",
                    "systemLogLevel": "SystemLogLevel",
                }
            ),
        ),
        "memorySize": "MemorySize",
        "role": "Role",
        "runtime": "Runtime",
        "timeout": "Timeout",
    }
)
# What is left out of a change stays as it is, so each is sent (Lambda API reference, UpdateFunctionConfiguration).
_UNSET: Final[Properties] = {
    "deadLetterConfig": {"targetArn": ""},
    "description": "",
    "environment": {"variables": {}},
    "ephemeralStorage": {"size": 512},
    "kmsKeyArn": "",
    "memorySize": 128,
    "timeout": 3,
}
_USUAL_ARCHITECTURES: Final = ["x86_64"]
_AFTERWARDS: Final = Shape(
    {
        "destinationConfig": (
            "DestinationConfig",
            Shape(
                {
                    "onFailure": ("OnFailure", Shape({"destination": "Destination"})),
                    "onSuccess": ("OnSuccess", Shape({"destination": "Destination"})),
                }
            ),
        ),
        "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
        "maximumRetryAttempts": "MaximumRetryAttempts",
    }
)
_TRIED_AGAIN: Final = 2


class Function(AwsResource):
    """A function whose code is a .zip file. Its id is its name. Left out: images, layers, versions, networks."""

    understood = frozenset({*_CONFIGURATION.names, "architectures", "code", "name", "sourceCodeHash", "tags"})
    defaults: ClassVar[Properties] = {**_UNSET, "architectures": _USUAL_ARCHITECTURES}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        cloud.lambda_.create_function(
            FunctionName=wanted["name"],
            Code={"ZipFile": _zipped(wanted["code"])},
            Architectures=wanted.get("architectures", _USUAL_ARCHITECTURES),
            Tags=wanted["tagsAll"],
            **_CONFIGURATION.to_api({name: wanted[name] for name in _CONFIGURATION.names if name in wanted}),
        )
        return str(wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.lambda_.get_function, FunctionName=id_)
        if answer is None:
            return None
        found: Any = answer["Configuration"]
        arn = found["FunctionArn"]
        return {
            **_CONFIGURATION.from_api(found),
            "architectures": found["Architectures"],
            "arn": arn,
            "codeSha256": found["CodeSha256"],
            "invokeArn": f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
            "lastModified": found["LastModified"],
            "name": id_,
            "qualifiedArn": f"{arn}:$LATEST",
            "region": cloud.region,
            "sourceCodeSize": found["CodeSize"],
            "tagsAll": _TAGGING.of(cloud.lambda_, Resource=arn),
            "version": "$LATEST",
        }

    def phrase(self, truth: dict[str, Any], declared: Properties) -> None:
        """AWS has no dead-letter queue, no variables and no key in several forms."""
        for name, unset in _UNSET.items():
            truth.setdefault(name, unset)

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        architectures = wanted.get("architectures", _USUAL_ARCHITECTURES)
        code = _zipped(wanted["code"])
        cloud.lambda_.update_function_code(FunctionName=id_, ZipFile=code, Architectures=architectures)
        given = {name: wanted[name] for name in _CONFIGURATION.names if name in wanted}
        arn = cloud.lambda_.update_function_configuration(
            FunctionName=id_, **_CONFIGURATION.to_api({**_UNSET, **given})
        )["FunctionArn"]
        _TAGGING.write(cloud.lambda_, wanted["tagsAll"], Resource=arn)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.lambda_.delete_function, FunctionName=id_)


class FunctionEventInvokeConfig(AwsResource):
    """How often a failed run of a function is tried again, and who is told of it. Its id is the function's name."""

    understood = frozenset({*_AFTERWARDS.names, "functionName"})
    defaults: ClassVar[Properties] = {"destinationConfig": {}, "maximumRetryAttempts": _TRIED_AGAIN}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        self.change(cloud, str(wanted["functionName"]), wanted)
        return str(wanted["functionName"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.lambda_.get_function_event_invoke_config, FunctionName=id_)
        if answer is None:
            return None
        return {"functionName": id_, "region": cloud.region, "destinationConfig": {}, **_AFTERWARDS.from_api(answer)}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        given = {"maximumRetryAttempts": _TRIED_AGAIN, **wanted}
        given = {name: given[name] for name in _AFTERWARDS.names if name in given}
        cloud.lambda_.put_function_event_invoke_config(FunctionName=id_, **_AFTERWARDS.to_api(given))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.lambda_.delete_function_event_invoke_config, FunctionName=id_)


def _zipped(code: Properties) -> bytes:
    """Return the bytes of a .zip file, which the engine hands on as they are; it packs any other archive itself
    (pulumi, sdk/go/common/resource/archive)."""
    path = Path(str(code.get("path", "")))
    if path.suffix != ".zip":
        raise ApiRefusal("code: the local AWS takes a .zip file, pulumi.FileArchive('....zip'), and no other archive")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ApiRefusal(f"code: {path.name} cannot be read: {error.strerror}") from None
