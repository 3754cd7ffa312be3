"""The provider server under the real engine: what no unit test can know is how the engine understands the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare
import pulumi_github as github
import pytest
from pulumi.automation import CommandError

from tests.support.provider_cloud import STAGES, Cloud, token_of

pytestmark = [
    pytest.mark.slow,
    # The SDK abandons the event loop of an inline program whose engine has failed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ACCOUNT = "0123456789abcdef0123456789abcdef"
D1 = "cloudflare:index/d1Database:D1Database"
SECRET = "canary-of-a-secret"
MODULE = "application/javascript+module"

Program = Callable[[], None]


def cloudflare_options() -> pulumi.ResourceOptions:
    provider = cloudflare.Provider("cloudflare", api_token=pulumi.Output.secret(token_of(pulumi.get_stack())))
    return pulumi.ResourceOptions(provider=provider)


def a_stage(bundle: Path, name: str = "main", secret: str = SECRET, message: str = "first") -> Program:
    """Return a program of one Worker with a database and a secret, a GitHub secret, a bucket."""

    def program() -> None:
        options = cloudflare_options()
        stack = pulumi.get_stack()
        database = cloudflare.D1Database(
            "db",
            account_id=ACCOUNT,
            name=f"{stack}-{name}",
            read_replication={"mode": "disabled"},
            opts=options,
        )
        worker = cloudflare.Worker("web", account_id=ACCOUNT, name=f"{stack}-web", opts=options)
        version = cloudflare.WorkerVersion(
            "version",
            account_id=ACCOUNT,
            worker_id=worker.id,
            main_module="index.js",
            compatibility_date="2026-07-01",
            modules=[
                {"name": "index.js", "content_type": "application/javascript+module", "content_file": str(bundle)}
            ],
            bindings=[
                {"name": "DB", "type": "d1", "database_id": database.id},
                {"name": "KEY", "type": "secret_text", "text": pulumi.Output.secret(secret)},
                {"name": "PLAIN", "type": "plain_text", "text": "text-for-everybody"},
            ],
            annotations={"workers_message": message},
            opts=options,
        )
        cloudflare.WorkersDeployment(
            "deployment",
            account_id=ACCOUNT,
            script_name=worker.name,
            strategy="percentage",
            versions=[{"version_id": version.id, "percentage": 100}],
            opts=options,
        )
        acme = github.Provider("github", owner="acme", token=pulumi.Output.secret(token_of(pulumi.get_stack())))
        in_acme = pulumi.ResourceOptions(provider=acme)
        environment = github.RepositoryEnvironment("env", repository="harbor", environment=stack, opts=in_acme)
        github.ActionsEnvironmentSecret(
            "secret",
            repository="harbor",
            environment=environment.environment,
            secret_name="KEY",
            value=secret,
            opts=in_acme,
        )
        account = aws.Provider("aws", region="ap-northeast-1", profile="p", allowed_account_ids=["123456789012"])
        bucket = aws.s3.Bucket("bucket", bucket=f"{stack}-harbor-vault", opts=pulumi.ResourceOptions(provider=account))
        pulumi.export("database", database.id)
        pulumi.export("bucketArn", bucket.arn)

    return program


def failure_of(cloud: Cloud, program: Program) -> str:
    with pytest.raises(CommandError) as failed:
        cloud.stack("staging", program).preview()
    return str(failed.value)


def test_a_stage_s_whole_life(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))

    stack.preview()
    assert cloud.made() == []

    made = stack.up()
    assert made.summary.resource_changes == {"create": 11}
    assert made.outputs["database"].value == cloud.outputs(D1)[0]["uuid"]
    assert made.outputs["bucketArn"].value == "arn:aws:s3:::staging-harbor-vault"
    assert "warning" not in made.stdout

    assert stack.up().summary.resource_changes == {"same": 11}
    assert stack.refresh().summary.resource_changes == {"same": 11}
    assert stack.preview().change_summary == {"same": 11}

    stack.destroy()
    assert cloud.made() == []


def test_no_secret_is_in_the_state_in_clear_nested_ones_included(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))
    stack.up()
    after_up = cloud.state("staging")
    stack.refresh()
    for state in (after_up, cloud.state("staging")):
        assert SECRET not in state
        assert token_of("staging") not in state
        assert "text-for-everybody" in state
    bindings = cloud.outputs("cloudflare:index/workerVersion:WorkerVersion")[0]["bindings"]
    assert {"name": "KEY", "type": "secret_text", "text": SECRET} in bindings


def test_what_cannot_change_in_place_is_replaced(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))
    before = stack.up().outputs["database"].value
    stack.workspace.program = a_stage(bundle, name="other")
    # The database, the version that is bound to it, and that version's deployment.
    assert stack.preview().change_summary == {"replace": 3, "same": 8}
    stack.up()
    (database,) = cloud.outputs(D1)
    assert database["name"] == "staging-other"
    assert database["uuid"] != before


def test_changed_code_is_a_new_version(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))
    stack.up()
    bundle.write_text("export default { changed: true }")
    assert stack.preview().change_summary == {"replace": 2, "same": 9}


def test_a_change_of_the_provider_s_tags_alone_reaches_what_is_tagged(cloud: Cloud) -> None:
    def tagged(owner: str) -> Program:
        def program() -> None:
            provider = aws.Provider(
                "aws",
                region="ap-northeast-1",
                profile="p",
                allowed_account_ids=["123456789012"],
                default_tags=aws.ProviderDefaultTagsArgs(tags={"owner": owner}),
            )
            options = pulumi.ResourceOptions(provider=provider)
            bucket = aws.s3.Bucket("bucket", bucket="harbor-vault", tags={"own": "yes"}, opts=options)
            pulumi.export("tags", bucket.tags_all)

        return program

    cloud.stack("staging", tagged("platform")).up()
    assert cloud.stack("staging", tagged("platform")).preview().change_summary == {"same": 3}
    planned = cloud.stack("staging", tagged("web")).preview().change_summary
    assert planned == {"same": 1, "update": 2}  # the provider, and the bucket
    result = cloud.stack("staging", tagged("web")).up()
    assert result.outputs["tags"].value == {"owner": "web", "own": "yes"}
    (bucket,) = cloud.outputs("aws:s3/bucket:Bucket")
    assert (bucket["tags"], bucket["tagsAll"]) == ({"own": "yes"}, {"owner": "web", "own": "yes"})


def test_drift_is_seen_by_refresh_and_mended_by_up(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))
    stack.up()
    (record,) = cloud.store.all(type_=D1)
    by_hand = {"readReplication": {"mode": "auto"}}
    cloud.store.put(replace(record, inputs={**record.inputs, **by_hand}, outputs={**record.outputs, **by_hand}))
    assert stack.refresh().summary.resource_changes == {"update": 1, "same": 10}
    assert stack.up().summary.resource_changes == {"update": 1, "same": 10}
    assert cloud.outputs(D1)[0]["readReplication"] == {"mode": "disabled"}


def test_what_is_gone_is_seen_by_refresh_and_made_again_by_up(cloud: Cloud, bundle: Path) -> None:
    stack = cloud.stack("staging", a_stage(bundle))
    stack.up()
    bucket = "aws:s3/bucket:Bucket"
    cloud.store.remove(bucket, "staging-harbor-vault")
    assert stack.refresh().summary.resource_changes == {"delete": 1, "same": 10}
    stack.up()
    assert len(cloud.outputs(bucket)) == 1


def test_a_resource_is_imported_by_the_id_the_real_provider_takes(cloud: Cloud) -> None:
    def program(import_id: str | None) -> Program:
        def run() -> None:
            options = pulumi.ResourceOptions.merge(cloudflare_options(), pulumi.ResourceOptions(import_=import_id))
            cloudflare.D1Database(
                "db", account_id=ACCOUNT, name="kept", read_replication={"mode": "disabled"}, opts=options
            )

        return run

    cloud.stack("staging", program(None)).up()
    (database,) = cloud.outputs(D1)
    other = cloud.stack("staging-again", program(f"{ACCOUNT}/{database['uuid']}"))
    assert other.up().summary.resource_changes == {"create": 2, "import": 1}
    other.workspace.program = program(None)
    assert other.preview().change_summary == {"same": 3}
    assert len(cloud.outputs(D1)) == 1


def test_import_of_what_does_not_exist_fails(cloud: Cloud) -> None:
    def program() -> None:
        options = pulumi.ResourceOptions.merge(cloudflare_options(), pulumi.ResourceOptions(import_=f"{ACCOUNT}/none"))
        cloudflare.D1Database("db", account_id=ACCOUNT, name="kept", opts=options)

    with pytest.raises(CommandError, match="does not exist"):
        cloud.stack("staging", program).up()


def test_bad_inputs_are_refused_by_their_path_and_without_their_values(cloud: Cloud, bundle: Path) -> None:
    def program() -> None:
        cloudflare.WorkerVersion(
            "version",
            account_id=ACCOUNT,
            worker_id="w",
            main_module="index.js",
            compatibility_date="2026-07-01",
            modules=[{"name": "index.js", "content_type": "t", "content_file": str(bundle)}],
            bindings=[
                {"name": "KEY", "type": "secret_text", "text": pulumi.Output.secret(SECRET)},
                {"name": "DB", "type": "d1", "database": SECRET},  # type: ignore[list-item] # the mistake under test
            ],
            opts=cloudflare_options(),
        )

    message = failure_of(cloud, program)
    assert "bindings[1].database: there is no such property; did you mean databaseId?" in message
    assert SECRET not in message


def test_a_provider_without_a_credential_is_refused(cloud: Cloud) -> None:
    def program() -> None:
        cloudflare.Provider("cloudflare")

    assert "exactly one of apiToken, apiKey, apiUserServiceKey" in failure_of(cloud, program)


def test_an_unlisted_type_is_refused_with_where_to_list_it(cloud: Cloud) -> None:
    def program() -> None:
        cloudflare.Zone("zone", account={"id": ACCOUNT}, name="example.com", opts=cloudflare_options())

    message = failure_of(cloud, program)
    assert "cloudflare:index/zone:Zone is not rehearsed" in message
    assert "bulkhead/localclouds/providers/cloudflare.py" in message


def test_a_function_is_refused(cloud: Cloud) -> None:
    def program() -> None:
        provider = aws.Provider("aws", region="ap-northeast-1", profile="p", allowed_account_ids=["123456789012"])
        aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))

    assert "aws:index/getCallerIdentity:getCallerIdentity is not rehearsed" in failure_of(cloud, program)


def test_the_cloud_s_refusal_is_what_the_engine_shows(cloud: Cloud) -> None:
    def program() -> None:
        options = cloudflare_options()
        first = cloudflare.D1Database("db", account_id=ACCOUNT, name="main", opts=options)
        after = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[first]))
        cloudflare.D1Database("same", account_id=ACCOUNT, name="main", opts=after)

    with pytest.raises(CommandError, match=r"name 'main' is taken: environment 'staging' has it"):
        cloud.stack("staging", program).up()


def test_three_stages_at_once_stay_apart(cloud: Cloud, bundle: Path) -> None:
    stacks = [cloud.stack(stage, a_stage(bundle, secret=f"{SECRET}-{stage}")) for stage in STAGES]
    with ThreadPoolExecutor() as pool:
        results: list[Any] = list(pool.map(lambda stack: stack.up(), stacks))
    assert [result.summary.resource_changes for result in results] == [{"create": 11}] * 3
    for stage in STAGES:
        mine = json.dumps([[dict(r.inputs), dict(r.outputs)] for r in cloud.store.all(environment=stage)])
        others = [other for other in STAGES if other != stage]
        assert f"{SECRET}-{stage}" in mine
        assert not any(f"{SECRET}-{other}" in mine or f"{other}-main" in mine for other in others)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda stack: stack.destroy(), stacks))
    assert cloud.made() == []
