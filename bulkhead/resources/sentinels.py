"""The markers that replace a plain value in a state (pure): the one list of them, Pulumi's and ours.

Source: pulumi/pulumi, sdk/go/common/resource/sig and sdk/go/common/resource/plugin/rpc.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks an object as a special value; its value says of which kind."""
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
"""The kind of an object that holds a secret."""
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
ASSETS: Final = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a text that is not known before the resource is made."""
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
"""Stand for values that are not known yet, one for each type of value."""
PLACEHOLDER: Final = "bulkheadTwinPlaceholderThatOpensNothing0"
"""Ours: stands for a secret in the twin of a state. 40 letters and digits, because Cloudflare's provider accepts
nothing else as a token."""


def is_secret(value: Any) -> bool:
    """Whether a value on the wire or in a state is the envelope of a secret."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET


def without_envelopes(value: Any, opened: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Return a value with what ``opened`` makes of each secret's envelope in its place."""
    if is_secret(value):
        return opened(value)
    if isinstance(value, Mapping):
        return {name: without_envelopes(part, opened) for name, part in value.items()}
    return [without_envelopes(part, opened) for part in value] if isinstance(value, list) else value
