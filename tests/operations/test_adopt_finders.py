"""What exists in Cloudflare and GitHub is found by name, in the local clouds' APIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.github.api.app import application
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.github.api.credentials import Credentials
from bulkhead.localclouds.providers.store import Record
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Finder, Found, Wanted
from bulkhead.operations.adopt.cloudflare import CloudflareFinder
from bulkhead.operations.adopt.everywhere import Finders
from bulkhead.operations.adopt.github import GitHubFinder
from bulkhead.resources import types as t
from tests.support.adoption import ACCOUNT, D1, QUEUE, wanted
from tests.support.cloudflare_api import Api, open_api
from tests.support.in_process import InProcess

OTHER_ACCOUNT = "e" * 32
TOKEN = "of-a-person"
WORKS = "harbor-production-worker-clerk"
GOOD_TOKEN = {"status": "active", "policies": []}
TENANT = Tenant(
    "production", ACCOUNT, {}, "harbor-inc/harbor", {cloud: {TOKEN: "deploy"} for cloud in ("cloudflare", "github")}
)
RULES = {"target": "branch", "enforcement": "active", "rules": {"deletion": True}}
KV = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
WORKER = "cloudflare:index/worker:Worker"
CRON = "cloudflare:index/workersCronTrigger:WorkersCronTrigger"
DOMAIN = "cloudflare:index/workersCustomDomain:WorkersCustomDomain"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
RULESET = "github:index/repositoryRuleset:RepositoryRuleset"
BRANCH = "github:index/branchDefault:BranchDefault"

IN_PRODUCTION = {"repository": "harbor", "environment": "production"}


def record(type_: str, id_: str, account: str, **properties: Any) -> Record:
    return Record(type_, id_, "production", account, f"urn:{id_}", properties, properties)


CLOUDFLARES = (
    *(record(D1, f"d{n}", ACCOUNT, uuid=f"d{n}", name=f"harbor-production-d1-{n}") for n in range(7)),
    record(D1, "stranger", OTHER_ACCOUNT, uuid="stranger", name="harbor-production-d1-theirs"),
    *(record(KV, f"k{n}", ACCOUNT, title=f"harbor-production-kv-{n}") for n in range(3)),
    record(R2, "harbor-production-r2-files", ACCOUNT, name="harbor-production-r2-files"),
    *(record(QUEUE, f"q{n}", ACCOUNT, queueId=f"q{n}", queueName=f"harbor-production-queue-{n}") for n in range(3)),
    record(t.QUEUE_CONSUMER, "c2", ACCOUNT, queueId="q2", type="worker", scriptName="harbor-production-worker-clerk"),
    record(t.QUEUE_CONSUMER, "c1", ACCOUNT, queueId="q1", type="http_pull", scriptName=""),
    record(WORKER, "w1", ACCOUNT, name="harbor-production-worker-clerk"),
    record(WORKER, "w2", ACCOUNT, name="harbor-production-worker-web"),
    record(CRON, WORKS, ACCOUNT, scriptName=WORKS, schedules=[{"cron": "0 * * * *"}]),
    record(DOMAIN, "h1", ACCOUNT, hostname="harbor.example"),
    *(record(t.ACCOUNT_TOKEN, f"t{n}", ACCOUNT, name=f"harbor-production-token-{n}", **GOOD_TOKEN) for n in range(3)),
    record(t.ACCOUNT_TOKEN, "theirs", OTHER_ACCOUNT, name="harbor-production-token-theirs", **GOOD_TOKEN),
    record(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "s1", ACCOUNT, name="harbor-production-access-pipelines-a"),
    record(t.ZERO_TRUST_ACCESS_POLICY, "p1", ACCOUNT, name="harbor-production-access-people", decision="allow"),
    record(t.ZERO_TRUST_ACCESS_APPLICATION, "a1", ACCOUNT, name="harbor-production-access", type="self_hosted"),
)
GITHUBS = (
    record(ENVIRONMENT, "harbor:production", "harbor-inc", **IN_PRODUCTION, canAdminsBypass=True),
    record(VARIABLE, "harbor:production:STAGE", "harbor-inc", **IN_PRODUCTION, variableName="STAGE", value="x"),
    *(
        record(
            POLICY, f"harbor:production:{n}", "harbor-inc", **IN_PRODUCTION, policyId=n, branchPattern=f"release/{n}"
        )
        for n in range(150)
    ),
    record(POLICY, "harbor:production:900", "harbor-inc", **IN_PRODUCTION, policyId=900, tagPattern="v*"),
    *(record(RULESET, str(n), "harbor-inc", repository="harbor", name=f"rules-{n}", **RULES) for n in range(101, 231)),
)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Api:
    api = open_api(tmp_path_factory.mktemp("clouds"), TENANT)
    for one in (*CLOUDFLARES, *GITHUBS):
        api.resources.store.put(one)
    return api


Look = Callable[[str], Finder]


@pytest.fixture(scope="module")
def look(api: Api) -> Look:
    """Return what makes a finder that has a token."""
    seed = Seed(api.folder / "seed.json")
    hub = GitHub(api.resources, seed)
    hub_api = application(hub, Credentials(seed, hub), api.journal, FaultPlan(api.folder / "faults.json"))

    def finder(token: str) -> Finder:
        cloudflare = Rest(CLOUDFLARE.at(f"http://127.0.0.1{PREFIX}"), token, api.transport())
        github = Rest(GITHUB.at("http://127.0.0.1"), token, InProcess(hub_api))
        return Finders({"cloudflare": CloudflareFinder(cloudflare), "github": GitHubFinder(github, "harbor-inc")})

    return finder


@pytest.fixture
def finder(look: Look) -> Finder:
    return look(TOKEN)


FINDS: Mapping[str, tuple[Wanted, Found]] = {
    "database": (wanted(D1, name="harbor-production-d1-6"), Found("d6", f"{ACCOUNT}/d6")),
    "namespace": (wanted(KV, title="harbor-production-kv-2"), Found("k2", f"{ACCOUNT}/k2")),
    "bucket": (
        wanted(R2, name="harbor-production-r2-files"),
        Found("harbor-production-r2-files", f"{ACCOUNT}/harbor-production-r2-files/default"),
    ),
    "queue": (wanted(QUEUE, queueName="harbor-production-queue-2"), Found("q2", f"{ACCOUNT}/q2")),
    "consumer": (wanted(t.QUEUE_CONSUMER, queueId="q2"), Found("c2", f"{ACCOUNT}/q2/c2")),
    "worker": (wanted(WORKER, name="harbor-production-worker-web"), Found("w2", f"{ACCOUNT}/w2")),
    "schedule": (
        wanted(CRON, scriptName="harbor-production-worker-clerk"),
        Found("harbor-production-worker-clerk", f"{ACCOUNT}/harbor-production-worker-clerk"),
    ),
    "hostname": (wanted(DOMAIN, hostname="harbor.example"), Found("h1", f"{ACCOUNT}/h1")),
    "token": (wanted(t.ACCOUNT_TOKEN, name="harbor-production-token-2"), Found("t2", f"{ACCOUNT}/t2")),
    "service token": (
        wanted(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, name="harbor-production-access-pipelines-a"),
        Found("s1", f"accounts/{ACCOUNT}/s1"),
    ),
    "policy of a login": (
        wanted(t.ZERO_TRUST_ACCESS_POLICY, name="harbor-production-access-people"),
        Found("p1", f"{ACCOUNT}/p1"),
    ),
    "login": (
        wanted(t.ZERO_TRUST_ACCESS_APPLICATION, name="harbor-production-access"),
        Found("a1", f"accounts/{ACCOUNT}/a1"),
    ),
    "environment": (wanted(ENVIRONMENT, **IN_PRODUCTION), Found("harbor:production", "harbor:production")),
    "variable": (
        wanted(VARIABLE, **IN_PRODUCTION, variableName="STAGE"),
        Found("harbor:production:STAGE", "harbor:production:STAGE"),
    ),
    "branch policy": (
        wanted(POLICY, **IN_PRODUCTION, branchPattern="release/149"),
        Found("harbor:production:149", "harbor:production:149"),
    ),
    "tag policy": (
        wanted(POLICY, **IN_PRODUCTION, tagPattern="v*"),
        Found("harbor:production:900", "harbor:production:900"),
    ),
    "ruleset": (wanted(RULESET, repository="harbor", name="rules-230"), Found("230", "harbor:230")),
    "default branch": (wanted(BRANCH, repository="harbor"), Found("harbor", "harbor")),
}
ABSENT: Mapping[str, Wanted] = {
    "database": wanted(D1, name="harbor-production-d1-none"),
    "database of another account": wanted(D1, name="harbor-production-d1-theirs"),
    "longer name": wanted(D1, name="harbor-production-d1"),
    "bucket": wanted(R2, name="harbor-production-r2-none"),
    "consumer of a queue without one": wanted(t.QUEUE_CONSUMER, queueId="q0"),
    "consumer that is no worker": wanted(t.QUEUE_CONSUMER, queueId="q1"),
    "consumer of no queue": wanted(t.QUEUE_CONSUMER),
    "schedule of a worker without one": wanted(CRON, scriptName="harbor-production-worker-web"),
    "schedule of no worker": wanted(CRON, scriptName="harbor-production-worker-none"),
    "hostname": wanted(DOMAIN, hostname="www.harbor.example"),
    "token of another account": wanted(t.ACCOUNT_TOKEN, name="harbor-production-token-theirs"),
    "environment": wanted(ENVIRONMENT, repository="harbor", environment="staging"),
    "environment beside another": wanted(ENVIRONMENT, repository="harbor", environment="../production"),
    "variable": wanted(VARIABLE, **IN_PRODUCTION, variableName="NONE"),
    "branch policy that is a tag's": wanted(POLICY, **IN_PRODUCTION, branchPattern="v*"),
    "ruleset": wanted(RULESET, repository="harbor", name="none"),
}


@pytest.mark.parametrize("what", FINDS)
def test_what_exists_is_found_by_its_name(what: str, finder: Finder) -> None:
    resource, found = FINDS[what]
    assert finder.knows(resource.type)
    assert finder.find(resource) == found


@pytest.mark.parametrize("what", ABSENT)
def test_what_does_not_exist_is_not_found(what: str, finder: Finder) -> None:
    assert finder.find(ABSENT[what]) is None


def test_an_unlisted_type_cannot_be_looked_for(finder: Finder) -> None:
    assert not finder.knows("cloudflare:index/zone:Zone")
    assert not finder.knows("github:index/repository:Repository")
    assert not finder.knows("datadog:index/monitor:Monitor")


def test_a_list_is_read_once_however_many_are_looked_for(api: Api, finder: Finder) -> None:
    finder.find(wanted(QUEUE, queueName="harbor-production-queue-0"))
    before = len(list(api.journal))
    finder.find(wanted(QUEUE, queueName="harbor-production-queue-1"))
    assert len(list(api.journal)) == before


@pytest.mark.parametrize("type_", [D1, ENVIRONMENT])
def test_a_token_that_may_not_look_finds_nothing_missing(type_: str, look: Look) -> None:
    """What cannot be seen must not be taken for absent: the next `up` would make a second."""
    with pytest.raises(Refused, match="could not be asked") as refused:
        look("canary-token").find(wanted(type_, name="harbor-production-d1-6", **IN_PRODUCTION))
    assert "canary-token" not in str(refused.value)


def test_a_repository_that_the_token_may_not_see_is_a_refusal(finder: Finder) -> None:
    with pytest.raises(Refused, match="harbor-inc/hidden: does not exist, or the stage's token may not see it"):
        finder.find(wanted(ENVIRONMENT, repository="hidden", environment="production"))


@pytest.mark.parametrize(
    ("info", "pages"),
    [
        ({"page": 1, "per_page": 2, "total_count": 5}, 3),
        ({"page": 1, "per_page": 2, "total_pages": 3}, 3),
        ({"page": 1, "per_page": 2}, 3),
        ({}, 1),
        (None, 1),
    ],
    ids=["counts items", "counts pages", "counts nothing", "says nothing", "lacks it"],
)
def test_a_list_is_read_to_its_end_and_no_further(info: dict[str, int] | None, pages: int) -> None:
    asked: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        asked.append(page)
        items = [1, 2, 3, 4, 5][2 * (page - 1) : 2 * page] if info else [1, 2, 3, 4, 5]
        return httpx.Response(200, json={"result": items, **({} if info is None else {"result_info": info})})

    assert list(Rest(CLOUDFLARE, "t", httpx.MockTransport(answer)).every("/things")) == [1, 2, 3, 4, 5]
    assert asked == list(range(1, pages + 1))
