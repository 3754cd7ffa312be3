"""The isolation check on whole stages: what passes although it is unusual, what does not, and what is a risk."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.analysis.isolation.check import Leak, isolation
from bulkhead.analysis.plan import plan
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.bindings import PlainText
from bulkhead.model.product import Product
from bulkhead.resources import types as t
from infra.components.stores import DataStores
from infra.product import PRODUCT
from tests.support.plans import PRODUCTS, STAGES, added, changed, make_plan, planned, planned_together
from tests.support.settings_fixture import make_settings

STAGING, PRODUCTION = "staging", "production"


def leaks(*plans: StagePlan) -> list[Leak]:
    return list(isolation(plans).leaks)


def told(leak: Leak) -> tuple[str, str, str]:
    return leak.kind, leak.resource, leak.whose


def with_texts(*texts: str) -> Product:
    """Return the product with these texts as variables of `web`."""
    web, *others = PRODUCT.workers
    bound = tuple(PlainText(f"NOTE_{number}", text) for number, text in enumerate(texts))
    return replace(PRODUCT, workers=(replace(web, bindings=(*web.bindings, *bound)), *others))


def statement(said: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "Planted"} | said]})


def granting(plan: StagePlan, said: dict[str, Any]) -> StagePlan:
    return changed(plan, t.IAM_ROLE_POLICY, "policy", statement(said))


def trusting(plan: StagePlan, said: dict[str, Any]) -> StagePlan:
    return changed(plan, t.IAM_ROLE, "assumeRolePolicy", statement(said))


@pytest.mark.parametrize("product", PRODUCTS)
def test_stages_with_accounts_of_their_own_are_apart(product: str) -> None:
    found = isolation([planned(stage, product) for stage in STAGES])
    assert found.leaks == ()
    assert [risk.shared for risk in found.risks] == ["GitHub repository"]


def test_every_kind_of_reference_that_a_stage_has_was_looked_at() -> None:
    found = isolation([planned(stage) for stage in STAGES])
    empty = {(count.kind, count.stage) for count in found.counts if not count.references}
    all_at_once = {(kind, "development") for kind in ("log destinations", "look-ups")}  # a rollout reads its own stack
    no_backups = {("functions and schedules", "development")}
    assert empty == no_backups | all_at_once | {("Access policies", "production")}


def test_stages_in_one_account_and_one_zone_are_apart_by_name_and_it_is_said_what_that_is_worth() -> None:
    found = isolation([planned_together(stage) for stage in STAGES])
    assert found.leaks == ()
    risks = {risk.shared: risk for risk in found.risks}
    assert list(risks) == ["Cloudflare account", "Cloudflare zone", "AWS account", "GitHub repository"]
    assert {risk.stages for risk in risks.values()} == {STAGES}
    assert "Workers, D1, KV and Queues are for the whole account" in risks["Cloudflare account"].not_separated


def test_the_stack_of_a_pull_request_is_apart_from_development_but_not_from_its_identities() -> None:
    found = isolation([planned("development"), planned("pr-42"), planned("production")])
    assert found.leaks == ()
    assert [risk.stages for risk in found.risks if risk.shared == "identities of development"] == [
        ("development", "pr-42")
    ]
    crossing = changed(planned("pr-42"), t.WORKERS_CUSTOM_DOMAIN, "hostname", "development.harbor.example")
    assert {leak.whose for leak in leaks(planned("development"), crossing)} == {"development"}


def test_a_product_may_be_called_as_the_names_of_another_stage_begin() -> None:
    longer = replace(PRODUCT, name="harbor-production")
    assert leaks(make_plan(longer, "pr-42"), planned(PRODUCTION)) == []


@pytest.mark.parametrize("numbers", [{}, {"ownerId": 12, "repositoryId": 34}])
def test_the_repository_of_all_stages_may_be_called_as_the_hostname_of_one(numbers: dict[str, int]) -> None:
    changes = {"github": {"owner": "harbor-inc", "repository": "harbor.example", **numbers}}
    plans = [make_plan(SAYING, stage, changes) for stage in STAGES]
    assert {(leak.stage, leak.whose, leak.path) for leak in leaks(*plans)} == {
        (stage, PRODUCTION, f"bindings[NOTE_{len(WORDS)}].text") for stage in STAGES if stage != PRODUCTION
    }


def test_the_repository_of_all_stages_may_be_called_as_the_names_of_one_begin() -> None:
    changes = {"github": {"owner": "acme", "repository": "harbor-production"}}
    assert leaks(*(make_plan(PRODUCT, stage, changes) for stage in STAGES)) == []


@pytest.mark.parametrize(
    "text", ["https://u:p@harbor.example/api", "HARBOR%252DPRODUCTION%252DD1", "harbor-inc/harbor-production"]
)
def test_who_asks_and_how_often_it_is_encoded_hides_nothing(text: str) -> None:
    found = leaks(make_plan(with_texts(text), STAGING), planned(PRODUCTION))
    assert [leak.whose for leak in found] == [PRODUCTION]


@pytest.mark.parametrize(
    "text",
    [
        "https://harbor-inc/harbor.example",
        "https://x@harbor-inc/harbor.example",
        "harbor-inc/harbor.example@harbor.example",
        "s3://harbor-inc/harbor.example",
        "harbor-inc@7/harbor.example@7",
    ],
)
def test_nothing_else_is_hidden_by_the_name_of_the_repository(text: str) -> None:
    changes = {"github": {"owner": "harbor-inc", "repository": "harbor.example"}}
    found = leaks(make_plan(with_texts(text), STAGING, changes), make_plan(PRODUCT, PRODUCTION, changes))
    assert [leak.whose for leak in found] == [PRODUCTION]


@pytest.mark.parametrize("text", ["www.harbor.example", "https://www.harbor.example/rooms", ".harbor.example"])
def test_a_hostname_is_known_with_www_or_a_dot_before_it(text: str) -> None:
    assert [leak.whose for leak in leaks(make_plan(with_texts(text), STAGING), planned(PRODUCTION))] == [PRODUCTION]
    assert leaks(make_plan(with_texts(text), PRODUCTION), planned(STAGING)) == []


@pytest.mark.parametrize(
    ("record", "whose"),
    [
        ({"type": "A", "name": "www.harbor.example", "content": "192.0.2.1"}, [PRODUCTION]),
        ({"type": "CNAME", "content": "harbor.example"}, [PRODUCTION]),
        ({"type": "CNAME", "content": "www.harbor.example."}, [PRODUCTION]),
        ({"type": "CNAME", "content": "api.harbor.example"}, [PRODUCTION]),
        ({"type": "CNAME", "content": "harbor-production-worker-web.acme.workers.dev"}, [PRODUCTION]),
        ({"type": "TXT", "content": "harbor-production-d1-main"}, [PRODUCTION]),
        ({"type": "CNAME", "content": "acme.github.io"}, []),
        ({"type": "CNAME", "content": "api.staging.harbor.example"}, []),
        ({"type": "TXT", "content": "v=spf1 include:harbor.example ~all"}, []),
        ({"type": "MX", "content": "mail.harbor.example"}, []),
        ({"type": "MX", "content": "harbor.example"}, []),
    ],
)
def test_a_record_leads_to_no_hostname_of_another_stage(record: dict[str, str], whose: list[str]) -> None:
    staging = planned(STAGING)
    inputs = {"name": "shop.staging.harbor.example", "ttl": 1, "zoneId": staging.settings.cloudflare.zone_id, **record}
    assert [leak.whose for leak in leaks(added(staging, t.DNS_RECORD, inputs), planned(PRODUCTION))] == whose


def test_where_people_have_mail_is_no_hostname() -> None:
    names = ("MAIL_DOMAIN", "SENDER_DOMAIN", "ALLOWED_EMAIL_DOMAINS", "MAIL_FROM_DOMAIN")
    web, *others = PRODUCT.workers

    def with_text(text: str) -> Product:
        bound = replace(web, bindings=(*web.bindings, *(PlainText(name, text) for name in names)))
        return replace(PRODUCT, workers=(bound, *others))

    for domains in ("harbor.example", "@harbor.example, acme.example", "*.harbor.example"):
        assert leaks(make_plan(with_text(domains), STAGING), planned(PRODUCTION)) == []
    for address in ("https://harbor.example", "harbor.example/api", "harbor-production-d1-main"):
        found = leaks(make_plan(with_text(address), STAGING), planned(PRODUCTION))
        assert [leak.whose for leak in found] == [PRODUCTION] * len(names), address


WORDS = ("preproduction", "productionReady", "the production of harbor", "ops@harbor.example")
SAYING = with_texts(*WORDS, "https://harbor.example/api")


def test_a_leak_in_the_product_is_in_every_stage_but_the_one_it_leads_to() -> None:
    """And words that only sound like another stage are none."""
    found = leaks(make_plan(SAYING, STAGING), make_plan(SAYING, PRODUCTION))
    assert [(leak.stage, leak.whose, leak.path) for leak in found] == [
        (STAGING, PRODUCTION, f"bindings[NOTE_{len(WORDS)}].text")
    ]


def test_a_leak_in_the_settings_is_found() -> None:
    changes = {"cloudflare": {"hostname": "harbor.example"}, "costCenter": "harbor-production"}
    found = leaks(make_plan(PRODUCT, STAGING, changes), planned(PRODUCTION))
    assert {(leak.stage, leak.kind, leak.whose) for leak in found} == {
        (PRODUCTION, "names", STAGING),
        (STAGING, "tags and variables", PRODUCTION),
    }


def test_a_leak_in_the_program_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataStores, "bucket_name", lambda self, bucket: f"harbor-production-r2-{bucket}")
    found = leaks(plan(PRODUCT, STAGING, make_settings(STAGING)), planned(PRODUCTION))
    assert {told(leak) for leak in found} >= {("Worker bindings", "WorkerVersion assistant-version", PRODUCTION)}


def test_nothing_found_where_something_must_be_is_a_failure() -> None:
    (database,) = planned(STAGING).of(t.D1_DATABASE)
    blind = replace(planned(STAGING), resources=(database,))
    found = {leak.kind for leak in leaks(blind, planned(PRODUCTION)) if leak.resource == "the whole plan"}
    kinds = {count.kind for count in isolation([planned(STAGING)]).counts}
    may_have_none = {"look-ups", "functions and schedules", "Access policies"}
    assert kinds - found == {"accounts and zones", "pins of providers", "everything else", "names"} | may_have_none


def test_what_people_read_may_tell_of_another_stage() -> None:
    told = {"description": "The same as in harbor-production-d1", "alarmDescription": "See https://harbor.example"}
    assert leaks(added(planned(STAGING), t.CLOUDWATCH_METRIC_ALARM, told), planned(PRODUCTION)) == []
    named = {"name": "harbor-production-d1-main"}
    assert len(leaks(added(planned(STAGING), t.CLOUDWATCH_METRIC_ALARM, named), planned(PRODUCTION))) == 1


def test_forbidding_what_another_stage_has_is_no_leak() -> None:
    careful = granting(
        planned(STAGING), {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::harbor-production-*"}
    )
    assert leaks(careful, planned(PRODUCTION)) == []


REQUESTED = {"StringEquals": {"aws:RequestTag/environment": STAGING}}
UNTAGGED = {"StringEqualsIfExists": {"aws:ResourceTag/environment": STAGING}}
TAGGED = {"StringEquals": {"aws:ResourceTag/environment": STAGING}}


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ({"Action": "kms:ListAliases", "Resource": "*"}, None),
        ({"Action": "kms:Decrypt", "Resource": "*", "Condition": TAGGED}, None),
        ({"Action": "ses:SendEmail", "Resource": "*"}, None),
        ({"Action": "budgets:*", "Resource": "*"}, PRODUCTION),
        ({"Action": "kms:CreateKey", "Resource": "*", "Condition": REQUESTED}, None),
        ({"Action": "kms:TagResource", "Resource": "*", "Condition": REQUESTED}, PRODUCTION),
        ({"Action": "kms:TagResource", "Resource": "*", "Condition": REQUESTED | UNTAGGED}, None),
        ({"Action": "kms:Decrypt", "Resource": "*"}, PRODUCTION),
        ({"Action": "*", "Resource": "*"}, PRODUCTION),
        ({"Action": "sns:Publish", "Resource": f"arn:aws:sns:*:{'9' * 12}:harbor-*"}, PRODUCTION),
        ({"Action": "iam:PassRole", "Resource": f"arn:aws:iam::{'9' * 12}:role/*"}, PRODUCTION),
    ],
)
def test_in_one_account_a_pattern_must_not_take_in_the_others(said: dict[str, Any], whose: str | None) -> None:
    found = leaks(granting(planned_together(STAGING), said), planned_together(PRODUCTION))
    assert [told(leak) for leak in found] == (
        [] if whose is None else [("rights of roles", "RolePolicy jobs-backup", whose)]
    )


def test_in_accounts_of_their_own_a_pattern_reaches_nothing_of_the_others() -> None:
    wide = granting(planned(STAGING), {"Action": "kms:Decrypt", "Resource": "*"})
    assert leaks(wide, planned(PRODUCTION)) == []


ROOT = {"Principal": {"AWS": f"arn:aws:iam::{'9' * 12}:root"}, "Action": "sts:AssumeRole"}
OWN_ROLE = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{'9' * 12}:role/bulkhead-staging"}}


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        (ROOT, PRODUCTION),
        (ROOT | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, None),
        (ROOT | {"Condition": OWN_ROLE}, None),
        ({"Principal": {"AWS": f"arn:aws:iam::{'9' * 12}:role/bulkhead-production"}}, PRODUCTION),
    ],
)
def test_in_one_account_the_roles_of_another_stage_must_be_kept_out(said: dict[str, Any], whose: str | None) -> None:
    found = leaks(trusting(planned_together(STAGING), said), planned_together(PRODUCTION))
    assert [leak.whose for leak in found] == ([] if whose is None else [whose])


@pytest.mark.parametrize(("together", "whose"), [(True, [STAGING]), (False, [])])
def test_a_pattern_of_hostnames_takes_in_what_is_in_its_own_zone(together: bool, whose: list[str]) -> None:
    make = planned_together if together else planned
    zone = make(PRODUCTION).settings.cloudflare.zone_id
    route = {"pattern": "*.harbor.example/*", "zoneId": zone, "script": "harbor-production-worker-web"}
    found = leaks(make(STAGING), added(make(PRODUCTION), t.WORKERS_ROUTE, route))
    assert [leak.whose for leak in found] == whose


@pytest.mark.parametrize(("resource", "whose"), [("*", [PRODUCTION]), ("b" * 32, [])])
def test_a_token_for_every_zone_of_a_shared_account_reaches_the_zones_of_the_others(
    resource: str, whose: list[str]
) -> None:
    shared = planned_together(PRODUCTION).settings
    elsewhere = shared.cloudflare.model_copy(update={"zone_id": "c" * 32})
    alone = replace(planned_together(PRODUCTION), settings=shared.model_copy(update={"cloudflare": elsewhere}))
    zones = {f"com.cloudflare.api.account.{'a' * 32}": {f"com.cloudflare.api.account.zone.{resource}": "*"}}
    token = changed(planned_together(STAGING), t.ACCOUNT_TOKEN, "policies.0.resources", json.dumps(zones))
    found = [leak for leak in leaks(token, alone) if (leak.stage, leak.kind) == (STAGING, "Cloudflare tokens")]
    assert [leak.whose for leak in found] == whose


def test_generated_files_are_read_too() -> None:
    plans = [planned(STAGING), planned(PRODUCTION)]
    text = '{\n  "name": "harbor-staging-worker-web",\n  "database_name": "harbor-production-d1-main" // oops\n}'
    files = [(STAGING, "web/wrangler.jsonc", text), (PRODUCTION, "clean.jsonc", '"harbor-production-d1-main"')]
    found = isolation(plans, files)
    assert [(leak.resource, leak.path, leak.whose) for leak in found.leaks] == [
        ("web/wrangler.jsonc", "line 3", PRODUCTION)
    ]
    counted = {count.stage: count.references for count in found.counts if count.kind == "generated files"}
    assert counted == {STAGING: 2, PRODUCTION: 1}
