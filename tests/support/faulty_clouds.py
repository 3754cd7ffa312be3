"""Local clouds over HTTP that hold nothing but records, the real CLI beside them, and calls that fail half-way: up, up
again, and adopt, as a person would go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pulumi

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB, Apis
from bulkhead.clients.rest import Rest
from bulkhead.engine.cli import PulumiCli
from bulkhead.engine.environment import apart, attached, bare
from bulkhead.engine.stack import StackCli
from bulkhead.localclouds.api import faults, seed
from bulkhead.localclouds.api.faults import FaultPlan, PlannedFault
from bulkhead.localclouds.api.seed import Seed
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api import app as cloudflare_api
from bulkhead.localclouds.cloudflare.api.call import Cloudflare
from bulkhead.localclouds.cloudflare.api.credentials import Credentials
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.cloudflare_remote import cloudflare_remotes
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.github_remote import github_remotes
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.remote import Remote
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Discovery, discover, take
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.everywhere import Finders
from bulkhead.operations.adopt.github import GitHubFinder
from bulkhead.resources import types as t
from tests.support import local_github
from tests.support.cloudflare_api import ACCOUNT, STAGING, ZONE
from tests.support.language_host import language_host
from tests.support.local_github import OWNER, LocalGitHub

TOKEN: Final = "of-a-person"
PROJECT: Final = "name: harbor\nruntime: python\n"

Program = Callable[[], None]


@dataclass
class FaultyClouds:
    """Staging's clouds. ``program`` is what the CLI brings up."""

    github: LocalGitHub
    apis: Apis
    cli: PulumiCli
    folder: Path
    program: Program = field(default=lambda: None)

    def run(self) -> None:
        """Be the stack's program."""
        self.program()

    def fail(self, fault: PlannedFault) -> None:
        """Let the next call of this kind fail."""
        faults.plan(self.github.faults, [fault])

    def failed(self) -> bool:
        """Whether a call was answered with a failure that was planned."""
        return any(call.code.startswith(("502 ", "connection")) for call in self.github.journal)

    def up(self, program: Program | None = None) -> str:
        """Bring up what the program declares; return what the CLI complains of, "" where it succeeds."""
        self.program = program or self.program
        lines: list[str] = []
        try:
            self.cli.follow("up", "--yes", "--skip-preview", on_line=lines.append)
        except Refused:
            return "\n".join(lines)
        return ""

    @property
    def stack(self) -> StackCli:
        return StackCli(self.cli.stack, self.cli.folder, environment=self.cli.environment)

    def changes(self) -> list[str]:
        """Return what the next up would do."""
        steps = self.stack.plan(self.folder / "preview.json")["steps"]
        return [f"{step['op']} {step['urn']}" for step in steps if step["op"] != "same"]

    def look(self) -> Discovery:
        """Look for what exists of it, as `bulkhead adopt` does."""
        finder = Finders(
            {
                "cloudflare": CloudflareFinder(self.cloudflare()),
                "github": GitHubFinder(Rest(self.apis.github, TOKEN), OWNER),
            }
        )
        return discover(self.stack, finder, self.folder, self.stack.state().resources)

    def adopt(self) -> Discovery:
        """Take in what exists, and remove what is in the way, as `bulkhead adopt` says."""
        seen = self.look()
        if seen.matches:
            take(self.stack, seen.document, self.folder, protect=False)
        for obstacle in seen.in_the_way:
            self.remove(obstacle.removal)
        return seen

    def remove(self, command: str) -> None:
        """Do what a command does that `bulkhead adopt` names: a request to Cloudflare, or wrangler's of a consumer."""
        *_, last = command.split()
        api = self.cloudflare()
        if last.startswith(CLOUDFLARE.base):
            api.delete(last.removeprefix(CLOUDFLARE.base))
            return
        queue = next(q for q in self.github.store.all(type_=t.QUEUE) if q.outputs["queueName"] == command.split()[-2])
        for consumer in self.github.store.all(type_=t.QUEUE_CONSUMER):
            api.delete(f"/accounts/{ACCOUNT}/queues/{queue.id}/consumers/{consumer.id}")

    def cloudflare(self) -> Rest:
        return Rest(self.apis.cloudflare, TOKEN)

    def orphans(self) -> set[str]:
        """Return the types of what the clouds have and the state has not."""
        known = {(one["type"], one.get("id")) for one in self.stack.state().resources}
        there = (one for one in self.github.store.all() if not one.type.startswith("github:api/"))
        return {one.type for one in there if (one.type, one.id) not in known}


