"""What moto's CloudWatch Logs lacks: the key of a log group may change."""

from __future__ import annotations

from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse


def extend() -> None:
    """Give moto the missing calls; safe to repeat."""
    for name, call in (("associate_kms_key", _associate_kms_key), ("disassociate_kms_key", _disassociate_kms_key)):
        setattr(LogsResponse, name, call)


def _associate_kms_key(self: Any) -> str:
    _group(self).kms_key_id = self._get_param("kmsKeyId")
    return ""


def _disassociate_kms_key(self: Any) -> str:
    _group(self).kms_key_id = None
    return ""


def _group(response: Any) -> Any:
    found = response.logs_backend.groups.get(response._get_param("logGroupName"))
    if found is None:
        raise ResourceNotFoundException()
    return found
