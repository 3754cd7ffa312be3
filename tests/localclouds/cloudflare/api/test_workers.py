"""Workers over HTTP, as the provider's plugin asks for them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.cloudflare.api import workers, workers_versions
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers.cloudflare_remote import CloudflareRemote, VersionRemote
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.api.workers import ESM, HELLO, ROOT, SCRIPTS, WORKERS, deployed, made, version
from tests.support.cloudflare_api import ACCOUNT, TOKEN, ZONE, Api

SECRET = {"type": "secret_text", "name": "KEY", "text": "hush-4711"}
DOMAINS = f"{ROOT}/workers/domains"
MODULE = {"name": "index.js", "content_type": ESM}


def test_the_life_of_a_worker_by_its_id_and_by_its_name(api: Api) -> None:
    worker = api.result("POST", WORKERS, {"name": "web", "tags": ["shop"]})
    assert [api.result("GET", f"{WORKERS}/{reference}") for reference in (worker["id"], "web")] == [worker, worker]
    changed = api.result("PATCH", f"{WORKERS}/web", {"subdomain": {"enabled": True}})
    assert (changed["tags"], changed["subdomain"]["enabled"]) == (["shop"], True)
    assert api.result("PUT", f"{WORKERS}/{worker['id']}", {"name": "web"})["tags"] == []
    api.result("DELETE", f"{WORKERS}/web")
    assert api.refused("GET", f"{WORKERS}/web") == (404, [10007])


def test_a_worker_that_others_call_goes_only_by_force(api: Api) -> None:
    made(api, "clerk")
    made(api, "web", {"type": "service", "name": "CLERK", "service": "clerk"})
    assert api.refused("DELETE", f"{WORKERS}/clerk")[0] == 400
    api.result("DELETE", f"{WORKERS}/clerk?force=true")
    assert api.refused("GET", f"{WORKERS}/clerk")[0] == 404


def test_a_store_that_a_worker_uses_does_not_go_by_force(api: Api) -> None:
    namespace = api.result("POST", f"{ROOT}/storage/kv/namespaces", {"title": "sessions"})["id"]
    made(api, "web", {"type": "kv_namespace", "name": "KV", "namespace_id": namespace})
    assert api.refused("DELETE", f"{ROOT}/storage/kv/namespaces/{namespace}?force=true")[0] == 400


def test_a_module_is_kept_as_a_file_and_answered_only_when_asked_for(api: Api) -> None:
    uploaded = made(api)
    assert "modules" not in uploaded
    row = api.resources.store.get(t.WORKER_VERSION, uploaded["id"])
    assert row is not None
    assert base64.b64encode(HELLO.encode()).decode() not in str(row)
    path = f"{WORKERS}/web/versions/{uploaded['id']}"
    assert api.result("GET", path) == uploaded
    (module,) = api.result("GET", f"{path}?include=modules")["modules"]
    assert (module["name"], module["content_type"]) == ("index.js", ESM)
    assert base64.b64decode(module["content_base64"]).decode() == HELLO


def test_a_secret_is_in_no_answer(api: Api) -> None:
    uploaded = made(api, "web", SECRET, {"type": "json", "name": "FLAGS", "json": {"beta": True}})
    everything = [
        uploaded,
        api.result("GET", f"{WORKERS}/web/versions"),
        api.result("GET", f"{WORKERS}/web/versions/{uploaded['id']}"),
    ]
    assert "hush-4711" not in str(everything)
    assert uploaded["bindings"] == [
        {"type": "secret_text", "name": "KEY"},
        {"type": "json", "name": "FLAGS", "json": {"beta": True}},
    ]


def test_a_database_is_named_as_it_was_asked_for(api: Api) -> None:
    database = api.result("POST", f"{ROOT}/d1/database", {"name": "main"})["uuid"]
    bindings = [{"type": "d1", "name": "A", "id": database}, {"type": "d1", "name": "B", "database_id": database}]
    uploaded = made(api, "web", *bindings)
    assert uploaded["bindings"] == [{**bindings[0], "database_id": database}, bindings[1]]


def test_a_worker_is_answered_with_all_that_the_api_assumes(api: Api) -> None:
    worker = api.result("POST", WORKERS, {"name": "web", "observability": {"logs": {"enabled": True}}})
    assert worker["observability"]["logs"] == {
        "destinations": [],
        "enabled": True,
        "head_sampling_rate": 1,
        "invocation_logs": True,
        "persist": True,
    }
    assert (worker["tags"], worker["tail_consumers"]) == ([], [])


def test_versions_are_numbered_and_listed_newest_first(api: Api) -> None:
    first, second = made(api), made(api)
    assert (first["number"], second["number"]) == (1, 2)
    assert [one["id"] for one in api.result("GET", f"{WORKERS}/web/versions")] == [second["id"], first["id"]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"main_module": "other.js"}, 10021),
        ({"compatibility_date": "soon"}, 10021),
        ({"colour": "blue"}, 1000),
        ({"bindings": [{"type": "d1", "name": "DB", "id": "nowhere"}]}, 10181),
        ({"bindings": [{"type": "inherit", "name": "KEY"}]}, 10057),
        ({"modules": [{"name": "index.js", "content_type": ESM, "content_base64": "?"}]}, 10021),
        ({"exports": {"Room": {"type": "durable-object", "storage": "sqlite"}}}, 10211),
    ],
)
def test_an_upload_that_cannot_be_leaves_nothing(api: Api, change: dict[str, Any], code: int) -> None:
    api.result("POST", WORKERS, {"name": "web"})
    assert api.refused("POST", f"{WORKERS}/web/versions", {**version(), **change}) == (400, [code])
    assert api.result("GET", f"{WORKERS}/web/versions") == []


def test_an_inherited_binding_is_that_of_the_version_before(api: Api) -> None:
    made(api, "web", SECRET)
    made(api, "web", {"type": "inherit", "name": "TOKEN", "old_name": "KEY"})
    row = api.resources.store.all(type_=t.WORKER_VERSION)[-1]
    assert row.inputs["bindings"] == [{"type": "secret_text", "name": "TOKEN", "text": "hush-4711"}]


def test_deployments_are_listed_newest_first_with_those_of_the_versions_themselves(api: Api) -> None:
    first, second = made(api), made(api, deploy=False)
    deployment = deployed(api, (second, 100))
    listed = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]
    assert [one["versions"] for one in listed] == [
        [{"version_id": second["id"], "percentage": 100}],
        [{"version_id": first["id"], "percentage": 100}],
    ]
    assert listed[0] == deployment == api.result("GET", f"{SCRIPTS}/web/deployments/{deployment['id']}")
    assert (listed[0]["author_email"], listed[0]["source"]) == ("deploy", "api")
    assert api.result("GET", f"{SCRIPTS}/web/deployments/{listed[1]['id']}") == listed[1]


def test_a_deployment_must_add_up_and_name_versions_of_the_worker(api: Api) -> None:
    mine, foreign = made(api), made(api, "other")
    for shares in ([(mine, 90)], [(foreign, 100)]):
        versions = [{"version_id": one["id"], "percentage": share} for one, share in shares]
        assert (
            api.refused("POST", f"{SCRIPTS}/web/deployments", {"strategy": "percentage", "versions": versions})[0]
            == 400
        )
    assert api.refused("POST", f"{SCRIPTS}/none/deployments", {"strategy": "percentage", "versions": []}) == (
        404,
        [10007],
    )


def test_going_back_behind_a_change_of_secrets_needs_force(api: Api) -> None:
    first = made(api, "web", SECRET)
    made(api, "web", {**SECRET, "text": "new"})
    body = {"strategy": "percentage", "versions": [{"version_id": first["id"], "percentage": 100}]}
    _, answer = api.call("POST", f"{SCRIPTS}/web/deployments", body)
    assert answer["errors"][0]["code"] == 10220
    assert answer["errors"][0]["message"].endswith("The following secrets have changed: KEY")
    deployed(api, (first, 100), force=True)


def test_schedules_are_written_over_as_a_whole(api: Api) -> None:
    made(api)
    path = f"{SCRIPTS}/web/schedules"
    assert api.result("GET", path) == {"schedules": []}
    api.result("PUT", path, [{"cron": "0 * * * *"}, {"cron": "1 * * * *"}])
    first = api.result("GET", path)["schedules"][1]
    assert api.result("PUT", path, [{"cron": "1 * * * *"}]) == {"schedules": [first]}
    assert api.refused("PUT", path, [{"cron": "hourly"}])[0] == 400
    assert api.refused("PUT", path, {"cron": "1 * * * *"})[0] == 400
    assert api.result("PUT", path, []) == {"schedules": []}
    assert api.refused("PUT", f"{SCRIPTS}/none/schedules", []) == (404, [10007])


def test_a_hostname_leads_to_another_worker_only_where_that_is_said(api: Api) -> None:
    made(api, "web")
    made(api, "shop")
    body: dict[str, Any] = {"hostname": "www.example.com", "zone_id": ZONE}
    first = api.result("PUT", DOMAINS, {"hostname": "www.example.com", "service": "web"})
    assert (first["zone_id"], first["environment"]) == (ZONE, "production")
    assert api.refused("PUT", DOMAINS, {**body, "service": "shop"}) == (409, [100116])
    second = api.result("PUT", DOMAINS, {**body, "service": "shop", "override_existing_origin": True})
    assert (first["id"], second["service"]) == (second["id"], "shop")
    assert api.result("GET", f"{DOMAINS}/{second['id']}") == second
    assert api.result("GET", f"{DOMAINS}?service=web") == []
    assert api.refused("PUT", DOMAINS, {**body, "service": "none"})[1] == [10007]
    for elsewhere in ({"zone_id": "b" * 32}, {"hostname": "www.example.org"}, {"hostname": "notexample.com"}):
        assert api.refused("PUT", DOMAINS, {**body, "service": "web", **elsewhere})[0] == 400
    api.result("DELETE", f"{DOMAINS}/{second['id']}")
    assert api.result("GET", DOMAINS) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{WORKERS}/web/versions", {}),
        ("POST", f"{WORKERS}/web/versions", version(bindings="none")),
        ("POST", f"{WORKERS}/web/versions", version(bindings=["KEY"])),
        ("POST", f"{WORKERS}/web/versions", version(bindings=[{"name": "KEY"}])),
        ("POST", f"{WORKERS}/web/versions", version(bindings=[{"type": "json", "name": "KEY"}])),
        ("POST", f"{WORKERS}/web/versions", version(modules="none")),
        ("POST", f"{WORKERS}/web/versions", version(modules=[{}])),
        ("POST", f"{WORKERS}/web/versions", version(modules=[{**MODULE, "content_file": __file__}])),
        ("POST", f"{WORKERS}/web/versions", version(modules=[{**MODULE, "content_base64": "", "content_sha256": "x"}])),
        ("POST", f"{WORKERS}/web/versions", version(annotations=3)),
        ("POST", f"{WORKERS}/web/versions", version(exports=["Room"])),
        ("POST", f"{WORKERS}/web/versions", version(exports={"Room": {}})),
        ("PATCH", f"{WORKERS}/web/versions/latest", {"env": "none"}),
        ("PATCH", f"{WORKERS}/web/versions/latest", {"env": {"KEY": "text"}}),
        ("PATCH", f"{WORKERS}/web/versions/latest", {"env": {"KEY": {"text": "no type"}}}),
        ("PATCH", f"{WORKERS}/web/versions/latest", {"env": {}, "annotations": 3}),
        ("PATCH", f"{WORKERS}/web", {"tags": "none"}),
        ("PATCH", f"{SCRIPTS}/web/secrets-bulk", {"secrets": {"KEY": "text"}}),
        ("PATCH", f"{SCRIPTS}/web/script-settings", {"tail_consumers": ["web"]}),
        ("POST", f"{SCRIPTS}/web/subdomain", {"enabled": "yes"}),
        ("POST", f"{SCRIPTS}/web/deployments", {"strategy": "percentage", "versions": [{}]}),
        ("POST", f"{SCRIPTS}/web/deployments", {}),
        ("PUT", f"{SCRIPTS}/web/schedules", ["0 * * * *"]),
        ("PUT", DOMAINS, {"hostname": "www.example.com"}),
    ],
)
def test_a_body_of_another_form_is_refused_and_changes_nothing(api: Api, method: str, path: str, body: Any) -> None:
    before = made(api)
    status, codes = api.refused(method, path, body)
    assert (status, 10001 in codes) == (400, False)
    assert api.result("GET", f"{WORKERS}/web/versions") == [before]


# As the provider asks


class Plugin(httpx.BaseTransport):
    """Asks as the provider of a type asks."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.caller = Caller("staging", "cloudflare", {"apiToken": TOKEN})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix(PREFIX)
        answer = self._api.answer(request.method, path, request.read(), user_agent=request.headers["user-agent"])
        return httpx.Response(answer.status_code, content=answer.content)

    def of(self, endpoint: Endpoint) -> CloudflareRemote:
        kind = VersionRemote if endpoint is workers_versions.VERSION else CloudflareRemote
        return kind(endpoint, lambda token: Rest(CLOUDFLARE, token, self))


