"""Rules about Cloudflare tokens and Access: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import MISSING, UNKNOWN
from policies.rules import access, tokens
from tests.support.policy_scene import as_first_preview, changed, found, make_context, make_resource, observed_in
from tests.support.settings_fixture import make_settings
from tests.support.stages import PRODUCTS, STAGES, rendered_stage

RULES = {rule.name: rule for rule in (*tokens.RULES, *access.RULES)}
STAGING = make_context("staging")
ACCOUNT, ZONE = STAGING.settings.cloudflare.account_id, STAGING.settings.cloudflare.zone_id
OTHER = make_context("production").settings.cloudflare
D1_WRITE, MINT, MINT_USER = (
    "09b2857d1c31407795e75e3fed8617a1",
    "5bc3f8b21c554832afc660159ab75fa4",
    "686d18d5ac6c441c867cbf6771e58a0a",
)


def granted(*resources: str, effect: Any = "allow", groups: Any = (D1_WRITE,)) -> dict[str, Any]:
    return {
        "effect": effect,
        "permissionGroups": [{"id": group} for group in groups],
        "resources": json.dumps(dict.fromkeys(resources, "*")),
    }


OWN_ACCOUNT = f"com.cloudflare.api.account.{ACCOUNT}"
OWN_ZONE = f"com.cloudflare.api.account.zone.{ZONE}"
OWN_BUCKET = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_harbor-staging-r2-logs"
TOKEN = make_resource(
    t.ACCOUNT_TOKEN,
    "deploy",
    accountId=ACCOUNT,
    name="harbor-staging-deploy",
    notBefore="2026-07-01T00:00:00Z",
    expiresOn="2026-09-29T00:00:00Z",
    value="canary",
    policies=[granted(OWN_ACCOUNT), granted(OWN_ZONE), granted(OWN_BUCKET)],
)
ABOUT_TOKENS = [name for name in RULES if name.startswith("token-") and name != "token-user-owned"]
ALL_ZONES = "com.cloudflare.api.account.zone.*"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("product", PRODUCTS)
def test_our_own_stages_keep_these_rules(product: str, stage: str) -> None:
    resources, context = observed_in(rendered_stage(product, stage)), make_context(stage, of=PRODUCTS[product])
    for rule in RULES.values():
        assert found(rule, *resources, context=context) == []
        assert found(rule, *as_first_preview(resources), context=context) == []


@pytest.mark.parametrize("name", ABOUT_TOKENS)
def test_a_compliant_token_passes(name: str) -> None:
    assert found(RULES[name], TOKEN) == []
    for path in (
        "policies",
        "policies.0",
        "policies.0.effect",
        "policies.0.resources",
        "expiresOn",
        "name",
        "accountId",
    ):
        assert found(RULES[name], changed(TOKEN, path, UNKNOWN)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("policies.0", granted("com.cloudflare.api.account.*")),
        ("policies.1", granted(ALL_ZONES)),
        ("policies.1.resources", json.dumps({OWN_ACCOUNT: {ALL_ZONES: "*"}})),
        ("policies.2", granted(f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_*")),
        ("policies.0.resources", "{}"),
        ("policies.0.resources", ...),
        ("policies.0.resources", "null"),
        ("policies.0.resources", {ALL_ZONES: "*"}),
    ],
)
def test_a_token_reaches_what_it_names(path: str, value: Any) -> None:
    rule = RULES["token-too-broad"]
    (message,) = found(rule, changed(TOKEN, "policies.0.resources", UNKNOWN), changed(TOKEN, path, value))
    assert "canary" not in message


def test_what_a_token_is_denied_may_be_broad_and_foreign() -> None:
    policy = granted("com.cloudflare.api.account.*", f"com.cloudflare.api.account.{OTHER.account_id}", effect="deny")
    for name in ABOUT_TOKENS:
        assert found(RULES[name], changed(TOKEN, "policies.1", policy)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("expiresOn", ...),
        ("expiresOn", ""),
        ("expiresOn", "2026-09-29T00:00:01Z"),
        ("expiresOn", "2027-07-01T00:00:00Z"),
        ("expiresOn", "2026-09-29T00:00:00-09:00"),
        ("notBefore", "2026-06-30T00:00:00"),
    ],
)
def test_a_token_ends_by_itself(path: str, value: Any) -> None:
    rule = RULES["token-without-expiry"]
    (message,) = found(rule, changed(TOKEN, "expiresOn", UNKNOWN), changed(TOKEN, path, value))
    assert "canary" not in message


@pytest.mark.parametrize("begins", [UNKNOWN, "today"])
def test_a_life_without_a_known_beginning_is_not_measured(begins: Any) -> None:
    token = changed(changed(TOKEN, "notBefore", begins), "expiresOn", "2036-01-01T00:00:00Z")
    assert found(RULES["token-without-expiry"], token) == []


@pytest.mark.parametrize(("days", "expected"), [(30, 0), (89, 0), (91, 1), (3650, 1)])
def test_a_token_that_says_no_beginning_begins_now(days: int, expected: int) -> None:
    ends = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    token = changed(changed(TOKEN, "notBefore", ...), "expiresOn", ends)
    assert len(found(RULES["token-without-expiry"], token)) == expected


def test_a_life_is_measured_between_two_instants() -> None:
    assert tokens.lifetime("2026-07-01", "2026-07-02T12:00:00Z") == timedelta(days=1.5)
    assert tokens.lifetime("2026-07-01T00:00:00+09:00", "2026-07-01T00:00:00Z") == timedelta(hours=9)
    assert tokens.lifetime(MISSING, "2026-07-01") is tokens.lifetime("2026-07-01", "soon") is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "harbor-production-deploy"),
        ("name", "deploy"),
        ("accountId", OTHER.account_id),
        ("policies.0", granted(f"com.cloudflare.api.account.{OTHER.account_id}")),
        ("policies.1", granted(OWN_ZONE, f"com.cloudflare.api.account.zone.{OTHER.zone_id}")),
        ("policies.1.resources", json.dumps({OWN_ACCOUNT: {f"com.cloudflare.api.account.zone.{'f' * 32}": "*"}})),
        ("policies.2", granted(f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_harbor-production-r2-logs")),
        ("policies.2", granted(f"com.cloudflare.edge.r2.bucket.{OTHER.account_id}_eu_harbor-staging-r2-logs")),
    ],
)
def test_a_token_is_of_its_own_stage(path: str, value: Any) -> None:
    rule = RULES["token-of-another-stage"]
    unknown = changed(changed(TOKEN, "policies", UNKNOWN), "name", UNKNOWN)
    (message,) = found(rule, unknown, changed(TOKEN, path, value))
    assert "canary" not in message


def test_a_token_that_names_a_user_or_a_zone_below_its_account_passes() -> None:
    rule = RULES["token-of-another-stage"]
    below = json.dumps({OWN_ACCOUNT: {OWN_ZONE: "*"}})
    assert found(rule, changed(TOKEN, "policies.0.resources", below)) == []
    assert found(rule, changed(TOKEN, "policies.0", granted("com.cloudflare.api.user.0123456789abcdef"))) == []


@pytest.mark.parametrize("id_", [MINT, MINT_USER])
def test_a_token_cannot_make_tokens(id_: str) -> None:
    rule = RULES["token-can-mint-tokens"]
    unknown = changed(TOKEN, "policies.0.permissionGroups", [{"id": UNKNOWN}, {"id": D1_WRITE}])
    assert found(rule, unknown) == []
    for place in (0, 2):
        broken = changed(TOKEN, f"policies.{place}.permissionGroups", [{"id": UNKNOWN}, {"id": D1_WRITE}, {"id": id_}])
        (message,) = found(rule, unknown, broken)
        assert "Tokens Write" in message
        assert "canary" not in message


def test_a_token_belongs_to_the_account() -> None:
    rule = RULES["token-user-owned"]
    assert found(rule, TOKEN) == []
    (message,) = found(rule, TOKEN, make_resource(t.API_TOKEN, "personal", name="canary", value="canary"))
    assert "canary" not in message


@pytest.mark.parametrize("name", ABOUT_TOKENS)
def test_a_persons_token_is_judged_like_an_accounts(name: str) -> None:
    wide = granted("com.cloudflare.api.account.*", OWN_ACCOUNT.replace("2", "3"), groups=(MINT,))
    token = make_resource(t.API_TOKEN, "personal", name="harbor-staging-personal", policies=[wide])
    assert len(found(RULES[name], token)) == 1


HOST = "staging.harbor.example"
SHARED = {"cloudflare": {"accountId": ACCOUNT}}
GROUP = {"group": {"id": "0123"}}
ALLOW = make_resource(
    t.ZERO_TRUST_ACCESS_POLICY, "people", name="people", decision="allow", includes=[GROUP], sessionDuration="24h"
)
APPLICATION = make_resource(
    t.ZERO_TRUST_ACCESS_APPLICATION,
    "staging-access",
    accountId=ACCOUNT,
    type="self_hosted",
    name="harbor-staging",
    domain=HOST,
    sessionDuration="24h",
    policies=[{"id": UNKNOWN, "precedence": 1}],
)
WEB = make_resource(t.WORKER, "web", name="harbor-staging-worker-web")
CLERK = make_resource(t.WORKER, "clerk", name="harbor-staging-worker-clerk")


def covering(*destinations: Any, sources: tuple[ObservedResource, ...] = ()) -> ObservedResource:
    return make_resource(
        t.ZERO_TRUST_ACCESS_APPLICATION,
        "by-destination",
        sources={"destinations": sources},
        type="self_hosted",
        destinations=list(destinations),
    )


@pytest.mark.parametrize(
    "domain",
    [
        "production.harbor.example",
        "harbor.example",
        f"{HOST}/admin",
        f"*.{HOST}",
        f"{HOST}.evil.example",
        "",
        ...,
    ],
)
def test_access_covers_staging_once_it_is_there(domain: Any) -> None:
    rule = RULES["stage-open-to-public"]
    assert found(rule, APPLICATION) == []
    (message,) = found(rule, changed(APPLICATION, "domain", domain))
    assert HOST in message
    assert found(rule, changed(APPLICATION, "domain", domain), APPLICATION) == []
    assert found(rule, changed(APPLICATION, "domain", domain), context=make_context("production")) == []


@pytest.mark.parametrize("stage", ["development", "staging"])
def test_the_identities_of_a_closed_stage_have_its_login(stage: str) -> None:
    rule, context = RULES["stage-open-to-public"], make_context(stage)
    assert found(rule, WEB, context=context) == []  # the stage itself has none
    (message,) = found(rule, WEB, context=replace(context, identities=True))
    assert f"leaves {stage}.harbor.example open" in message
    assert found(rule, WEB, context=replace(make_context("production"), identities=True)) == []


@pytest.mark.parametrize(
    "application",
    [
        changed(APPLICATION, "domain", f"{HOST}/"),
        changed(APPLICATION, "domain", f"https://{HOST}/*"),
        changed(APPLICATION, "domain", "*.harbor.example"),
        changed(APPLICATION, "type", ...),
        make_resource(t.ACCESS_APPLICATION, type="self_hosted", selfHostedDomains=["other.example", HOST]),
        covering({"type": "public", "uri": HOST}),
        covering({"uri": HOST}),
        covering({"type": "all_workers"}),
        covering({"type": "worker", "workerId": UNKNOWN}, sources=(WEB,)),
        changed(changed(APPLICATION, "destinations", UNKNOWN), "selfHostedDomains", UNKNOWN),
        make_resource(t.ZERO_TRUST_ACCESS_APPLICATION, type="saas"),
        make_resource(t.ZERO_TRUST_ACCESS_APPLICATION, type="app_launcher", domain="team.cloudflareaccess.com"),
    ],
)
def test_staging_can_be_covered_in_several_ways(application: ObservedResource) -> None:
    assert found(RULES["stage-open-to-public"], application) == []


@pytest.mark.parametrize(
    "application",
    [
        covering({"type": "private", "uri": HOST}),
        covering({"type": "preview_worker", "workerId": "id"}),
        covering({"type": "worker", "workerId": UNKNOWN}, sources=(CLERK,)),
        covering(),
        # What the API fills in is unknown during a preview, and says nothing where the domain is known.
        changed(changed(APPLICATION, "domain", f"{HOST}/admin"), "selfHostedDomains", UNKNOWN),
    ],
)
def test_what_covers_something_else_leaves_staging_open(application: ObservedResource) -> None:
    assert len(found(RULES["stage-open-to-public"], application)) == 1


@pytest.mark.parametrize(
    "application",
    [
        changed(APPLICATION, "domain", UNKNOWN),
        changed(changed(APPLICATION, "domain", ...), "destinations", UNKNOWN),
        covering({"type": "public", "uri": UNKNOWN}),
        covering(UNKNOWN),
        covering({"type": "worker", "workerId": "0123"}),
        make_resource(
            t.ZERO_TRUST_ACCESS_APPLICATION,
            sources={"destinations": (CLERK,)},
            type="self_hosted",
            domain="other.example",
            destinations=UNKNOWN,
        ),
    ],
)
def test_what_an_application_covers_is_judged_when_it_is_known(application: ObservedResource) -> None:
    assert found(RULES["stage-open-to-public"], application) == []


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (changed(APPLICATION, "sessionDuration", ...), "how long a login lasts"),
        (changed(APPLICATION, "sessionDuration", ""), "how long a login lasts"),
        (changed(APPLICATION, "policies", [{"includes": [{"ip": {"ip": "203.0.113.7"}}]}]), "without its mask"),
        (changed(ALLOW, "sessionDuration", ...), "how long a login lasts"),
        (changed(ALLOW, "requires", [{"ip": {"ip": "203.0.113.7"}}]), "203.0.113.7 without its mask"),
        (changed(ALLOW, "excludes", [{"ip": {"ip": "2001:db8::1"}}]), "2001:db8::1 without its mask"),
    ],
)
def test_what_access_fills_in_otherwise_is_said(resource: ObservedResource, says: str) -> None:
    (message,) = found(RULES["access-left-to-the-api"], resource)
    assert says in message


@pytest.mark.parametrize(
    "resource",
    [
        APPLICATION,
        changed(APPLICATION, "sessionDuration", UNKNOWN),
        changed(APPLICATION, "policies", [{"id": "x"}, {"id": UNKNOWN, "precedence": 1}]),
        ALLOW,
        changed(ALLOW, "requires", [{"ip": {"ip": "203.0.113.0/24"}}, {"ip": {"ip": UNKNOWN}}]),
    ],
)
def test_what_says_all_of_it_is_left_in_peace(resource: ObservedResource) -> None:
    assert found(RULES["access-left-to-the-api"], resource) == []


def test_any_service_token_of_a_shared_account_is_another_stages_too() -> None:
    anything = changed(ALLOW, "includes", [{"anyValidServiceToken": {}}])
    alone = make_context("staging")
    assert found(RULES["access-bypass"], anything, context=alone) == []
    shared = replace(alone, others=(replace(alone, settings=make_settings("development", SHARED)),))
    (message,) = found(RULES["access-bypass"], anything, context=shared)
    assert "any service token of the account" in message


def test_every_public_hostname_of_staging_is_covered() -> None:
    rule, context = RULES["stage-open-to-public"], make_context("staging", of=PRODUCTS["second"])
    hosts = context.hostnames
    applications = [changed(APPLICATION, "domain", host) for host in sorted(hosts)]
    assert found(rule, *applications, context=context) == []
    assert len(found(rule, changed(APPLICATION, "domain", "other.example"), context=context)) == len(hosts)


EVERYONE: dict[str, Any] = {"everyone": {}}
SERVICE = make_resource(
    t.ACCESS_POLICY,
    "machines",
    decision="non_identity",
    includes=[{"serviceToken": {"tokenId": "canary"}}, {"anyValidServiceToken": {}}],
)
TEAM = make_resource(
    t.ZERO_TRUST_ACCESS_GROUP, "team", name="team", includes=[{"emailDomain": {"domain": "harbor.example"}}]
)
DENY = make_resource(t.ZERO_TRUST_ACCESS_POLICY, "nobody", decision="deny", includes=[EVERYONE])
INLINE = changed(APPLICATION, "policies", [{"id": "0123"}, {"decision": "allow", "includes": [GROUP]}])
FINE = (ALLOW, SERVICE, TEAM, DENY, INLINE, APPLICATION)


@pytest.mark.parametrize(
    ("resource", "path", "value"),
    [
        (ALLOW, "decision", "bypass"),
        (ALLOW, "includes", [GROUP, EVERYONE]),
        (ALLOW, "includes.0", {"ip": {"ip": "0.0.0.0/0"}}),
        (ALLOW, "includes.0", {"ip": {"ip": "::/0"}}),
        (ALLOW, "includes", [{"ip": {"ip": "0.0.0.0/1"}}, {"ip": {"ip": "128.0.0.0/1"}}]),
        (ALLOW, "includes", [GROUP, {"ip": {"ip": "64.0.0.0/7"}}]),
        (ALLOW, "includes", [{"ip": {"ip": "2000::/4"}}]),
        (ALLOW, "includes", [{"ip": {"ip": f"{first}.0.0.0/9"}} for first in range(10, 40)]),
        (ALLOW, "includes.0", {"geo": {"countryCode": "JP"}}),
        (ALLOW, "includes.0", {"emailDomain": {"domain": "Gmail.com"}}),
        (TEAM, "includes", [{"geo": {"countryCode": "JP"}}]),
        (SERVICE, "decision", "bypass"),
        (SERVICE, "includes.1", EVERYONE),
        (TEAM, "includes.0", EVERYONE),
        (TEAM, "isDefault", True),
        (TEAM, "includes.0", {"ip": {"ip": "::/0"}}),
        (DENY, "decision", "bypass"),
        (DENY, "decision", "allow"),
        (INLINE, "policies.1.decision", "bypass"),
        (INLINE, "policies.1.includes", [UNKNOWN, EVERYONE]),
    ],
)
def test_nobody_gets_past_access_unknown(resource: ObservedResource, path: str, value: Any) -> None:
    rule = RULES["access-bypass"]
    assert found(rule, *FINE) == []
    (message,) = found(rule, changed(resource, path, UNKNOWN), changed(resource, path, value))
    assert "canary" not in message


def test_addresses_of_somebody_are_not_those_of_everybody() -> None:
    rule = RULES["access-bypass"]
    for networks in (
        ["203.0.113.0/24", "2001:db8::/32"],
        ["10.0.0.0/8"],
        ["203.0.113.7"],
        ["no address"],
        [UNKNOWN],
        [7],
    ):
        assert found(rule, changed(ALLOW, "includes", [{"ip": {"ip": each}} for each in networks])) == []
    country = changed(ALLOW, "requires", [{"geo": {"countryCode": "JP"}}])
    assert found(rule, country) == []  # people of the group, and only from there
    assert len(found(rule, changed(country, "includes", [EVERYONE]))) == 1


def test_whom_everyone_means_is_confined_by_what_is_required() -> None:
    rule, everyone = RULES["access-bypass"], changed(ALLOW, "includes", [EVERYONE])
    assert found(rule, changed(everyone, "requires", [{"emailDomain": {"domain": "harbor.example"}}])) == []
    assert found(rule, changed(everyone, "requires", UNKNOWN)) == []
    for nobody in ([], [EVERYONE], ...):
        assert len(found(rule, changed(everyone, "requires", nobody))) == 1
    assert len(found(rule, changed(everyone, "excludes", [GROUP]))) == 1  # all others are still let in
