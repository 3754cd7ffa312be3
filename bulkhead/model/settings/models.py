"""The settings of a stage as frozen models (pure). A ``StageSettings`` that exists is complete and keeps every rule.

In YAML the fields are camelCase. Defaults are in ``defaults``, because most of them depend on the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.settings import types as t
from bulkhead.model.settings.rules import breaches
from bulkhead.model.settings.shapes import RULE_BROKEN


class Section(BaseModel):
    """Fields that belong together. Unknown fields are refused, values cannot change, and an error shows no value."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        hide_input_in_errors=True,
    )


class Region(Section):
    """Where the stage's data lives (ENV-5)."""

    primary: t.AwsRegion = Field(description="AWS region of the vault, the jobs and the alarms")
    d1: t.LocationHint = Field(description="where Cloudflare places D1 databases; a change would replace them")
    r2: t.LocationHint = Field(description="where Cloudflare places R2 buckets; it counts at creation only")


class Cloudflare(Section):
    """The Cloudflare account and zone the stage lives in."""

    account_id: t.AccountId = Field(description="Cloudflare account")
    zone_id: t.ZoneId = Field(description="zone that holds the stage's hostname")
    hostname: t.Hostname = Field(description="the stage's own hostname; further Workers get labels in front of it")


class Aws(Section):
    """The AWS account the stage's vault, jobs and alarms live in, and how to get in: a role or a profile."""

    account_id: t.AwsAccountId = Field(description="AWS account; the provider refuses every other")
    role_arn: t.RoleArn | None = Field(description="role the provider assumes; pipelines use this")
    profile: t.AwsProfile | None = Field(description="profile of ~/.aws/config; people use this")


class Reviewers(Section):
    """Who must approve a deployment, by GitHub's numeric ids; six at most together."""

    teams: t.GitHubIds = Field(description="ids of teams")
    users: t.GitHubIds = Field(description="ids of users")


class GitHub(Section):
    """The repository the stage is deployed from, and what guards its environment."""

    owner: t.GitHubOwner = Field(description="user or organisation")
    repository: t.GitHubRepository = Field(description="repository without its owner")
    owner_id: t.GitHubId | None = Field(description="the owner's number; part of identity tokens of newer repositories")
    repository_id: t.GitHubId | None = Field(description="the repository's number; goes with ownerId")
    default_branch: t.Branch = Field(description="default branch")
    reviewers: Reviewers = Field(description="who must approve a deployment")
    wait_minutes: t.WaitMinutes = Field(description="minutes between approval and deployment")
    required_checks: t.CheckNames = Field(description="status checks without which nothing is merged")


class Owns(Section):
    """What exists once per zone, account or repository and is made by this stage alone."""

    zone: t.Flag = Field(description="settings and rules of the zone")
    cloudflare_account: t.Flag = Field(description="settings of the Cloudflare account")
    aws_account: t.Flag = Field(description="GitHub's OIDC provider and other singletons of the AWS account")
    repository: t.Flag = Field(description="rulesets, branches and settings of the repository")


class Governance(Section):
    """How changes are reviewed (QLT-5)."""

    profile: Literal["team", "solo"] = Field(description="team: two approvals; solo: none, with a checklist")


class Log(Section):
    """What the Workers log (LOG-4, LOG-7)."""

    level: t.Level = Field(description="lowest level that is logged")
    redact: t.Flag = Field(description="mask personal fields")


class Maintenance(Section):
    """Whether visitors see the maintenance page, and until when."""

    enabled: t.Flag = Field(description="show the maintenance page")
    end_time: t.Instant | None = Field(description="when it is expected to end")


class Workers(Section):
    """Limits and sampling of every Worker."""

    cpu_ms: t.CpuMs | None = Field(
        description="CPU time per request, ms; a Worker of the product may set its own; null: none, for the Free plan"
    )
    trace_sampling: t.Share = Field(description="share of requests that are traced (MON-9)")
    log_sampling: t.Share = Field(description="share of requests that are logged")


