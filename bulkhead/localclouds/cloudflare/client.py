"""The client of one stage's local Cloudflare, for proofs and other processes."""

from __future__ import annotations

import base64
import json as _json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bulkhead.clients.sql import statements
from bulkhead.localclouds.cloudflare import disk, layout
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.localclouds.cloudflare.disk import DurableObject, Row
from bulkhead.localclouds.cloudflare.request import Answer, ask, with_body
from bulkhead.model.failures import Failed

_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Egress:
    """One attempt of a Worker to reach something outside; it got 502. Raw TCP is refused and not listed."""

    worker: str
    method: str
    url: str
    at: str

    def __str__(self) -> str:
        return f"{self.method} {self.url} (Worker {self.worker})"


@dataclass(frozen=True, slots=True)
class Held:
    """A message in a queue that nobody consumes, for example a dead letter."""

    id: str
    body: Any


@dataclass(frozen=True, slots=True)
class Query:
    """One statement. A parameter is null, a number, a text, or a blob as its bytes' numbers."""

    sql: str
    params: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """What a statement did: its rows, and D1's own account of it. A blob is a list of its bytes' numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    meta: Mapping[str, Any]

    def objects(self) -> list[Row]:
        """Return the rows by column; of columns with one name, the last one counts, as at D1."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class SqlError(Failed):
    """D1 refuses SQL; the summary is what it says. Nothing was done."""


@dataclass(frozen=True, slots=True)
class S3Access:
    """How an S3 client reaches the stage's buckets (path style)."""

    endpoint: str
    access_key_id: str
    secret_access_key: str

    def client(self) -> Any:
        """Return a boto3 client; importing boto3 takes half a second, which most proofs need not spend."""
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        session = boto3.Session(self.access_key_id, self.secret_access_key, region_name="auto")
        config = Config(proxies={}, s3={"addressing_style": "path"})
        return session.client("s3", endpoint_url=self.endpoint, config=config)


