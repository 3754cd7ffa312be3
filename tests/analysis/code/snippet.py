"""Small Workers whose code uses its bindings in one particular way, and what has to be found in each.

A file of snippets is read so: ``=== name``, lines that say what to expect (below), ``---``, the code, and perhaps more
files, each after ``>>> its name``. What follows ``in fetch:`` is the body of a handler that has ``request``, ``env``
and ``ctx``; code without it is the whole module. `Env` is always imported.

    uses: DB CACHE      bindings and stage variables that must be found, ungranted ones too; "all" is everything granted
    handles: ANSWERS    of these, those that the code can do without
    lost: any           into what its env goes; one line each
    beyond: put delete  what it wants of a binding that it may only read; "beyond:" alone when it loses the type
    missing: Room       what its entry should export, and does not
    owns: Room          the Durable Object classes that the product says are in it
    calls: other/Api    the entrypoints of other snippets that it has Service bindings for
    script              it is JavaScript
    does not compile    it is no TypeScript
    include: ../x.d.ts  its tsconfig.json includes these as well
    options: {...}      its tsconfig.json has these compiler options
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bulkhead.model.bindings import D1, KV, QueueProducer, Service
from bulkhead.model.product import Database, Namespace, Product, Queue, Worker

# Granted to each.
GRANTS: Final = (
    D1("DB", "main"),
    KV("CACHE", "cache"),
    KV("SESSIONS", "sessions", access="read"),
    QueueProducer("EVENTS", "events"),
)
_HERE: Final = Path(__file__).parent
_RUNTIME_TYPES: Final = _HERE.parents[2] / "worker/node_modules/@cloudflare"
_HEAD: Final = 'import type { Env } from "./env.d.ts";\nexport type Used = Env;\n'
_HANDLER: Final = """
export default {{
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {{
{body}
    return new Response();
  }},
}} satisfies ExportedHandler<Env>;
"""
# Packages that hand the env on or take it, by name: as their types are, without what has nothing to do with it.
_PACKAGES: Final = {
    "hono": """
export interface Context<E> { env: E }
export declare class Hono<E = {}> {
  get(path: string, handler: (c: Context<E>) => Response): void;
  fetch: (request: Request, env?: E | {}, ctx?: unknown) => Response;
}
export interface Sink { STAGE: string }
export declare function log(env: { STAGE: string }): void;
export declare function same<T>(value: T): T;
""",
    "itty-router": """
export interface Route<A extends any[]> { (path: string, ...handlers: ((request: any, ...args: A) => any)[]): any }
export interface Routed<A extends any[]> { get: Route<A>; fetch: (request: Request, ...extra: A) => Promise<Response> }
export declare const AutoRouter: <R = any, A extends any[] = any[]>() => Routed<A>;
""",
    "agents": """
import { DurableObject } from "cloudflare:workers";
export declare class Agent<E extends Cloudflare.Env = Cloudflare.Env, S = unknown> extends DurableObject<E> { state: S }
export declare function routeAgentRequest<E>(request: Request, env: E): Promise<Response | null>;
""",
    "@cloudflare/workers-oauth-provider": """
export interface Options { defaultHandler: { fetch(request: Request, env: any, ctx: ExecutionContext): any } }
export declare class OAuthProvider {
  constructor(options: Options);
  fetch(request: Request, env: any, ctx: ExecutionContext): Promise<Response>;
}
""",
    "unheard-of": """
export declare function serve(app: unknown): { fetch(request: Request, env: any): Promise<Response> };
export declare function track(env: any): void;
""",
}


@dataclass
class Snippet:
    """One Worker and what is expected of it; see above."""

    name: str
    uses: set[str] = field(default_factory=set)
    handles: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    beyond: list[str] | None = None
    missing: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    is_script: bool = False
    fails: bool = False
    options: dict[str, object] = field(default_factory=dict)
    include: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def entry(self) -> str:
        """The file where its code begins, in its own folder."""
        return "index.js" if self.is_script else "index.ts"

    def worker(self) -> Worker:
        """The Worker that it is the code of."""
        called = [called.split("/") for called in self.calls]
        calls = [Service(f"CALLS_{index}", *one) for index, one in enumerate(called)]
        return Worker(self.name, f"{self.name}/{self.entry}", (*GRANTS, *calls), host=self.name, owns=self.owns)

    def write(self, root: Path) -> None:
        """Write its files into its folder below ``root``."""
        for path, text in self.files.items():
            file = root / self.name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


def snippets() -> list[Snippet]:
    """Return the snippets of every file beside this one."""
    texts = [file.read_text() for file in sorted(_HERE.glob("*.txt"))]
    return [_snippet(part) for text in texts for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]]


def product_of(corpus: list[Snippet]) -> Product:
    """Return a product that has a Worker for each snippet."""
    return Product(
        "corpus",
        workers=tuple(snippet.worker() for snippet in corpus),
        databases=(Database("main"),),
        namespaces=(Namespace("cache"), Namespace("sessions")),
        queues=(Queue("events"),),
    )


def _snippet(part: str) -> Snippet:
    expected, code = part.split("\n---\n", 1)
    name, *lines = expected.splitlines()
    snippet = Snippet(name)
    for line in lines:
        _expect(snippet, *line.split(":", 1))
    first, *others = code.split(">>> ")
    snippet.files[snippet.entry] = first if snippet.is_script else _HEAD + _module(first)
    for other in others:
        path, _, text = other.partition("\n")
        snippet.files |= dict(_package(path)) if path in _PACKAGES else {path: text}
    if snippet.options or snippet.include:
        snippet.files["tsconfig.json"] = _project(snippet)
    return snippet


def _expect(snippet: Snippet, what: str, told: str = "") -> None:
    match what:
        case "uses":
            snippet.uses = set(told.split())
        case "handles":
            snippet.handles = set(told.split())
        case "lost":
            snippet.lost.add(told.strip())
        case "beyond":
            snippet.beyond = told.split()
        case "missing":
            snippet.missing = tuple(told.split())
        case "owns":
            snippet.owns = tuple(told.split())
        case "calls":
            snippet.calls = tuple(told.split())
        case "options":
            snippet.options = json.loads(told)
        case "include":
            snippet.include = told.split()
        case "script":
            snippet.is_script = True
        case "does not compile":
            snippet.fails = True
        case _:
            raise ValueError(f"{snippet.name}: {what!r} is no expectation")


def _module(code: str) -> str:
    before, found, body = code.partition("in fetch:\n")
    return before + _HANDLER.format(body=body.rstrip()) if found else code


def _project(snippet: Snippet) -> str:
    options = {
        "target": "ES2023",
        "lib": ["ES2023"],
        "module": "ESNext",
        "moduleResolution": "Bundler",
        "allowImportingTsExtensions": True,
        "noEmit": True,
        "typeRoots": [str(_RUNTIME_TYPES)],
        "types": ["workers-types"],
    }
    return json.dumps({"compilerOptions": options | snippet.options, "include": [".", *snippet.include]})


def _package(name: str) -> Iterator[tuple[str, str]]:
    described = {"name": name, "version": "1.0.0", "types": "index.d.ts"}
    yield f"node_modules/{name}/package.json", json.dumps(described)
    yield f"node_modules/{name}/index.d.ts", _PACKAGES[name]
