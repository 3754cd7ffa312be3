"""Where S3 clients reach an account's R2 buckets (pure)."""

from __future__ import annotations

from typing import Final

from jobs.config import CLOUDFLARE

LOCAL: Final = "/s3"
"""Where a local Cloudflare has the buckets of all accounts, beside its API."""


def r2_endpoint(cloudflare: str, account: str) -> str:
    """Return where the buckets are: at the same Cloudflare as the API at this URL."""
    if cloudflare == CLOUDFLARE:
        return f"https://{account}.r2.cloudflarestorage.com"
    return f"{cloudflare.removesuffix('/client/v4')}{LOCAL}/{account}"
