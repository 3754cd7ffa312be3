"""Where the local Cloudflare differs from Cloudflare, and why (pure). The documentation is generated from this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOT_REHEARSED: Final[Mapping[str, str]] = {
    "CPU and memory limits": "workerd enforces neither `limits.cpuMs` nor 128 MB when it runs on its own",
    "gradual deployments": "the older of two versions has the code of the Durable Objects of both",
    "Durable Object renames and transfers": "refused; `exports` that create or delete classes are carried out",
    "Durable Object `migrations`": "refused; a version says its classes with `exports`",
    "containers, package dependencies": "refused; a bundle is its modules and its static assets",
    "static assets": "served from `/` only; tags of them and their cache are Miniflare's",
    "code that cannot start": "refused when it is deployed; Cloudflare refuses the upload already",
    "places": "location hints, jurisdictions, placement and read replicas: all data is in one directory",
    "storage classes of objects": "all objects of a bucket have the class of the bucket",
    "eventual consistency": "a KV write is read by everybody at once; Cloudflare says up to 60 seconds",
    "queue pull consumers": "what was sent as `text` or `v8` is pulled as `json`: workerd does not say how it was sent",
    "queue concurrency": "one consumer runs at a time, whatever `maxConcurrency` says",
    "R2 event notifications, custom domains": "the API keeps them; no message is sent, and no such hostname answers",
    "D1 Time Travel": "back only to a bookmark that was asked for; there is no history, so a timestamp is refused",
    "D1 during an import or export": "the API refuses everybody else, a Worker may query; Cloudflare lets nobody",
    "queues across a deployment or a restore of D1": "messages wait in memory and are lost when workerd restarts",
    "cron schedules": "triggers run when they are asked to, never by the clock",
    "Workers AI": "a recording answers, and says so",
    "Analytics Engine": "data points are accepted and forgotten",
    "analytics, CPU": "GraphQL has no `cpuTime` and no `subrequests`: workerd does not measure them on its own",
    "analytics, bodies": "GraphQL has no bytes of replies, no cache status, no country: nothing here knows them",
    "analytics, kept": "counts are in memory, of every request (`sampleInterval` is 1), and end with the rehearsal",
    "analytics, methods": "an RPC method that throws counts as a success, as workerd tells its tail Workers",
    "analytics, refusals": "answered with 200; where the documentation names another status, 429 alone is kept",
    "Workers Logs, traces, tail Workers": "what a Worker writes is in the rehearsal's log, and nowhere else",
    "raw TCP": "`connect()` fails; Cloudflare allows it",
    "routes of zones": "of hostnames that a Worker has; there is no DNS for others, and wrangler cannot make them",
    "the edge": "no TLS, cache, rules or firewall in front of a Worker; custom domains are told apart by Host header",
    "who may call": "the stage's port is Miniflare's and obeys its debugging headers: it is for this machine only",
}
