"""Which versions of a Worker answer its visitors: Cloudflare's deployments and versions, asked and ordered.

Source: Cloudflare's API reference, "Workers", "Deployments" and "Versions".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.model.bindings import STORES
from bulkhead.model.faults import Fault

NO_WORKER: Final = 10007
NOT_THE_NEWEST: Final = 10215
SECRETS_CHANGED: Final = 10220
CLASSES_DIFFER: Final = 100405
CLASS_NOT_THERE: Final = 100406
NO_VERSION: Final = 100146
DEPLOYABLE: Final = 100
"""So many of the last uploads can be deployed, whatever else Cloudflare remembers."""
RELEASE: Final = "release "
"""What a version's message begins with; the name of the release follows."""
_TAG, _MESSAGE = "workers/tag", "workers/message"
_LIVE: Final = (None, "created", "expecting-transfer")

# What a refusal means for whoever moves traffic, and what can be done about it.
_WORDS: Final[Mapping[int, tuple[str, str]]] = {
    NO_WORKER: (
        "there is no such Worker in this account",
        "is it the right stage? `bulkhead versions` shows its Workers",
    ),
    NO_VERSION: (
        "the Worker has no such version among the last 100, and no older one can be deployed",
        "name one that `bulkhead versions` shows",
    ),
    NOT_THE_NEWEST: (
        "a setting or a secret can be changed at once only while the newest version takes all traffic, because the "
        "change would deploy that version, too",
        "end the rollout first, by 100 % for the newest version or by a new upload",
    ),
    SECRETS_CHANGED: (
        "secrets have changed since that version was uploaded, and their old values would come back with it",
        "force it where the old values still open what they are for; else upload that code anew",
    ),
    CLASSES_DIFFER: (
        "the versions do not have the same Durable Object classes, and traffic is not divided between such",
        "deploy the one that changes them alone, at 100 %",
    ),
    CLASS_NOT_THERE: (
        "the version binds a Durable Object class that does not exist now",
        "deploy the version that makes the class first; where it was deleted, go forward with new code",
    ),
}


@dataclass(frozen=True, slots=True)
class Share:
    """What part of the requests a version gets, in per cent."""

    version: str
    percent: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """How the requests were divided from ``created`` on, until the next deployment. ``author`` and ``message`` are
    empty where Cloudflare does not tell them."""

    id: str
    created: datetime
    author: str
    message: str
    shares: tuple[Share, ...]

    def percent_of(self, version: str) -> float:
        """Return the share of a version, 0 for one that is not part of it."""
        return next((share.percent for share in self.shares if share.version == version), 0.0)

    @property
    def stable(self) -> str:
        """The version with the most requests; of two equal ones the first, which is the older as rollouts list them."""
        return max(self.shares, key=lambda share: share.percent).version


@dataclass(frozen=True, slots=True)
class Version:
    """One upload. ``number`` counts a Worker's uploads; ``tag`` is the SHA-256 of its bundle and ``message`` names its
    release, where our program made it."""

    id: str
    number: int
    created: datetime
    author: str
    tag: str
    message: str

    @property
    def release(self) -> str:
        """The release that the version is of, empty where its message does not say."""
        return self.message.removeprefix(RELEASE).partition(" ")[0] if self.message.startswith(RELEASE) else ""


@dataclass(frozen=True, slots=True)
class Content:
    """What a version has besides its code: ``settings`` by name, a variable, a binding or a limit; the names of its
    ``secrets``, whose values nobody is told; the Durable Object ``classes`` that live in it."""

    settings: Mapping[str, Any] = field(repr=False)
    secrets: frozenset[str]
    classes: frozenset[str]

    @property
    def stores(self) -> dict[str, Any]:
        """The kind and the id of each store that the version is bound to, by the binding's name."""
        bound = {name: each for name, each in self.settings.items() if isinstance(each, Mapping)}
        kinds = {name: each["type"] for name, each in bound.items() if each.get("type") in STORES}
        return {name: (kind, bound[name].get(STORES[kind])) for name, kind in kinds.items()}


