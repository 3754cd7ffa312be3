"""The files of a stage as they are once everybody has stored their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from bulkhead.model.product import Product
from bulkhead.operations.secrets.files import keepers

_KEYS: Final = {"": "secrets", "identities": "identities"}


def store_secrets(root: Path, stack: str, product: Product, settings: Mapping[str, Any] | None = None) -> None:
    """Store every secret of a stack, whose settings are in ``root``, and of its identities, under keys of their own.
    ``settings`` are written beside those that are there."""
    began = datetime.now(UTC) - timedelta(days=1)
    ends = {"begins": began, "ends": began + timedelta(days=60)}
    slots = {"active": "a", "a": {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in ends.items()}}
    for keeper in keepers(product, stack):
        file = root / keeper.name
        file.parent.mkdir(exist_ok=True)
        config = yaml.safe_load(file.read_text())["config"] | (settings or {}) if file.exists() else {}
        config |= {f"secrets:{name}": {"secure": "v1:AAAA:BBBB"} for name in keeper.required}
        if keeper.folder:
            config["identities:tokens"] = slots
        key = f"awskms://alias/harbor-{stack}-key-{_KEYS[keeper.folder]}?region=ap-northeast-1"
        encrypted = {"secretsprovider": key, "encryptedkey": "QUJD" + ("Yg==" if keeper.folder else "YQ==")}
        file.write_text(yaml.safe_dump({**encrypted, "config": config}))
