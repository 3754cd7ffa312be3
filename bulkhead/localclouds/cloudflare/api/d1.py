"""The routes of what is in a D1 database."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.cloudflare.api.asked import Route

ROUTES: Final[tuple[Route, ...]] = ()
