"""Copies the stage's Pulumi states into the vault every week (BAK-10): what recovery begins with.

The settings as they were deployed are in a state's outputs, and their files are in Git. Secrets stay as the engine has
them, encrypted with the stack's own key.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from jobs.folders import STATE
from jobs.listing import listed
from jobs.run import Done, Job, JobFailed, Outcome, handler_of
from jobs.streams import Reading
from jobs.vault import stamp

_STACKS: Final = ".pulumi/stacks/"
# A file backend keeps <project>/<stack>.json, packed or not, and beside it copies and a history of its own.
_STACK: Final = re.compile(re.escape(_STACKS) + r"[^/]+/[^/]+\.json(\.gz)?")
_CHUNK: Final = 1 << 20


def work(job: Job) -> Outcome:
    """Copy every stack of the state's bucket, and note what was copied when all is there."""
    folder = f"{STATE}{stamp(job.scheduled)}/"
    stacks = [key for key in _keys(job) if _STACK.fullmatch(key)]
    if not stacks:
        raise JobFailed(f"{job.config.state} holds no stack below {_STACKS}. fix: is it the stage's bucket of states?")
    copied = {key.removeprefix(_STACKS): _copied(job, key, folder + key.removeprefix(_STACKS)) for key in stacks}
    told = {"at": job.now().isoformat(), "stacks": copied}
    job.vault.put(f"{folder}manifest.json", json.dumps(told, indent=1).encode())
    return Done({"folder": folder, **told})


def _keys(job: Job) -> list[str]:
    return [each["Key"] for each in listed(job.aws.s3, job.config.state, _STACKS)]


def _copied(job: Job, key: str, to: str) -> dict[str, Any]:
    """Copy a state as it is at one moment: S3 hands out one object whole, whoever writes the next one."""
    hash_ = hashlib.sha256()
    with Reading(job.aws.s3, job.config.state, key) as state, job.vault.writing({to: {}}) as out:
        if not state.size:
            raise JobFailed(
                f"{key} is empty. fix: bring the last version of this object back before the next deployment"
            )
        while chunk := state.read(_CHUNK):
            hash_.update(chunk)
            out.write(chunk)
    return {"sha256": hash_.hexdigest(), "bytes": out.bytes}


handler = handler_of(work)