class Database(Section):
    """D1 (CAP-2, REL-7)."""

    read_replication: Literal["disabled", "auto"] = Field(description="read replicas of every database")
    optimize_tables: t.TableNames = Field(description="what `bulkhead optimize` works on; empty: every table")


class Cache(Section):
    """How long Workers may keep what, in seconds (CCH-2 to CCH-5)."""

    static_seconds: t.AssetSeconds = Field(description="static assets")
    api_seconds: t.KvSeconds = Field(description="answers of the API")
    rules_seconds: t.KvSeconds = Field(description="personalisation rules")
    session_seconds: t.KvSeconds = Field(description="sessions")
    profile_seconds: t.KvSeconds = Field(description="profiles")
    experiment_seconds: t.KvSeconds = Field(description="settings of experiments")
    default_seconds: t.KvSeconds = Field(description="everything else")


class Retention(Section):
    """How long backups of each tier are kept, in days (BAK-4)."""

    daily_days: t.Days = Field(description="daily and interim backups")
    weekly_days: t.Days = Field(description="weekly backups")
    monthly_days: t.Days = Field(description="monthly backups")
    yearly_days: t.Days | None = Field(description="yearly backups; null keeps none")


class Lock(Section):
    """For how many days nobody can delete a new copy of each tier; in production only, elsewhere 0 (BAK-5)."""

    daily_days: t.LockDays = Field(description="daily and interim copies, and whatever else is in the vault")
    weekly_days: t.LockDays = Field(description="weekly copies")
    rolling_days: t.LockDays = Field(description="monthly and yearly copies, counted anew each month while they last")


class Backup(Section):
    """Backups in the vault (BAK-1, BAK-2, BAK-4, BAK-5, BAK-9)."""

    full: Literal["none", "daily"] = Field(description="full backup at 02:00 of the stage's time zone")
    interim_hours: t.InterimHours | None = Field(description="hours between interim backups; null takes none")
    retention: Retention = Field(description="how long each tier is kept")
    lock: Lock = Field(description="how long each tier is locked")
    kv: t.NamespaceNames = Field(description="KV namespaces whose values are kept; others can be filled anew (BAK-14)")
    replica_region: t.AwsRegion | None = Field(description="AWS region that gets a copy of the vault; null: none")


class Dr(Section):
    """What a total loss may cost (DRP-1, DRP-2, DRP-3); null promises nothing."""

    rpo_minutes: t.GoalMinutes | None = Field(description="most minutes of data that may be lost")
    rto_minutes: t.GoalMinutes | None = Field(description="most minutes until the stage serves again")
    recovery_order: t.WorkerNames = Field(
        description="every Worker of the product, first what is needed first; empty: as the product declares them"
    )


class Stores(Section):
    """The names of stores that are not called after their place: they were there before, or took the place of lost ones
    (BAK-11). By the product's own names; what is not here has its usual name."""

    databases: Mapping[t.PartName, t.StoreName] = Field(description="D1 databases")
    namespaces: Mapping[t.PartName, t.StoreName] = Field(description="KV namespaces, by their titles")
    buckets: Mapping[t.PartName, t.BucketName] = Field(description="R2 buckets")
    queues: Mapping[t.PartName, t.StoreName] = Field(description="queues")

    def by_kind(self) -> dict[Kind, Mapping[str, str]]:
        return {Kind.D1: self.databases, Kind.KV: self.namespaces, Kind.R2: self.buckets, Kind.QUEUE: self.queues}


class Jobs(Section):
    """What runs in AWS Lambda by a schedule."""

    architecture: Literal["arm64", "x86_64"] = Field(description="processor of the jobs' functions; arm64 costs less")


