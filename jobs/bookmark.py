"""Writes down every hour to which bookmark each database can be brought back, and how old its newest backup is (BAK-3).

Time Travel keeps thirty days, but somebody has to know a bookmark; this one is known without Cloudflare's dashboard.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs.cloudflare import CloudflareFailed
from jobs.folders import BOOKMARKS
from jobs.run import Done, Job, JobFailed, Outcome, handler_of
from jobs.vault import minutes, moment, stamp

_END: Final = ".json"


def key(database: str, at: datetime) -> str:
    return f"{BOOKMARKS}{database}/{stamp(at)}{_END}"


def work(job: Job) -> Outcome:
    """Note the bookmark of every database, also when one of them does not answer."""
    taken, failed = dict[str, str](), dict[str, str]()
    for name, store in sorted(job.config.databases.items()):
        now = job.now()
        try:
            taken[name] = job.cloudflare.database(store.id).bookmark()
            noted = {"database": name, "id": store.id, "bookmark": taken[name], "at": now.isoformat()}
            job.vault.put(key(name, job.scheduled), json.dumps(noted).encode())
        except (CloudflareFailed, BotoCoreError, ClientError) as error:
            job.log.failed(f"no bookmark of {name}", error)
            failed[name] = str(error)
        _tell_ages(job, name)
    if failed:
        told = "; ".join(f"{name}: {why}" for name, why in failed.items())
        raise JobFailed(f"no bookmark of {len(failed)} of {len(job.config.databases)} databases: {told}")
    return Done({"bookmarks": taken})


def _tell_ages(job: Job, name: str) -> None:
    """Put how old a database's newest bookmark and backup are. Where it has none, nothing is put, which is alarming as
    well."""
    try:
        bookmarks = [*job.vault.keys(f"{BOOKMARKS}{name}/")]
        backups = job.vault.newest(name)
    except (BotoCoreError, ClientError) as error:
        job.log.failed(f"how old the backups of {name} are cannot be seen", error)
        return
    newest = {
        "BookmarkAgeMinutes": moment(bookmarks[-1].rpartition("/")[2].removesuffix(_END)) if bookmarks else None,
        "BackupAgeMinutes": max(backups.values()).at if backups else None,
    }
    for metric, at in newest.items():
        if at is not None:
            job.metric(metric, minutes(at, job.now()), store=name)


handler = handler_of(work)
