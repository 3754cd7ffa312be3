"""One finder for all clouds of a stack, with the credentials that the stack's own files name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bulkhead.clients import clouds
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import GITHUB_TOKEN, PROFILE, TOKEN_MAKER
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.reader import read
from bulkhead.operations.adopt.aws import AwsFinder, RegionalFinder
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.finding import Finder, Found, Wanted
from bulkhead.operations.adopt.github import GitHubFinder
from bulkhead.operations.adopt.keys import KeyFinder

if TYPE_CHECKING:
    from bulkhead.engine.stack import StackCli
    from bulkhead.model.settings import StageSettings


class Finders:
    """Delegates each resource to the finder of its package (``aws``, ``cloudflare``, ``github``)."""

    def __init__(self, by_package: Mapping[str, Finder]) -> None:
        self._by_package = by_package

    def knows(self, type_: str) -> bool:
        finder = self._by_package.get(_package(type_))
        return finder is not None and finder.knows(type_)

    def find(self, wanted: Wanted) -> Found | None:
        return self._by_package[_package(wanted.type)].find(wanted)


@contextmanager
def finder_of(settings: StageSettings, stack: StackCli, apis: Apis, profile: str | None = None) -> Iterator[Finder]:
    """Yield what looks into the clouds of a stage; ``profile`` is the AWS profile to use instead of the settings'.

    Raises Refused when a credential is missing, or is of another AWS account.
    """
    with Rest(apis.cloudflare, stack.secret(CLOUDFLARE_TOKEN)) as cloudflare:
        yield Finders(_finders(settings, profile, cloudflare))


@contextmanager
def finder_of_identities(settings: StageSettings, stack: StackCli, apis: Apis, profile: str) -> Iterator[Finder]:
    """Yield what looks for a stage's roles, tokens and environments, with the credentials that make them: ``profile``
    may see roles, the two tokens are secrets of the identities' own stack. Raises Refused as `finder_of` does."""
    tokens = stack.secret(GITHUB_TOKEN), stack.secret(TOKEN_MAKER)
    with Rest(apis.github, tokens[0]) as github, Rest(apis.cloudflare, tokens[1]) as cloudflare:
        found = GitHubFinder(github, settings.github.owner)
        yield Finders({**_finders(settings, profile, cloudflare), "github": found})


def finder_of_begun(finder: Finder, settings: StageSettings, profile: str | None) -> Finder:
    """Return a finder that also finds a key which has no alias yet."""
    return KeyFinder(finder, clouds.aws(settings, profile))


def profile_of(path: Path) -> str:
    """Return the AWS profile that the file at ``path`` configures the identities with. Raises Refused where it names
    none."""
    file = read(path, f"{path.parent.name}/{path.name}")
    profile = file.config.get(PROFILE)
    doubtful = [fault for fault in file.faults if path.exists() and fault.key != "config"]
    if doubtful:
        raise Refused("There are no credentials for the identities.", doubtful)
    if isinstance(profile, str) and profile.strip():
        return profile
    message = "is missing: whatever credentials lie around would be used"
    fix = f"pulumi config set {PROFILE} <profile that may see roles> -C identities --stack {file.stack}"
    raise Refused("There are no credentials for the identities.", [Fault(PROFILE, message, fix, file.name)])


def _finders(settings: StageSettings, profile: str | None, cloudflare: Rest) -> dict[str, Finder]:
    def finder_in(region: str) -> AwsFinder:
        return AwsFinder(clouds.aws(settings, profile, region), settings.aws.account_id, region)

    return {
        "aws": RegionalFinder(settings.region.primary, finder_in),
        "cloudflare": CloudflareFinder(cloudflare),
    }


def _package(type_: str) -> str:
    return type_.partition(":")[0]
