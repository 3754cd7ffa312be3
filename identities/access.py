"""The login before a closed stage: who may open its hostnames, and the key with which its pipelines do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.access import closed_hostnames
from bulkhead.model.identities import Slots
from bulkhead.model.naming import Kind, Label
from bulkhead.model.settings import StageSettings

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StageAccessArgs:
    """``hosts`` are the hostnames that the product has in the stage."""

    label: Label
    settings: StageSettings
    slots: Slots
    hosts: Sequence[str]


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What opens a closed stage: an id, which is no secret, and a secret."""

    id: pulumi.Output[str]
    secret: pulumi.Output[str]


class StageAccess(pulumi.ComponentResource):
    """Cloudflare Access before every hostname of the stage: an application, the policy of its people, that of its
    pipelines, and a service token in each open slot, which ends with it (STG-8).

    It is here and not in the stage, because who may edit applications may open every application of the account: no
    pipeline has that right, and the login stands before the first hostname does. Nobody bypasses it, and both tokens
    of a rotation open it. ``key`` is that of the active slot.

    Left out: addresses of workers.dev, which a closed stage does not have (infra/components/worker.py), and the login
    itself: identity providers are the account's, and a new one mails a PIN.
    """

    def __init__(self, name: str, args: StageAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:StageAccess", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        access = args.settings.access
        keys = {slot: self._key(name, slot) for slot in args.slots.windows}
        pipelines = self._policy(
            name, "pipelines", "non_identity", [{"service_token": {"token_id": key.id}} for key in keys.values()]
        )
        people = self._policy(
            name,
            "people",
            "allow",
            [
                *({"email": {"email": address}} for address in sorted(access.emails)),
                *({"email_domain": {"domain": domain}} for domain in sorted(access.email_domains)),
            ],
        )
        self._application(name, [pipelines, people])
        active = keys[args.slots.active]
        self.key = AccessKey(active.client_id, pulumi.Output.secret(active.client_secret))
        self.register_outputs({})

    @property
    def _account(self) -> str:
        return self._args.settings.cloudflare.account_id

    @property
    def _session(self) -> str:
        # Left out, it comes back as an empty text and is a change (cloudflare/terraform-provider-cloudflare#7165).
        return f"{self._args.settings.access.session_hours}h"

    def _key(self, name: str, slot: str) -> cloudflare.ZeroTrustAccessServiceToken:
        window = self._args.slots.windows[slot]
        return cloudflare.ZeroTrustAccessServiceToken(
            f"{name}-key-{slot}",
            account_id=self._account,
            name=self._args.label.name(Kind.ACCESS, "pipelines", slot),
            duration=f"{-(-(window.ends - window.begins) // _HOUR)}h",
            opts=self._child,
        )

    def _policy(self, name: str, whose: str, decision: str, who: list[Any]) -> cloudflare.ZeroTrustAccessPolicy:
        return cloudflare.ZeroTrustAccessPolicy(
            f"{name}-{whose}",
            account_id=self._account,
            name=self._args.label.name(Kind.ACCESS, whose),
            decision=decision,
            includes=who,
            session_duration=self._session,
            opts=self._child,
        )

    def _application(self, name: str, policies: list[cloudflare.ZeroTrustAccessPolicy]) -> None:
        args = self._args
        hostnames = closed_hostnames(args.label.stage, args.settings.cloudflare.hostname, args.hosts)
        cloudflare.ZeroTrustAccessApplication(
            name,
            account_id=self._account,
            name=args.label.name(Kind.ACCESS),
            type="self_hosted",
            destinations=[{"type": "public", "uri": hostname} for hostname in hostnames],
            policies=[{"id": policy.id, "precedence": place} for place, policy in enumerate(policies, start=1)],
            session_duration=self._session,
            app_launcher_visible=False,
            http_only_cookie_attribute=True,
            same_site_cookie_attribute="lax",
            opts=self._child,
        )