@contextmanager
def running(folder: Path) -> Iterator[FaultyClouds]:
    """Make them in ``folder``, with an empty stack."""
    with ExitStack() as ending:
        github = ending.enter_context(local_github.running(folder))
        github.commit("develop", {"a.txt": "a"})
        tokens = {"cloudflare": {TOKEN: "tokenMaker"}, "github": {TOKEN: "githubToken"}}
        tenant = replace(STAGING, account=ACCOUNT, zones={ZONE: "harbor.example"}, tokens=tokens)
        seed.write(folder / "seed.json", [tenant])
        resources = Resources(Registry(), github.store)
        application = cloudflare_api.application(
            Cloudflare(resources, _nothing_runs, lambda name: Uploads(folder / name)),
            Credentials(Seed(folder / "seed.json"), github.store),
            github.journal,
            FaultPlan(github.faults),
        )
        cloudflare, hub = ApiServer(application), ApiServer(github.app)
        ending.callback(cloudflare.stop)
        ending.callback(hub.stop)
        apis = Apis(CLOUDFLARE.at(f"{cloudflare.url}{cloudflare_api.PREFIX}"), GITHUB.at(hub.url))
        remote: dict[str, Remote] = {**cloudflare_remotes(apis.cloudflare.base), **github_remotes(apis.github.base)}
        server = ProviderServer(ProviderServicer(Dispatch(resources, remote)))
        ending.callback(server.stop)
        for room in ("home", "state", "work"):
            (folder / room).mkdir()
        (folder / "work" / "Pulumi.yaml").write_text(PROJECT)
        cli = PulumiCli("staging", folder / "work", {})
        clouds = FaultyClouds(github, apis, cli, folder)
        host = ending.enter_context(language_host(clouds.run))
        environment = {
            **bare(folder / "home"),
            **apart(folder / "home", folder / "state", "made-up"),
            **attached(dict.fromkeys(("cloudflare", "github"), server.port)),
            **host,
        }
        clouds.cli = replace(cli, environment=environment)
        clouds.cli.ask("stack", "init", "--secrets-provider", "passphrase")
        yield clouds


def declare(*resources: tuple[str, str, Mapping[str, Any]]) -> Program:
    """Return a program of (type, name, inputs), in the order in which they need each other; an input that is the name
    of an earlier one becomes its id."""

    def program() -> None:
        providers = {
            "cloudflare": pulumi.ProviderResource(
                "cloudflare", "cloudflare", {"apiToken": pulumi.Output.secret(TOKEN)}
            ),
            "github": pulumi.ProviderResource(
                "github", "github", {"owner": OWNER, "token": pulumi.Output.secret(TOKEN)}
            ),
        }
        made: dict[str, pulumi.CustomResource] = {}
        for type_, name, inputs in resources:
            opts = pulumi.ResourceOptions(provider=providers[type_.partition(":")[0]], depends_on=[*made.values()])
            made[name] = pulumi.CustomResource(type_, name, _with_ids(inputs, made), opts)

    return program


def _with_ids(value: Any, made: Mapping[str, pulumi.CustomResource]) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_ids(each, made) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_ids(each, made) for each in value]
    return made[value].id if isinstance(value, str) and value in made else value


def _nothing_runs(environment: str) -> Any:
    raise AssertionError(f"nothing of {environment} runs in this test")
