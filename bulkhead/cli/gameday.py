"""`bulkhead gameday`: production is lost and comes back, on local clouds, with the minutes measured."""

from __future__ import annotations

import typer

from bulkhead.cli.board import Board
from bulkhead.cli.console import GOOD, WARNING, Console
from bulkhead.cli.options import AsJson
from bulkhead.model.imports import kept_for_good
from bulkhead.model.naming import Stage
from bulkhead.rehearsal.evidence import Verdict

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead gameday. Exit code 0: production came back with its data; 1: it did not.")
def gameday(*, json: AsJson = False) -> None:
    """Lose production on local clouds, and bring it back in another account and region from the vault's copy.

    Production comes up with data, its jobs copy it, then its Cloudflare and its state are destroyed. The steps of
    `bulkhead recover` bring it back. Says how long it took and how much was lost, against the goals of the settings,
    and which steps were the slowest. A goal that is missed does not fail it: the settings promise it, and they say how
    it is kept. Needs no account and no secret.
    """
    console = Console(json=json)
    with kept_for_good():
        from bulkhead.rehearsal import gameday as day  # noqa: PLC0415 (the Pulumi SDKs take seconds to import)
    with _Watched(console, [Stage.PRODUCTION.value]) as board:
        played = day.play(board)
    console.say()
    console.say(f"Production came back, {played.stores} stores with what had been copied.", GOOD)
    for line in played.measured.told():
        console.say(f"  {line}", WARNING if line.startswith("missed") else "")
    for each in played.measured.plan.gone:
        console.say(f"  not brought back: {each}", WARNING)
    console.result(played.document())


class _Watched(Board):
    def verdict(self, verdict: Verdict) -> None:
        """Nothing is proven on a game day but that it comes to its end."""
