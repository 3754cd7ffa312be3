"""Who uses a stage while a release comes to it: visitors without a pause, messages and crons; and who answered them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from bulkhead.model.product import HEALTH, Worker
from bulkhead.model.product_rules import calls
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene, StandingStage

_INVOCATIONS: Final = "workersInvocationsAdaptive"
_PAUSE: Final = 0.02  # minutes between two visits
_PATIENCE: Final = 20.0  # minutes for visits to be made, or a queue to be worked off
_SETTLED: Final = 2.0  # minutes without another call, after which none is to come
_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500


@dataclass(frozen=True, slots=True)
class Taken:
    visits: int
    failed: int


@dataclass
class Seen:
    """What people who visit a stage all the time have met since it was last taken; ``minute`` is in seconds."""

    minute: float
    _visits: int = 0
    _failed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int) -> None:
        with self._lock:
            self._visits += 1
            self._failed += status >= _SERVER_ERRORS

    def taken(self) -> Taken:
        with self._lock:
            taken, self._visits, self._failed = Taken(self._visits, self._failed), 0, 0
        return taken

    def after(self, visits: int) -> Taken:
        """Return what was met in so many visits from now on. Raises Unproven where nobody comes any more."""
        self.taken()
        until = time.monotonic() + _PATIENCE * self.minute
        while self._visits < visits and time.monotonic() < until:
            time.sleep(_PAUSE * self.minute)
        taken = self.taken()
        require(taken.visits >= visits, f"{visits} visits to be answered", taken.visits)
        return taken


@contextmanager
def visiting(scene: Scene, stage: StandingStage, minute: float) -> Iterator[Seen]:
    """Let somebody visit a stage without a pause, until the end."""
    public = scene.product.public_workers[0].name
    host, key = scene.product.hostnames(stage.settings.cloudflare.hostname)[public], stage.key()
    seen, over = Seen(minute), threading.Event()

    def visit() -> None:
        while not over.wait(_PAUSE * minute):
            seen.add(stage.cloud.visit(host, HEALTH, headers=key).status)

    thread = threading.Thread(target=visit, name="visitor", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def invocations(scene: Scene, stage: StandingStage, worker: Worker | str) -> Counter[str]:
    """Return how often each version of a Worker was called so far, by visitors or others, as its analytics counted."""
    script, counts = scene.worker_name(stage, worker), Counter[str]()
    for row in stage.cloud.counted(_INVOCATIONS, 0, time.time()):
        if row.dimensions["scriptName"] == script:
            counts[str(row.dimensions["scriptVersion"])] += row.count
    return counts


def handled(scene: Scene, stage: StandingStage, minute: float, headers: Mapping[str, str]) -> dict[str, int]:
    """Run each cron and make each journey once, with ``headers``. Return how often each Worker was called that nobody
    else calls: by its crons and its queues."""
    product = scene.product
    queues = Counter(queue.consumer for queue in product.queues if queue.consumer)
    called = set().union(*calls(product).values())
    quiet = [
        worker
        for worker in product.workers
        if (worker.crons or worker.name in queues) and not worker.host and worker.name not in called
    ]

    def now() -> dict[str, int]:
        return {worker.name: invocations(scene, stage, worker).total() for worker in quiet}

    before = now()
    for worker in quiet:
        for cron in worker.crons or ():
            stage.cloud.scheduled(scene.worker_name(stage, worker), cron)
    hosts, key = product.hostnames(stage.settings.cloudflare.hostname), stage.key()
    for journey in product.journeys:
        path, body = journey.marked(uuid.uuid4().hex[:12])
        answer = stage.cloud.visit(
            hosts[journey.worker], path, method=journey.method, json=body, headers={**key, **headers}
        )
        require(answer.status < _ERRORS, f"{journey.name} to be answered", f"{answer.status}: {answer.text[:200]}")
    due = {worker.name: before[worker.name] + len(worker.crons or ()) + queues[worker.name] for worker in quiet}
    seen = before
    since = began = time.monotonic()
    while time.monotonic() < began + _PATIENCE * minute:
        if (found := now()) != seen:
            seen, since = found, time.monotonic()
        all_came = all(seen[name] >= count for name, count in due.items())
        if all_came and time.monotonic() >= since + _SETTLED * minute:
            break
        time.sleep(_PAUSE * minute)
    return {name: seen[name] - count for name, count in before.items()}
