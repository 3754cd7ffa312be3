"""Static assets over HTTP, as a client uploads them without wrangler."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare import sites
from bulkhead.localclouds.cloudflare.api import forms
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.api.workers import ROOT, SCRIPTS, WORKERS, made, version
from tests.support.cloudflare_api import OTHER_ACCOUNT, Api, open_api

SESSION = f"{SCRIPTS}/web/assets-upload-session"
UPLOAD = f"{ROOT}/workers/assets/upload?base64=true"
FILES = {"/index.html": b"<p>home</p>", "/pictures/a b.png": b"\x89PNG"}


def hashed(content: bytes) -> str:
    return sha256(content).hexdigest()[:32]


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    return {path: {"hash": hashed(content), "size": len(content)} for path, content in files.items()}


def opened(api: Api, files: dict[str, bytes]) -> tuple[str, list[list[str]]]:
    session = api.result("POST", SESSION, {"manifest": manifest(files)})
    return session["jwt"], session["buckets"]


def send(api: Api, token: str, *contents: bytes, type_: str = "text/html; charset=utf-8", path: str = UPLOAD) -> Any:
    parts = [forms.Part(hashed(one), hashed(one), type_, b64encode(one)) for one in contents]
    content_type, body = forms.write(parts)
    return api.call("POST", path, body, token=token, content_type=content_type)


def uploaded(api: Api, files: dict[str, bytes]) -> str:
    token, buckets = opened(api, files)
    if buckets:
        status, answer = send(api, token, *files.values())
        assert status == 201
        token = answer["result"]["jwt"]
    return token


def put(api: Api, code: str | None = None, **metadata: Any) -> tuple[int, dict[str, Any]]:
    """Upload the Worker "web"."""
    main = {"main_module": "index.js"} if code else {}
    said = {"compatibility_date": "2026-07-01", **main, **metadata}
    parts = [forms.Part("metadata", "", "application/json", json.dumps(said).encode())]
    parts += [forms.Part("index.js", "index.js", "application/javascript+module", code.encode())] if code else []
    content_type, body = forms.write(parts)
    return api.call("PUT", f"{SCRIPTS}/web", body.replace(b'; filename=""', b"", 1), content_type=content_type)


def site(api: Api) -> tuple[Path, dict[str, str | None]]:
    """Return the files of the newest version and their types."""
    row = api.resources.store.all(type_=t.WORKER_VERSION)[-1]
    folder = sites.directory(Uploads(api.folder / "staging"), row.inputs["assets"]["assetManifestSha256"])
    return folder, json.loads(folder.with_name(f"{folder.name}.json").read_text())


def test_what_was_uploaded_is_served_as_it_was_sent(api: Api) -> None:
    token, buckets = opened(api, FILES)
    header, payload, _ = token.split(".")
    assert json.loads(b64decode(f"{header}=="))["typ"] == "JWT"
    told = json.loads(b64decode(f"{payload}=="))
    assert told["exp"] - told["iat"] == 3600
    assert sorted(hash_ for bucket in buckets for hash_ in bucket) == sorted(map(hashed, FILES.values()))
    status, answer = send(api, token, FILES["/index.html"])
    assert (status, answer["result"]) == (202, {}), "a file is missing yet"
    assert put(api, assets={"jwt": token})[1]["errors"][0]["message"].startswith("assets.jwt: 1 files")
    status, answer = send(api, token, FILES["/pictures/a b.png"], type_="application/null")
    assert status == 201
    assert put(api, assets={"jwt": answer["result"]["jwt"]})[0] == 200
    folder, types = site(api)
    assert {f"/{one.relative_to(folder)}": one.read_bytes() for one in folder.rglob("*") if one.is_file()} == FILES
    assert types == {"index.html": "text/html; charset=utf-8", "pictures/a b.png": None}
    assert opened(api, FILES)[1] == [], "what is known is not asked for again"
    assert put(api, assets={"jwt": opened(api, FILES)[0]})[0] == 200


def test_assets_of_a_version_are_shown_and_may_be_kept(api: Api) -> None:
    config = {"html_handling": "none", "run_worker_first": ["/api/*", "!/api/docs"], "_headers": "/*\n  A: b"}
    code = "export default {}"
    assert put(api, code, assets={"jwt": uploaded(api, FILES), "config": config})[0] == 200
    shown = api.result("GET", f"{WORKERS}/web/versions")[0]["assets"]
    assert shown == {"config": {"html_handling": "none", "run_worker_first": ["/api/*", "!/api/docs"]}}
    (before, _) = site(api)
    assert (before / "_headers").read_text() == "/*\n  A: b"
    assert put(api, code, keep_assets=True)[0] == 200
    assert site(api)[0] == before
    assert put(api, code)[0] == 200
    assert "assets" not in api.result("GET", f"{WORKERS}/web/versions")[0], "who does not keep them has none"


def test_the_other_api_of_versions_takes_them_as_well(api: Api) -> None:
    made(api)
    body = version(assets={"jwt": uploaded(api, FILES), "config": {"not_found_handling": "404-page"}})
    uploaded_version = api.result("POST", f"{WORKERS}/web/versions", body)
    assert uploaded_version["assets"] == {"config": {"not_found_handling": "404-page"}}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/../outside", "not the path"),
        ("/a/../../outside", "not the path"),
        ("index.html", "not the path"),
        ("/", "not the path"),
        ("/a//b", "not the path"),
        ("/a\0b", "not the path"),
        (f"/{'a' * 256}", "not the path"),
        ("/_headers", "not the path"),
        ("/.assetsignore", "not the path"),
        ("/index.html/below", "is below a file"),
    ],
)
def test_a_path_that_is_no_file_is_refused(api: Api, path: str, said: str) -> None:
    status, answer = api.call("POST", SESSION, {"manifest": manifest(FILES | {path: b""})})
    assert status == 400
    assert any(said in error["message"] for error in answer["errors"]), answer["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"manifest": []},
        {"manifest": {"/a": {"hash": "x" * 32, "size": 1}}},
        {"manifest": {"/a": {"hash": "../../etc/passwd", "size": 1}}},
        {"manifest": {"/a": {"hash": "0" * 32, "size": 26_214_401}}},
        {"manifest": {"/a": {"hash": "0" * 32, "size": True}}},
        {"manifest": {"/a": {"hash": "0" * 32}}},
        {"manifest": {f"/{number}": {"hash": "0" * 32, "size": 0} for number in range(20_001)}},
    ],
)
def test_a_manifest_that_is_none_is_refused(api: Api, body: Any) -> None:
    assert api.refused("POST", SESSION, body)[0] == 400


def test_only_the_token_of_a_session_sends_its_files(api: Api) -> None:
    token, _ = opened(api, FILES)
    assert send(api, "staging-token", *FILES.values())[0] == 403, "the token of the API is none of a session"
    assert send(api, token, b"something else")[0] == 400
    assert send(api, token, *FILES.values(), path=UPLOAD.replace("true", "false"))[0] == 400
    assert send(api, token, *FILES.values(), path=UPLOAD.replace(ROOT, f"/accounts/{OTHER_ACCOUNT}"))[0] == 403
    wrong = manifest(FILES)
    wrong["/index.html"]["size"] = 3
    token = api.result("POST", SESSION, {"manifest": wrong})["jwt"]
    assert "bytes" in send(api, token, FILES["/index.html"])[1]["errors"][0]["message"]


def test_a_session_ends_after_an_hour(tmp_path: Path) -> None:
    now = [1_000_000.0]
    api = open_api(tmp_path, clock=lambda: now[0])
    token = uploaded(api, FILES)
    now[0] += 3599
    assert put(api, assets={"jwt": token})[0] == 200
    now[0] += 2
    assert put(api, assets={"jwt": token})[0] == 403
    assert send(api, token, *FILES.values())[0] == 403
    api.journal.close()
    api.resources.store.close()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"html_handling": "sometimes"}, "html_handling: must be one of"),
        ({"not_found_handling": True}, "not_found_handling: must be one of"),
        ({"run_worker_first": "always"}, "run_worker_first: must be true, false or a list"),
        ({"run_worker_first": ["!/a"]}, "at least one rule must begin with /"),
        ({"run_worker_first": ["/a", "b"]}, "must begin with / or !/"),
        ({"run_worker_first": ["/a", "/a"]}, "more than once"),
        ({"run_worker_first": ["/a/*", "/a/b"]}, "/a/b says nothing that /a/* does not"),
        ({"run_worker_first": [f"/{'a' * 100}"]}, "more than 100 characters"),
        ({"run_worker_first": [f"/{number}" for number in range(101)]}, "at most 100"),
        ({"base_path": "/app"}, "from / only"),
        ({"_headers": 1}, "_headers: must be the text"),
        ({"compression": True}, "compression: the local Cloudflare knows no such setting"),
        ([], "assets.config: must be an object"),
    ],
)
def test_settings_of_assets_that_cannot_be_are_refused(api: Api, config: Any, said: str) -> None:
    status, answer = put(api, "export default {}", assets={"jwt": uploaded(api, FILES), "config": config or [0]})
    assert status == 400
    assert answer["errors"][0]["code"] == 10021
    assert any(said in error["message"] for error in answer["errors"]), answer["errors"]


def test_assets_are_named_by_a_session_and_bound_where_there_are_some(api: Api) -> None:
    wrong: tuple[Any, ...] = ({"directory": "public"}, {"config": {}}, "public", {"jwt": 1})
    for assets in wrong:
        assert put(api, "export default {}", assets=assets)[0] == 400
    binding = [{"type": "assets", "name": "ASSETS"}]
    assert "has none" in put(api, "export default {}", bindings=binding)[1]["errors"][0]["message"]
    assert put(api)[1]["errors"][0]["message"].endswith("required property is missing")
    assert put(api, "export default {}", bindings=binding, assets={"jwt": uploaded(api, FILES)})[0] == 200
