"""What was pushed to a repository, read from its git directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bulkhead.localclouds.github.api.call import Refusal
from bulkhead.machine.git import git


class Ref(NamedTuple):
    name: str
    kind: str
    sha: str


class Entry(NamedTuple):
    """One file or folder of a commit; ``size`` is 0 for a folder."""

    path: str
    kind: str
    sha: str
    size: int


class Commit(NamedTuple):
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


class Git:
    """One git directory; None where nothing was pushed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    @property
    def is_empty(self) -> bool:
        return not self.refs("refs/")

    def refs(self, prefix: str) -> list[Ref]:
        """Return the refs whose names begin so: ``refs/heads/``."""
        told = self._ask("for-each-ref", "--format=%(refname) %(objecttype) %(objectname)") or ""
        refs = (Ref(*line.split(" ")) for line in told.splitlines())
        return [ref for ref in refs if ref.name.startswith(prefix)]

    def ref(self, name: str) -> Ref | None:
        return next((ref for ref in self.refs(name) if ref.name == name), None)

    def resolve(self, name: str) -> str | None:
        """Return the commit that a branch, a tag or an id names."""
        for full in (f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}", name):
            sha = self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{full}^{{commit}}")
            if sha and not full.startswith("^"):
                return sha.strip()
        return None

    def commit(self, sha: str) -> Commit:
        form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        told = self._ask("show", "--no-patch", f"--format={form}", sha)
        assert told is not None, f"{sha} was there a moment ago"  # noqa: S101
        id_, tree, parents, *people, message = told.split("\0")
        author, committer = (people[0], people[1], people[2]), (people[3], people[4], people[5])
        return Commit(id_, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))

    def entries(self, sha: str, path: str) -> Iterator[Entry]:
        """Yield the entry at ``path`` ("" yields nothing) and, for a folder, those in it."""
        for place in (path, f"{path}/" if path else ""):
            asked = ("--", place) if place else ()
            for line in (self._ask("--literal-pathspecs", "ls-tree", "--long", "-z", sha, *asked) or "").split("\0")[
                :-1
            ]:
                facts, _, name = line.partition("\t")
                _, kind, id_, size = facts.split()
                yield Entry(name, kind, id_, 0 if size == "-" else int(size))
            if not path:
                return

    def content(self, blob: str) -> bytes:
        return self._bytes("cat-file", "blob", blob)

    def changes(self, base: str, head: str) -> tuple[int, list[tuple[int, int]]]:
        """Return how many commits ``head`` has and ``base`` has not, and the lines that each file of them gains and
        loses; a binary file counts none."""
        commits = int(self._ask("rev-list", "--count", f"{base}..{head}") or 0)
        lines = (self._ask("diff", "--numstat", f"{base}...{head}") or "").splitlines()
        counts = (line.split("\t")[:2] for line in lines)
        return commits, [
            (int(gained) if gained != "-" else 0, int(lost) if lost != "-" else 0) for gained, lost in counts
        ]

    def contains(self, ancestor: str, commit: str) -> bool:
        return self._ask("merge-base", "--is-ancestor", ancestor, commit) is not None

    def make_tag(self, name: str, sha: str) -> None:
        """Make a tag, as a release does. Raises Refusal when git takes no such name."""
        if self._ask("check-ref-format", f"refs/tags/{name}") is None:
            error = {"resource": "Release", "field": "tag_name", "code": "custom", "message": "is not a valid tag"}
            raise Refusal(422, "Validation Failed", [error])
        self._ask("update-ref", f"refs/tags/{name}", sha)

    def _ask(self, *arguments: str) -> str | None:
        if self._path is None or any("\0" in argument for argument in arguments):  # no program can be told that
            return None
        return git(self._path, *arguments)

    def _bytes(self, *arguments: str) -> bytes:
        assert self._path is not None  # noqa: S101
        return subprocess.run(["git", *arguments], cwd=self._path, capture_output=True, check=True).stdout
