"""What the routes of accounts, people, tokens and zones accept, and of what protects and watches a zone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.localclouds.api.permissions import ANYBODY, UNSAID, Row
from bulkhead.localclouds.cloudflare.api.permission_rows import (
    ACCOUNT,
    OPENAPI,
    ZONE,
    group,
    reading,
    row,
    writing,
)

_MEMBER, _MEMBER_WRITE = reading("Memberships"), writing("Memberships")
_USER, _USER_WRITE = reading("User Details"), writing("User Details")
_DNS, _DNS_WRITE = reading("DNS"), writing("DNS")
_SETTINGS, _SETTINGS_WRITE = reading("Zone Settings"), writing("Zone Settings")
_APPS, _APPS_WRITE = reading("Access: Apps and Policies"), writing("Access: Apps and Policies")
_REVOKE = group("Access: Apps and Policies Revoke")
_SERVICES, _SERVICES_WRITE = reading("Access: Service Tokens"), writing("Access: Service Tokens")
_LOGS = writing("Logs")

_ANY_OF_ACCOUNT: Final = frozenset[str]().union(
    reading("Account Firewall Access Rules"),
    reading("Account Settings"),
    reading("Billing"),
    reading("DDoS Botnet Feed"),
    reading("DDoS Protection"),
    reading("DNS Firewall"),
    reading("DNS View"),
    reading("Load Balancers Account"),
    reading("Load Balancing: Monitors and Pools"),
    reading("Trust and Safety"),
    reading("Workers KV Storage"),
    reading("Workers R2 Storage"),
    reading("Workers Scripts"),
    group("SCIM Provisioning", "Workers Tail Read", "Zero Trust: PII Read"),
)
_ANY_OF_ZONE: Final = frozenset[str]().union(
    _APPS,
    _REVOKE,
    _DNS,
    _SETTINGS,
    reading("Firewall Services"),
    reading("Load Balancers"),
    reading("Logs"),
    reading("Page Rules"),
    reading("SSL and Certificates"),
    reading("Stream"),
    reading("Trust and Safety"),
    reading("Workers Routes"),
    reading("Workers Scripts"),
    reading("Zone"),
    group("Access: Mutual TLS Certificates Write", "Access: Organizations, Identity Providers, and Groups Write"),
    group("Analytics Read", "Apps Write", "Cache Purge", "Zero Trust: PII Read"),
    group("Zaraz Admin", "Zaraz Edit", "Zaraz Read"),
)
_RULES_OF_ACCOUNT: Final = (
    "Account Rulesets",
    "Account WAF",
    "L4 DDoS Managed Ruleset",
    "Logs",
    "Magic Firewall",
    "Mass URL Redirects",
    "Select Configuration",
    "Transform Rules",
)
_RULES_OF_ZONE: Final = (
    *_RULES_OF_ACCOUNT,
    "Bot Management",
    "Cache Settings",
    "Config Settings",
    "Custom Errors",
    "Dynamic URL Redirects",
    "HTTP DDoS Managed Ruleset",
    "Managed headers",
    "Origin",
    "Response Compression",
    "Sanitize",
    "Zone Transform Rules",
    "Zone WAF",
)

_SILENT: Final = "OpenAPI names no group for it"
_NOT_READ: Final = "the API has it; what OpenAPI says of it was not at hand"
_MISSPELT: Final = "OpenAPI, the API reference and the SDK say '{}', which is no group's name; read as {}"
_GRAPHQL_PAGE: Final = "developers.cloudflare.com/analytics/graphql-api/getting-started/authentication/api-token-auth"

_GRAPHQL_ERRORS: Final = (
    "developers.cloudflare.com/analytics/graphql-api/errors: Authentication and authorization errors"
)


def _rulesets(scope: str, names: tuple[str, ...]) -> Iterator[Row]:
    read = frozenset[str]().union(*map(reading, names))
    write = frozenset[str]().union(*map(writing, names))
    rulesets = f"{scope}/rulesets"
    yield row(rulesets, GET=read, POST=write)
    if scope == ACCOUNT:
        yield row(f"{rulesets}/{{ruleset_id}}", GET=read)
    else:
        yield row(f"{rulesets}/{{ruleset_id}}", GET=UNSAID, note=_NOT_READ)
    yield row(f"{rulesets}/{{ruleset_id}}", PUT=write, DELETE=write)
    yield row(f"{rulesets}/{{ruleset_id}}/rules", POST=write)
    yield row(f"{rulesets}/{{ruleset_id}}/rules/{{rule_id}}", PATCH=write, DELETE=write)
    yield row(f"{rulesets}/phases/{{ruleset_phase}}/entrypoint", GET=read, PUT=write)


def _logpush(scope: str) -> Iterator[Row]:
    logpush = f"{scope}/logpush"
    yield row(f"{logpush}/jobs", "logpush_job", "get_logpush_jobs", GET=_LOGS, POST=_LOGS)
    yield row(f"{logpush}/jobs/{{job_id}}", "logpush_job", "get_logpush_job", GET=_LOGS, PUT=_LOGS, DELETE=_LOGS)
    yield row(f"{logpush}/ownership", "logpush_ownership_challenge", POST=_LOGS)
    yield row(f"{logpush}/ownership/validate", POST=_LOGS)
    yield row(f"{logpush}/validate/destination", POST=_LOGS)
    yield row(f"{logpush}/validate/destination/exists", POST=_LOGS)
    yield row(f"{logpush}/validate/origin", POST=_LOGS)
    yield row(
        f"{logpush}/datasets/{{dataset_id}}/fields",
        "get_logpush_dataset_field",
        GET=group("Logs Read"),
        note="Logs Write is not named, although it is for the jobs",
    )
    if scope == ACCOUNT:
        yield row(f"{logpush}/datasets/{{dataset_id}}/jobs", GET=_LOGS)
    else:
        yield row(f"{logpush}/datasets/{{dataset_id}}/jobs", GET=UNSAID, note=_NOT_READ)


def _tokens(owner: str, groups: str, module: str, of_groups: str) -> Iterator[Row]:
    """Yield the rows of the tokens of an account or of a person, which are alike."""
    read, write = reading(groups), writing(groups)
    tokens = f"{owner}/tokens"
    yield row(tokens, module, f"get_{module}s", GET=read, POST=write)
    yield row(
        f"{tokens}/verify", GET=ANYBODY, note="no source names a group: it says whether the token itself is valid"
    )
    yield row(f"{tokens}/permission_groups", of_groups, GET=read)
    yield row(f"{tokens}/{{token_id}}", module, f"get_{module}", GET=read, PUT=write, DELETE=write)
    yield row(f"{tokens}/{{token_id}}/value", PUT=write)


ROWS: Final[tuple[Row, ...]] = (
    *_tokens(ACCOUNT, "Account API Tokens", "account_token", "get_account_api_token_permission_groups_list"),
    *_tokens("/user", "API Tokens", "api_token", "get_api_token_permission_groups_list"),
    row("/user", "user", "get_user", GET=_USER, PATCH=_USER_WRITE),
    row("/memberships", GET=_MEMBER),
    row("/memberships/{membership_id}", GET=_MEMBER, PUT=_MEMBER_WRITE, DELETE=_MEMBER_WRITE),
    row(
        "/accounts",
        GET=UNSAID,
        note=f"{_SILENT} (in 2024 it named the action #organization:read); it lists what the token's owner may see",
    ),
    row(ACCOUNT, "account", "get_account", GET=_ANY_OF_ACCOUNT, PUT=writing("Account Settings")),
    row(ACCOUNT, DELETE=writing("Account Settings"), note="only for tenants' administrators"),
    row("/zones", "get_zones", GET=group("Zone Read"), note=_MISSPELT.format("Zone Zone Read", "Zone Read")),
    row(
        "/zones",
        "zone",
        POST=group("Zone Write", "DNS Write"),
        note=_MISSPELT.format("Zone Zone Edit, Zone DNS Edit", "Zone Write and DNS Write"),
    ),
    row(
        ZONE,
        "zone",
        "get_zone",
        GET=_ANY_OF_ZONE,
        PATCH=writing("Zone"),
        DELETE=writing("Zone"),
        note="the SDK's get_zone names 'Zone Zone Read' besides, because it also finds a zone by its name",
    ),
    row(f"{ZONE}/activation_check", PUT=writing("Zone")),
    row(f"{ZONE}/purge_cache", POST=group("Cache Purge")),
    row(f"{ZONE}/dns_records", "get_dns_records", source=(), GET=_DNS),
    row(f"{ZONE}/dns_records", "dns_record", POST=_DNS_WRITE),
    row(f"{ZONE}/dns_records/batch", POST=_DNS_WRITE),
    row(f"{ZONE}/dns_records/import", POST=_DNS_WRITE),
    row(f"{ZONE}/dns_records/scan", POST=_DNS_WRITE),
    row(f"{ZONE}/dns_records/export", GET=UNSAID, note=_NOT_READ),
    row(
        f"{ZONE}/dns_records/{{dns_record_id}}",
        "dns_record",
        "get_dns_record",
        GET=_DNS,
        PUT=_DNS_WRITE,
        PATCH=_DNS_WRITE,
        DELETE=_DNS_WRITE,
    ),
    row(f"{ZONE}/settings", GET=_SETTINGS),
    row(f"{ZONE}/settings", PATCH=UNSAID, note=_NOT_READ),
    row(
        f"{ZONE}/settings/{{setting_id}}",
        "zone_setting",
        "get_zone_setting",
        GET=_SETTINGS,
        PATCH=_SETTINGS_WRITE,
        note="a few settings of the cache (aegis and others) accept Zone Read and Zone Write, too",
    ),
    *_rulesets(ACCOUNT, _RULES_OF_ACCOUNT),
    *_rulesets(ZONE, _RULES_OF_ZONE),
    row(f"{ACCOUNT}/access/apps", GET=_APPS | _REVOKE, POST=_APPS_WRITE),
    row(f"{ACCOUNT}/access/apps/{{app_id}}", GET=_APPS, PUT=_APPS_WRITE),
    row(f"{ACCOUNT}/access/apps/{{app_id}}", DELETE=UNSAID, note=_NOT_READ),
    row(f"{ACCOUNT}/access/apps/{{app_id}}/settings", PATCH=UNSAID, note=_SILENT),
    row(f"{ACCOUNT}/access/apps/{{app_id}}/revoke_tokens", POST=_APPS_WRITE | _REVOKE),
    row(f"{ACCOUNT}/access/apps/{{app_id}}/user_policy_checks", GET=_APPS),
    row(f"{ACCOUNT}/access/apps/{{app_id}}/policies", GET=_APPS, POST=_APPS_WRITE),
    row(f"{ACCOUNT}/access/apps/{{app_id}}/policies/{{policy_id}}", GET=_APPS, PUT=_APPS_WRITE, DELETE=_APPS_WRITE),
    row(
        f"{ACCOUNT}/access/policies",
        "zero_trust_access_policy",
        "get_zero_trust_access_policies",
        GET=_APPS,
        POST=_APPS_WRITE,
    ),
    row(
        f"{ACCOUNT}/access/policies/{{policy_id}}",
        "zero_trust_access_policy",
        "get_zero_trust_access_policy",
        GET=_APPS,
        PUT=_APPS_WRITE,
        DELETE=_APPS_WRITE,
    ),
    row(
        f"{ACCOUNT}/access/service_tokens",
        "zero_trust_access_service_token",
        "get_zero_trust_access_service_tokens",
        GET=_SERVICES,
        POST=_SERVICES_WRITE,
    ),
    row(
        f"{ACCOUNT}/access/service_tokens/{{service_token_id}}",
        "zero_trust_access_service_token",
        "get_zero_trust_access_service_token",
        GET=_SERVICES,
        DELETE=_SERVICES_WRITE,
    ),
    row(f"{ACCOUNT}/access/service_tokens/{{service_token_id}}", PUT=UNSAID, note=_NOT_READ),
    row(f"{ACCOUNT}/access/service_tokens/{{service_token_id}}/refresh", POST=_SERVICES_WRITE),
    row(f"{ACCOUNT}/access/service_tokens/{{service_token_id}}/rotate", POST=UNSAID, note=_SILENT),
    *_logpush(ACCOUNT),
    *_logpush(ZONE),
    row(
        "/graphql",
        source=(_GRAPHQL_PAGE, _GRAPHQL_ERRORS, OPENAPI),
        POST=group("Account Analytics Read", "Analytics Read"),
        note="it depends on the query: datasets of an account need the first, those of a zone the other",
    ),
)
