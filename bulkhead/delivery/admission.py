"""What lets a release begin in production: staging has passed this very tree, build and migrations and people have
looked; or a person says why it goes without that, which is written down and told (DEP-7, ENV-9)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.delivery.build import source_of
from bulkhead.delivery.migrations.stage import folders
from bulkhead.delivery.validate import checksums
from bulkhead.delivery.validation import UNVALIDATED, faults, read_record
from bulkhead.model.bundles import digests
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings

_WHERE: Final = "docs/runbooks/deploy-by-hand.md says where both are"


@dataclass(frozen=True, slots=True)
class Papers:
    """What was handed in: staging's record and the issue of what people look at, or a reason to go without them."""

    validation: Path | None = None
    checklist: Path | None = None
    unvalidated: str | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def judged(self, root: Path, product: Product, settings: StageSettings) -> dict[str, str]:
        """Return what is to be noted of a release of the checkout at ``root``; nothing where nothing was handed in.
        Raises Refused where it does not let that go on."""
        if found := list(self._wrong(settings)):
            raise Refused("Nothing was done.", found)
        if self.unvalidated is not None:
            return {UNVALIDATED: self.unvalidated.strip()}
        if self.validation is None or self.checklist is None:
            return {}
        record, tree = read_record(_read(self.validation), str(self.validation)), source_of(root).tree
        bundles = digests(product, root)
        migrations, issue = checksums(folders(root, product, settings)), _issue(self.checklist)
        profile = settings.governance.profile
        if found := list(faults(record, tree, bundles, migrations, issue, profile, self.now())):
            raise Refused(f"Staging has not let this go to {settings.environment}.", found)
        return {"validated": f"tree {tree}, in staging, {record.at}"}

    def require(self, settings: StageSettings) -> None:
        """Raise Refused where a release begins in production and nothing was handed in."""
        if settings.stage is Stage.PRODUCTION and self.validation is None and self.unvalidated is None:
            message = "is missing: nobody could say whether staging passed this tree, its build and its migrations"
            fix = f"--validation FILE --checklist FILE ({_WHERE}); in an emergency: --unvalidated REASON"
            raise Refused("Nothing was done.", [Fault("--validation", message, fix)])

    def _wrong(self, settings: StageSettings) -> Iterator[Fault]:
        given = {"--validation": self.validation, "--checklist": self.checklist, "--unvalidated": self.unvalidated}
        names = [name for name, value in given.items() if value is not None]
        if names and settings.stage is not Stage.PRODUCTION:
            message = f"is for production: nobody validates before {settings.environment}"
            yield Fault(", ".join(names), message, "leave it out")
        elif self.unvalidated is None:
            if len(names) == 1:
                yield Fault(
                    names[0], "does not say both: what machines saw, and what people did", f"name both; {_WHERE}"
                )
        elif len(names) > 1:
            yield Fault("--unvalidated", "says that there is no record, and the others name one", "leave one out")
        elif not self.unvalidated.strip():
            yield Fault("--unvalidated", "is empty: whoever reads it later has to know why", "--unvalidated REASON")
        elif self.environ.get("GITHUB_ACTIONS") == "true":
            message = "is a person's, who takes it on: a pipeline has no reason of its own"
            yield Fault("--unvalidated", message, "deploy by hand (docs/runbooks/deploy-by-hand.md)")


def _issue(file: Path) -> dict[str, Any]:
    try:
        issue = json.loads(_read(file))
    except ValueError:
        issue = None
    if not isinstance(issue, dict):
        message, fix = "is no issue as GitHub's API has it", "gh api repos/OWNER/REPOSITORY/issues/N"
        raise Refused("Nobody knows whether people have looked.", [Fault("", message, fix, str(file))])
    return issue


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error.strerror if isinstance(error, OSError) else 'is no text'}"
        raise Refused("Nothing was done.", [Fault("", message, f"name another; {_WHERE}", str(file))]) from error
