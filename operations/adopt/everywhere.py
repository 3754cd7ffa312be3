"""One finder for all clouds of a stage, each asked with the credential that the stage's own files and stack name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from operations import clouds
from operations.adopt.aws import AwsFinder
from operations.adopt.cloudflare import CloudflareFinder
from operations.adopt.github import GitHubFinder
from operations.adopt.parts import Finder, Found, Wanted
from operations.rest import CLOUDFLARE, GITHUB, Rest

if TYPE_CHECKING:
    from infra.settings import StageSettings
    from operations.stack import Stack


class Finders:
    """Asks, for each resource, the finder of its package (``aws``, ``cloudflare``, ``github``)."""

    def __init__(self, by_package: Mapping[str, Finder]) -> None:
        self._by_package = by_package

    def knows(self, type_: str) -> bool:
        finder = self._by_package.get(_package(type_))
        return finder is not None and finder.knows(type_)

    def find(self, wanted: Wanted) -> Found | None:
        return self._by_package[_package(wanted.type)].find(wanted)


def finder_of(settings: StageSettings, stack: Stack, profile: str | None = None) -> Finder:
    """Return what looks into the clouds of a stage; ``profile`` is the AWS profile to use instead of the settings'.

    Raises Refused when a credential is missing, or is of another AWS account.
    """
    client_of = clouds.aws(settings, profile)
    return Finders(
        {
            "aws": AwsFinder(client_of, settings.aws.account_id, settings.region.primary),
            "cloudflare": CloudflareFinder(Rest(CLOUDFLARE, stack.secret("cloudflareApiToken"))),
            "github": GitHubFinder(Rest(GITHUB, stack.secret("githubToken")), settings.github.owner),
        }
    )


def _package(type_: str) -> str:
    return type_.partition(":")[0]
