"""One request to the API and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from bulkhead.localclouds.github.api.description import Operation

if TYPE_CHECKING:
    from bulkhead.localclouds.github.api.cloud import GitHub, Repository

Body = Mapping[str, Any]
WEB: Final = "https://github.com"
_PAGE: Final = 30
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Credential:
    """What a token stands for. ``name`` is what a person calls it, ``login`` the account that it acts as.
    ``environment``: the stack whose program or pipeline holds it. ``permissions`` are a fine-grained token's
    (``environments:write``), None for a token that may do everything. ``app``: the GitHub App whose installation it is
    of, "" for a person's. ``repositories``: those it reaches, None for all of ``owner``."""

    name: str
    login: str
    environment: str
    owner: str
    permissions: frozenset[str] | None
    app: str = ""
    repositories: frozenset[str] | None = None

    @property
    def kind(self) -> str:
        """What GitHub calls it when it refuses."""
        return "integration" if self.app else "personal access token"

    @property
    def author(self) -> dict[str, str]:
        """By whom something was done: facts that are kept with it."""
        return {"login": self.login, "app": self.app}

    def may(self, accepted: frozenset[str]) -> bool:
        """Whether it has one of the permissions; every token may read the metadata of what it reaches."""
        return not accepted or self.permissions is None or bool(accepted & {"metadata:read", *self.permissions})

    def reaches(self, owner: str, repository: str) -> bool:
        """Whether the repository exists to it, whatever letters are capital."""
        ours = None if self.repositories is None else {each.lower() for each in self.repositories}
        return owner.lower() == self.owner.lower() and (ours is None or repository.lower() in ours)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """GitHub refuses; ``errors`` say what of the request is wrong."""

    def __init__(self, status: int, message: str, errors: Sequence[Mapping[str, Any] | str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def absent(message: str = "Not Found") -> Refusal:
    return Refusal(404, message)


def invalid(resource: str, field_: str, code: str, message: str = "") -> Refusal:
    """One field is wrong: ``code`` is GitHub's word (missing_field, invalid, already_exists, custom)."""
    error = {"resource": resource, "field": field_, "code": code} | ({"message": message} if message else {})
    return Refusal(422, "Validation Failed", [error])


def require_short(resource: str, field_: str, text: str | None, most: int) -> None:
    """Raise Refusal where a text is longer than GitHub takes."""
    if len(text or "") > most:
        raise invalid(resource, field_, "custom", f"{field_} is too long (maximum is {most} characters)")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that fits the description, by somebody who may make it. ``at`` are the path's parameters; ``base`` is
    the address it came to, so that what an answer links leads back here. ``rate``: how the caller's rate limit stands.
    ``raw``: a file's own bytes are wanted."""

    cloud: GitHub
    operation: Operation
    credential: Credential
    base: str
    at: Body
    query: Body
    body: Body
    rate: Mapping[str, int]
    raw: bool = False

    @property
    def repository(self) -> Repository:
        """The repository of the path."""
        return self.cloud.repository(self.at["owner"], self.at["repo"])

    def link(self, *parts: Any) -> str:
        """Return the address of something in the API."""
        return "/".join([self.base, *(quote(str(part), safe="") for part in parts)])

    def within(self, *parts: Any) -> str:
        """Return the address of something in the call's repository."""
        repository = self.repository
        return self.link("repos", repository.owner, repository.name, *parts)

    def paged(
        self,
        items: Sequence[Any],
        within: str = "",
        shown: Callable[[Any], Any] | None = None,
        sizes: tuple[int, int] = (_PAGE, _MOST),
    ) -> Answer:
        """Return the page that was asked for, ``shown`` as JSON; ``within`` is the member of the answer that holds it,
        beside the count of all. ``sizes``: of a page that says none, and of the largest."""
        page, size = max(self.query.get("page", 1), 1), min(max(self.query.get("per_page", sizes[0]), 1), sizes[1])
        part = list(items[(page - 1) * size : page * size])
        part = [shown(item) for item in part] if shown else part
        body = {"total_count": len(items), within: part} if within else part
        last = max(-(-len(items) // size), 1)
        pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        told = {name for name in pages if (page > 1 if name in ("prev", "first") else page < last)}
        links = [f'<{self._page(page_, size)}>; rel="{name}"' for name, page_ in pages.items() if name in told]
        return Answer(200, body, {"Link": ", ".join(links)} if links else {})

    def _page(self, page: int, size: int) -> str:
        path = "".join(
            quote(str(self.at[part[1:-1]]), safe="") if part.startswith("{") else part
            for part in _steps(self.operation.path)
        )
        query = {**self.query, "page": page, "per_page": size}
        return f"{self.base}{path}?" + "&".join(f"{key}={quote(_written(value))}" for key, value in query.items())


def _steps(path: str) -> list[str]:
    return path.replace("{", "\n{").replace("}", "}\n").split("\n")


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
