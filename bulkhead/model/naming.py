"""Every physical name and tag of a stage, with the length limit of the service that holds it (pure).

Names are stable and explicit, never random: whatever is kept after a `destroy` can be found again by name
(`bulkhead adopt`), and a name alone tells its owner: ``<product>-<environment>-<kind>[-<part>]``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """The three stages of ENV-1. An ephemeral stack (``pr-42``) has stage ``development`` and its own names."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Kind(StrEnum):
    """What a physical name stands for; the value is the word that appears in the name."""

    D1 = "d1"
    KV = "kv"
    R2 = "r2"
    QUEUE = "queue"
    DATASET = "dataset"
    WORKER = "worker"
    VAULT = "vault"
    VAULT_LOG = "vault-log"
    KMS_ALIAS = "key"
    TOPIC = "topic"
    ALARM = "alarm"
    BUDGET = "budget"
    PARAMETER = "parameter"
    STATE = "state"
    ROLE = "role"
    TOKEN = "token"  # noqa: S105 - a word in a name
    BOUNDARY = "boundary"
    RULESET = "ruleset"
    ACCESS = "access"
    JOB = "job"
    LOG = "log"


# Longest name each service accepts, in characters. Workers: the name is a DNS label on workers.dev. S3, IAM, SNS, KMS,
# CloudWatch, Budgets, Lambda and Scheduler: AWS API references. D1 and KV titles have no published limit below 64 and
# 512; 63 keeps all stores alike.
LIMITS: Final[Mapping[Kind, int]] = {
    Kind.D1: 63,
    Kind.KV: 63,
    Kind.R2: 63,
    Kind.QUEUE: 63,
    Kind.DATASET: 63,
    Kind.WORKER: 63,
    Kind.VAULT: 63,
    Kind.VAULT_LOG: 63,
    Kind.KMS_ALIAS: 250,
    Kind.TOPIC: 256,
    Kind.ALARM: 255,
    Kind.BUDGET: 100,
    Kind.PARAMETER: 512,
    Kind.STATE: 63,
    Kind.ROLE: 64,
    Kind.TOKEN: 120,
    Kind.BOUNDARY: 128,
    Kind.RULESET: 100,
    Kind.ACCESS: 100,
    Kind.JOB: 64,
    Kind.LOG: 512,
}

SLUG: Final = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9]))*")
EPHEMERAL_STACK: Final = re.compile(r"pr-[1-9][0-9]{0,6}")
_DIGEST_LENGTH: Final = 8
_CALLED: Final[Mapping[str, Stage]] = {
    **{stage.value: stage for stage in Stage},
    "dev": Stage.DEVELOPMENT,
    "stg": Stage.STAGING,
    "prod": Stage.PRODUCTION,
    "prd": Stage.PRODUCTION,
}


def shorten(name: str, limit: int) -> str:
    """Return ``name`` when it fits, else its head and eight hex digits of its SHA-256: still stable, still unique."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: limit - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"


@dataclass(frozen=True, slots=True)
class Label:
    """The owner of a resource: product, stage and environment (the stack's name; differs from the stage only when
    the stack is ephemeral). Every name and tag of the program comes from here. ``called`` are parts that have another
    name than theirs would be, as (kind, part, name): a store that was there before, or took the place of a lost one."""

    product: str
    stage: Stage
    environment: str
    called: tuple[tuple[Kind, str, str], ...] = ()

    def name(self, kind: Kind, *parts: str) -> str:
        """Return ``<product>-<environment>-<kind>[-<part>...]``, lower case, within the limit of ``kind``; or what the
        part is called instead."""
        for of, part, given in self.called:
            if of is kind and parts == (part,):
                return given
        words = [self.product, self.environment, kind.value, *parts]
        return shorten("-".join(_slug(word) for word in words), LIMITS[kind])

    @property
    def prefix(self) -> str:
        """What every name of the stage begins with, and no other stage's does: ``harbor-staging-``."""
        return f"{_slug(self.product)}-{_slug(self.environment)}-"

    @property
    def github_environment(self) -> str:
        """The GitHub environment that deploys the stack; a pull request's stack uses that of its stage."""
        return self.stage.value

    def tags(self, *, owner: str, cost_center: str) -> dict[str, str]:
        """Return the tags that attribute cost and ownership (CST-7)."""
        return {
            "product": self.product,
            "stage": self.stage.value,
            "environment": self.environment,
            "owner": owner,
            "cost-center": cost_center,
            "managed-by": "bulkhead",
        }

    def worker_tags(self) -> list[str]:
        """Return Cloudflare's plain-word tags of a Worker; Cloudflare has no key-value tags."""
        return [f"product:{self.product}", f"stage:{self.stage}", f"environment:{self.environment}"]


def stage_of(stack: str) -> Stage | None:
    """Return the stage a stack of this name must have, or None when no stage has such a stack."""
    if EPHEMERAL_STACK.fullmatch(stack):
        return Stage.DEVELOPMENT
    return Stage(stack) if stack in set(Stage) else None


def stages_named(text: str, *, shortened: bool = True) -> frozenset[Stage]:
    """Return the stages whose names are words of ``text``, also as people shorten them unless only whole names count.
    What is not production, or like it, is not called after it: ``non-prod``, ``pre-production``."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    around = zip(("", *words), words, (*words[1:], ""), strict=False)
    named = {word for before, word, after in around if before not in {"non", "not", "pre"} and after != "like"}
    return frozenset(stage for word, stage in _CALLED.items() if word in named and (shortened or word == stage))


def upper_snake(name: str) -> str:
    """Return ``slackWebhook`` as ``SLACK_WEBHOOK``: how GitHub secrets and Worker variables are spelt."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").upper()


def _slug(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
