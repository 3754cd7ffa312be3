"""Wrangler deploys static assets to the local Cloudflare, which serves them as its own Workers for that do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.localclouds.cloudflare.api.workers import SCRIPTS
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.cloudflare_api import Api

pytestmark = pytest.mark.slow

CODE = """export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/asset") return env.ASSETS.fetch(new URL("/style.css", request.url));
    return Response.json({ code: pathname });
  },
};"""


@pytest.fixture
def stage(cloud: LocalCloudflare) -> StageCloud:
    return cloud.client


def write(wrangler: Wrangler, **files: str) -> None:
    for name, text in files.items():
        wrangler.write(f"public/{name.replace('__', '.')}", text)


def visited(stage: StageCloud, path: str, host: str = "web") -> tuple[int, str]:
    answer = stage.visit(f"{host}.rehearsal.workers.dev", path)
    return answer.status, answer.body.decode()


@pytest.fixture
def project(wrangler: Wrangler) -> Wrangler:
    wrangler.write("src/index.js", CODE)
    write(wrangler, index__html="<p>home</p>", about__html="<p>about</p>", style__css="p { color: red }")
    wrangler.write("public/pictures/a b.bin", "picture")
    return wrangler


def test_assets_answer_before_the_worker_and_the_worker_has_them(
    project: Wrangler, stage: StageCloud, api: Api
) -> None:
    assets = {"directory": "public", "binding": "ASSETS"}
    project.configure("web", main="src/index.js", assets=assets)
    assert "Uploaded 4 of 4 assets" in project.done("deploy").out
    assert visited(stage, "/") == (200, "<p>home</p>")
    assert visited(stage, "/about") == (200, "<p>about</p>")
    assert visited(stage, "/about.html")[0] == 307
    assert visited(stage, "/pictures/a%20b.bin") == (200, "picture")
    style = stage.visit("web.rehearsal.workers.dev", "/style.css")
    assert (style.headers["content-type"], style.body) == ("text/css; charset=utf-8", b"p { color: red }")
    assert visited(stage, "/elsewhere") == (200, '{"code":"/elsewhere"}')
    assert visited(stage, "/api/asset") == (200, "p { color: red }")
    assert stage.env_keys("web") == ["ASSETS"]
    (script,) = api.result("GET", SCRIPTS)
    assert script["has_assets"] is True

    write(project, index__html="<p>new home</p>")
    assert "Uploaded 1 of 1 asset" in project.done("deploy").out, "what is known is not sent again"
    assert visited(stage, "/") == (200, "<p>new home</p>")
    project.done("secret", "put", "KEY", stdin="hush")
    assert visited(stage, "/") == (200, "<p>new home</p>"), "a secret leaves the assets alone"
    project.done("rollback", api.result("GET", f"{SCRIPTS}/web/versions")["items"][-1]["id"], "-y")
    assert visited(stage, "/") == (200, "<p>home</p>"), "assets go back with their version"
    assert not api.journal.unknown()


def test_assets_need_no_code(project: Wrangler, stage: StageCloud) -> None:
    write(project, _redirects="/old /about 301\n/blog/* /about/:splat 302", _headers="/*\n  X-Frame-Options: DENY")
    write(project, **{"404__html": "<p>nothing</p>"})
    project.configure("web", assets={"directory": "public", "not_found_handling": "404-page"})
    project.done("deploy")
    assert visited(stage, "/nowhere") == (404, "<p>nothing</p>")
    assert stage.visit("web.rehearsal.workers.dev", "/").headers["x-frame-options"] == "DENY"
    moved = stage.visit("web.rehearsal.workers.dev", "/blog/first")
    assert (moved.status, moved.headers["location"]) == (302, "/about/first")
    assert visited(stage, "/old")[0] == 301
    assert visited(stage, "/_headers")[0] == 404


def test_the_worker_comes_first_where_the_project_says_so(project: Wrangler, stage: StageCloud) -> None:
    assets = {"directory": "public", "binding": "ASSETS", "run_worker_first": ["/about", "!/about.html"]}
    project.configure("web", main="src/index.js", assets=assets | {"not_found_handling": "single-page-application"})
    project.done("deploy")
    assert visited(stage, "/about") == (200, '{"code":"/about"}')
    assert visited(stage, "/style.css") == (200, "p { color: red }")


def test_each_worker_and_each_version_has_its_own_files(project: Wrangler, stage: StageCloud, tmp_path: Path) -> None:
    project.configure("web", main="src/index.js", assets={"directory": "public"})
    project.done("deploy")
    first = project.done("versions", "list", "--json").json[0]["id"]
    write(project, index__html="<p>second</p>")
    project.done("versions", "upload")
    second = project.done("versions", "list", "--json").json[-1]["id"]
    project.done("versions", "deploy", f"{second}@50%", f"{first}@50%", "-y")
    write(project, index__html="<p>shop</p>")
    project.configure("shop", assets={"directory": "public"})
    project.done("deploy")
    assert {visited(stage, "/")[1] for _ in range(40)} == {"<p>home</p>", "<p>second</p>"}
    assert visited(stage, "/", "shop") == (200, "<p>shop</p>")
