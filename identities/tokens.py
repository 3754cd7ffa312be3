"""The stage's tokens of Cloudflare: one for each role that needs one and one for its jobs, in two alternating slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

from bulkhead.model.identities import Slots
from bulkhead.model.instants import instant
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.roles import Holder
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job
from identities.cloudflare import holders, needs, token_policies


@dataclass(frozen=True, slots=True)
class StageTokensArgs:
    label: Label
    settings: StageSettings
    product: Product
    jobs: Sequence[Job]
    slots: Slots


class StageTokens(pulumi.ComponentResource):
    """A token for each holder in each open slot. ``values`` are those of the active slot, by holder, as secrets.

    They belong to the account, not to a person, and expire. A preview has none: it looks at nothing in Cloudflare.
    """

    def __init__(self, name: str, args: StageTokensArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:StageTokens", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        tokens = {
            (holder, slot): self._token(name, holder, slot)
            for holder in holders(args.jobs)
            if needs(holder, args.product)
            for slot in args.slots.windows
        }
        self.values: dict[Holder, pulumi.Output[str]] = {
            holder: pulumi.Output.secret(token.value)
            for (holder, slot), token in tokens.items()
            if slot == args.slots.active
        }
        self.register_outputs({})

    def _token(self, name: str, holder: Holder, slot: str) -> cloudflare.AccountToken:
        args, window = self._args, self._args.slots.windows[slot]
        return cloudflare.AccountToken(
            f"{name}-{holder}-{slot}",
            account_id=args.settings.cloudflare.account_id,
            name=args.label.name(Kind.TOKEN, holder, slot),
            policies=[
                {
                    "effect": "allow",
                    "permission_groups": [{"id": group} for group in policy.groups],
                    "resources": policy.resources,
                }
                for policy in token_policies(holder, args.product, args.label, args.settings)
            ],
            not_before=instant(window.begins),
            expires_on=instant(window.ends),
            opts=self._child,
        )
