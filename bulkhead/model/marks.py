"""What betrays whose a text is (pure): names, ids, accounts and hostnames that belong to one stage and to no other.

Texts are compared by words: ``harbor-dev`` does not occur in ``harbor-development``, nor ``harbor.example`` in
``staging.harbor.example`` or ``platform@harbor.example``. Where a stage's own mark stands, no shorter one of another
stage is seen in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bulkhead.model.naming import Label, Stage
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings

_ENDS: Final = r"(?![0-9A-Za-z])"
# What comes before a hostname: after an @ it is where somebody's mail goes, unless that @ ends who asks in a URL.
NO_MAIL: Final = r"(?:(?<![\w.@-])|://[^/\s@]*@)"
REMARKS: Final = "comment|description|[a-z]+Description"
"""A pattern of the properties that only people read: they may tell of another stage."""

# A cookie's domain may begin with a dot, and is then sent to every name below.
_BEFORE_A_HOST: Final = r"(?:www\.|(?<!\*)\.)?"
_BEGINS: Final = r"(?<![0-9A-Za-z])"
_MAIL: Final = re.compile(r"(?:mail|sender|smtp)[\w.\[\]]*domain")
_DOMAINS: Final = re.compile(r"(?:[*@.]*[\w-]+(?:\.[\w-]+)+[\s,;]*)+")


@dataclass(frozen=True, slots=True)
class Mark:
    """A text that tells whose something is. ``pattern`` finds it where it is not a part of something else."""

    what: str
    text: str
    pattern: str


def is_of_mail(called: str, text: str) -> bool:
    """Whether what is called so names domains where people have mail, and no hostname: ``ALLOWED_EMAIL_DOMAINS``."""
    return bool(_MAIL.search(called.lower().replace("_", "")) and _DOMAINS.fullmatch(text))


class Tenant(Protocol):
    """A stage of a product, of which more may be known than these two."""

    @property
    def product(self) -> Product: ...

    @property
    def settings(self) -> StageSettings: ...


def hostnames_of(tenant: Tenant) -> tuple[str, ...]:
    """Return a stage's own hostname, and those of its public Workers."""
    apex = tenant.settings.cloudflare.hostname
    return tuple(dict.fromkeys([apex, *tenant.product.hostnames(apex).values()]))


class Marks:
    """The marks of several stages, each of which is looked at with the eyes of one of them. Of a stage that is not
    among them the beginning of its names is known all the same."""

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        self._owners: dict[Mark, set[str]] = {}
        for tenant in tenants:
            for mark in _marks(tenant):
                self._owners.setdefault(mark, set()).add(tenant.settings.environment)
        for product, stage in _absent(tenants):
            mark = _id("name", Label(product, stage, stage).prefix.removesuffix("-"))
            self._owners.setdefault(mark, set()).add(stage.value)
        self._eyes = {tenant.settings.environment: _Eyes(tenant, self._owners) for tenant in tenants}

    def seen(self, environment: str, text: str) -> Iterator[tuple[Mark, frozenset[str]]]:
        """Yield the marks in ``text`` as ``environment`` reads it, each with the stages that it belongs to."""
        for mark in self._eyes[environment].find(text):
            yield mark, frozenset(self._owners.get(mark, {environment}))

    def foreign(self, environment: str, text: str) -> Iterator[tuple[Mark, str]]:
        """Yield the marks in ``text`` that are not those of ``environment``, each with a stage that it belongs to."""
        for mark, owners in self.seen(environment, text):
            if environment not in owners:
                yield mark, min(owners)


class _Eyes:
    def __init__(self, tenant: Tenant, owners: dict[Mark, set[str]]) -> None:
        product = tenant.product.name
        # Without its environment a product's name says nothing of a stage, even where it is what another stage's names
        # begin with (a product `harbor-production` beside the production of `harbor`).
        own = Mark("product", product, rf"{_BEGINS}{re.escape(product)}(?![0-9A-Za-z-])")
        everybody = [own, _repository(tenant), *owners]
        mine = {own} | {mark for mark, stages in owners.items() if tenant.settings.environment in stages}
        self._marks = sorted(everybody, key=lambda mark: (-len(mark.text), mark not in mine))
        self._words = {mark.text.lower() for mark in everybody}
        self._pattern = re.compile("|".join(f"({mark.pattern})" for mark in self._marks), re.IGNORECASE)

    def find(self, text: str) -> Iterator[Mark]:
        folded = text.lower()
        if any(word in folded for word in self._words):  # the pattern is slow, and most texts hold nothing
            yield from (self._marks[(match.lastindex or 1) - 1] for match in self._pattern.finditer(text))


def _absent(tenants: Sequence[Tenant]) -> Iterator[tuple[str, Stage]]:
    """Yield the stages of the products that are not among these tenants. A pull request's stack has the identities of
    development, and is to be told from it only where both are here."""
    here = {(each.product.name, each.settings.stage) for each in tenants}
    for product in {product for product, _ in here}:
        yield from ((product, stage) for stage in Stage if (product, stage) not in here)


def _marks(tenant: Tenant) -> Iterator[Mark]:
    settings = tenant.settings
    yield _id("Cloudflare account", settings.cloudflare.account_id)
    yield _id("zone", settings.cloudflare.zone_id)
    yield _id("AWS account", settings.aws.account_id)
    yield _id("name", settings.label(tenant.product.name).prefix.removesuffix("-"))
    yield Mark("id", f"<{settings.environment}/", re.escape(f"<{settings.environment}/"))
    environment = re.escape(settings.environment)
    yield Mark("GitHub environment", settings.environment, rf"(?<=environment[:$=/]){environment}{_ENDS}")
    for hostname in hostnames_of(tenant):
        yield Mark("hostname", hostname, rf"{NO_MAIL}{_BEFORE_A_HOST}{re.escape(hostname)}(?![\w-]|\.\w)")
    if settings.aws.role_arn:
        role = "role/" + settings.aws.role_arn.partition(":role/")[2]
        yield Mark("role", role, rf"{re.escape(role)}(?![\w+=,.@/-])")


def _repository(tenant: Tenant) -> Mark:
    """Stages may share a repository, and it may be called as the hostname of one of them. GitHub writes numbers behind
    both of its names where the settings have them."""
    github = tenant.settings.github
    owner, repository = (
        re.escape(name) + (f"(?:@{number})?" if number else "")
        for name, number in ((github.owner, github.owner_id), (github.repository, github.repository_id))
    )
    # Not where the same words are a host with its path, or a bucket with its key.
    pattern = rf"(?<![\w.@-])(?<!//)(?<!:::){owner}/{repository}(?![\w.@-])"
    return Mark("repository", f"{github.owner}/{github.repository}", pattern)


def _id(what: str, text: str) -> Mark:
    return Mark(what, text, f"{_BEGINS}{re.escape(text)}{_ENDS}")
