"""Names of nested properties: Pulumi's camelCase <-> the API's own (pure).

One table for each object, read in both directions, so that what is written and what is read back cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bulkhead.localclouds.providers.handler import ApiRefusal


class Codec(Protocol):
    """Translates one value."""

    def to_api(self, value: Any) -> Any:
        """Return the API's form of a Pulumi value."""

    def from_api(self, value: Any) -> Any:
        """Return Pulumi's form of what the API answered."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An object, or a list of such objects. ``names`` pairs Pulumi's name of a property with the API's, or with the
    API's and the codec of its value."""

    names: Mapping[str, str | tuple[str, Codec]]

    def to_api(self, value: Any) -> Any:
        """Raises ApiRefusal for a property that the table does not know: it would be lost silently."""
        if isinstance(value, list):
            return [self.to_api(item) for item in value]
        unknown = sorted(value.keys() - self.names.keys())
        if unknown:
            raise ApiRefusal(f"the local AWS does not know {', '.join(unknown)}; known: {', '.join(self.names)}")
        translated = {}
        for name, member in value.items():
            target = self.names[name]
            if isinstance(target, tuple):
                translated[target[0]] = target[1].to_api(member)
            else:
                translated[target] = member
        return translated

    def from_api(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.from_api(item) for item in value]
        translated = {}
        for name, source in self.names.items():
            key = source if isinstance(source, str) else source[0]
            if key in value:
                translated[name] = value[key] if isinstance(source, str) else source[1].from_api(value[key])
        return translated


@dataclass(frozen=True, slots=True)
class Tags:
    """A map of tags. The services spell the two words of a tag differently (``Key``, ``TagKey``)."""

    key: str = "Key"
    value: str = "Value"

    def to_api(self, value: Any) -> list[dict[str, str]]:
        return [{self.key: key, self.value: member} for key, member in sorted(value.items())]

    def from_api(self, value: Any) -> dict[str, str]:
        return {tag[self.key]: tag[self.value] for tag in value}


TAGS = Tags()


@dataclass(frozen=True, slots=True)
class TagMap:
    """A map of tags, where the service has one as well."""

    def to_api(self, value: Any) -> dict[str, str]:
        return dict(value)

    def from_api(self, value: Any) -> dict[str, str]:
        return dict(value or {})


@dataclass(frozen=True, slots=True)
class Tagging:
    """The three calls for the tags of a resource, ``words`` for what the two that write name them, and ``member`` for
    where the one that reads answers them."""

    read: str = "list_tags_for_resource"
    tag: str = "tag_resource"
    untag: str = "untag_resource"
    words: tuple[str, str] = ("Tags", "TagKeys")
    member: str = "Tags"
    tags: Tags | TagMap = TAGS

    def of(self, service: Any, **resource: str) -> dict[str, str]:
        """Return the tags of ``resource``, which is named as the calls of this ``service`` name it."""
        return self.tags.from_api(getattr(service, self.read)(**resource).get(self.member, []))

    def write(self, service: Any, wanted: Mapping[str, str], **resource: str) -> None:
        """Remove the tags that are no longer wanted, and set the wanted ones."""
        stale = sorted(self.of(service, **resource).keys() - wanted.keys())
        if stale:
            getattr(service, self.untag)(**resource, **{self.words[1]: stale})
        getattr(service, self.tag)(**resource, **{self.words[0]: self.tags.to_api(wanted)})


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A value that the API wraps into an object with a single member. ``codec`` is the value's own, if any."""

    member: str
    codec: Codec | None = None

    def to_api(self, value: Any) -> dict[str, Any]:
        return {self.member: self.codec.to_api(value) if self.codec else value}

    def from_api(self, value: Any) -> Any:
        return self.codec.from_api(value[self.member]) if self.codec else value[self.member]


@dataclass(frozen=True, slots=True)
class Single:
    """A value that the API has in a list, though there is never more than one."""

    codec: Codec

    def to_api(self, value: Any) -> list[Any]:
        return [self.codec.to_api(value)]

    def from_api(self, value: Any) -> Any:
        return self.codec.from_api(value[0])
