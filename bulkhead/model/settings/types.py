"""Named field types of the settings (pure): each says its rule, what breaking it would cause, and an example."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, StrictBool, StrictFloat, StrictInt, StrictStr

from bulkhead.model.naming import SLUG
from bulkhead.model.settings.shapes import (
    Rule,
    between,
    distinct,
    in_cents,
    is_branch,
    is_hostname,
    is_instant,
    is_repository,
    is_tag,
    text,
    time_zones,
)

_YEAR: Final = 31_536_000
INTERIM_HOURS: Final = (1, 2, 3, 4, 6, 8, 12)

Tag = Annotated[
    StrictStr,
    Rule(
        is_tag,
        "must be 1 to 256 letters of any script, digits, spaces or .:/=+@_- and not start with aws:, because it "
        "becomes a tag, and AWS would refuse it",
        "platform-team",
        (("maxLength", 256), ("pattern", r"^(?![aA][wW][sS]:|[ .:/=+@_-])[^!-*,;<>?\[-^`{-~\n]+$")),
    ),
]
ProductReference = Annotated[
    StrictStr,
    text(
        r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*",
        "must be a module and a name in it, package.module:NAME; the program would find no product to deploy",
        "infra.product:PRODUCT",
    ),
]
TimeZone = Annotated[
    StrictStr,
    Rule(
        lambda value: value in time_zones(),
        "must be a time zone of the IANA database; without one, backups and maintenance would run at the wrong hour",
        "Asia/Tokyo",
        choices=time_zones,
    ),
]
AccountId = Annotated[
    StrictStr,
    text(
        r"[0-9a-f]{32}",
        "must be a Cloudflare account id, 32 lower-case hexadecimal digits (dashboard, Account home); Cloudflare would "
        "refuse every resource of the stage",
        "0123456789abcdef0123456789abcdef",
        "<dashboard, Account home>",
    ),
]
ZoneId = Annotated[
    StrictStr,
    text(
        r"[0-9a-f]{32}",
        "must be a Cloudflare zone id, 32 lower-case hexadecimal digits (dashboard, the zone's overview); no hostname "
        "could be attached",
        "fedcba9876543210fedcba9876543210",
        "<dashboard, overview of the zone>",
    ),
]
Hostname = Annotated[
    StrictStr,
    Rule(
        is_hostname,
        "must be a hostname in lower case: two or more labels of letters, digits and hyphens, no scheme, port, "
        "wildcard, address or workers.dev; Cloudflare would refuse the custom domain",
        "app.harbor.example",
        (("format", "hostname"),),
        own="<a hostname of the zone>",
    ),
]
AwsAccountId = Annotated[
    StrictStr,
    text(
        r"[0-9]{12}",
        "must be an AWS account id, twelve digits in quotes; the provider is pinned to it and would refuse every other",
        "111122223333",
        "<aws sts get-caller-identity>",
    ),
]
RoleArn = Annotated[
    StrictStr,
    text(
        r"arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:role/(?:[A-Za-z0-9+=,.@_/-]{1,510}/)?[A-Za-z0-9+=,.@_-]{1,64}",
        "must be the ARN of an IAM role, arn:aws:iam::<account>:role/<name>; AWS would refuse to hand out credentials",
        "arn:aws:iam::111122223333:role/bulkhead-staging",
        "arn:aws:iam::<account>:role/<name>",
    ),
]
AwsProfile = Annotated[
    StrictStr,
    text(
        r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}",
        "must be the name of a profile in ~/.aws/config, in letters, digits and ._@+-; no credentials would be found",
        "harbor-staging",
        "<aws configure list-profiles>",
    ),
]
AwsRegion = Annotated[
    StrictStr,
    text(
        r"(?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-(?:central|(?:north|south)(?:east|west)?|east|west)-[1-9]",
        "must be an AWS region, for example ap-northeast-1; no endpoint would answer",
        "ap-northeast-1",
    ),
]
GitHubOwner = Annotated[
    StrictStr,
    text(
        r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}",
        "must be a GitHub user or organisation, letters, digits and single hyphens, without the repository; the "
        "provider would find no repository",
        "harbor-inc",
        "<the repository's owner>",
    ),
]
GitHubRepository = Annotated[
    StrictStr,
    Rule(
        is_repository,
        "must be a repository's name alone, in letters, digits and ._-, without owner, URL or .git; the provider would "
        "find none",
        "harbor",
    ),
]
Branch = Annotated[
    StrictStr,
    Rule(
        is_branch,
        "must be one branch without wildcards, because it is the branch that is protected and deployed from",
        "main",
    ),
]
GitHubId = Annotated[
    StrictInt,
    between(1, 2**53, "must be a number, as GitHub's API gives it, not a name", 1234567, "<gh api: its .id>"),
]
CheckName = Annotated[
    StrictStr,
    text(
        r"[^\s](?:[^\r\n]{0,98}[^\s])?",
        "must be the name of one status check, on one line; pull requests would wait for it for ever",
        "test",
    ),
]
WaitMinutes = Annotated[
    StrictInt, between(0, 43_200, "must be 0 to 43200 minutes (30 days), or GitHub refuses the environment", 30)
]
PartName = Annotated[
    StrictStr, text(SLUG.pattern, "must be the product's own name of a store, or nothing would be called so", "main")
]
StoreName = Annotated[
    StrictStr,
    text(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
        "must be 1 to 63 letters, digits, hyphens and underscores, as Cloudflare calls the store",
        "harbor-staging-d1-main-2",
    ),
]
BucketName = Annotated[
    StrictStr,
    text(
        r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
        "must be 3 to 63 lower-case letters, digits and hyphens, or R2 refuses the bucket",
        "harbor-staging-r2-reports-2",
    ),
]
FlagName = Annotated[
    StrictStr,
    text(
        r"[a-z][a-zA-Z0-9]{0,63}",
        "must be a camelCase name, because Workers read it as a field of one object",
        "newSearch",
    ),
]
Instant = Annotated[
    StrictStr,
    Rule(
        is_instant,
        "must be an instant with its offset from UTC; without one, visitors in another zone would be told a wrong time",
        "2026-01-31T05:00:00+09:00",
        (("format", "date-time"),),
    ),
]
CpuMs = Annotated[
    StrictInt, between(10, 300_000, "must be 10 to 300000 ms of CPU time, or Cloudflare refuses it", 30_000)
]
Share = Annotated[StrictFloat, between(0, 1, "must be a share from 0 (none) to 1 (all), or Cloudflare refuses it", 0.1)]
AssetSeconds = Annotated[StrictInt, between(0, _YEAR, "must be 0 to 31536000 seconds (one year)", 86_400)]
KvSeconds = Annotated[
    StrictInt,
    between(60, _YEAR, "must be 60 to 31536000 seconds; KV refuses to write a value that lives less than 60 s", 3600),
]
Days = Annotated[StrictInt, between(1, 36_500, "must be 1 to 36500 days, or S3 refuses the bucket's lifecycle", 7)]
LockDays = Annotated[StrictInt, between(0, 36_500, "must be 0 (no lock) to 36500 days, which is what S3 takes", 7)]
GoalMinutes = Annotated[StrictInt, between(1, 525_600, "must be 1 to 525600 minutes (a year)", 60)]
WorkerName = Annotated[StrictStr, text(SLUG.pattern, "must be the name of a Worker of the product", "web")]
NamespaceName = Annotated[StrictStr, text(SLUG.pattern, "must be the name of a KV namespace of the product", "answers")]
InterimHours = Annotated[
    StrictInt,
    Rule(
        INTERIM_HOURS.__contains__,
        "must be 1, 2, 3, 4, 6, 8 or 12 hours; any other number would fall at other hours every day",
        6,
        (("enum", INTERIM_HOURS),),
    ),
]
StepShare = Annotated[
    StrictInt, between(1, 100, "must be 1 to 100 percent; a share of 0 shows a version to nobody but probes", 10)
]
BakeMinutes = Annotated[
    StrictInt,
    between(0, 1440, "must be 0 to 1440 minutes (a day); what Cloudflare counts is known five minutes late", 10),
]
WatchMinutes = Annotated[StrictInt, between(0, 1440, "must be 0 to 1440 minutes (a day)", 30)]
GateMs = Annotated[StrictInt, between(1, 60_000, "must be 1 to 60000 ms; a probe waits no longer", 2000)]
UsdPerMonth = Annotated[
    StrictFloat,
    Rule(
        in_cents,
        "must be above 0 and at most 1000000 US dollars a month, in whole cents; AWS Budgets refuses the rest",
        20,
        (("exclusiveMinimum", 0), ("maximum", 1_000_000)),
    ),
]
Email = Annotated[
    StrictStr,
    text(
        r"[A-Za-z0-9._%+'&-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
        r"(?:[A-Za-z]{2,63}|xn--[a-z0-9-]{1,59})",
        "must be one e-mail address; a notice sent there would reach nobody",
        "finance@harbor.example",
        "<an e-mail address>",
    ),
]
MailDomain = Annotated[
    StrictStr,
    text(
        r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})",
        "must be what stands behind the @ of an address, in lower case; nobody with such an address would get in",
        "harbor.example",
        "<a mail domain>",
    ),
]
SessionHours = Annotated[
    StrictInt, between(1, 720, "must be 1 to 720 hours (a month); Cloudflare Access keeps no login longer", 24)
]
LocationHint = Literal["apac", "eeur", "enam", "oc", "weur", "wnam"]
Level = Literal["trace", "debug", "info", "warn", "error"]
Flag = StrictBool
TableName = Annotated[
    StrictStr,
    text(
        r"[a-z][a-z0-9-]*\.[^\x00-\x1f]{1,128}",
        "must be a database of the product, a dot and a table, or nobody could say which table is meant",
        "main.bookings",
    ),
]
TableNames = Annotated[tuple[TableName, ...], AfterValidator(distinct)]
Emails = Annotated[tuple[Email, ...], AfterValidator(distinct)]
MailDomains = Annotated[tuple[MailDomain, ...], AfterValidator(distinct)]
GitHubIds = Annotated[tuple[GitHubId, ...], AfterValidator(distinct)]
WorkerNames = Annotated[tuple[WorkerName, ...], AfterValidator(distinct)]
NamespaceNames = Annotated[tuple[NamespaceName, ...], AfterValidator(distinct)]
CheckNames = Annotated[tuple[CheckName, ...], AfterValidator(distinct)]
Shares = tuple[StepShare, ...]
