"""Cloudflare's Workers: their code, what starts them, and the addresses at which they answer."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.kind import (
    EACH_NEW,
    EVERY_INPUT,
    Create,
    Guard,
    Link,
    Reference,
    Rehearsed,
    ResourceType,
    Scope,
)
from bulkhead.resources.permissions import ROUTES_WRITE, SCRIPTS_WRITE

SCRIPTS: Final = tuple(
    f"cloudflare:index/{name[0].lower()}{name[1:]}:{name}" for name in ("Worker", "WorkersScript", "WorkerScript")
)
"""The types of resource that a reference to a Worker's name may mean."""

PAGES_PROJECT: Final = ResourceType(
    "cloudflare:index/pagesProject:PagesProject",
    admitted="stages deploy their code as WorkerVersion",
    holds_data="its deployments, the live one included",
    identity_inputs=("accountId", "name"),
    left_behind="",
    references=(),
    use_instead="cloudflare:index/workerVersion:WorkerVersion",
)

WORKER: Final = ResourceType(
    "cloudflare:index/worker:Worker",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "name"),
    left_behind="",
    references=(Reference("tailConsumers[].name", Link.LOGS, SCRIPTS),),
    guards=Guard(("subdomain", "tailConsumers", "logpush", "previewsBaseConfig")),
    named_by="name",
    replaced_by=frozenset({"accountId"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),
    unordered=frozenset({"tags", "tailConsumers"}),
)

WORKER_DOMAIN: Final = ResourceType(
    "cloudflare:index/workerDomain:WorkerDomain",
    admitted="deprecated name of WorkersCustomDomain",
    holds_data="",
    identity_inputs=("hostname",),
    left_behind="",
    references=(Reference("service", Link.WORKER, SCRIPTS), Reference("hostname", Link.HOSTNAME)),
    use_instead="cloudflare:index/workersCustomDomain:WorkersCustomDomain",
    scope=Scope.EVERYWHERE,
)

WORKER_SCRIPT: Final = ResourceType(
    "cloudflare:index/workerScript:WorkerScript",
    admitted="deprecated name of WorkersScript; stages deploy their code as WorkerVersion",
    holds_data="",
    identity_inputs=("accountId", "scriptName"),
    left_behind="",
    references=(Reference("tailConsumers[].service", Link.LOGS, SCRIPTS),),
    use_instead="cloudflare:index/workerVersion:WorkerVersion",
    named_by="scriptName",
)

WORKER_VERSION: Final = ResourceType(
    "cloudflare:index/workerVersion:WorkerVersion",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="the version stays uploaded, and deployed if it was",
    references=(Reference("workerId", Link.WORKER, SCRIPTS),),
    guards=Guard(("bindings",)),
    replaced_by=EVERY_INPUT,
    made_again="the code is uploaded again, as a new version",
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),
    # developers.cloudflare.com, Workers, Limits: environment variables, secrets among them; 64 on the Free plan.
    limits={
        "bindings[].text": 5 * 1024,
        "bindings[].json": 5 * 1024,
        "bindings[type=json|plain_text|secret_text]": 128,
    },
    unordered=frozenset({"compatibilityFlags", "containers", "modules"}),
)

WORKERS_CRON_TRIGGER: Final = ResourceType(
    "cloudflare:index/workersCronTrigger:WorkersCronTrigger",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "scriptName"),
    left_behind="the Worker goes on being called at its times; schedules=[] first would end that",
    references=(Reference("scriptName", Link.WORKER, SCRIPTS),),
    replaced_by=frozenset({"accountId", "scriptName"}),
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),
    triggers=True,
)

WORKERS_CUSTOM_DOMAIN: Final = ResourceType(
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain",
    admitted=True,
    holds_data="",
    identity_inputs=("hostname",),
    left_behind="",
    references=(Reference("service", Link.WORKER, SCRIPTS), Reference("hostname", Link.HOSTNAME)),
    scope=Scope.EVERYWHERE,
    guards=Guard(("hostname", "service")),
    replaced_by=frozenset({"accountId", "environment", "hostname", "service", "zoneId", "zoneName"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),  # nothing on the zone: MaplePrivacyLabs/Maple#834, and the SDK's docstring
    triggers=True,
)

WORKERS_DEPLOYMENT: Final = ResourceType(
    "cloudflare:index/workersDeployment:WorkersDeployment",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "scriptName"),
    left_behind="the Worker goes on running what was deployed",
    references=(
        Reference("scriptName", Link.WORKER, SCRIPTS),
        Reference("versions[].versionId", Link.WORKER, (WORKER_VERSION,)),
    ),
    replaced_by=EVERY_INPUT,
    made_again="the new version is deployed",
    rehearsed=Rehearsed.EMULATED,
    needs=(SCRIPTS_WRITE,),
)

WORKERS_ROUTE: Final = ResourceType(
    "cloudflare:index/workersRoute:WorkersRoute",
    admitted=True,
    holds_data="",
    identity_inputs=("zoneId", "pattern"),
    left_behind="",
    references=(Reference("script", Link.WORKER, SCRIPTS), Reference("pattern", Link.HOSTNAME)),
    scope=Scope.ZONE,
    guards=Guard(("pattern", "script")),
    replaced_by=frozenset({"zoneId"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.EMULATED,
    needs=(ROUTES_WRITE,),
    triggers=True,
)

WORKERS_SCRIPT: Final = ResourceType(
    "cloudflare:index/workersScript:WorkersScript",
    admitted="stages deploy their code as WorkerVersion",
    holds_data="",
    identity_inputs=("accountId", "scriptName"),
    left_behind="",
    references=(Reference("tailConsumers[].service", Link.LOGS, SCRIPTS),),
    use_instead="cloudflare:index/workerVersion:WorkerVersion",
    guards=Guard(("bindings", "tailConsumers")),
    named_by="scriptName",
)

WORKERS_SCRIPT_SUBDOMAIN: Final = ResourceType(
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId", "scriptName"),
    left_behind="",
    references=(Reference("scriptName", Link.WORKER, SCRIPTS),),
    guards=Guard(("enabled", "previewsEnabled")),
)