class StageCloud:
    """One stage's local Cloudflare, by the ``control`` URL and the ``token`` it was started with.

    D1 and KV are named by id, R2 and queues by name, Workers by their physical name. Every method raises Failed when
    the stage has no such thing, or its cloud is not there.
    """

    def __init__(self, control: str, token: str) -> None:
        self._address = urlsplit(control)
        self._token = token

    def call(self, operation: str, **given: Any) -> Any:
        """Ask for an operation of the host by name."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        answer = ask(self._address.netloc, "POST", f"/{operation}", headers, _json.dumps(given).encode())
        value = answer.json()
        if answer.status != _OK:
            raise Failed(f"{operation}: {value['error']}")
        return value

    # Workers

    def fetch(
        self,
        worker: str,
        path: str,
        *,
        method: str = "GET",
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        host: str = "rehearsal.test",
    ) -> Answer:
        """Send a request to a Worker, public or not, as another Worker would. A Worker that throws answers 500."""
        headers, body = with_body(headers, json, body)
        content = None if body is None else base64.b64encode(body).decode()
        answer = self.call("fetch", worker=worker, path=path, method=method, headers=headers, body=content, host=host)
        return Answer(answer["status"], answer["headers"], base64.b64decode(answer["body"]))

    def visit(
        self,
        hostname: str,
        path: str,
        *,
        method: str = "GET",
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request to a hostname, as a browser would: whichever Worker has it answers."""
        headers, body = with_body(headers, json, body)
        return ask(urlsplit(self.url).netloc, method, path, {**headers, "Host": hostname}, body)

    def env_keys(self, worker: str) -> list[str]:
        """Return the sorted names in ``env``, read inside the running Worker."""
        return list(self.call("env_keys", worker=worker))

    def scheduled(self, worker: str, cron: str, *, at: int | None = None) -> str:
        """Run a cron trigger that the Worker has now, or as if it were ``at`` (ms since 1970); return the outcome."""
        return str(self.call("scheduled", worker=worker, cron=cron, time=at)["outcome"])

    def egress(self) -> list[Egress]:
        """Return every attempt of a Worker to reach something outside, oldest first."""
        return [Egress(**attempt) for attempt in self.call("egress")]

    @property
    def url(self) -> str:
        """Where the stage answers; it stays the same across deployments."""
        return str(self.call("state")["url"])

    def counted(self, dataset: str, first: float, last: float) -> list[Counted]:
        """Return what happened from one time to another (seconds since 1970) and is in a dataset of analytics."""
        return [Counted(**row) for row in self.call("counted", dataset=dataset, first=first, last=last)]

    # D1

    def d1_run(self, database: str, queries: Sequence[Query]) -> list[Ran]:
        """Run statements in one transaction. Raises SqlError."""
        asked = [{"sql": query.sql, "params": list(query.params)} for query in queries]
        answers = self._d1("d1_run", database, queries=asked)
        return [Ran(**answer["results"], meta=answer["meta"]) for answer in answers]

    def d1_query(self, database: str, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Run SQL in one transaction, several statements if there are no ``params``; return the last one's rows."""
        queries = [Query(sql, params)] if params else [Query(each) for each in statements(sql)]
        return self.d1_run(database, queries)[-1].objects()

    def d1_export(
        self, database: str, *, no_schema: bool = False, no_data: bool = False, tables: Sequence[str] = ()
    ) -> list[str]:
        """Return the SQL that makes the database again, or some of its tables, a statement a line. Raises SqlError."""
        return list(self._d1("d1_export", database, noSchema=no_schema, noData=no_data, tables=list(tables)))

    def d1_file(self, database: str) -> Path:
        """Return the file that the database is in; there is none before it was first asked something."""
        return self._sqlite(layout.database(database)[0])

    def d1_bookmarks(self, database: str) -> Path:
        """Return the folder of the database's bookmarks, which may not exist yet."""
        return self._sqlite(layout.bookmarks(database))

    def d1_replace(self, database: str, file: Path) -> None:
        """Put what is in a SQLite file in the place of all that is in the database. workerd starts anew."""
        self.call("replace", paths=layout.database(database), file=str(file))

    def d1_text(self, database: str) -> str:
        """Return everything in the database as text, a line for each row."""
        return "\n".join(disk.lines(self.d1_file(database)))

    def _d1(self, operation: str, database: str, **given: Any) -> Any:
        answer = self.call(operation, store=database, **given)
        if isinstance(answer, dict):
            raise SqlError(answer["error"])
        return answer

    # KV

    def kv_list(self, namespace: str, prefix: str = "") -> list[str]:
        return [key["name"] for key in self.call("kv_list", store=namespace, prefix=prefix)]

    def kv_get(self, namespace: str, key: str) -> str | None:
        value = self.call("kv_get", store=namespace, key=key)
        return None if value is None else str(value)

    def kv_put(self, namespace: str, key: str, value: str, *, seconds: int | None = None) -> None:
        """Write a value that lives for ``seconds`` (60 at least), or for ever."""
        self.call("kv_put", store=namespace, key=key, value=value, seconds=seconds)

    def kv_text(self, namespace: str) -> str:
        """Return everything in the namespace as text, a line for each key."""
        return "\n".join(f"{key} {self.kv_get(namespace, key)}" for key in self.kv_list(namespace))

    # R2

    def r2_list(self, bucket: str, prefix: str = "") -> list[Row]:
        """Return ``key``, ``size``, ``etag`` and ``uploaded`` of each object."""
        return list(self.call("r2_list", store=bucket, prefix=prefix))

    def r2_is_empty(self, bucket: str) -> bool:
        return bool(self.call("r2_is_empty", store=bucket))

    def r2_get(self, bucket: str, key: str) -> bytes | None:
        value = self.call("r2_get", store=bucket, key=key)
        return None if value is None else base64.b64decode(value)

    def r2_put(self, bucket: str, key: str, value: bytes | str) -> None:
        content = value.encode() if isinstance(value, str) else value
        self.call("r2_put", store=bucket, key=key, value=base64.b64encode(content).decode())

    def r2_delete(self, bucket: str, key: str) -> None:
        self.call("r2_delete", store=bucket, key=key)

    def r2_text(self, bucket: str) -> str:
        """Return everything in the bucket as text, a line for each object."""
        contents = ((found["key"], self.r2_get(bucket, found["key"]) or b"") for found in self.r2_list(bucket))
        return "\n".join(f"{key} {content.decode(errors='replace')}" for key, content in contents)

    def s3(self) -> S3Access:
        """Return how boto3 reaches the buckets: list, get, put, delete, multipart; no CreateBucket, no lifecycle."""
        access = self.call("s3")
        return S3Access(access["endpoint"], access["accessKeyId"], access["secretAccessKey"])

    # Queues

    def queue_send(self, queue: str, *messages: Any) -> None:
        self.call("queue_send", store=queue, messages=list(messages))

    def queue_held(self, queue: str) -> list[Held]:
        """Return the messages of a queue that nobody consumes, oldest first."""
        return [Held(message["id"], message["body"]) for message in self.call("queue_held", store=queue)]

    # Durable Objects

    def durable_objects(self, worker: str, class_name: str) -> list[DurableObject]:
        """Return every object of a class with what it stored, read from disk without waking any of them."""
        return [disk.read_object(file) for file in self._object_files(worker, class_name)]

    def objects_text(self, worker: str, class_name: str) -> str:
        """Return everything that the objects of a class stored as text, a line for each row."""
        return "\n".join(line for file in self._object_files(worker, class_name) for line in disk.lines(file))

    def _object_files(self, worker: str, class_name: str) -> list[Path]:
        files = self._sqlite(layout.objects(worker, class_name)).glob("*.sqlite")
        return sorted(file for file in files if file.stem != "metadata")

    def _sqlite(self, path: str) -> Path:
        return Path(self.call("state")["persist"]) / path
