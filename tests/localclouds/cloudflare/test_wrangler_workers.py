"""Wrangler deploys, looks at and rolls back Workers of the local Cloudflare: each command does what it says."""

from __future__ import annotations

import json
import re

import pytest

from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.localclouds.cloudflare.api.workers import ROOT, SCRIPTS
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.cloudflare_api import Api

pytestmark = pytest.mark.slow

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ECHO = (
    "export default {{ fetch: (_, env) => Response.json({{ code: {code!r}, env: Object.keys(env).sort(), {more} }}) }}"
)


@pytest.fixture
def stage(cloud: LocalCloudflare) -> StageCloud:
    return cloud.client


def write(wrangler: Wrangler, code: str, more: str = "") -> None:
    wrangler.write("src/index.js", ECHO.format(code=code, more=more))


def upload(wrangler: Wrangler, *arguments: str) -> str:
    """Upload a version and return its id."""
    found = _UUID.search(wrangler.done("versions", "upload", *arguments).out)
    assert found
    return found[0]


@pytest.fixture
def project(wrangler: Wrangler) -> Wrangler:
    """A project that is deployed, and answers "one"."""
    wrangler.configure("web", main="src/index.js", vars={"MODE": "test"})
    write(wrangler, "one")
    wrangler.done("deploy")
    return wrangler


def test_what_is_deployed_answers_and_has_what_the_project_says(project: Wrangler, stage: StageCloud, api: Api) -> None:
    assert stage.fetch("web", "/").json() == {"code": "one", "env": ["MODE"]}
    write(project, "two")
    project.done("deploy", "--message", "again")
    assert stage.fetch("web", "/").json()["code"] == "two"
    newest, first = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]
    assert (newest["source"], newest["annotations"]["workers/message"]) == ("wrangler", "again")
    assert first["annotations"]["workers/triggered_by"] == "upload"
    assert not api.journal.unknown()


def test_a_worker_is_on_workers_dev_where_its_project_says_so(project: Wrangler, api: Api, stage: StageCloud) -> None:
    assert stage.visit("web.rehearsal.workers.dev", "/").json()["code"] == "one"
    project.configure("web", main="src/index.js", workers_dev=False, triggers={"crons": ["0 * * * *"]})
    project.done("triggers", "deploy")
    assert api.result("GET", f"{SCRIPTS}/web/subdomain")["enabled"] is False
    (schedule,) = api.result("GET", f"{SCRIPTS}/web/schedules")["schedules"]
    assert schedule["cron"] == "0 * * * *"


def test_the_custom_domains_of_a_project_are_those_of_its_worker(
    project: Wrangler, api: Api, stage: StageCloud
) -> None:
    def deploy(*hostnames: str) -> None:
        routes = [{"pattern": hostname, "custom_domain": True} for hostname in hostnames]
        project.configure("web", main="src/index.js", routes=routes)
        project.done("triggers", "deploy")

    deploy("shop.example.com", "example.com")
    assert stage.visit("shop.example.com", "/").json()["code"] == "one"
    deploy("example.com")
    assert [one["hostname"] for one in api.result("GET", f"{ROOT}/workers/domains")] == ["example.com"]
    project.configure("web", main="src/index.js", routes=["example.com/shop/*"])
    said = project.run("triggers", "deploy")
    assert said.code == 1
    assert "use a custom domain" in said.out + said.err
    assert not api.journal.unknown()


def test_a_queue_gets_its_worker_and_loses_it(project: Wrangler, api: Api) -> None:
    project.write("src/index.js", "export default { fetch() {}, queue() {} }")
    project.done("deploy")
    project.done("queues", "create", "events")
    project.done("queues", "consumer", "add", "events", "web")
    (queue,) = api.result("GET", f"{ROOT}/queues")
    assert [one["script"] for one in queue["consumers"]] == ["web"]
    project.done("queues", "consumer", "remove", "events", "web")
    assert api.result("GET", f"{ROOT}/queues")[0]["consumers"] == []


def test_a_version_that_is_uploaded_waits_until_it_is_deployed(project: Wrangler, stage: StageCloud) -> None:
    write(project, "two")
    second = upload(project, "--tag", "v2", "--message", "second")
    assert stage.fetch("web", "/").json()["code"] == "one"
    listed = project.done("versions", "list", "--json").json
    assert (listed[-1]["id"], listed[-1]["annotations"]["workers/tag"], len(listed)) == (second, "v2", 2)
    assert second in project.done("versions", "view", second).out
    project.done("versions", "deploy", f"{second}@100%", "-y", "--message", "now")
    assert stage.fetch("web", "/").json()["code"] == "two"
    status = project.done("deployments", "status").out
    assert second in status
    assert "now" in status
    assert len(project.done("deployments", "list", "--json").json) == 2


def test_a_rollback_brings_the_old_code_back(project: Wrangler, stage: StageCloud) -> None:
    write(project, "two")
    project.done("deploy")
    project.done("rollback", "-y", "--message", "back")
    assert stage.fetch("web", "/").json()["code"] == "one"


def test_a_rollback_behind_a_change_of_secrets_brings_the_old_secret_back(project: Wrangler, stage: StageCloud) -> None:
    write(project, "two", "key: env.KEY")
    project.done("deploy")
    project.done("secret", "put", "KEY", stdin="old")
    old = project.done("deployments", "list", "--json").json[-1]["versions"][0]["version_id"]
    project.done("secret", "put", "KEY", stdin="new")
    assert stage.fetch("web", "/").json()["key"] == "new"
    said = project.done("rollback", old, "-y")
    assert "KEY" in said.out + said.err
    assert stage.fetch("web", "/").json()["key"] == "old"


