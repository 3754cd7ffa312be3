"""The job that keeps Durable Objects: each line as the Worker hands it out, of one moment or said not to be."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from bulkhead.model.project import ROOT
from jobs.cloudflare import Cloudflare
from jobs.d1.values import taken
from jobs.exports import Exporter, ExportFailed
from jobs.objects import Cursor, handler, lines_of
from jobs.run import JobFailed
from tests.support.lambda_stage import Context, LambdaStage

KEY = "a made-up key"
PARAMETER = "/harbor/staging/exportKey"
SCRIPT = "harbor-staging-worker-booking"
LEDGER = "BookingLedger"


@dataclass
class Worker:
    """A Worker that exports: each call takes the next page of ``pages``, or what ``answer`` says."""

    pages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[Any] = field(default_factory=list)
    answer: Callable[[str, Mapping[str, Any]], tuple[int, Any]] | None = None
    url: str = ""

    def page(self, id_: str, wish: Mapping[str, Any]) -> tuple[int, Any]:
        self.calls.append((id_, wish["after"]))
        return self.answer(id_, wish) if self.answer else (200, self.pages[id_].pop(0))


def page(counter: str, *lines: dict[str, Any], following: Any = None) -> dict[str, Any]:
    return {"counter": counter, "alarm": 7, "schema": ["S"], "columns": {}, "lines": [*lines], "next": following}


@contextmanager
def serving(worker: Worker) -> Iterator[Worker]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.headers["Authorization"] != f"Bearer {KEY}":
                status, body = 401, {"code": "UNAUTHORIZED", "said": self.headers["Authorization"]}
            else:
                status, body = worker.page(self.path.rpartition("/")[2], wish)
            content = json.dumps(body).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", worker.url)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    worker.url = f"http://127.0.0.1:{server.server_port}"
    yield worker
    server.shutdown()
    server.server_close()


@pytest.fixture
def worker() -> Iterator[Worker]:
    with serving(Worker()) as found:
        yield found


@pytest.fixture
def listed(stage: LambdaStage, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The objects that Cloudflare lists, two a page; what it answers is tested with the local Cloudflare's API."""
    found: list[dict[str, Any]] = []

    def pages(_self: Cloudflare, path: str, cursor: str, **_: Any) -> tuple[list[Any], str]:
        assert path == "/workers/durable_objects/namespaces/n1/objects"
        start = int(cursor or 0)
        return found[start : start + 2], str(start + 2) if start + 2 < len(found) else ""

    monkeypatch.setattr(Cloudflare, "page", pages)
    monkeypatch.setattr(Cloudflare, "get", lambda *_, **__: [{"id": "n1", "script": SCRIPT, "class": LEDGER}])
    monkeypatch.setattr("jobs.exports._PAUSES", (0.0, 0.0))
    return found


def told(worker: Worker, **other: Any) -> dict[str, Any]:
    offer = {"url": worker.url, "key": PARAMETER, "classes": {LEDGER: SCRIPT}, "unexported": ["Conversation"]}
    return {**offer, **other}


