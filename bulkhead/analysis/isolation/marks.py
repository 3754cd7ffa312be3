"""What betrays whose a text is (pure): names, ids, accounts and hostnames that belong to one stage and to no other.

Texts are compared by words: ``harbor-dev`` does not occur in ``harbor-development``, nor ``harbor.example`` in
``staging.harbor.example`` or ``platform@harbor.example``. Where a stage's own mark stands, no shorter one of another
stage is seen in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bulkhead.analysis.stage_plan import StagePlan

_ENDS: Final = r"(?![0-9A-Za-z])"
# What comes before a hostname: after an @ it is where somebody's mail goes, unless that @ ends who asks in a URL.
NO_MAIL: Final = r"(?:(?<![\w.@-])|://[^/\s@]*@)"
_BEGINS: Final = r"(?<![0-9A-Za-z])"


@dataclass(frozen=True, slots=True)
class Mark:
    """A text that tells whose something is. ``pattern`` finds it where it is not a part of something else."""

    what: str
    text: str
    pattern: str


class Marks:
    """The marks of several stages, each of which is looked at with the eyes of one of them."""

    def __init__(self, plans: Sequence[StagePlan]) -> None:
        self._owners: dict[Mark, set[str]] = {}
        for plan in plans:
            for mark in _marks(plan):
                self._owners.setdefault(mark, set()).add(plan.environment)
        self._eyes = {plan.environment: _Eyes(plan, self._owners) for plan in plans}

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
    def __init__(self, plan: StagePlan, owners: dict[Mark, set[str]]) -> None:
        product = plan.product.name
        # Without its environment a product's name says nothing of a stage, even where it is what another stage's names
        # begin with (a product `harbor-production` beside the production of `harbor`).
        own = Mark("product", product, rf"{_BEGINS}{re.escape(product)}(?![0-9A-Za-z-])")
        everybody = [own, _repository(plan), *owners]
        mine = {own} | {mark for mark, stages in owners.items() if plan.environment in stages}
        self._marks = sorted(everybody, key=lambda mark: (-len(mark.text), mark not in mine))
        self._words = {mark.text.lower() for mark in everybody}
        self._pattern = re.compile("|".join(f"({mark.pattern})" for mark in self._marks), re.IGNORECASE)

    def find(self, text: str) -> Iterator[Mark]:
        folded = text.lower()
        if any(word in folded for word in self._words):  # the pattern is slow, and most texts hold nothing
            yield from (self._marks[(match.lastindex or 1) - 1] for match in self._pattern.finditer(text))


def _marks(plan: StagePlan) -> Iterator[Mark]:
    settings = plan.settings
    yield _id("Cloudflare account", settings.cloudflare.account_id)
    yield _id("zone", settings.cloudflare.zone_id)
    yield _id("AWS account", settings.aws.account_id)
    yield _id("name", plan.label.prefix.removesuffix("-"))
    yield Mark("id", f"<{plan.environment}/", re.escape(f"<{plan.environment}/"))
    environment = re.escape(plan.environment)
    yield Mark("GitHub environment", plan.environment, rf"(?<=environment[:$=/]){environment}{_ENDS}")
    for hostname in plan.hostnames:
        yield Mark("hostname", hostname, rf"{NO_MAIL}{re.escape(hostname)}(?![\w-]|\.\w)")
    if settings.aws.role_arn:
        role = "role/" + settings.aws.role_arn.partition(":role/")[2]
        yield Mark("role", role, rf"{re.escape(role)}(?![\w+=,.@/-])")


def _repository(plan: StagePlan) -> Mark:
    """Stages may share a repository, and it may be called as the hostname of one of them. GitHub writes numbers behind
    both of its names where the settings have them."""
    github = plan.settings.github
    owner, repository = (
        re.escape(name) + (f"(?:@{number})?" if number else "")
        for name, number in ((github.owner, github.owner_id), (github.repository, github.repository_id))
    )
    # Not where the same words are a host with its path, or a bucket with its key.
    pattern = rf"(?<![\w.@-])(?<!//)(?<!:::){owner}/{repository}(?![\w.@-])"
    return Mark("repository", f"{github.owner}/{github.repository}", pattern)


def _id(what: str, text: str) -> Mark:
    return Mark(what, text, f"{_BEGINS}{re.escape(text)}{_ENDS}")
