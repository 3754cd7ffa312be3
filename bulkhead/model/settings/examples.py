"""Values that the repository is shipped with and that are nobody's (pure).

A rehearsal needs no others. With them in place a real run would reach for accounts of strangers, and trust theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bulkhead.model.faults import Fault
from bulkhead.model.settings.fields import example_at
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, Path, fault_at, set_command

# RFC 2606 and RFC 6761 keep these names for documents and tests, and JPRS those below .jp ("reserved domain names"):
# nobody can have one.
_RESERVED: Final = re.compile(
    r"(?:.*[.@])?(?:example\.(?:com|net|org)|example\d?\.(?:(?:ac|ad|co|ed|go|gr|lg|ne|or)\.)?jp"
    r"|(?:.+\.)?(?:example|test|invalid|localhost))",
    re.ASCII,
)
_CLOUDFLARE: Final = frozenset(
    {
        # the files as shipped
        *("6d1f0a3b9c2e4785a1d6c4f7e8b90523", "0b7e5c1d2f3a48968c7d1e2f3a4b5c6d"),
        *("a27c94e1b8d04f63952b0e7d1c6f8a34", "c3d94e5f60718293a4b5c6d7e8f90a1b"),
        *("f48b1d60c7e2495fb3a86d0e5c91274a", "5e2d8c4b7a6f4039b1c2d3e4f5a60718"),
        # the examples of the settings' own rules; of Cloudflare's API reference; of Pulumi's registry
        *("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"),
        *("023e105f4ecef8ad9ca31a8372d0c353", "f037e56e89293a057740de681ac9abbe"),
    }
)
# What AWS's documentation writes where a reader has to write an account.
_AWS: Final = frozenset({"111122223333", "123456789012", "444455556666", "777788889999"})
_OWNER: Final = "harbor-inc"
_NUMBER: Final = 1234567  # the settings' own rule for numbers of GitHub


def example_faults(settings: StageSettings) -> Iterator[Fault]:
    """Yield where an example value stands in the place of one of the stage's own."""
    cloudflare, aws, budget = settings.cloudflare, settings.aws, settings.budget
    github, access = settings.github, settings.access
    found: list[tuple[tuple[str | int, ...], bool]] = [
        (("cloudflare", "accountId"), cloudflare.account_id in _CLOUDFLARE),
        (("cloudflare", "zoneId"), cloudflare.zone_id in _CLOUDFLARE),
        (("cloudflare", "hostname"), _is_reserved(cloudflare.hostname)),
        (("aws", "accountId"), aws.account_id in _AWS),
        (("github", "owner"), github.owner.lower() == _OWNER),
        (("github", "ownerId"), github.owner_id == _NUMBER),
        (("github", "repositoryId"), github.repository_id == _NUMBER),
        *(
            (("github", "reviewers", kind, place), number == _NUMBER)
            for kind, numbers in github.reviewers.model_dump().items()
            for place, number in enumerate(numbers)
        ),
        *(
            (("budget", name, place), _is_reserved(address))
            for name, addresses in budget.model_dump(by_alias=True, exclude={"monthly_usd"}).items()
            for place, address in enumerate(addresses)
        ),
        *(
            (("access", name, place), _is_reserved(who))
            for name, named in (("emails", access.emails), ("emailDomains", access.email_domains))
            for place, who in enumerate(named)
        ),
    ]
    for place, is_example in found:
        if is_example:
            path: Path = (f"{SETTINGS}:{place[0]}", *place[1:])
            stack = settings.environment
            message = "is an example: a real run would reach for what is nobody's, or a stranger's"
            yield fault_at(path, message, set_command(path, example_at(path, None), stack), stack)


def _is_reserved(name: str) -> bool:
    return _RESERVED.fullmatch(name.lower()) is not None