def test_a_version_is_read_back_as_it_was_given(api: Api, tmp_path: Path) -> None:
    plugin = Plugin(api)
    worker = plugin.of(workers.WORKER).create(plugin.caller, {"accountId": ACCOUNT, "name": "web"})
    (tmp_path / "index.js").write_text(HELLO)
    module = {"name": "index.js", "contentType": ESM, "contentFile": str(tmp_path / "index.js"), "contentSha256": "x"}
    inputs = {
        "accountId": ACCOUNT,
        "workerId": worker.id,
        "mainModule": "index.js",
        "modules": [module],
        "compatibilityDate": "2026-07-01",
        "bindings": [SECRET, {"type": "json", "name": "FLAGS", "json": '{"a":  1}'}],
        "deploy": True,
    }
    versions = plugin.of(workers_versions.VERSION)
    record = versions.create(plugin.caller, inputs)
    assert inputs.items() <= record.outputs.items()
    read = versions.read(plugin.caller, record.id, record.outputs, inputs)
    assert read is not None
    assert (read.inputs, read.outputs) == (inputs, record.outputs)
    imported = versions.read(plugin.caller, f"{ACCOUNT}/{worker.id}/{record.id}", {}, {})
    assert imported is not None
    assert imported.inputs["bindings"][1]["json"] == '{"a": 1}'
    assert "hush-4711" not in str(imported)


