"""`bulkhead backup STAGE`: which backups there are, whether they are any good, and what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.operations.backups.differences import Difference
    from bulkhead.operations.backups.place import Place


class Action(StrEnum):
    """What to do about a stage's backups."""

    LIST = "list"
    NOW = "now"
    VERIFY = "verify"
    OPEN = "open"
    DIFF = "diff"
    HOLD = "hold"


_KEYS: Final = {Action.VERIFY: 1, Action.OPEN: 1, Action.DIFF: 2, Action.HOLD: 1}
_TAKEN_BY: Final = {
    "--database": (Action.LIST, Action.NOW),
    "--into": (Action.OPEN,),
    "--release": (Action.HOLD,),
    "--most": (Action.LIST, Action.DIFF),
}
_MOST: Final = 20

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead backup production list, then: bulkhead backup production verify KEY")
def backup(
    context: typer.Context,
    stage: StackName,
    action: Annotated[Action, typer.Argument(help="What to do.")],
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY] [NEWER]", help="Keys of backups, as the list has them.")
    ] = None,
    *,
    database: Annotated[
        str | None, typer.Option(metavar="NAME", help="list, now: only this database, as the product calls it.")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, help=f"list: backups of each database; diff: rows named of each change. Default: {_MOST}."),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="open: where the file goes. Default: in this user's cache.")
    ] = None,
    release: Annotated[bool, typer.Option("--release", help="hold: end the hold, and remove the copy.")] = False,
    token_env: TokenEnv = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Say which backups of a stage there are, and do something about one.

    list: age, size, rows, when each was read back, and how much would be lost now. now: take one of each database.
    verify KEY: load it here and compare every value. open KEY: leave a file of SQLite that nobody can write, and say
    where. diff KEY NEWER: tables and rows in which two differ, by their keys. hold KEY: keep a copy although its time
    is up, until --release. All but now and hold only read. Exit code 1 when a backup is no good, or was refused.
    """
    # boto3 and SQLite, which `--help` and a mistyped stage need not wait for.
    from bulkhead.clients.clouds import aws, said_plainly  # noqa: PLC0415
    from bulkhead.operations.backups.place import place_of  # noqa: PLC0415

    console, named = Console(json=json), keys or []
    wanted = _KEYS.get(action, 0)
    if len(named) != wanted:
        message = f"takes {wanted or 'no'} key{'s' if wanted > 1 else ''}, and {len(named)} are there"
        raise Refused("Nothing was done.", [Fault(action, message, f"bulkhead backup {stage} list says the keys")])
    given = {"--database": database, "--into": into, "--release": release or None, "--most": most}
    if stray := [option for option, value in given.items() if value is not None and action not in _TAKEN_BY[option]]:
        faults = [
            Fault(each, f"means nothing to {action}: it is for {' and '.join(_TAKEN_BY[each])}") for each in stray
        ]
        raise Refused("Nothing was done.", faults)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product = product_of(settings)
    known = [each.name for each in product.databases]
    if database is not None and database not in known:
        message = f"is no database of {product.name}; those are: {', '.join(known) or 'none'}"
        raise Refused("There is no such database.", [Fault(f"--database {database}", message, "name one of them")])
    chosen = [each for each in known if database in {None, each}]
    with said_plainly("AWS", "looking into the vault"):
        place = place_of(settings, product, aws(settings, profile))
        match action:
            case Action.LIST:
                from bulkhead.cli.backup_list import tell  # noqa: PLC0415

                tell(console, place, chosen, most or _MOST)
            case Action.NOW:
                _now(console, place, chosen, context.ensure_object(Apis), token_of(console, stage, profile, token_env))
            case Action.VERIFY:
                _verify(console, place, named[0])
            case Action.OPEN:
                _open(console, place, named[0], into)
            case Action.DIFF:
                _diff(console, place, named[0], named[1], most or _MOST)
            case Action.HOLD:
                _hold(console, place, named[0], release=release)


def _now(console: Console, place: Place, chosen: Sequence[str], apis: Apis, token: str) -> None:
    from bulkhead.cli.backup_list import size  # noqa: PLC0415
    from bulkhead.clients.rest import Rest  # noqa: PLC0415
    from bulkhead.operations.backups.now import databases, take  # noqa: PLC0415

    taken = []
    with Rest(apis.cloudflare, token) as api:
        for name, there in databases(place, api, chosen).items():
            found = take(place, there, name, token, lambda: datetime.now(UTC))
            manifest, packed = found.manifest, found.manifest.gzip.bytes if found.manifest.gzip else 0
            console.say(f"{found.backup.key}: {manifest.rows:,} rows, {size(packed)}, {manifest.seconds:.1f} s", GOOD)
            if not manifest.is_consistent:
                console.say("  it is of no one moment: somebody wrote meanwhile", WARNING)
            taken.append(
                {
                    "key": found.backup.key,
                    "database": name,
                    "rows": manifest.rows,
                    "bytes": packed,
                    "consistent": manifest.is_consistent,
                    "seconds": manifest.seconds,
                }
            )
    console.result({"stage": place.stage, "taken": taken})


def _verify(console: Console, place: Place, key: str) -> None:
    from bulkhead.operations.backups.opening import read_back  # noqa: PLC0415

    verdict = read_back(place, key)
    for reason in verdict.reasons:
        console.say(f"no good: {reason}", BAD)
    for note in verdict.notes:
        console.say(note, WARNING)
    if verdict.is_good:
        console.say(
            f"{key} was loaded and compared: {verdict.rows:,} rows, every value, {verdict.seconds:.1f} s.", GOOD
        )
    console.result({"stage": place.stage, **asdict(verdict), "at": verdict.at.isoformat(), "good": verdict.is_good})
    raise typer.Exit(0 if verdict.is_good else 1)


def _open(console: Console, place: Place, key: str, into: Path | None) -> None:
    from bulkhead.engine.finder import cache_root  # noqa: PLC0415
    from bulkhead.operations.backups.opening import open_into  # noqa: PLC0415

    vault, named = place.named(key)
    opened = open_into(place, vault, named, into or cache_root() / "backups", project.ROOT)
    if place.settings.stage is Stage.PRODUCTION:
        console.say("This is real people's data, in the clear: remove the file when you have seen what you need.", BAD)
    for each in opened.loaded.unchecked:
        console.say(f"constraints not checked: {each}", WARNING)
    console.say(f"{opened.file}", GOOD)
    console.say(f"  sqlite3 -readonly '{opened.file}' .tables", FAINT)
    console.result({"stage": place.stage, "key": named.key, "file": str(opened.file)})


def _diff(console: Console, place: Place, older: str, newer: str, most: int) -> None:
    from bulkhead.operations.backups.differences import differences  # noqa: PLC0415
    from bulkhead.operations.backups.opening import loaded  # noqa: PLC0415

    one, another = place.named(older), place.named(newer)
    if one[1].database != another[1].database:
        message = f"is of {another[1].database}, and the other one of {one[1].database}"
        raise Refused("Nothing was compared.", [Fault(newer, message, "name two backups of one database")])
    found = []
    with loaded(place, *one) as old, loaded(place, *another) as new:
        for each in differences(old.file, new.file, most):
            found.append(each)
            for line in _lines(each, most):
                console.say(line)
    if not found:
        console.say("They have the same rows.", GOOD)
    console.result(
        {"stage": place.stage, "older": older, "newer": newer, "tables": [_plain(asdict(one)) for one in found]}
    )


def _lines(each: Difference, most: int) -> list[str]:
    counts = f"{each.added:,} added, {each.removed:,} removed, {each.changed:,} changed"
    head = f"{each.table}: " + "; ".join(
        filter(None, (each.note, counts if each.added or each.removed or each.changed else ""))
    )
    rows = [
        f"  {row.change}: {', '.join(f'{key}={value!r}' for key, value in zip(each.key, row.key, strict=True))}"
        + (f": {', '.join(row.columns)}" if row.columns else "")
        for row in each.rows
    ]
    left = each.added + each.removed + each.changed - len(each.rows)
    return [head, *rows, *([f"  and {left:,} more; --most names more than {most} of each"] if rows and left else [])]


def _plain(value: Any) -> Any:
    """Return what JSON can hold: a key may be bytes, or a text that is no UTF-8."""
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case bytes():
            return {"hex": value.hex()}
    return value


def _hold(console: Console, place: Place, key: str, *, release: bool) -> None:
    from bulkhead.model.vault import HELD  # noqa: PLC0415
    from bulkhead.operations.backups.holding import hold, release_of  # noqa: PLC0415

    _, named = place.named(HELD + key.removeprefix(HELD) if release else key)
    found = release_of(place, named) if release else hold(place, named)
    console.say("It is held no more; its copy is gone." if release else f"It is kept until --release: {found[0]}", GOOD)
    console.result({"stage": place.stage, "key": named.key, "held": not release, "copies": found})