@pytest.fixture
def run(stage: LambdaStage, worker: Worker, listed: list[dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    import boto3  # noqa: PLC0415 - after the S3 of this process is there

    boto3.client("ssm").put_parameter(Name=PARAMETER, Value=KEY, Type="SecureString")

    def call(**other: Any) -> dict[str, Any]:
        return stage.call(handler, "objects", "2026-12-01T19:00:00Z", objects=told(worker, **other))

    return call


def kept(stage: LambdaStage, answer: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    manifest = json.loads(stage.read(answer["summary"]["classes"][LEDGER]["manifest"]))
    packed = b"".join(stage.read(part["key"]) for part in manifest["parts"])
    return manifest, [json.loads(line) for line in gzip.decompress(packed).splitlines()]


Run = Callable[..., dict[str, Any]]
Listed = list[dict[str, Any]]


def test_every_object_that_holds_anything_is_kept_page_by_page(
    stage: LambdaStage, worker: Worker, listed: Listed, run: Run
) -> None:
    listed += [{"id": id_, "hasStoredData": id_ != "empty"} for id_ in ("a", "empty", "b")]
    row, place = {"table": "t", "rowid": "1", "values": ["i1"]}, {"table": "t", "last": "1"}
    worker.pages = {"a": [page("1", row, following=place), page("1", {"key": "k", "value": 1})], "b": [page("5")]}
    answer = run()
    manifest, lines = kept(stage, answer)
    assert worker.calls == [("a", None), ("a", place), ("b", None)]
    assert (manifest["objects"], manifest["fuzzy"], manifest["class"]) == (2, 0, LEDGER)
    assert lines[:4] == [
        {"object": "a", "attempt": 1, "alarm": 7, "schema": ["S"], "columns": {}},
        {"object": "a", "attempt": 1, **row},
        {"object": "a", "attempt": 1, "key": "k", "value": 1},
        {"object": "a", "attempt": 1, "end": True, "lines": 2, "consistent": True},
    ]
    assert answer["summary"]["out_of_scope"] == ["Conversation"]


def test_an_object_that_was_written_to_is_read_again(
    stage: LambdaStage, worker: Worker, listed: Listed, run: Run
) -> None:
    listed.append({"id": "a", "hasStoredData": True})
    place = {"table": "t", "last": "1"}
    worker.pages = {"a": [page("1", following=place), page("2"), page("2", following=place), page("2")]}
    manifest, lines = kept(stage, run())
    assert manifest["fuzzy"] == 0
    assert [(line["attempt"], line["consistent"]) for line in lines if "end" in line] == [(2, True)]


def test_an_object_that_never_stands_still_says_so(
    stage: LambdaStage, worker: Worker, listed: Listed, run: Run
) -> None:
    listed.append({"id": "a", "hasStoredData": True})
    counted = iter(range(100))
    place = {"table": "t", "last": "1"}
    worker.answer = lambda _id, wish: (200, page(str(next(counted)), following=None if wish["after"] else place))
    manifest, lines = kept(stage, run())
    assert manifest["fuzzy"] == 1
    assert [(line["attempt"], line["consistent"]) for line in lines if "end" in line] == [(3, False)]


def test_a_run_near_its_end_goes_on_with_the_next_object(
    stage: LambdaStage, worker: Worker, listed: Listed, run: Run
) -> None:
    listed += [{"id": id_, "hasStoredData": True} for id_ in "abc"]
    worker.answer = lambda _id, _wish: (200, page("1"))
    event: dict[str, Any] = {"scheduled": "2026-12-01T19:00:00Z"}
    for _ in "ab":
        answer = stage.call(handler, "objects", event=event, context=Context(left=60), objects=told(worker))
        assert answer["status"] == "handed-over"
        event = stage.invocations.events[-1]
    answer = stage.call(handler, "objects", event=event, context=Context(left=60), objects=told(worker))
    manifest, lines = kept(stage, answer)
    assert [line["object"] for line in lines if "end" in line] == ["a", "b", "c"]
    assert (manifest["objects"], len(manifest["parts"])) == (3, 3)


@pytest.mark.parametrize("status", [401, 302, 500, 422])
def test_a_worker_that_refuses_fails_the_run_and_hears_no_secret(
    status: int, stage: LambdaStage, worker: Worker, listed: Listed, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    listed.append({"id": "a", "hasStoredData": True})
    worker.answer = lambda _id, _wish: (status, {"code": "NO", "said": KEY})
    with pytest.raises(JobFailed, match=f"{LEDGER} a: {status}"):
        run()
    assert KEY not in capsys.readouterr().out


def test_a_value_that_no_json_can_say_fails_the_run_by_name(
    stage: LambdaStage, worker: Worker, listed: Listed, run: Run
) -> None:
    listed.append({"id": "a", "hasStoredData": True})
    worker.pages = {"a": [page("1", {"key": "k/9", "unsaid": "Map"})]}
    with pytest.raises(JobFailed, match="1 values: a 'k/9' holds a Map"):
        run()


def test_a_class_that_is_not_deployed_is_named(worker: Worker, run: Run) -> None:
    with pytest.raises(JobFailed, match=r"Other: .* has no such class"):
        run(classes={"Other": SCRIPT})


def test_a_product_without_exports_names_what_is_out_of_scope(worker: Worker, run: Run) -> None:
    assert run(classes={}, url="")["summary"] == {"classes": {}, "out_of_scope": ["Conversation"]}


def test_a_key_is_sent_to_no_other_machine_in_clear() -> None:
    with pytest.raises(ExportFailed, match="https address only"):
        Exporter("http://export.example.com", KEY)


@pytest.mark.slow
def test_what_a_worker_really_hands_out_is_read_value_for_value(
    stage: LambdaStage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.exports.LIMIT", 2)
    command = ["node", "test/exporter.mjs"]
    with subprocess.Popen(command, cwd=ROOT / "worker", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        said = json.loads(process.stdout.readline())
        exporter = Exporter(said["url"], said["key"])
        cursor = Cursor()
        lines = list(lines_of(exporter, "Odd", said["odd"], cursor))
        process.stdin.close()
    assert lines[-1]["consistent"]
    rows = [[taken(value) for value in line["values"]] for line in lines if line.get("table") == 'no "case']
    assert rows[0] == [2**53 + 1, 0.1]
    assert rows[1] == [-(2**63), float("inf")]
    assert rows[4] == ["a\0b", ""]
    assert rows[5] == ["a\udcff", "\ufffd"]
    assert {line["key"] for line in lines if "key" in line} == {"k/1", "k/2", "k/3"}
