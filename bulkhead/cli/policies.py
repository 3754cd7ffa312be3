"""`bulkhead policies`: the rules that every stage is judged by."""

from __future__ import annotations

from typing import Final

import typer

from bulkhead.cli.console import FAINT, Console
from bulkhead.cli.options import AsJson
from bulkhead.model.naming import Stage
from bulkhead.resources.catalogue import CATALOGUE
from policies.catalogue import RULES, judged_by
from policies.rule import level_in

_LEVELS: Final = {stage.value: level_in(stage) for stage in Stage}
# What no policy is shown by the engine, and what looks at it instead.
NOT_SHOWN: Final = (
    "retain_on_delete: the tests of the whole program look at it in all three stages",
    "which stack a StackReference reads: so only the stage's own may be one, and `isolation check` looks at it",
    "what is about to be deleted",
)

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead policies --json | jq -r '.rules[].name'")
def policies(*, json: AsJson = False) -> None:
    """List the rules of the policy pack: name, requirement and reason.

    They are mandatory in staging and production and advice in development. Pulumi asks them with
    `pulumi preview --policy-pack policies`; a rehearsal asks them too.
    """
    console = Console(json=json)
    console.table(
        ["rule", "requirement", "what it keeps true"],
        [(rule.name, ", ".join(rule.requirements), rule.reason) for rule in RULES],
    )
    console.say("Advisory in development, mandatory in staging and production. What no rule can see:", FAINT)
    for line in NOT_SHOWN:
        console.say(f"  {line}", FAINT)
    console.result(
        {
            "rules": [
                {
                    "name": rule.name,
                    "scope": rule.scope,
                    "levels": _LEVELS,
                    "requirements": list(rule.requirements),
                    "reason": rule.reason,
                }
                for rule in RULES
            ],
            "judgedBy": {
                row: [rule.name for rule in judged_by(row)] for row in CATALOGUE.values() if row.admitted is True
            },
            "notShown": list(NOT_SHOWN),
        }
    )
