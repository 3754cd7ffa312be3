"""A staging that stands, as far as `bulkhead destroy` is concerned: what its buckets hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.support.s3 import InProcessS3

TRANSCRIPTS: Final = "harbor-staging-r2-transcripts"
VAULT: Final = "harbor-staging-vault-222222222222"
VAULT_LOG: Final = "harbor-staging-vault-log-222222222222"
CONTENTS: Final[Mapping[str, tuple[str, ...]]] = {TRANSCRIPTS: ("a", "b"), VAULT: ("backup",), VAULT_LOG: ()}
UNTOUCHED: Final = {bucket: len(keys) for bucket, keys in CONTENTS.items()}

# Runs the command; returns its exit code and both outputs.
Destroy = Callable[..., tuple[int, str, str]]


def objects(s3: InProcessS3) -> dict[str, int]:
    """Return how many objects each bucket of staging holds."""
    return {bucket: s3.client.list_objects_v2(Bucket=bucket)["KeyCount"] for bucket in CONTENTS}
