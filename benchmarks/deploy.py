"""What a deployment of an unchanged stage takes beside the engine: the checks before it, the gate, plan and journal.

The engine answers at once, with what it says of an unchanged staging of ours; so does the bucket. Everything else is
the command's own, started as a shell starts it: Python and its imports, the TypeScript compiler that reads the Workers'
code, git, and calls of the local Cloudflare over HTTP.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.children import timed
from benchmarks.harness import Benchmark, Samples, Way
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.migrations import files
from bulkhead.delivery.migrations import run as migrations
from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.machine.node import find_node
from bulkhead.model.project import ROOT
from bulkhead.preview import waivers
from bulkhead.resources import types as t
from infra.product import PRODUCT

ALONE: Final = "deploy of an unchanged staging, beside the engine"
PROCESSOR: Final = "processor time of it, and of what it starts"
_TOKEN: Final = "a-token"  # noqa: S105 - of the local Cloudflare
_STAGE: Final = "staging"
_COMMAND: Final = """
import os
from pathlib import Path
os.environ.update({environment!r})
from bulkhead.model import project
project.ROOT = Path({checkout!r})
from bulkhead.cli.main import main
from bulkhead.clients import clouds
from bulkhead.clients.endpoints import CLOUDFLARE, Apis
from tests.support.memory_s3 import MemoryS3
s3 = MemoryS3()
clouds.aws = lambda settings, profile: lambda service: s3
arguments = ["deploy", "staging", "--base", "main", "--yes", "staging"]
assert main(arguments, Apis(cloudflare=CLOUDFLARE.at({url!r}))) == 0
assert not [key for key in s3.there if "lease" not in key], "something was to be done"
"""


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    """Raises Failed when the command fails, or finds something to do."""
    from tests.support.cloudflare_api import open_api  # noqa: PLC0415 (imports the SDKs' types)
    from tests.support.fake_pulumi import FakePulumi  # noqa: PLC0415
    from tests.support.released import Released  # noqa: PLC0415
    from tests.support.settings_fixture import make_settings  # noqa: PLC0415
    from tests.support.sqlite_stage import SqliteStage  # noqa: PLC0415

    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        account, checkout = make_settings(_STAGE).cloudflare.account_id, folder / "checkout"
        _checkout(checkout)
        stage = SqliteStage(folder)
        tenant = Tenant(_STAGE, account, {}, "acme/harbor", {"cloudflare": {_TOKEN: "somebody"}})
        api = open_api(folder, tenant, stage=lambda _environment: stage)
        ending.callback(api.journal.close)
        ending.callback(api.resources.store.close)
        server = ApiServer(api.app)
        ending.callback(server.stop)
        client = ending.enter_context(Rest(CLOUDFLARE.at(f"{server.url}{PREFIX}"), _TOKEN))
        released = Released(api, client, account)
        released.release("a" * 12, *(worker.name for worker in PRODUCT.workers))
        for database in PRODUCT.databases:
            known = files.read(checkout / str(database.migrations))
            there = released.database()
            migrations.apply(there, migrations.planned(there, known, "", ""))
        pulumi = FakePulumi(folder / "pulumi", _TOKEN)
        _stands(pulumi, released)
        tools = [str(pulumi.bin), str(Path(find_node().path).parent), os.environ["PATH"]]
        environment = {
            "PATH": os.pathsep.join(tools),
            "BULKHEAD_CACHE": str(folder / "cache"),
            "CF_ACCESS_CLIENT_ID": "an-id",
            "CF_ACCESS_CLIENT_SECRET": "a-key",
        }
        command = _COMMAND.format(environment=environment, checkout=str(checkout), url=f"{server.url}{PREFIX}")

        def unchanged() -> Samples:
            once = timed(command)
            return {ALONE: once.wall, PROCESSOR: once.processor}

        yield [unchanged]


def _checkout(root: Path) -> None:
    """Make a checkout of the product, built and with its secrets stored."""
    from tests.support.settings_fixture import write_stage_files  # noqa: PLC0415 (imports the SDKs' types)
    from tests.support.stored_secrets import store_secrets  # noqa: PLC0415

    for name in ("policies", "docs/ops"):
        (root / name).mkdir(parents=True)
    shutil.copytree(ROOT / "worker", root / "worker", ignore=shutil.ignore_patterns("node_modules"), symlinks=True)
    (root / "worker" / "node_modules").symlink_to(ROOT / "worker" / "node_modules")
    (root / ".gitignore").write_text("node_modules\ndist\n", encoding="utf-8")
    (root / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n", encoding="utf-8")
    (root / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n", encoding="utf-8")
    (root / waivers.PATH).write_text("waivers: []\n", encoding="utf-8")
    write_stage_files(root, [_STAGE])
    store_secrets(root, _STAGE, PRODUCT)
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid"]
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


def _stands(pulumi: Any, released: Any) -> None:
    """Let the engine's state be that of the whole stage, with the versions that are live, and its preview say that
    nothing changes."""
    from tests.preview.made import Preview  # noqa: PLC0415 (imports the SDKs' types)
    from tests.support.stages import rendered_stage  # noqa: PLC0415
    from tests.support.state import state_of  # noqa: PLC0415

    live = {released.script(worker): id_ for (worker, _), id_ in released.ids.items()}
    resources = state_of(rendered_stage("first", _STAGE), _STAGE)
    scripts = {each["id"]: each["outputs"]["name"] for each in resources if each["type"] == t.WORKER}
    preview = Preview(_STAGE)
    for each in resources[1:]:
        if each["type"] == t.WORKER_VERSION:
            each["id"] = live[scripts[each["inputs"]["workerId"]]]
        preview.same(each["type"], each["urn"].rpartition("::")[2], each.get("inputs"), custom=each["custom"])
    pulumi.holds(resources)
    pulumi.previews(preview.text, fine=True)


BENCHMARK: Final = Benchmark(ways, rounds=5, limits={ALONE: 10.0})
