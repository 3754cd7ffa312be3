"""A local GitHub with an organisation, its people and a repository that something was pushed to."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette

from bulkhead.localclouds.api import seed
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.journal import Journal
from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.github.api.app import application
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.github.api.credentials import Credentials
from bulkhead.localclouds.github.api.permissions import TABLE
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Store
from tests.support.in_process import InProcess

OWNER: Final = "acme"
NAME: Final = "harbor"
ALL: Final = frozenset[str]().union(*(accepted or () for row in TABLE.rows for accepted in row.accepted.values()))
STAGING: Final = Tenant("staging", "", {}, f"{OWNER}/{NAME}", {"github": {"of-a-person": "githubToken"}})


@dataclass(frozen=True)
class LocalGitHub:
    """The API and what is behind it. ``tokens``: of apps that may do everything, ``reader`` of one that may read
    files and nothing else; ``faults`` is the file of planned ones; ``main`` is the commit that was pushed first."""

    app: Starlette
    cloud: GitHub
    store: Store
    journal: Journal
    faults: Path
    tokens: Mapping[str, str]
    git: Path
    main: str

    def client(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(transport=InProcess(self.app), base_url="http://github.local", headers=headers)

    def commit(self, branch: str, files: Mapping[str, str]) -> str:
        """Push a commit with these files on top of main to a branch; return its id."""
        work = Path(tempfile.mkdtemp(dir=self.git.parent))
        _git(work, "clone", "--quiet", str(self.git), ".")
        _git(work, "checkout", "--quiet", "-B", branch, "origin/main")
        for path, text in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(text)
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--message", f"Change {branch}")
        _git(work, "push", "--quiet", "--force", "origin", branch)
        return _git(work, "rev-parse", "HEAD").strip()


@contextmanager
def running(folder: Path, quota: int = 5000) -> Iterator[LocalGitHub]:
    """Make it in ``folder``: an organisation, its people and team, and a repository with one commit."""
    pushed, main = _pushed()
    bare, seed_file = folder / "harbor.git", folder / "seed.json"
    shutil.copytree(pushed, bare)
    seed.write(seed_file, [STAGING])
    with closing(Store(folder / "store.sqlite")) as store, closing(Journal(folder / "calls.sqlite")) as journal:
        cloud = GitHub(Resources(Registry(), store), Seed(seed_file))
        cloud.declare_person(OWNER, 4242, type_="Organization")
        cloud.declare_person("ada", 7)
        cloud.declare_person("harbor-ci[bot]", 9, type_="Bot")
        cloud.declare_team(OWNER, "captains", 11)
        cloud.declare_repository(OWNER, NAME, 4343, git=bare)
        credentials, faults = Credentials(Seed(seed_file), cloud), folder / "faults.json"
        apps = {
            app: credentials.install("staging", OWNER, NAME, app, ALL)[0] for app in ("harbor-ci", "github-actions")
        }
        apps["reader"] = credentials.install("staging", OWNER, NAME, "reader", {"contents:read"})[0]
        app = application(cloud, credentials, journal, FaultPlan(faults), quota)
        yield LocalGitHub(app, cloud, store, journal, faults, apps, bare, main)


@cache
def _pushed() -> tuple[Path, str]:
    """Return a bare repository with one commit, made once, and the commit's id."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bare, first = folder / "harbor.git", folder / "first"
    for arguments in (["--bare", str(bare)], [str(first)]):
        _git(folder, "init", "--quiet", "--initial-branch=main", *arguments)
    (first / "docs").mkdir()
    (first / "README.md").write_text("# Harbor\n")
    (first / "docs" / "ships.txt").write_text("three\n")
    _git(first, "add", "--all")
    _git(first, "commit", "--quiet", "--message", "Begin")
    _git(first, "push", "--quiet", str(bare), "main")
    return bare, _git(first, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@harbor.example", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
