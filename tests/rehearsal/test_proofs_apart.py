"""The proofs that stages are apart and secrets hidden: a foreign word, or a secret in clear, is noticed anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.rehearsal.evidence import Outcome
from tests.support.records import BUCKET, BUDGET, DOMAIN, VARIABLE, VAULT, VERSION, WORKER
from tests.support.scene import Break, World

FOREIGN: dict[str, Callable[[World], str]] = {
    "name": lambda w: w.record("production", WORKER).inputs["name"],
    "id": lambda w: w.record("production", WORKER).id,
    "bucket": lambda w: w.record("production", BUCKET).id,
    "hostname": lambda w: w["production"].settings.cloudflare.hostname,
    "ARN": lambda w: w.record("production", VAULT).outputs["arn"],
}


def occurs(what: str, environment: str, type_: str, shape: Callable[[str], Any] = str) -> Break:
    """Something of production occurs in a resource of another stage."""

    def do(world: World) -> None:
        world.change(environment, type_, note=shape(FOREIGN[what](world)))

    expected, seen = f"nothing of production to occur in {environment}", {"ARN": "arn:aws:s3:::harbor-production"}
    return Break("disjoint", f"{what} in {environment}'s {type_}", do, expected, seen.get(what, "harbor"))


def exported(world: World) -> None:
    world["staging"].stack.exported["note"] = {"vault": FOREIGN["ARN"](world)}


def secret_of(world: World, environment: str = "production", name: str = "sessionKey") -> str:
    return world[environment].canaries[name]


def bindings_with(world: World, **binding: str) -> list[Any]:
    return [*world.record("staging", VERSION).inputs["bindings"], {"name": "EXTRA", **binding}]


def in_place(place: str, do: Callable[[World, str], object]) -> Break:
    """Staging's own session key stands in clear somewhere."""
    return Break(
        "secrets",
        f"in {place}",
        lambda w: do(w, secret_of(w, "staging")),
        f"no secret in {place}",
        "staging:sessionKey stands there in clear",
    )


def old_state(world: World, text: str) -> None:
    (world.run.state / ".pulumi" / "history").mkdir()
    world.write("state/.pulumi/history/old.json", text)


def no_variables(world: World) -> None:
    for type_ in (VERSION, VARIABLE):
        world.forget("staging", type_)


def without(pattern: str, expected: str) -> Break:
    return Break("secrets", f"no {pattern}", lambda w: w.discard(pattern), expected, "no such file")


def other_secret(world: World) -> None:
    """A Worker is bound to a secret that nobody planted: then a leak of it could not be recognised."""
    bindings = [
        {**b, "text": "not-planted"} if b["type"] == "secret_text" else b
        for b in world.record("staging", VERSION).inputs["bindings"]
    ]
    world.change("staging", VERSION, bindings=bindings)