def test_schedules_and_hostnames_are_read_back_as_they_were_given(api: Api) -> None:
    plugin = Plugin(api)
    made(api)
    schedules = {"accountId": ACCOUNT, "scriptName": "web", "schedules": [{"cron": "0 * * * *"}]}
    domain = {"accountId": ACCOUNT, "hostname": "www.example.com", "service": "web", "zoneId": ZONE}
    for endpoint, inputs in ((workers.SCHEDULES, schedules), (workers.DOMAIN, domain)):
        kind = plugin.of(endpoint)
        record = kind.create(plugin.caller, inputs)
        read = kind.read(plugin.caller, record.id, record.outputs, inputs)
        assert read is not None
        assert (read.inputs, read.outputs) == (inputs, record.outputs)


def test_a_worker_is_deleted_by_force_where_the_program_says_so(api: Api) -> None:
    plugin = Plugin(api)
    kind = plugin.of(workers.WORKER)
    for name, force in (("gentle", False), ("brute", True)):
        record = kind.create(plugin.caller, {"accountId": ACCOUNT, "name": name, "force": force})
        made(api, f"needs-{name}")
        made(api, name)
        made(api, f"needs-{name}", {"type": "service", "name": "OTHER", "service": name})
        if force:
            kind.delete(plugin.caller, record.id, record.outputs)
        else:
            with pytest.raises(ApiRefusal, match="refers to it"):
                kind.delete(plugin.caller, record.id, record.outputs)


def test_what_is_over_a_limit_is_refused_with_cloudflares_codes(api: Api) -> None:
    made(api)
    secret = {"type": "secret_text", "name": "KEY"}
    put = ("PUT", f"{SCRIPTS}/web/secrets")
    assert api.result(*put, {**secret, "text": "x" * 5120})
    assert api.refused(*put, {**secret, "text": "x" * 5121}) == (400, [10054])
    many = [{"type": "plain_text", "name": f"V{number}", "text": ""} for number in range(129)]
    assert api.refused("POST", f"{WORKERS}/web/versions", version(HELLO, *many)) == (400, [10055])
    late = {**version(), "compatibility_date": "2099-01-01"}
    assert api.refused("POST", f"{WORKERS}/web/versions", late) == (400, [10021])
    for cron in ("61 * * * *", "0 0 * * 0", "@daily"):
        assert api.refused("PUT", f"{SCRIPTS}/web/schedules", [{"cron": cron}]) == (400, [10100])
