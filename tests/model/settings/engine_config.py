"""The SDK told of a stack's configuration, as the CLI's language host tells it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime import set_all_config

from tests.model.settings.baseline import as_engine


def in_engine(config: Mapping[str, Any], then: Callable[[], object]) -> None:
    """Do something in a context and an event loop of its own, as each program has them."""

    async def program() -> None:
        set_all_config(*as_engine(config))
        then()

    contextvars.copy_context().run(asyncio.run, program())
