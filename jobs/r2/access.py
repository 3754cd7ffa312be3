"""A client of an account's R2 buckets.

R2 takes any API token for S3: the key's id is the token's, its secret the SHA-256 of the token (R2 documentation,
"Authentication").
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import boto3
from botocore.config import Config

_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=10,
    read_timeout=60,
    s3={"addressing_style": "path"},
    # R2 knows no other checksums than those a request must have (R2 documentation, "boto3").
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def client(endpoint: str, id_: str, token: str) -> Any:
    """Return boto3's client of S3 for the buckets that a token opens."""
    secret = hashlib.sha256(token.encode()).hexdigest()
    session = boto3.Session(aws_access_key_id=id_, aws_secret_access_key=secret, region_name="auto")
    return session.client("s3", endpoint_url=endpoint, config=_CONFIG)
