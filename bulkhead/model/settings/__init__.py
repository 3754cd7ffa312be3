"""What differs between stages: the settings in ``Pulumi.<stack>.yaml``, read, checked and frozen.

Everything here is pure. ``infra.load`` alone asks ``pulumi.Config``, so a tool that only reads files never starts the
Pulumi SDK.
"""

from bulkhead.model.settings.files import Finding, check_files, read_settings
from bulkhead.model.settings.keys import REQUIRED_SECRETS, required_secrets
from bulkhead.model.settings.models import StageSettings

__all__ = ["REQUIRED_SECRETS", "Finding", "StageSettings", "check_files", "read_settings", "required_secrets"]
