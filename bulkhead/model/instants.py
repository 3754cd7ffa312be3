"""Moments as programs exchange them (pure)."""

from __future__ import annotations

from datetime import UTC, datetime


def instant(moment: datetime) -> str:
    """Return a moment as Cloudflare and our own documents write it: whole seconds of UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_of(seconds: float) -> str:
    """Return the moment that is ``seconds`` after 1970 began."""
    return instant(datetime.fromtimestamp(seconds, UTC))
