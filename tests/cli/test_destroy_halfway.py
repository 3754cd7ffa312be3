"""`bulkhead destroy` when a stage is half made or half gone: it says what is gone, and how to go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from bulkhead.cli.console import Console
from bulkhead.engine.stack import StackCli
from bulkhead.model.faults import Fault, Refused
from tests.support.fake_pulumi import FakePulumi
from tests.support.s3 import InProcessS3
from tests.support.standing import TRANSCRIPTS, UNTOUCHED, Destroy, objects

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_stage_that_never_came_up_whole_is_emptied_and_destroyed(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    pulumi.holds([one for one in state if one["type"] == "cloudflare:index/r2Bucket:R2Bucket"])
    code, out, err = destroy("staging", "--yes", "staging")
    assert (code, err) == (0, "")
    assert "staging is destroyed." in out
    assert objects(standing) == {**UNTOUCHED, TRANSCRIPTS: 0}


def test_what_is_protected_is_refused_while_the_buckets_are_full(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    pulumi.holds([{**one, "protect": True} for one in state])
    code, _, err = destroy("staging", "--yes", "staging")
    assert code == 1
    assert "pulumi state unprotect" in err
    assert objects(standing) == UNTOUCHED


def test_an_engine_that_fails_leaves_a_way_to_go_on(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, state: list[dict[str, Any]]
) -> None:
    left = [one for one in state if one["type"] == "cloudflare:index/r2Bucket:R2Bucket"]
    deployment = {"version": 3, "deployment": {"resources": left}}
    (pulumi.folder / "left.json").write_text(json.dumps(deployment))
    pulumi.destroys("cp left.json state.json; echo 'error: the bucket is not empty' >&2; exit 255")
    code, out, err = destroy("staging", "--yes", "staging", "--profile", "harbor")
    assert code == 1
    assert "staging is not destroyed yet." in err
    assert "error: the bucket is not empty" in err
    assert f"what was in {TRANSCRIPTS} (2 versions, 0 delete markers, 0 unfinished uploads)" in err
    resources = sum(bool(one.get("custom")) and not one["type"].startswith("pulumi:") for one in state)
    assert f"{resources - 1} of {resources} resources" in err
    assert "fix: bulkhead destroy staging --profile harbor" in err
    assert "staging is destroyed." not in out
    pulumi.destroys("cp empty.json state.json")
    code, out, _ = destroy("staging", "--yes", "staging")
    assert code == 0
    assert "staging is destroyed." in out


def test_a_service_that_keeps_something_back_ends_it_before_the_engine_begins(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: Any, **__: Any) -> None:
        raise Refused("still holds 1 keys", [Fault("s3://vault/backup", "AccessDenied", "wait")])

    monkeypatch.setattr("bulkhead.operations.destroy.empty_bucket", held)
    code, _, err = destroy("staging", "--yes", "staging")
    assert code == 1
    assert "staging is not destroyed yet. still holds 1 keys" in err
    assert "Gone already: 0 of" in err
    assert not any("destroy" in asked for asked in pulumi.asked)


def test_a_bucket_that_may_not_be_counted_is_said_plainly(destroy: Destroy, standing: InProcessS3) -> None:
    with Stubber(standing.client) as stubber:
        stubber.add_client_error("list_objects_v2", "AccessDenied", "not with this token")
        code, _, err = destroy("staging", "--yes", "staging")
    assert code == 1
    assert "refused while counting" in err
    assert "AccessDenied: not with this token" in err
    assert objects(standing) == UNTOUCHED


def test_an_interruption_says_what_is_gone_and_how_to_go_on(
    destroy: Destroy, pulumi: FakePulumi, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: StackCli, on_line: Any) -> None:
        pulumi.holds([])
        raise KeyboardInterrupt

    monkeypatch.setattr(StackCli, "destroy", interrupted)
    code, out, err = destroy("staging", "--yes", "staging")
    assert code == 130
    assert "staging is not destroyed yet. Gone already: what was in harbor-staging-r2-transcripts (2 versions" in out
    assert "go on with: bulkhead destroy staging\n" in out
    assert err == "Interrupted.\n"


def test_an_interruption_before_anything_is_gone_claims_nothing(
    destroy: Destroy, standing: InProcessS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Console, "confirm", interrupted)
    code, out, _ = destroy("staging")
    assert (code, out) == (130, "")
    assert objects(standing) == UNTOUCHED


@pytest.mark.slow
def test_a_real_ctrl_c_waits_for_the_engines_step(
    checkout: Path, pulumi: FakePulumi, state: list[dict[str, Any]]
) -> None:
    """With only a database in the stage no cloud is asked, so the whole command can run as its own process."""
    pulumi.holds([one for one in state if one["type"] == "cloudflare:index/d1Database:D1Database"])
    step = "cp empty.json state.json; echo stopped; kill $!; exit 255"
    pulumi.destroys(f"trap '{step}' INT; sleep 20 >/dev/null 2>&1 & touch begun; wait")
    code = "import sys, pathlib, bulkhead.model.project; bulkhead.model.project.ROOT = pathlib.Path(sys.argv.pop(1)); "
    code += "from bulkhead.cli.main import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(checkout), "destroy", "staging", "--yes", "staging"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 20
        while not (pulumi.folder / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped" in out
    assert "staging is not destroyed yet. Gone already: 1 of 1 resources." in out
    assert err == "Interrupted.\n"
