"""A Pulumi program without components, settings or checks: one loop over what is to be declared."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pulumi

from benchmarks.flat import Declaration
from bulkhead.resources.kind import PROVIDER


def declare(parts: Iterable[Declaration], outputs: Mapping[str, Any]) -> None:
    """Declare every part and export ``outputs``. A part waits for the resources its inputs were made from, as one that
    is handed their outputs does."""
    made: dict[str, pulumi.Resource] = {}
    for part in parts:
        cls = resource_class(part.token)
        taken = arguments(cls)
        inputs = {
            python_name: _input(part, name, value, made)
            for name, value in part.inputs.items()
            if (python_name := _python_name(name)) in taken
        }
        made[part.urn] = cls(part.name, opts=_options(part, made), **inputs)
    for name, value in outputs.items():
        pulumi.export(name, value)


def resource_class(token: str) -> Callable[..., pulumi.Resource]:
    """Return the SDK's class of a type token: `aws:s3/bucket:Bucket` is `pulumi_aws.s3.Bucket`."""
    if token.startswith(PROVIDER):
        package, module, name = token.removeprefix(PROVIDER), "index", "Provider"
    else:
        package, path, name = token.split(":")
        module = path.partition("/")[0]
    home = importlib.import_module(f"pulumi_{package}")
    found: Callable[..., pulumi.Resource] = getattr(home if module == "index" else getattr(home, module), name)
    return found


def arguments(cls: Callable[..., pulumi.Resource]) -> frozenset[str]:
    """Return the inputs that a program can say. A provider may add others of its own, as AWS's does with `tagsAll`."""
    own: Callable[..., None] = getattr(cls, "_internal_init")  # noqa: B009 - the overloads of __init__ name none
    return frozenset(inspect.signature(own).parameters) - {"self", "resource_name", "opts"}


def _options(part: Declaration, made: Mapping[str, pulumi.Resource]) -> pulumi.ResourceOptions:
    provider = made.get(part.provider)
    return pulumi.ResourceOptions(
        provider=provider if isinstance(provider, pulumi.ProviderResource) else None,
        depends_on=[made[urn] for urn in part.after],
        protect=part.protect,
        retain_on_delete=part.retain,
        ignore_changes=[_python_name(path) for path in part.ignore],
    )


def _input(part: Declaration, name: str, value: Any, made: Mapping[str, pulumi.Resource]) -> Any:
    if name in part.secret:
        value = pulumi.Output.secret(value)
    if name in part.waits:
        ids = [getattr(made[urn], "id") for urn in part.waits[name]]  # noqa: B009 - providers and resources alike
        return pulumi.Output.all(*ids, value).apply(lambda values: values[-1])
    return value


def _python_name(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
