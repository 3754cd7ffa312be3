"""The gate's verdict on a preview (pure): what stops the change, losses, waivers, forgotten resources, policies and
noise.

The machine form (`as_json`), which `bulkhead preview --json` prints:

    {
      "stage": "production", "stack": "production", "passes": false, "source": "stream" | "digest",
      "changes": {"counts": {"update": 1, ...}, "resources": [{"action", "type", "name", "urn", "paths": [...]}]},
      "losses": [{"kind", "type", "name", "urn", "lost", "instead", "stops": true,
                  "waiver": null | {"line", "reason", "until", "approvedBy"}}],
      "obstacles": [{"what", "why", "fix"}],          everything else that stops; no waiver helps
      "traffic": [...],                               who gets which version by it, a sentence for each
      "forgotten": [{"type", "name", "urn", "remains"}],
      "policies": {"packs": [...], "spoke": [{"level", "policy", "message", "urn"}]},
      "noise": [{"type", "name", "urn", "paths": [...], "issues": [...]}],
      "waivers": {"base": "origin/main", "notes": [...]},
      "notes": [...], "notShown": [...], "leaks": [{"secret", "place"}]
    }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from bulkhead.model.naming import Stage
from bulkhead.preview.change import ResourceChange
from bulkhead.preview.events import NOT_IN_A_DIGEST
from bulkhead.preview.forgotten import Forgotten, forgotten
from bulkhead.preview.losses.catalogue import losses
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.noise import Noise, NoisyUpdate, noisy_updates
from bulkhead.preview.plan import UpdatePlan
from bulkhead.preview.traffic import moves, refused
from bulkhead.preview.waivers import Waiver, Waivers

_QUIET: Final = frozenset({"same", "read", "refresh"})
# Messages of the engine that give no reason.
_NO_REASON: Final = frozenset({"preview failed", "update failed"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A loss, the waiver that covers it, and whether it stops the change."""

    loss: Loss
    waiver: Waiver | None
    stops: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stops the change but is no loss, so no waiver can cover it."""

    what: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Leaked:
    """Where the value of the secret called ``secret`` was found."""

    secret: str
    place: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The whole verdict on a preview. ``changes`` are those that are no noise."""

    stage: Stage
    plan: UpdatePlan
    base: str
    changes: tuple[ResourceChange, ...]
    losses: tuple[Judged, ...]
    obstacles: tuple[Obstacle, ...]
    forgotten: tuple[Forgotten, ...]
    noise: tuple[NoisyUpdate, ...]
    waiver_notes: tuple[str, ...]
    notes: tuple[str, ...]
    traffic: tuple[str, ...] = ()
    leaks: tuple[Leaked, ...] = ()

    @property
    def stops(self) -> tuple[Judged, ...]:
        return tuple(judged for judged in self.losses if judged.stops)

    @property
    def passes(self) -> bool:
        return not (self.stops or self.obstacles or self.leaks)

    @property
    def not_shown(self) -> tuple[str, ...]:
        return NOT_IN_A_DIGEST if self.plan.source == "digest" else ()

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        stops = len(self.stops) + len(self.obstacles) + len(self.leaks)
        if stops:
            return f"{self.plan.stack}: stopped, for {stops} reason{'s' if stops > 1 else ''}."
        shown = [judged for judged in self.losses if judged.waiver is None]
        if shown:
            return f"{self.plan.stack}: nothing stops it; losses in development are only shown: {len(shown)}."
        waived = f", but {len(self.losses)} that were agreed to" if self.losses else ""
        return f"{self.plan.stack}: nothing stops it; nothing is lost{waived}."


def judge(
    plan: UpdatePlan,
    stage: Stage,
    waivers: Waivers,
    noise: Sequence[Noise],
    today: date,
    *,
    pack: str = "",
) -> Verdict:
    """Return the verdict on a plan. ``pack`` is the policy pack that must have run, "" for none."""
    found = tuple(losses(plan))
    covered, unused = waivers.covering(found, (change for change in plan.changes if change.custom))
    noisy, void = noisy_updates(plan, noise, today)
    touched = {loss.change.urn for loss in found}
    noisy = [each for each in noisy if each.change.urn not in touched]
    set_apart = {each.change.urn for each in noisy}
    strict = stage is not Stage.DEVELOPMENT
    changes = (c for c in plan.changes if c.action not in _QUIET and c.custom and c.urn not in set_apart)
    return Verdict(
        stage,
        plan,
        waivers.base,
        tuple(changes),
        tuple(Judged(loss, covered.get(n), strict and n not in covered) for n, loss in enumerate(found)),
        tuple(_obstacles(plan, pack, strict=strict)),
        tuple(forgotten(plan)),
        tuple(noisy),
        (*waivers.notes, *unused),
        tuple(void),
        tuple(moves(plan)),
    )