BREAKS = (
    occurs("name", "staging", WORKER),
    occurs("id", "development", WORKER),
    occurs("id", "staging", VERSION, lambda text: {"deep": [{"down": text}]}),
    occurs("bucket", "staging", BUCKET, lambda text: f"https://{text}.s3.amazonaws.com/x"),
    occurs("hostname", "staging", BUDGET, lambda text: f"https://{text}/path"),
    occurs("hostname", "development", DOMAIN),
    occurs("ARN", "staging", VAULT, lambda text: json.dumps({"Resource": f"{text}/*"})),
    Break("disjoint", "ARN in outputs", exported, "nothing of production to occur in staging", "arn:aws:s3:::harbor"),
    Break(
        "disjoint",
        "a stage binds another's bucket",
        lambda w: w.change(
            "staging", VERSION, bindings=bindings_with(w, type="r2_bucket", bucketName=FOREIGN["bucket"](w))
        ),
        "nothing of staging to occur in production",
        "harbor-production-r2-transcripts",
    ),
    Break(
        "disjoint",
        "secret of another stage",
        lambda w: w.change("staging", VERSION, bindings=bindings_with(w, type="secret_text", text=secret_of(w))),
        "no secret of production in staging",
        "secret sessionKey",
    ),
    Break(
        "disjoint",
        "secret of another stage, in base64",
        lambda w: w.change("staging", BUDGET, note=base64.b64encode(f"x{secret_of(w)}".encode()).decode()),
        "no secret of production in staging",
        "secret sessionKey",
    ),
    Break("disjoint", "empty inventory", lambda w: w.forget("staging"), "resources of staging in the clouds", "none"),
    Break(
        "disjoint",
        "no manifest",
        lambda w: w["staging"].stack.exported.pop("manifest"),
        "staging to export its manifest",
        "nothing",
    ),
    Break("disjoint", "no secrets", lambda w: w["staging"].canaries.clear(), "secrets planted in staging", "none"),
    in_place(
        "state/.pulumi/stacks/harbor/staging.json",
        lambda w, text: w.write("state/.pulumi/stacks/harbor/staging.json", json.dumps({"text": text})),
    ),
    in_place("state/.pulumi/history/old.json", old_state),
    in_place("logs/staging-01-up.log", lambda w, text: w.write("logs/staging-01-up.log", f"token={text}")),
    in_place("logs/staging-01-up.events", lambda w, text: w.write("logs/staging-01-up.events", repr({"text": text}))),
    in_place("logs/clouds.log", lambda w, text: w.write("logs/clouds.log", text.encode().hex())),
    in_place("work/staging/Pulumi.staging.yaml", lambda w, text: w.write("work/staging/Pulumi.staging.yaml", text)),
    in_place("outputs of staging", lambda w, text: w["staging"].stack.exported.update(key=[text])),
    in_place(
        "plain variables of staging",
        lambda w, text: w.change("staging", VERSION, bindings=bindings_with(w, type="plain_text", text=text)),
    ),
    in_place("plain variables of staging", lambda w, text: w.change("staging", VARIABLE, value=text)),
    without("state/**/staging.json", "state/staging*.json to look into"),
    without("logs/staging-*.log", "logs/staging*.log to look into"),
    without("logs/staging-*.events", "logs/staging*.events to look into"),
    Break(
        "secrets",
        "an empty event log",
        lambda w: (w.run.logs / "staging-01-up.events").write_text(""),
        "logs/staging*.events to look into",
        "no such file",
    ),
    Break(
        "secrets",
        "no outputs",
        lambda w: w["staging"].stack.exported.clear(),
        "outputs of staging to look into",
        "none",
    ),
    Break(
        "secrets",
        "no variables",
        no_variables,
        "plain variables of staging to look into",
        "none",
    ),
    Break("secrets", "nothing planted", lambda w: w["staging"].canaries.clear(), "secrets planted in staging", "none"),
    Break("secrets", "bound to others", other_secret, "3 secrets bound to Workers to be planted ones", "2 are"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "staging.harbor.example",  # production's hostname is harbor.example
        "finance@harbor.example",
        "harbor-production-worker-website",
        "my-harbor-production-worker-web",
        "https://github.com/harbor-inc/harbor",
    ],
)
def test_a_longer_word_is_not_the_foreign_one(text: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.change("staging", BUDGET, note=text)
    assert world.verdict("disjoint").outcome is Outcome.PROVEN


def test_a_key_that_aws_calls_alike_in_every_account_is_nobodys(tmp_path: Path) -> None:
    world = World(tmp_path)
    for environment in ("staging", "production"):
        world.change(environment, BUDGET, keyId="alias/aws/ssm")
    assert world.verdict("disjoint").outcome is Outcome.PROVEN
    for environment in ("staging", "production"):
        world.change(environment, BUDGET, keyId="alias/aws-of-ours")
    assert world.verdict("disjoint").seen == "alias/aws-of-ours"


def test_an_account_that_two_stages_share_by_their_settings_is_no_leak(tmp_path: Path) -> None:
    world = World(tmp_path)
    shared = world["production"].settings.aws.account_id
    for environment in ("development", "staging"):
        world.change(environment, BUDGET, arn=shared)
    assert world.verdict("disjoint").outcome is Outcome.FAILED
    for part in world.parts.values():
        aws = part.settings.aws.model_copy(update={"account_id": shared})
        standing = world.scene.stages[part.settings.environment]
        object.__setattr__(standing, "settings", part.settings.model_copy(update={"aws": aws}))
    assert world.verdict("disjoint").outcome is Outcome.PROVEN


def test_a_secret_that_is_bound_as_a_secret_is_where_it_belongs(tmp_path: Path) -> None:
    verdict = World(tmp_path).verdict("secrets")
    assert verdict.outcome is Outcome.PROVEN
    assert verdict.evidence.startswith("15 planted secrets, 3 of them bound to Workers, and 12 tokens made; none in ")
