"""The local GitHub, asked by clients that nobody here wrote: GitHub's own for JavaScript, and curl."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.machine.node import find_node
from bulkhead.model.project import ROOT
from bulkhead.resources import types as t
from tests.support.local_github import LocalGitHub

pytestmark = pytest.mark.slow
LIFE = ROOT / "tools" / "octokit" / "life.mjs"


@pytest.fixture
def url(github: LocalGitHub) -> Iterator[str]:
    server = ApiServer(github.app)
    yield server.url
    server.stop()


@pytest.mark.parametrize("below", ["", "/api/v3"])
def test_github_s_own_client_finds_what_it_made(github: LocalGitHub, url: str, below: str) -> None:
    github.commit("topic/x", {"a.txt": "a\n"})
    client = [str(find_node().path), str(LIFE), f"{url}{below}", github.tokens["harbor-ci"]]
    told = subprocess.run([*client, "acme", "harbor", github.main], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == {
        "environment": ["pr/42", "wait_timer", "required_reviewers", "branch_policy"],
        "policy": "main",
        "secret": [201, "TOKEN"],
        "sealedForAnother": "422 Bad request - the secret is not encrypted with the environment's public key",
        "variables": [12, "last"],
        "ruleset": ["disabled", "deletion", "non_fast_forward"],
        "deployment": [True, 7, "success"],
        "checkRun": [1, "success"],
        "comment": ["It would change nothing."],
        "release": [True, True],
        "file": "# Harbor\n",
        "unknownRef": "422 No ref found for: nowhere",
        "gone": "404 Not Found",
    }
    assert github.journal.unknown() == []
    (secret,) = github.store.all(type_=t.GITHUB_ACTIONS_ENVIRONMENT_SECRET)
    assert (secret.id, secret.inputs["value"]) == ("harbor:staging:TOKEN", "made-up")  # what libsodium sealed
    assert len(github.store.all(environment="staging")) == 2  # the secret, and its environment


def test_curl_gets_an_answer_with_github_s_headers(github: LocalGitHub, url: str) -> None:
    curl = shutil.which("curl")
    assert curl is not None, "install curl"
    token = f"Authorization: token {github.tokens['harbor-ci']}"
    asked = [curl, "--silent", "--include", "--noproxy", "*", "--header", token, f"{url}/repos/acme/harbor"]
    head, _, body = subprocess.check_output(asked, text=True).partition("\n\n")
    headers = {line.partition(":")[0].lower() for line in head.splitlines()[1:]}
    assert head.startswith("HTTP/1.1 200")
    assert {"etag", "x-github-media-type", "x-github-request-id", "x-ratelimit-remaining"} <= headers
    assert json.loads(body)["full_name"] == "acme/harbor"