def _obstacles(plan: UpdatePlan, pack: str, *, strict: bool) -> list[Obstacle]:
    mandatory = (
        Obstacle(f"policy {each.policy}", each.message, "do what its last line says")
        for each in plan.policies
        if each.level == "mandatory"
    )
    found = list(dict.fromkeys(mandatory))  # a rule that cannot judge repeats its reason for each resource
    if plan.failed or plan.errors:  # an engine that reports an error did not preview all, whatever it calls its result
        reasons = [error for error in plan.errors if error not in _NO_REASON]
        if reasons or not found:
            why = "\n".join(reasons) or "it gave no reason"
            fix = "mend what it says; a `protect` it complains of is to stay"
            found.append(Obstacle("the engine", f"the preview failed: {why}", fix))
    if plan.begun:
        names = ", ".join(urn.rpartition("::")[2] for urn in plan.begun)
        why = f"an up was cut off while it made {names}: what exists of it, nobody wrote down, and an up makes it again"
        found.append(Obstacle("a creation that was begun", why, f"bulkhead settle {plan.stack}"))
    found += [Obstacle("a version that Cloudflare refuses", why, fix) for why, fix in refused(plan)]
    if plan.source == "digest" and strict:
        why = "a digest does not show enough to say that nothing is lost; it does not show " + "; nor ".join(
            NOT_IN_A_DIGEST
        )
        fix = "PULUMI_ENABLE_STREAMING_JSON_PREVIEW=true pulumi preview --json --policy-pack policies > events.jsonl"
        found.append(Obstacle("the digest", why, fix))
    elif strict and pack and pack not in plan.packs:
        asked = ", ".join(plan.packs) or "none"
        why = f"the policy pack {pack} was not asked (asked: {asked}), so nobody has said what this stage may never be"
        found.append(Obstacle("the policies", why, "pulumi preview --policy-pack policies"))
    return found


def with_failure(verdict: Verdict, complaint: str) -> Verdict:
    """Return the verdict on a preview whose CLI failed, even if its events show no failure."""
    if verdict.plan.failed:
        return verdict
    why = f"the preview failed after it had said everything: {complaint or 'it gave no reason'}"
    failure = Obstacle("the engine", why, "mend what it says")
    return replace(verdict, obstacles=(*verdict.obstacles, failure))


def with_note(verdict: Verdict, note: str) -> Verdict:
    return replace(verdict, notes=(*verdict.notes, note))


def with_leaks(verdict: Verdict, leaked: Sequence[Leaked]) -> Verdict:
    """Return the verdict, stopped by secrets that were found in the engine's output or in the text to be printed."""
    return replace(verdict, leaks=(*verdict.leaks, *leaked))


def bare(verdict: Verdict) -> Verdict:
    """Return the verdict without any text of the engine, because that contains a secret."""
    silent = replace(verdict.plan, policies=(), errors=(), changes=())
    return replace(
        verdict,
        plan=silent,
        changes=(),
        losses=(),
        obstacles=(),
        forgotten=(),
        noise=(),
        waiver_notes=(),
        traffic=(),
        notes=("everything else is left out, because the secret stands in it",),
    )


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the machine form."""
    plan = verdict.plan
    return {
        "stage": verdict.stage.value,
        "stack": plan.stack,
        "passes": verdict.passes,
        "source": plan.source,
        "changes": {
            "counts": dict(plan.counts),
            "resources": [{"action": c.action, **_resource(c), "paths": list(c.paths)} for c in verdict.changes],
        },
        "losses": [
            {
                "kind": judged.loss.kind,
                **_resource(judged.loss.change),
                "lost": judged.loss.lost,
                "instead": judged.loss.fix,
                "stops": judged.stops,
                "waiver": _waiver(judged.waiver),
            }
            for judged in verdict.losses
        ],
        "obstacles": [{"what": each.what, "why": each.why, "fix": each.fix} for each in verdict.obstacles],
        "traffic": list(verdict.traffic),
        "forgotten": [{**_resource(each.change), "remains": each.remains} for each in verdict.forgotten],
        "policies": {
            "packs": list(plan.packs),
            "spoke": [
                {"level": each.level, "policy": each.policy, "message": each.message, "urn": each.urn}
                for each in plan.policies
            ],
        },
        "noise": [
            {
                **_resource(each.change),
                "paths": list(each.change.paths),
                "issues": [entry.issue for entry in each.entries],
            }
            for each in verdict.noise
        ],
        "waivers": {"base": verdict.base, "notes": list(verdict.waiver_notes)},
        "notes": list(verdict.notes),
        "notShown": list(verdict.not_shown),
        "leaks": [{"secret": leak.secret, "place": leak.place} for leak in verdict.leaks],
    }


def _resource(change: ResourceChange) -> Mapping[str, str]:
    return {"type": change.type, "name": change.name, "urn": change.urn}


def _waiver(waiver: Waiver | None) -> dict[str, Any] | None:
    if waiver is None:
        return None
    return {
        "line": waiver.line,
        "reason": waiver.reason,
        "until": waiver.until.isoformat(),
        "approvedBy": waiver.approved_by,
    }