@dataclass(frozen=True, slots=True)
class Traffic:
    """The Workers of an account by their names. Methods raise ApiRefused as `Rest` does, in words where a code is
    known here."""

    api: Rest
    account: str

    def deployments(self, script: str) -> list[Deployment]:
        """Return the deployments that Cloudflare remembers, newest first; none of a Worker that is not there."""
        answer = self.api.get(f"{self._path(script)}/deployments") or {}
        return sorted(map(_deployment, answer.get("deployments") or ()), key=lambda each: each.created, reverse=True)

    def live(self, script: str) -> Deployment | None:
        """Return the deployment that serves the Worker now, None where nothing does."""
        return next(iter(self.deployments(script)), None)

    def versions(self, script: str) -> list[Version]:
        """Return the versions that can be deployed, newest first: of the last 100 uploads."""
        listed = self.api.every(f"{self._path(script)}/versions", within="items", deployable="true")
        return sorted(map(_version, listed), key=lambda each: each.number, reverse=True)[:DEPLOYABLE]

    def content(self, script: str, version: str) -> Content | None:
        """Return what a version has besides its code, None where there is no such version."""
        found = self.api.get(f"/accounts/{self.account}/workers/workers/{script}/versions/{version}")
        return None if found is None else _content(found)

    def deploy(self, script: str, shares: Sequence[Share], message: str, *, force: bool = False) -> Deployment:
        """Divide the Worker's requests anew, in the order given: objects keep their version while it stays the same.
        With ``force`` also where secrets have changed since. An answer that was lost is no failure where the order was
        carried out."""
        body = {
            "strategy": "percentage",
            "versions": [{"version_id": each.version, "percentage": each.percent} for each in shares],
            "annotations": {_MESSAGE: message},
        }
        query = {"force": "true"} if force else {}
        try:
            made = self.api.post(f"{self._path(script)}/deployments", body, params=query)
        except Uncertain:
            live = self.live(script)
            if live is None or live.shares != tuple(shares) or live.message != message:
                raise
            return live
        except ApiRefused as refused:
            raise in_words(refused, script) from refused
        return _deployment(made or {})

    def _path(self, script: str) -> str:
        return f"/accounts/{self.account}/workers/scripts/{script}"


def in_words(refused: ApiRefused, script: str) -> ApiRefused:
    """Return a refusal that says what its code means for traffic, itself where no code of it is known here."""
    for reason in refused.reasons:
        if isinstance(reason.code, int) and reason.code in _WORDS:
            meaning, fix = _WORDS[reason.code]
            fault = Fault(script, f"{meaning} ({reason})", fix)
            return ApiRefused(refused.summary, fault, refused.status, refused.reasons)
    return refused


def _deployment(answer: Mapping[str, Any]) -> Deployment:
    return Deployment(
        answer["id"],
        datetime.fromisoformat(answer["created_on"]),
        answer.get("author_email") or "",
        (answer.get("annotations") or {}).get(_MESSAGE) or "",
        tuple(Share(each["version_id"], float(each["percentage"])) for each in answer["versions"]),
    )


def _version(answer: Mapping[str, Any]) -> Version:
    made, noted = answer.get("metadata") or {}, answer.get("annotations") or {}
    return Version(
        answer["id"],
        int(answer["number"]),
        datetime.fromisoformat(made["created_on"]),
        made.get("author_email") or "",
        noted.get(_TAG) or "",
        noted.get(_MESSAGE) or "",
    )


def _content(answer: Mapping[str, Any]) -> Content:
    bindings = answer.get("bindings") or []
    settings = {each["name"]: each for each in bindings if each["type"] != "secret_text"}
    others = {key: answer.get(key) for key in ("compatibility_date", "compatibility_flags", "limits", "placement")}
    exports = (answer.get("exports") or {}).items()
    return Content(
        {**settings, **{key: value for key, value in others.items() if value}},
        frozenset(each["name"] for each in bindings if each["type"] == "secret_text"),
        frozenset(name for name, each in exports if each["type"] == "durable-object" and each.get("state") in _LIVE),
    )