def test_requests_are_divided_between_two_versions(project: Wrangler, stage: StageCloud, api: Api) -> None:
    first = project.done("versions", "list", "--json").json[0]["id"]
    write(project, "two")
    second = upload(project)
    project.done("versions", "deploy", f"{second}@10%", f"{first}@90%", "-y")
    seen = [stage.visit("web.rehearsal.workers.dev", "/").json()["code"] for _ in range(200)]
    assert 4 <= seen.count("two") <= 50, "of 200 with 10 %"
    status = project.done("deployments", "status").out
    assert all(part in status for part in (first, second, "10%", "90%"))
    (newest, _) = project.done("deployments", "list", "--json").json[::-1]
    assert {one["version_id"]: one["percentage"] for one in newest["versions"]} == {first: 90, second: 10}
    project.done("versions", "deploy", f"{second}@0%", f"{first}@100%", "-y")
    override = {"Cloudflare-Workers-Version-Overrides": f'web="{second}"'}
    assert stage.visit("web.rehearsal.workers.dev", "/", headers=override).json()["code"] == "two"
    project.done("versions", "deploy", f"{second}@100%", "-y")
    assert stage.fetch("web", "/").json()["code"] == "two"
    assert not api.journal.unknown()


def test_secrets_reach_the_worker_and_leave_it(project: Wrangler, stage: StageCloud) -> None:
    write(project, "one", "key: env.KEY")
    project.done("deploy")
    project.done("secret", "put", "KEY", stdin="hush-4711")
    assert stage.fetch("web", "/").json() == {"code": "one", "env": ["KEY", "MODE"], "key": "hush-4711"}
    assert project.done("secret", "list").json == [{"name": "KEY", "type": "secret_text"}]
    project.done("deploy")
    assert stage.env_keys("web") == ["KEY", "MODE"]
    project.write("secrets.json", json.dumps({"A": "1", "KEY": None}))
    project.done("secret", "bulk", "secrets.json")
    assert stage.env_keys("web") == ["A", "MODE"]
    project.done("secret", "delete", "A")
    assert stage.env_keys("web") == ["MODE"]


def test_the_first_secret_makes_a_worker_that_waits_for_its_code(wrangler: Wrangler, stage: StageCloud) -> None:
    wrangler.configure("web", main="src/index.js")
    write(wrangler, "one", "key: env.EARLY")
    wrangler.done("secret", "put", "EARLY", stdin="hush")
    wrangler.done("deploy")
    assert stage.fetch("web", "/").json()["key"] == "hush"


def test_a_secret_of_a_version_reaches_the_worker_with_that_version(project: Wrangler, stage: StageCloud) -> None:
    project.done("versions", "secret", "put", "LATER", stdin="hush")
    assert stage.env_keys("web") == ["MODE"]
    said = project.run("secret", "put", "NOW", stdin="hush")
    assert said.code == 1
    assert "versions secret put" in said.out + said.err
    assert "LATER" in project.done("versions", "secret", "list", "--latest-version").out
    newest = project.done("versions", "list", "--json").json[-1]["id"]
    project.done("versions", "deploy", newest, "-y")
    assert stage.env_keys("web") == ["LATER", "MODE"]


def test_objects_are_born_by_a_deployment_and_not_by_an_upload(wrangler: Wrangler, api: Api, stage: StageCloud) -> None:
    code = """import { DurableObject } from "cloudflare:workers";
    export class Room extends DurableObject {
      async fetch() { await this.ctx.storage.put("a", 1); return new Response("kept"); }
    }
    export default { fetch: (request, env) => env.ROOM.get(env.ROOM.idFromName("all")).fetch(request) };"""
    wrangler.configure("web", main="src/index.js")
    write(wrangler, "one")
    wrangler.done("deploy")
    wrangler.write("src/index.js", code)
    bound = {"bindings": [{"name": "ROOM", "class_name": "Room"}]}
    born = {"Room": {"type": "durable-object", "storage": "sqlite"}}
    wrangler.configure("web", main="src/index.js", durable_objects=bound, exports=born)
    said = wrangler.run("versions", "upload")
    assert said.code == 1
    assert "10211" in said.out + said.err
    wrangler.done("deploy")
    assert stage.fetch("web", "/").text == "kept"
    (namespace,) = api.result("GET", f"{ROOT}/workers/durable_objects/namespaces")
    (kept,) = api.result("GET", f"{ROOT}/workers/durable_objects/namespaces/{namespace['id']}/objects")
    assert kept["hasStoredData"] is True


def test_code_that_cannot_start_is_refused_and_the_old_one_goes_on(project: Wrangler, stage: StageCloud) -> None:
    project.write("src/index.js", "throw new Error('broken at the start'); export default {}")
    said = project.run("deploy")
    assert said.code == 1
    assert "broken at the start" in said.out + said.err
    assert stage.fetch("web", "/").json()["code"] == "one"


def test_a_worker_that_is_deleted_is_gone(project: Wrangler, api: Api) -> None:
    project.done("delete")
    assert api.result("GET", f"{ROOT}/workers/scripts") == []
    said = project.run("deployments", "list")
    assert said.code == 1
    assert "10007" in said.out + said.err
    assert not api.journal.unknown()
