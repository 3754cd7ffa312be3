"""Reads the input types out of an installed Pulumi SDK's classes.

Uses `pulumi.runtime.rpc._RESOURCE_MODULES` and `pulumi._types`, which are private: the SDK has no public way from a
type token to a class. The tests read every type of the three packages, so a change there is noticed.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Iterable
from typing import Any

import pulumi
from pulumi._types import input_type_py_to_pulumi_names
from pulumi.runtime import rpc

from bulkhead.resources.kind import PROVIDER

_SCALARS: dict[Any, str] = {str: "string", float: "number", int: "integer", bool: "boolean", Any: "any", object: "any"}


def provider_token(package: str) -> str:
    """Return the type token of the provider resource of ``package``."""
    return f"{PROVIDER}{package}"


def all_tokens(package: str) -> list[str]:
    """Return the token of every resource type of ``package``, sorted."""
    importlib.import_module(f"pulumi_{package}")
    return sorted(token for module in _modules(package) for token in module["classes"])


def describe(package: str, tokens: Iterable[str]) -> dict[str, Any]:
    """Return ``{"types": {token: shape}, "objects": {class name: shape}}``. Raises KeyError for an unknown token."""
    importlib.import_module(f"pulumi_{package}")
    homes = {token: (module["fqn"], name) for module in _modules(package) for token, name in module["classes"].items()}
    homes[provider_token(package)] = (f"pulumi_{package}", "Provider")
    reader = _Reader()
    described = {token: reader.resource(_resource_class(*homes[token])) for token in sorted(tokens)}
    return {"types": described, "objects": reader.objects}


def _modules(package: str) -> list[dict[str, Any]]:
    modules = (module for group in rpc._RESOURCE_MODULES.values() for module in group)
    infos: list[dict[str, Any]] = [module.mod_info for module in modules if hasattr(module, "mod_info")]
    return [info for info in infos if info["pkg"] == package]


def _resource_class(module: str, name: str) -> type:
    class_: type = getattr(importlib.import_module(module), name)
    return class_


def _word(hint: Any) -> str | None:
    if hint in _SCALARS or not isinstance(hint, type):
        return _SCALARS.get(hint)
    if issubclass(hint, pulumi.Asset | pulumi.Archive):
        return "asset"
    return "string" if issubclass(hint, str) else None  # an enum, which the SDK always offers beside any string


class _Reader:
    """Collects the nested objects while it walks, each once: some types contain themselves."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}

    def resource(self, class_: type) -> dict[str, Any]:
        module = sys.modules[class_.__module__]
        # `<Name>Args`, or `<Name>InitArgs` where a nested type has taken the shorter name: the module's own is public.
        (args_name,) = (public for public in module.__all__ if public != class_.__name__)
        args = getattr(module, args_name)
        state = getattr(module, f"_{class_.__name__}State", None)
        shape = self._shape(args)
        names = input_type_py_to_pulumi_names(state) if state else {}
        computed = sorted(set(names.values()) - set(shape["properties"]))
        return {**shape, "computed": computed}

    def _shape(self, class_: type) -> dict[str, Any]:
        module = sys.modules[class_.__module__]
        hints = typing.get_type_hints(
            class_.__init__,  # type: ignore[misc]
            vars(module),
            {"Output": pulumi.Output, "T": typing.TypeVar("T")},
        )
        names = input_type_py_to_pulumi_names(class_)
        parameters = list(inspect.signature(class_).parameters.values())
        return {
            "properties": {names[parameter.name]: self._type(hints[parameter.name]) for parameter in parameters},
            "required": [names[p.name] for p in parameters if p.default is inspect.Parameter.empty],
        }

    def _type(self, hint: Any) -> Any:
        if word := _word(hint):
            return word
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in {typing.Union, types.UnionType}:
            return self._union(arguments)
        if origin in {collections.abc.Sequence, list}:
            return {"list": self._type(arguments[0])}
        if origin in {collections.abc.Mapping, dict}:
            return {"map": self._type(arguments[1])}
        return {"object": self._nested(hint)}

    def _union(self, arguments: tuple[Any, ...]) -> Any:
        """Return the one type left when promises, outputs, None and the TypedDict twins of classes are taken away."""
        plain = [
            argument
            for argument in arguments
            if argument is not type(None)
            and typing.get_origin(argument) not in {collections.abc.Awaitable, pulumi.Output}
            and argument is not pulumi.Output
            and not typing.is_typeddict(argument)
        ]
        options: list[Any] = []
        for option in map(self._type, plain):
            if option not in options:
                options.append(option)
        return options[0] if len(options) == 1 else {"any of": options}

    def _nested(self, class_: type) -> str:
        name = f"{class_.__module__}.{class_.__name__}"
        if name not in self.objects:
            self.objects[name] = None
            self.objects[name] = self._shape(class_)
        return name
