"""What tests upload to the API over recorded resources."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.cloudflare_api import ACCOUNT, Api

ROOT = f"/accounts/{ACCOUNT}"
WORKERS = f"{ROOT}/workers/workers"
SCRIPTS = f"{ROOT}/workers/scripts"
ESM = "application/javascript+module"
HELLO = "export default { fetch: () => new Response('hello') }"


def version(code: str = HELLO, *bindings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the body of an upload."""
    content = base64.b64encode(code.encode()).decode()
    return {
        "main_module": "index.js",
        "modules": [{"name": "index.js", "content_type": ESM, "content_base64": content}],
        "compatibility_date": "2026-07-01",
        "bindings": list(bindings),
        **more,
    }


def made(api: Api, name: str = "web", *bindings: dict[str, Any], deploy: bool = True, **more: Any) -> dict[str, Any]:
    """Make a Worker of this name if there is none, and a version of it; return the version."""
    if api.call("GET", f"{WORKERS}/{name}")[0] == 404:
        api.result("POST", WORKERS, {"name": name})
    query = "?deploy=true" if deploy else ""
    uploaded: dict[str, Any] = api.result(
        "POST", f"{WORKERS}/{name}/versions{query}", version(HELLO, *bindings, **more)
    )
    return uploaded


def deployed(api: Api, *shares: tuple[dict[str, Any], float], name: str = "web", force: bool = False) -> dict[str, Any]:
    """Deploy versions."""
    versions = [{"version_id": one["id"], "percentage": share} for one, share in shares]
    query = "?force=true" if force else ""
    body = {"strategy": "percentage", "versions": versions}
    deployment: dict[str, Any] = api.result("POST", f"{SCRIPTS}/{name}/deployments{query}", body)
    return deployment
