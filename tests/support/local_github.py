"""A local GitHub with an organisation, its people and a repository that something was pushed to."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.applications import Starlette

from bulkhead.localclouds.github.api.app import Api
from bulkhead.localclouds.github.api.call import Credential
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Store

OWNER: Final = "acme"
NAME: Final = "harbor"
ALL: Final = frozenset({"everything:write"})
TOKENS: Final[Mapping[str, Credential]] = {
    "of-an-app": Credential("harbor-ci[bot]", "staging", OWNER, ALL, app="harbor-ci"),
    "of-actions": Credential("github-actions[bot]", "staging", OWNER, ALL, app="github-actions"),
    "of-a-person": Credential("ada", "staging", OWNER, ALL),
    "of-a-reader": Credential("bob", "staging", OWNER, frozenset({"contents:read"})),
    "of-a-neighbour": Credential("ada", "staging", OWNER, ALL, repositories=frozenset({"lighthouse"})),
}


@dataclass(frozen=True)
class LocalGitHub:
    api: Api
    cloud: GitHub
    store: Store
    git: Path
    main: str

    def commit(self, branch: str, files: Mapping[str, str]) -> str:
        """Push a commit with these files to a branch, which begins where main is; return its id."""
        work = self.git.parent / f"work-{branch.replace('/', '-')}"
        _git(self.git.parent, "clone", "--quiet", str(self.git), str(work))
        _git(work, "checkout", "--quiet", "-B", branch, f"origin/{branch}" if branch == "main" else "origin/main")
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--message", f"Change {branch}")
        _git(work, "push", "--quiet", "--force", "origin", branch)
        return _git(work, "rev-parse", "HEAD").strip()


def accepted(method: str, path: str) -> frozenset[str]:
    """A table of permissions in which reading files needs a permission of its own, and everything else one that a
    reader lacks."""
    return ALL | {"contents:read"} if "contents" in path else ALL


def make(folder: Path, store: Store, *, limit: int = 5000, **settings: Any) -> LocalGitHub:
    """Make it, with the state in ``store``."""
    bare, seed = folder / "harbor.git", folder / "seed"
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    _git(folder, "init", "--quiet", "--initial-branch=main", str(seed))
    (seed / "docs").mkdir()
    (seed / "README.md").write_text("# Harbor\n")
    (seed / "docs" / "ships.txt").write_text("three\n")
    _git(seed, "add", "--all")
    _git(seed, "commit", "--quiet", "--message", "Begin")
    _git(seed, "push", "--quiet", str(bare), "main")
    cloud = GitHub(Resources(Registry(), store))
    cloud.declare_person(OWNER, 4242, type_="Organization")
    cloud.declare_person("ada", 7)
    cloud.declare_person("bob", 8)
    cloud.declare_person("harbor-ci[bot]", 9, type_="Bot")
    cloud.declare_team(OWNER, "captains", 11)
    cloud.declare_repository(OWNER, NAME, 4343, git=bare, **settings)
    cloud.declare_repository(OWNER, "lighthouse", 4444)
    return LocalGitHub(Api(cloud, TOKENS.get, accepted, limit), cloud, store, bare, _git(seed, "rev-parse", "HEAD").strip())


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@harbor.example", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


class InProcess(httpx.BaseTransport):
    """Answers each request by an ASGI application, without a server."""

    def __init__(self, application: Starlette) -> None:
        self._transport = httpx.ASGITransport(application)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answered(request))

    async def _answered(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._transport.handle_async_request(sent)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)
