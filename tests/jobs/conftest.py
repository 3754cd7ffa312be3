from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.lambda_stage import LambdaStage, open_stage
from tests.support.s3 import InProcessS3


@pytest.fixture
def stage(local_s3: InProcessS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LambdaStage]:
    """A stage with a vault and a bucket of state, and no database yet."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3: Any = local_s3.emptied()
    found = open_stage(tmp_path, s3, boto3.client("ssm"), boto3.client("cloudwatch"), monkeypatch)
    yield found
    found.cloudflare.stop()
    found.api.journal.close()
    found.api.resources.store.close()