class Rollout(Section):
    """How a new version of the Workers reaches everybody (DEP-9, DEP-10, DEP-11)."""

    strategy: Literal["all-at-once", "blue-green", "canary"] = Field(
        description="all-at-once: `up` sends everybody; else `bulkhead deploy` does, in one step or in several"
    )
    steps: t.Shares = Field(description="canary: shares of the requests, percent, one after the other")
    bake_minutes: t.BakeMinutes = Field(
        description="canary: least minutes at each share below 100; blue-green: minutes of probes before the switch"
    )
    watch_minutes: t.WatchMinutes = Field(description="minutes at 100 % in which the version before still takes over")


class Gates(Section):
    """What a deployed stage must show before the next stage is deployed (QLT-2)."""

    max_ms: t.GateMs | None = Field(description="longest answer to a probe, ms; null: none is too slow")


class Budget(Section):
    """The stage's money (CST-3, CST-4): notices at 80 % go to finance, 90 % also to the tech lead, 100 % to all."""

    monthly_usd: t.UsdPerMonth = Field(description="US dollars a month")
    finance: t.Emails = Field(description="told at 80 %")
    tech_lead: t.Emails = Field(description="told at 90 %")
    stakeholders: t.Emails = Field(description="told at 100 %")


class Access(Section):
    """Who may open the stage's hostnames (STG-8). What is not public stands behind Cloudflare Access."""

    public: t.Flag = Field(
        description="everybody may; false: those named below, and the pipeline with a key of its own"
    )
    emails: t.Emails = Field(description="people who may, by the address that they log in with")
    email_domains: t.MailDomains = Field(description="people who may, by the domain of their address")
    session_hours: t.SessionHours = Field(description="hours after which people log in again")


class StageSettings(Section):
    """Everything a stage may differ in. ``environment`` is the stack's name and never stands in a file."""

    stage: Stage = Field(description="which stage this is; must agree with the stack's name")
    environment: str = Field(description="the stack's name; differs from the stage in ephemeral stacks only")
    owner: t.Tag = Field(description="who answers for the stage; tag `owner` (CST-7)")
    cost_center: t.Tag = Field(description="who pays for the stage; tag `cost-center` (CST-7)")
    product: t.ProductReference = Field(description="the product that is deployed, package.module:NAME")
    timezone: t.TimeZone = Field(description="zone of schedules, notices and maintenance windows (ENV-6)")
    region: Region
    cloudflare: Cloudflare
    aws: Aws
    github: GitHub
    owns: Owns
    release_model: Literal["git-flow", "release-tag"] = Field(description="which trigger deploys which stage (DEP-1)")
    governance: Governance
    log: Log
    maintenance: Maintenance
    feature_flags: Mapping[t.FlagName, t.Flag] = Field(description="switches the Workers read")
    workers: Workers
    database: Database
    stores: Stores
    cache: Cache
    backup: Backup
    dr: Dr
    jobs: Jobs
    rollout: Rollout
    gates: Gates
    access: Access
    budget: Budget

    def label(self, product: str) -> Label:
        """Return the owner of the stage's resources; every name and tag is made from it."""
        called = tuple((kind, *each) for kind, names in self.stores.by_kind().items() for each in names.items())
        return Label(product, self.stage, self.environment, called)

    @property
    def protected(self) -> bool:
        """Whether the stage's data survives even a mistaken `destroy`."""
        return self.stage is Stage.PRODUCTION

    @property
    def on_workers_dev(self) -> bool:
        """Whether public Workers answer at workers.dev and at addresses of their versions too: no login and no rule of
        the zone stands before those."""
        return self.stage is Stage.DEVELOPMENT and self.access.public

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> StageSettings:
        for breach in breaches(self.stage, self.environment, dict(self)):
            raise PydanticCustomError(RULE_BROKEN, "{says}", {"says": breach.message})
        return self


def as_file_content(settings: StageSettings) -> dict[str, Any]:
    """Return the settings as they would stand in a file, defaults included."""
    return settings.model_dump(mode="json", by_alias=True, exclude={"environment"})
