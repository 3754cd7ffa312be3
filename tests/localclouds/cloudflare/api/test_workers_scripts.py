"""Workers over HTTP, as wrangler asks for them."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.api import forms
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.api.workers import ESM, HELLO, ROOT, SCRIPTS, WORKERS, deployed, made
from tests.support.cloudflare_api import Api

MODE = {"type": "plain_text", "name": "MODE", "text": "test"}
LEDGER = {"Ledger": {"type": "durable-object", "storage": "sqlite"}}
SECRETS = f"{SCRIPTS}/web/secrets"


def form(*modules: forms.Part, **metadata: Any) -> tuple[str, bytes]:
    """Return a form as wrangler writes it: metadata has no file name."""
    said = {"main_module": "index.js", "bindings": [], "compatibility_date": "2026-07-01", **metadata}
    parts = modules or (forms.Part("index.js", "index.js", ESM, HELLO.encode()),)
    type_, body = forms.write([forms.Part("metadata", "", "application/json", json.dumps(said).encode()), *parts])
    return type_, body.replace(b'; filename=""', b"", 1)


def sent(api: Api, method: str, path: str, *modules: forms.Part, **metadata: Any) -> Any:
    type_, body = form(*modules, **metadata)
    return api.result(method, path, body, content_type=type_)


def refused(api: Api, method: str, path: str, *modules: forms.Part, **metadata: Any) -> dict[str, Any]:
    type_, body = form(*modules, **metadata)
    status, answer = api.call(method, path, body, content_type=type_)
    assert status == 400
    error: dict[str, Any] = answer["errors"][0]
    return error


def put_secret(api: Api, name: str, text: str) -> Any:
    return api.result("PUT", SECRETS, {"name": name, "text": text, "type": "secret_text"})


def live_bindings(api: Api) -> dict[str, Any]:
    """Return what the newest version has, secrets too, as the runtime is given it."""
    row = api.resources.store.all(type_=t.WORKER_VERSION)[-1]
    return {one["name"]: one.get("text") for one in row.inputs["bindings"]}


def test_a_script_that_is_put_is_a_worker_with_a_version_that_is_deployed(api: Api) -> None:
    put = sent(api, "PUT", f"{SCRIPTS}/web?excludeScript=true", bindings=[MODE], tags=["a"])
    worker = api.result("GET", f"{WORKERS}/web")
    assert (put["id"], put["tag"], worker["tags"]) == ("web", worker["id"], ["a"])
    (version,) = api.result("GET", f"{WORKERS}/web/versions")
    assert (version["id"], version["bindings"]) == (put["deployment_id"], [MODE])
    (deployment,) = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]
    assert deployment["versions"] == [{"version_id": version["id"], "percentage": 100}]
    assert deployment["annotations"]["workers/triggered_by"] == "upload"
    service = api.result("GET", f"{ROOT}/workers/services/web")["default_environment"]
    assert (service["environment"], service["script"]["last_deployed_from"]) == ("production", "api")


def test_what_was_deployed_says_which_client_did_it(api: Api) -> None:
    type_, body = form()
    api.result("PUT", f"{SCRIPTS}/web", body, content_type=type_, user_agent="wrangler/4.164.0")
    (deployment,) = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]
    assert (deployment["source"], deployment["author_email"]) == ("wrangler", "deploy")


def test_a_script_that_is_refused_leaves_no_worker(api: Api) -> None:
    assert refused(api, "PUT", f"{SCRIPTS}/web", main_module="other.js")["code"] == 10021
    assert refused(api, "PUT", f"{SCRIPTS}/web", colour="blue")["message"].startswith("colour")
    assert api.result("GET", f"{ROOT}/workers/scripts") == []
    assert api.refused("GET", f"{ROOT}/workers/services/web") == (404, [10007])


@pytest.mark.parametrize(
    "metadata",
    [
        {"keep_bindings": 3},
        {"keep_bindings": "secret_text"},
        {"annotations": 3},
        {"bindings": 3},
        {"tail_consumers": ["web"]},
        {"body_part": "script"},
    ],
)
def test_metadata_of_another_form_is_refused(api: Api, metadata: dict[str, Any]) -> None:
    assert refused(api, "PUT", f"{SCRIPTS}/web", **metadata)["code"] == 10021
    assert api.result("GET", f"{ROOT}/workers/scripts") == []


def test_an_upload_does_not_touch_the_settings_of_what_runs(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web", tags=["a"])
    sent(api, "POST", f"{SCRIPTS}/web/versions", tags=["b"])
    assert api.result("GET", f"{SCRIPTS}/web/settings")["tags"] == ["a"]


def test_an_upload_of_a_version_is_not_deployed(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    annotations = {"workers/tag": "v2", "workers/message": "second"}
    uploaded = sent(api, "POST", f"{SCRIPTS}/web/versions", annotations=annotations, bindings=[MODE])
    assert len(api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]) == 1
    items = api.result("GET", f"{SCRIPTS}/web/versions?deployable=true")["items"]
    assert [one["number"] for one in items] == [2, 1]
    assert items[0] == uploaded == api.result("GET", f"{SCRIPTS}/web/versions/{uploaded['id']}")
    assert annotations.items() <= uploaded["annotations"].items()
    assert uploaded["resources"]["bindings"] == [MODE]
    assert uploaded["metadata"]["has_preview"] is False


def test_a_version_needs_its_worker(api: Api) -> None:
    type_, body = form()
    status, answer = api.call("POST", f"{SCRIPTS}/web/versions", body, content_type=type_)
    assert (status, answer["errors"][0]["code"]) == (404, 10007)


def test_a_class_is_not_born_by_an_upload(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    assert refused(api, "POST", f"{SCRIPTS}/web/versions", exports=LEDGER)["code"] == 10211
    sent(api, "PUT", f"{SCRIPTS}/web", exports=LEDGER)
    (namespace,) = api.result("GET", f"{ROOT}/workers/durable_objects/namespaces")
    assert (namespace["script"], namespace["class"], namespace["use_sqlite"]) == ("web", "Ledger", True)


def test_secrets_outlive_an_upload_and_what_is_not_there_is_not_inherited(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[MODE])
    put_secret(api, "KEY", "hush")
    sent(api, "PUT", f"{SCRIPTS}/web", keep_bindings=["secret_text", "secret_key"])
    assert live_bindings(api) == {"KEY": "hush"}
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[{"type": "inherit", "name": "KEY"}])
    assert live_bindings(api) == {"KEY": "hush"}
    error = refused(api, "PUT", f"{SCRIPTS}/web", bindings=[{"type": "inherit", "name": "OTHER"}])
    assert error["code"] == 10057
    assert error["message"].startswith("inherit binding 'OTHER' is invalid")


@pytest.mark.parametrize(
    "body", [b"", b"--x\r\n\r\nno name\r\n--x--\r\n", b'--x\r\nContent-Disposition: form-data; name="a"']
)
def test_what_is_no_form_is_refused(api: Api, body: bytes) -> None:
    status, answer = api.call("PUT", f"{SCRIPTS}/web", body, content_type="multipart/form-data; boundary=x")
    assert (status, answer["errors"][0]["code"]) == (400, 10021)


def test_a_module_of_any_bytes_arrives_as_it_was_sent(api: Api) -> None:
    strange = bytes(range(256)) + b"\r\n--\r\n\r\n"
    main = forms.Part("index.js", "index.js", ESM, HELLO.encode())
    data = forms.Part("data.bin", "data.bin", "application/octet-stream", strange)
    sent(api, "PUT", f"{SCRIPTS}/web", main, data)
    answer = api.answer("GET", f"{SCRIPTS}/web/content/v2")
    assert answer.headers["cf-entrypoint"] == "index.js"
    assert forms.read(answer.headers["content-type"], answer.content) == [main, data]


def test_a_secret_that_changes_is_a_version_that_is_deployed(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[MODE])
    assert put_secret(api, "KEY", "hush-4711") == {"name": "KEY", "type": "secret_text"}
    assert api.result("GET", SECRETS) == [{"name": "KEY", "type": "secret_text"}]
    assert live_bindings(api) == {"MODE": "test", "KEY": "hush-4711"}
    newest = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"][0]
    assert newest["annotations"] == {"workers/triggered_by": "secret"}
    assert "hush-4711" not in str(api.result("GET", f"{SCRIPTS}/web/versions"))
    api.result("DELETE", f"{SECRETS}/KEY?url_encoded=true")
    assert live_bindings(api) == {"MODE": "test"}
    assert api.refused("DELETE", f"{SECRETS}/KEY") == (404, [10056])


def test_many_secrets_change_at_once(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    put_secret(api, "OLD", "1")
    changes = {"OLD": None, "NEVER": None, "NEW": {"name": "NEW", "text": "2", "type": "secret_text"}}
    api.result("PATCH", f"{SCRIPTS}/web/secrets-bulk", {"secrets": changes})
    assert live_bindings(api) == {"NEW": "2"}
    assert len(api.result("GET", f"{SCRIPTS}/web/versions")["items"]) == 3


def test_a_secret_is_refused_while_the_latest_version_is_not_the_one_that_runs(api: Api) -> None:
    first = made(api)
    made(api, deploy=False)
    secret = {"name": "KEY", "text": "hush", "type": "secret_text"}
    assert api.refused("PUT", SECRETS, secret) == (400, [10215])
    patch = {"env": {"KEY": {"type": "secret_text", "text": "hush"}}, "annotations": {"workers/message": "later"}}
    made_of = api.result("PATCH", f"{WORKERS}/web/versions/latest", patch)
    assert live_bindings(api) == {"KEY": "hush"}
    assert made_of["annotations"] == {"workers/message": "later"}
    deployments = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]
    assert deployments[0]["versions"][0]["version_id"] == first["id"]


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ({"name": "MODE", "text": "x", "type": "secret_text"}, 10053),
        ({"name": "KEY", "text": "x", "type": "secret_key"}, 10021),
        ({"name": "KEY", "type": "secret_text"}, 10021),
        ({"name": "KEY", "text": "x" * 5121, "type": "secret_text"}, 10054),
    ],
)
def test_a_secret_that_cannot_be_changes_nothing(api: Api, secret: dict[str, Any], code: int) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[MODE])
    assert api.refused("PUT", SECRETS, secret) == (400, [code])
    assert len(api.result("GET", f"{SCRIPTS}/web/versions")["items"]) == 1


def test_a_worker_without_a_version_has_no_latest_one(api: Api) -> None:
    api.result("POST", WORKERS, {"name": "web"})
    assert api.refused("PATCH", f"{WORKERS}/web/versions/latest", {"env": {}}) == (404, [10222])
    assert api.result("GET", SECRETS) == []


def test_a_version_that_says_null_for_its_annotations_has_none(api: Api) -> None:
    made(api)
    body = {"env": {"MODE": {"type": "plain_text", "text": "a"}}, "annotations": None}
    changed = api.result("PATCH", f"{WORKERS}/web/versions/latest", body)
    assert changed["number"] == 2
    assert "workers/message" not in changed.get("annotations", {})


def test_settings_are_the_workers_and_its_versions(api: Api) -> None:
    database = api.result("POST", f"{ROOT}/d1/database", {"name": "main"})["uuid"]
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[{"type": "d1", "name": "DB", "id": database}])
    patch = {"tags": ["x"], "tail_consumers": [{"service": "web"}]}
    observed = {"observability": {"enabled": True}}
    assert patch.items() <= api.result("PATCH", f"{SCRIPTS}/web/script-settings", patch | observed).items()
    settings = api.result("GET", f"{SCRIPTS}/web/settings")
    assert settings["observability"]["enabled"] is True
    assert (settings["bindings"][0]["id"], settings["compatibility_date"]) == (database, "2026-07-01")
    assert patch.items() <= settings.items()
    assert api.refused("PATCH", f"{SCRIPTS}/web/script-settings", {"colour": "blue"}) == (400, [10021])
    assert api.result("GET", f"{ROOT}/workers/tails/by-consumer/web")[0]["producer"]["service"] == "web"


def test_a_subdomain_is_switched_on_and_off(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    path = f"{SCRIPTS}/web/subdomain"
    assert api.result("GET", path)["enabled"] is False
    assert api.result("POST", path, {"enabled": True}) == {"enabled": True, "previews_enabled": False}
    assert api.result("GET", f"{WORKERS}/web")["subdomain"] == {"enabled": True, "previews_enabled": False}
    assert api.result("GET", f"{ROOT}/workers/subdomain") == {"subdomain": "rehearsal"}


def test_a_subdomain_is_left(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    path = f"{SCRIPTS}/web/subdomain"
    api.result("POST", path, {"enabled": True, "previews_enabled": True})
    assert api.result("DELETE", path) == {"enabled": False, "previews_enabled": False}
    assert api.result("GET", path)["enabled"] is False


def patched(api: Api, **settings: Any) -> tuple[int, dict[str, Any]]:
    """Change settings as the official client does: a form with a field of that name."""
    type_, body = forms.write([forms.Part("settings", "", "application/json", json.dumps(settings).encode())])
    return api.call("PATCH", f"{SCRIPTS}/web/settings", body, content_type=type_)


def test_settings_that_change_are_a_version_that_is_deployed(api: Api) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web", bindings=[MODE])
    put_secret(api, "KEY", "hush-4711")
    other = {"type": "plain_text", "name": "OTHER", "text": "new"}
    status, answer = patched(
        api, bindings=[other, {"type": "inherit", "name": "KEY"}], tags=["a"], limits={"cpu_ms": 9}
    )
    assert status == 200
    assert (answer["result"]["tags"], answer["result"]["limits"]) == (["a"], {"cpu_ms": 9})
    assert live_bindings(api) == {"OTHER": "new", "KEY": "hush-4711"}
    assert "hush-4711" not in json.dumps(answer)
    assert len(api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]) == 3
    assert patched(api, logpush=True)[1]["result"]["logpush"] is True
    assert len(api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"]) == 3, "that is no part of a version"


@pytest.mark.parametrize(
    "settings",
    [{"main_module": "a.js"}, {"bindings": [{"type": "inherit", "name": "NONE"}]}, {"limits": {"cpu_ms": -1}}],
)
def test_settings_that_cannot_be_are_refused(api: Api, settings: dict[str, Any]) -> None:
    sent(api, "PUT", f"{SCRIPTS}/web")
    assert patched(api, **settings)[0] == 400
    assert api.call("PATCH", f"{SCRIPTS}/web/settings", {})[0] == 400
    sent(api, "POST", f"{SCRIPTS}/web/versions")
    assert patched(api, limits={"cpu_ms": 9})[1]["errors"][0]["code"] == 10215, "the newest version is not live"


def test_what_refers_to_a_worker_is_told_before_it_goes(api: Api) -> None:
    made(api, "clerk", exports=LEDGER)
    ledger = {"type": "durable_object_namespace", "name": "LEDGER", "class_name": "Ledger", "script_name": "clerk"}
    made(api, "web", {"type": "service", "name": "CLERK", "service": "clerk"}, ledger)
    assert api.result("GET", f"{SCRIPTS}/clerk/references") == {
        "services": {"incoming": [{"service": "web", "environment": "production"}]},
        "durable_objects": [{"service": "web", "durable_object_namespace_name": "clerk_Ledger"}],
    }
    assert api.refused("DELETE", f"{ROOT}/workers/services/clerk?force=false")[0] == 400
    api.result("DELETE", f"{ROOT}/workers/services/clerk?force=true")
    assert [one["id"] for one in api.result("GET", f"{ROOT}/workers/scripts")] == ["web"]


@pytest.mark.parametrize(("method", "path"), [("POST", "tails")])
def test_what_cannot_be_done_here_is_said(api: Api, method: str, path: str) -> None:
    made(api)
    _, answer = api.call(method, f"{SCRIPTS}/web/{path}", {})
    assert answer["errors"][0]["message"].startswith("the local Cloudflare does not")


def test_a_rollback_is_a_deployment_of_the_old_version(api: Api) -> None:
    first, _ = made(api), made(api)
    deployed(api, (first, 100))
    newest = api.result("GET", f"{SCRIPTS}/web/deployments")["deployments"][0]
    assert newest["versions"] == [{"version_id": first["id"], "percentage": 100}]


def test_secrets_that_are_put_side_by_side_are_all_there(api: Api) -> None:
    made(api)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda number: put_secret(api, f"KEY_{number}", "v"), range(6)))
    assert {one["name"] for one in api.result("GET", SECRETS)} == {f"KEY_{number}" for number in range(6)}


def test_a_script_has_no_id(api: Api) -> None:
    made(api)
    id_ = api.result("GET", f"{WORKERS}/web")["id"]
    assert api.refused("GET", f"{SCRIPTS}/{id_}/settings") == (404, [10007])
    assert api.refused("DELETE", f"{SCRIPTS}/{id_}") == (404, [10007])


def test_a_version_of_another_worker_is_none_whatever_its_secrets_are(api: Api) -> None:
    other = made(api, "other", {"type": "secret_text", "name": "PRIVATE", "text": "v"})
    made(api)
    body = {"strategy": "percentage", "versions": [{"version_id": other["id"], "percentage": 100}]}
    status, answer = api.call("POST", f"{SCRIPTS}/web/deployments", body)
    assert (status, answer["errors"][0]["code"]) == (400, 1000)
    assert "PRIVATE" not in str(answer)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", SECRETS, {"name": "", "text": "v", "type": "secret_text"}),
        ("PATCH", f"{SECRETS}-bulk", {"secrets": {"A": {"name": "B", "text": "v", "type": "secret_text"}}}),
        ("PATCH", f"{WORKERS}/web/versions/latest", {"env": {"A": {"name": "B", "type": "plain_text", "text": "v"}}}),
        ("POST", f"{SCRIPTS}/web/subdomain", {}),
        ("POST", f"{SCRIPTS}/web/subdomain", {"enabled": None}),
    ],
)
def test_what_says_too_little_or_two_things_is_refused(api: Api, method: str, path: str, body: Any) -> None:
    made(api)
    assert api.refused(method, path, body) == (400, [10021])


def test_a_worker_has_at_most_ten_mebibytes_after_compression(api: Api) -> None:
    noise = forms.Part("noise.bin", "noise.bin", "application/octet-stream", os.urandom(10 * 1024 * 1024))
    main = forms.Part("index.js", "index.js", ESM, HELLO.encode())
    type_, body = form(main, noise)
    status, answer = api.call("PUT", f"{SCRIPTS}/web", body, content_type=type_)
    assert (status, answer["errors"][0]["code"]) == (413, 10027)
    assert api.result("GET", SCRIPTS) == []
    sent(api, "PUT", f"{SCRIPTS}/web", main, replace(noise, content=b"x" * 11 * 1024 * 1024))
    sent(api, "PUT", f"{SCRIPTS}/web", main, replace(noise, type="application/source-map"))
