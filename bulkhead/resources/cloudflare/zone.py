"""What surrounds the Workers in Cloudflare: the zone, who gets in, tokens, and where logs and notices go."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.cloudflare.workers import SCRIPTS
from bulkhead.resources.kind import EACH_NEW, Guard, Link, Reference, Rehearsed, ResourceType, Scope
from bulkhead.resources.permissions import ACCESS_APPS_WRITE, ACCESS_TOKENS_WRITE

_WHO: Final = {
    "group.id": "cloudflare:index/zeroTrustAccessGroup:ZeroTrustAccessGroup",
    "serviceToken.tokenId": "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken",
}
# Whom a rule lets in. Whom it excludes is no reference: to keep another stage's people out is a safeguard.
_LET_IN: Final = tuple(
    Reference(f"{side}[].{path}", Link.VISITOR, (type_,))
    for side in ("includes", "requires")
    for path, type_ in _WHO.items()
)
_APPLICATION: Final = (
    Reference("domain", Link.HOSTNAME),
    Reference("selfHostedDomains[]", Link.HOSTNAME),
    Reference("destinations[].uri", Link.HOSTNAME),
    Reference("destinations[].workerId", Link.WORKER, SCRIPTS),
    Reference("policies[].id", Link.VISITOR, ("cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy",)),
    *(Reference(f"policies[].{each.path}", each.link, each.to) for each in _LET_IN),
)

ACCESS_APPLICATION: Final = ResourceType(
    "cloudflare:index/accessApplication:AccessApplication",
    admitted="deprecated name of ZeroTrustAccessApplication",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=_APPLICATION,
    use_instead="cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication",
    guards=Guard(("policies", "domain", "destinations", "selfHostedDomains")),
)

ACCESS_POLICY: Final = ResourceType(
    "cloudflare:index/accessPolicy:AccessPolicy",
    admitted="deprecated name of ZeroTrustAccessPolicy",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=_LET_IN,
    use_instead="cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy",
    guards=Guard(("decision", "includes", "requires", "excludes")),
)

ACCOUNT_TOKEN: Final = ResourceType(
    "cloudflare:index/accountToken:AccountToken",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    guards=Guard(("policies", "condition", "expiresOn")),
    named_by="name",
    replaced_by=frozenset({"accountId"}),
    secrets=frozenset({"value"}),
    told_once=True,
    tells={"value": "{secret}"},
    rehearsed=Rehearsed.RECORDED,
)

API_TOKEN: Final = ResourceType(
    "cloudflare:index/apiToken:ApiToken",
    admitted="it belongs to a person, and stops working when that person leaves",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    use_instead="cloudflare:index/accountToken:AccountToken",
    guards=Guard(("policies", "condition", "expiresOn")),
    named_by="name",
    secrets=frozenset({"value"}),
    tells={"value": "{secret}"},
)

DNS_RECORD: Final = ResourceType(
    "cloudflare:index/dnsRecord:DnsRecord",
    admitted=True,
    unjudged="who answers at a name of the stage is for the stage to say; a name of another one is a reference",
    holds_data="",
    identity_inputs=("zoneId", "name", "type", "content"),
    left_behind="",
    references=(Reference("name", Link.HOSTNAME),),
    scope=Scope.ZONE,
)

LOGPUSH_JOB: Final = ResourceType(
    "cloudflare:index/logpushJob:LogpushJob",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    guards=Guard(("destinationConf", "outputOptions", "enabled")),
    secrets=frozenset({"destinationConf", "ownershipChallenge"}),
)

_WEBHOOKS: Final = "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks"

NOTIFICATION_POLICY: Final = ResourceType(
    "cloudflare:index/notificationPolicy:NotificationPolicy",
    admitted=True,
    unjudged="it sends notices of Cloudflare itself, which hold nothing of a visitor, a secret or a store",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(Reference("mechanisms.webhooks[].id", Link.NOTICE, (_WEBHOOKS,)),),
)

NOTIFICATION_POLICY_WEBHOOKS: Final = ResourceType(
    _WEBHOOKS,
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    secrets=frozenset({"secret", "url"}),
)

RULESET: Final = ResourceType(
    "cloudflare:index/ruleset:Ruleset",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "zoneId", "phase", "kind", "name"),
    left_behind="",
    references=(),
    guards=Guard(("rules",)),
)

TURNSTILE_WIDGET: Final = ResourceType(
    "cloudflare:index/turnstileWidget:TurnstileWidget",
    admitted="no rule judges yet on whose pages it may stand",
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    secrets=frozenset({"secret"}),
)

ZERO_TRUST_ACCESS_APPLICATION: Final = ResourceType(
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=_APPLICATION,
    guards=Guard(("policies", "domain", "destinations", "selfHostedDomains")),
    named_by="name",
    replaced_by=frozenset({"accountId", "zoneId"}),
    rehearsed=Rehearsed.EMULATED,
    needs=(ACCESS_APPS_WRITE,),
    unordered=frozenset({"selfHostedDomains", "tags"}),
)

ZERO_TRUST_ACCESS_GROUP: Final = ResourceType(
    "cloudflare:index/zeroTrustAccessGroup:ZeroTrustAccessGroup",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=_LET_IN,
    guards=Guard(("includes", "requires", "excludes")),
)

ZERO_TRUST_ACCESS_POLICY: Final = ResourceType(
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=_LET_IN,
    guards=Guard(("decision", "includes", "requires", "excludes")),
    named_by="name",
    replaced_by=frozenset({"accountId"}),
    rehearsed=Rehearsed.EMULATED,
    needs=(ACCESS_APPS_WRITE,),
    unordered=frozenset({"includes", "requires", "excludes"}),
)

ZERO_TRUST_ACCESS_SERVICE_TOKEN: Final = ResourceType(
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(),
    named_by="name",
    replaced_by=frozenset({"accountId", "zoneId"}),
    secrets=frozenset({"clientSecret"}),
    told_once=True,
    tells={"clientId": "{id}", "clientSecret": "{secret}"},
    rehearsed=Rehearsed.EMULATED,
    needs=(ACCESS_TOKENS_WRITE,),
)

ZONE_SETTING: Final = ResourceType(
    "cloudflare:index/zoneSetting:ZoneSetting",
    admitted=True,
    holds_data="",
    identity_inputs=("zoneId", "settingId"),
    left_behind="the zone keeps the setting",
    references=(),
    scope=Scope.ZONE,
    guards=Guard(("value",)),
)
