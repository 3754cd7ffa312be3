"""What the local GitHub remembers.

What Pulumi has a type for is the record that the provider reads too. All else (repositories, people, deployments and so
on) is a row of the same store; its type begins with ``github:api/``, it belongs to no stack, and its outputs are facts
by GitHub's names.
"""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nacl.public import PrivateKey

from bulkhead.localclouds.api.seed import Seed
from bulkhead.localclouds.github.api.call import Credential, Refusal, absent
from bulkhead.localclouds.github.api.git import Git
from bulkhead.localclouds.providers import planning
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.rules import now
from bulkhead.localclouds.providers.store import Record

Facts = Mapping[str, Any]
_TYPE: Final = "github:api/"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository; ``git`` is what was pushed to it."""

    owner: str
    name: str
    facts: Facts
    git: Git

    @property
    def default_branch(self) -> str:
        return str(self.facts["default_branch"])


class GitHub:
    """The state behind the API."""

    def __init__(self, resources: Resources, seed: Seed) -> None:
        self._resources = resources
        self._store = resources.store
        self._seed = seed

    # What exists before anybody calls, beside the repositories that the seed names.

    def declare_repository(
        self, owner: str, name: str, number: int, *, git: Path | None = None, default_branch: str = "main", **facts: Any
    ) -> None:
        """Say that a repository exists. ``git`` is its bare git directory, which is this cloud's own: a release makes
        a tag in it. Without one nothing was ever pushed."""
        seen = {
            "id": number,
            "name": name,
            "default_branch": default_branch,
            "git": git and str(git),
            "private": True,
            **facts,
        }
        self.put("repository", owner, name, "", {"created_at": now(), "updated_at": now(), **seen})

    def declare_person(self, login: str, number: int, *, type_: str = "User", **facts: Any) -> None:
        """Say that there is a user, a bot or an organisation."""
        self.put("person", login, "", "", {"id": number, "login": login, "type": type_, "created_at": now(), **facts})

    def declare_team(self, organisation: str, slug: str, number: int, **facts: Any) -> None:
        """Say that an organisation has a team."""
        self.put("team", organisation, "", slug, {"id": number, "slug": slug, "name": slug, **facts})

    # What no Pulumi type is.

    def put(self, kind: str, owner: str, repository: str, key: Any, facts: Facts) -> Facts:
        """Write one thing, replacing what has the same key."""
        self._store.put(Record(f"{_TYPE}{kind}", _key(owner, repository, key), "", owner, "", {}, {**facts}))
        return facts

    def add(self, kind: str, repository: Repository, facts: Facts, *, key: int | None = None) -> Facts:
        """Write a new thing with an id and dates; ``key`` is what it is asked for by, where that is not the id."""
        number = new_number()
        made = {"id": number, "created_at": now(), "updated_at": now(), **facts}
        return self.put(kind, repository.owner, repository.name, number if key is None else key, made)

    def change(self, kind: str, repository: Repository, old: Facts, **facts: Any) -> Facts:
        """Change some facts of a thing that is asked for by its id."""
        changed = {**old, **facts, "updated_at": now()}
        return self.put(kind, repository.owner, repository.name, old["id"], changed)

    def get(self, kind: str, owner: str, repository: str, key: Any) -> Facts | None:
        found = self._store.get(f"{_TYPE}{kind}", _key(owner, repository, key))
        return None if found is None else found.outputs

    def one(self, kind: str, repository: Repository, key: Any) -> Facts:
        """Return a thing; raise Refusal when there is none."""
        found = self.get(kind, repository.owner, repository.name, key)
        if found is None:
            raise absent()
        return found

    def every(self, kind: str, owner: str = "", repository: str = "", key: Any = "") -> list[Facts]:
        """Return the things of one kind, oldest first: those of an owner, of a repository, or of one key."""
        start, end = (f"{owner.lower()}/" if owner else ""), f"/{key}" if key else ""
        start += f"{repository.lower()}/" if repository else ""
        found = self._store.all(type_=f"{_TYPE}{kind}")
        return [one.outputs for one in found if one.id.startswith(start) and one.id.endswith(end)]

    def drop(self, kind: str, repository: Repository, key: Any) -> None:
        self._store.remove(f"{_TYPE}{kind}", _key(repository.owner, repository.name, key))

    def claim(self, name: str) -> AbstractContextManager[None]:
        """Let one request at a time look at something and write it."""
        return self._store.claim(name)

    def repository(self, owner: str, name: str) -> Repository:
        """Return a repository, whatever letters are capital. Raises Refusal when there is none."""
        found = self._known("repository", owner, name)
        if found is None:
            raise absent()
        git = found.outputs["git"]
        return Repository(found.account, found.outputs["name"], found.outputs, Git(git and Path(git)))

    def full_name(self, number: int) -> str:
        """Return owner/name of the repository with this id. One that nobody has belongs to "-", which is no login."""
        self._take_from_seed()
        for found in self._store.all(type_=f"{_TYPE}repository"):
            if found.outputs["id"] == number:
                return f"{found.account}/{found.outputs['name']}"
        return f"-/{number}"

    def person(self, login: str) -> Facts | None:
        """Return a user, a bot or an organisation, whatever letters are capital."""
        found = self._known("person", login, "")
        return None if found is None else found.outputs

    def _known(self, kind: str, owner: str, name: str) -> Record | None:
        """Return what was declared, or else what the seed names, which may be written after the clouds have started."""
        key = _key(owner, name, "")
        found = self._store.get(f"{_TYPE}{kind}", key)
        if found is None:
            self._take_from_seed()
            found = self._store.get(f"{_TYPE}{kind}", key)
        return found

    def _take_from_seed(self) -> None:
        for named in {tenant.repository for tenant in self._seed.tenants() if tenant.repository}:
            owner, _, name = named.partition("/")
            if self.get("person", owner, "", "") is None:
                self.declare_person(owner, zlib.crc32(owner.encode()), type_="Organization")
            if self.get("repository", owner, name, "") is None:
                self.declare_repository(owner, name, zlib.crc32(named.encode()))

    def key_of(self, repository: Repository, environment: str) -> tuple[str, PrivateKey]:
        """Return the key pair of an environment's secrets, and its id; it is made when it is first asked for."""
        with self._store.claim(f"key {repository.owner}/{repository.name}/{environment}"):
            found = self.get("key", repository.owner, repository.name, environment)
            if found is None:
                fresh = {"id": str(new_number()), "private": base64.b64encode(bytes(PrivateKey.generate())).decode()}
                found = self.put("key", repository.owner, repository.name, environment, fresh)
        return found["id"], PrivateKey(base64.b64decode(found["private"]))

    # What Pulumi has a type for.

    def records(self, token: str, repository: Repository, **inputs: Any) -> list[Record]:
        """Return the records of a repository with these properties, oldest first."""
        wanted = {"repository": repository.name, **inputs}
        return [
            one
            for one in self._store.all(type_=token)
            if one.account == repository.owner and all(one.outputs.get(key) == value for key, value in wanted.items())
        ]

    def write(self, who: Credential, token: str, inputs: Facts, old: Record | None = None) -> Record:
        """Make a resource, or change ``old`` to these inputs. Raises Refusal where the rules of its type say no."""
        _, faults = planning.check(token, inputs)
        if faults:
            kind = token.rpartition(":")[2]
            told = [dict(zip(("field", "message"), fault.partition(": ")[::2], strict=True)) for fault in faults]
            raise Refusal(422, "Validation Failed", [{"resource": kind, "code": "invalid", **each} for each in told])
        caller = Caller(who.environment, "github", {"owner": who.owner})
        try:
            if old is None:
                record = self._resources.create(caller, token, "", inputs)
            else:
                record = self._resources.update(caller, token, old.id, inputs)
        except ApiRefusal as refusal:
            error = {"resource": token.rpartition(":")[2], "code": "custom", "message": str(refusal)}
            raise Refusal(422, "Validation Failed", [error]) from refusal
        dates = {"updated_at": now()} if old is None else {**self.dates(old), "updated_at": now()}
        self.put("dates", record.account, record.outputs["repository"], f"{token} {record.id}", dates)
        return record

    def dates(self, record: Record) -> dict[str, str]:
        """Return when a resource was made and last changed: no property of Pulumi's says it."""
        repository = record.outputs["repository"]
        known = self.get("dates", record.account, repository, f"{record.type} {record.id}") or {}
        born = self.repository(record.account, repository).facts["created_at"]
        updated = known.get("updated_at", born)
        return {"created_at": known.get("created_at", updated), "updated_at": updated}

    def delete(self, who: Credential, record: Record) -> None:
        self._resources.delete(Caller(who.environment, "github", {"owner": who.owner}), record.type, record.id)
        self._store.remove(
            f"{_TYPE}dates", _key(record.account, record.outputs["repository"], f"{record.type} {record.id}")
        )


def new_number() -> int:
    """Return an id like GitHub's."""
    return random.randrange(10**9, 10**10)  # noqa: S311 - nothing secret


def _key(owner: str, repository: str, key: Any) -> str:
    """GitHub tells no small letters from capital ones in names of owners and repositories."""
    return f"{owner.lower()}/{repository.lower()}/{key}"
