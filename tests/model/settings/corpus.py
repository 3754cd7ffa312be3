"""Bad settings: each breaks one thing of a compliant stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.model.settings.baseline import CIPHERTEXT, GONE


@dataclass(frozen=True, slots=True)
class Bad:
    """``value`` at ``place`` of ``stack``; the fault is at ``key`` (``place`` unless told) and says ``says``."""

    place: str
    value: Any
    says: str
    stack: str = "production"
    key: str = ""
    file_only: bool = False  # the engine hands top-level values over as text, so it has lost the difference

    @property
    def where(self) -> str:
        return self.key or self.place

    def __str__(self) -> str:
        value = "gone" if self.value is GONE else repr(self.value)
        return f"{self.stack}-{self.place}-{value}"[:90]


def _each(place: str, says: str, *values: Any, stack: str = "production", key: str = "") -> list[Bad]:
    return [Bad(place, value, says, stack, key) for value in values]


def _hosts() -> tuple[str, ...]:
    return (
        *("", "harbor", "https://harbor.example", "harbor.example/", "harbor.example.", "Harbor.example"),
        *("*.harbor.example", "-a.harbor.example", "a-.harbor.example", "a..example", "a_b.example", "10.0.0.1", "::1"),
        *("harbor.example:443", "harbor.workers.dev", f"{'a' * 64}.example", ".".join(["a" * 50] * 5), "hafen.exämple"),
    )


HEX: Final = "9a3c57e1" * 4
ROLE: Final = "arn:aws:iam::333333333333:role/bulkhead-production"

BAD: Final = [
    # stage and stack
    Bad("bulkhead:stage", GONE, "is missing; it is one of development, staging or production"),
    Bad("bulkhead:stage", "prod", "must be development, staging or production"),
    Bad("bulkhead:stage", "Production", "did you mean production?"),
    Bad("bulkhead:stage", 3, "must be development, staging or production"),
    Bad("bulkhead:stage", "staging", "stack production is of stage production"),
    Bad("bulkhead:stage", "production", "stack staging is of stage staging", "staging"),
    Bad("bulkhead:stage", "staging", "stack pr-42 is of stage development", "pr-42"),
    Bad("bulkhead:stage", "development", "the stack must be called", "pr-0"),
    Bad("bulkhead:stage", "development", "the stack must be called", "qa"),
    Bad("bulkhead:environment", "production", "is the stack's name"),
    # product
    *_each("bulkhead:product", "package.module:NAME", "shop.goods", "shop.goods:", ":GOODS", "shop/goods:G", ""),
    # tags
    Bad("bulkhead:owner", GONE, "is missing"),
    Bad("bulkhead:owner", None, "is empty", file_only=True),
    Bad("bulkhead:owner", 12, "quote it", file_only=True),
    Bad("bulkhead:owner", True, "quote it", file_only=True),
    Bad("bulkhead:owner", ["a"], "not a list", file_only=True),
    *_each("bulkhead:owner", "becomes a tag", "", " team", "aws:team", "AWS:team", "te*m", "x" * 257, "team\n"),
    *_each("bulkhead:owner", "becomes a tag", "基盤・チーム", "か\u3099"),
    Bad("bulkhead:owner", {"team": "a"}, "not a section", file_only=True),
    Bad("bulkhead:costCenter", GONE, "is missing"),
    Bad("bulkhead:costCenter", "", "becomes a tag"),
    # time zone and region
    *_each("bulkhead:timezone", "IANA", "Tokyo", "JST-9", "+09:00", "asia/tokyo", "", "localtime", "Factory"),
    Bad("bulkhead:timezone", "Asia/Tokio", "did you mean Asia/Tokyo?"),
    *_each("bulkhead:region.primary", "AWS region", "tokyo", "ap-notheast-1", "ap-northeast-1a", "AP-NORTHEAST-1"),
    Bad("bulkhead:region.d1", "tokyo", "apac, eeur, enam, oc, weur or wnam"),
    Bad("bulkhead:region.d1", "APAC", "did you mean apac?"),
    Bad("bulkhead:region.r2", "eu", "apac, eeur, enam, oc, weur or wnam"),
    Bad("bulkhead:region", "ap-northeast-1", "must be a section"),
    # Cloudflare
    Bad("bulkhead:cloudflare", GONE, "is missing", key="bulkhead:cloudflare.accountId"),
    Bad("bulkhead:cloudflare", "harbor.example", "must be a section"),
    Bad("bulkhead:cloudflare.accountId", GONE, "is missing"),
    Bad("bulkhead:cloudflare.accountId", None, "is empty"),
    Bad("bulkhead:cloudflare.accountId", 12345678901234, "quote it"),
    *_each("bulkhead:cloudflare.accountId", "32 lower-case", "", HEX[:-1], HEX + "0", HEX.upper()),
    *_each("bulkhead:cloudflare.accountId", "32 lower-case", " " + HEX[1:], "g" + HEX[1:]),
    Bad("bulkhead:cloudflare.zoneId", GONE, "is missing"),
    Bad("bulkhead:cloudflare.zoneId", "harbor.example", "zone id"),
    Bad("bulkhead:cloudflare.zoneId", "a3" * 16, "is the account id again"),
    Bad("bulkhead:cloudflare.hostname", GONE, "is missing"),
    *_each("bulkhead:cloudflare.hostname", "must be a hostname", *_hosts()),
    # AWS
    Bad("bulkhead:aws.accountId", GONE, "is missing"),
    Bad("bulkhead:aws.accountId", 333333333333, "quote it"),
    Bad("bulkhead:aws.accountId", "33333333333", "twelve digits"),
    Bad("bulkhead:aws.accountId", "3333-3333-3333", "twelve digits"),
    Bad("bulkhead:aws.accountId", "444444444444", "role of another account", key="bulkhead:aws.roleArn"),
    Bad("bulkhead:aws.roleArn", GONE, "and profile too"),
    Bad("bulkhead:aws.roleArn", None, "and profile too"),
    *_each("bulkhead:aws.roleArn", "ARN of an IAM role", "bulkhead", "arn:aws:iam", ROLE + " ", ROLE + "a" * 64),
    Bad("bulkhead:aws.roleArn", ROLE.replace("role", "user"), "ARN of an IAM role"),
    Bad("bulkhead:aws.roleArn", ROLE.replace("3333:", "4444:"), "role of another account"),
    Bad("bulkhead:aws.profile", "harbor", "beside roleArn"),
    Bad("bulkhead:aws.profile", "my profile", "name of a profile"),
    Bad("bulkhead:aws.region", "ap-northeast-1", "is no setting"),
    # GitHub
    Bad("bulkhead:github.owner", GONE, "is missing"),
    *_each("bulkhead:github.owner", "user or organisation", "harbor-inc/harbor", "-harbor", "har--bor", "x" * 40, ""),
    Bad("bulkhead:github.repository", GONE, "is missing"),
    *_each(
        "bulkhead:github.repository", "repository's name alone", "a/b", "harbor.git", "..", "", "x" * 101, "ha rbor"
    ),
    *_each(
        "bulkhead:github.defaultBranch",
        "one branch",
        "",
        "ma in",
        "release/*",
        "a..b",
        "/main",
        "main.lock",
        "-x",
        "~main",
    ),
    Bad("bulkhead:github.defaultBranch", "develop", "must be another branch"),
    Bad("bulkhead:github.defaultBranch", "feature/x", "must be another branch"),
    Bad("bulkhead:github.reviewers", [1], "must be a section"),
    Bad("bulkhead:github.reviewers.teams", 1, "must be a list"),
    Bad("bulkhead:github.reviewers.teams", ["qa"], "whole number", key="bulkhead:github.reviewers.teams[0]"),
    Bad(
        "bulkhead:github.reviewers.users",
        [1, 0],
        "must be a number, as GitHub",
        key="bulkhead:github.reviewers.users[1]",
    ),
    Bad("bulkhead:github.reviewers.users", [5, 5], "names something twice"),
    Bad("bulkhead:github.reviewers.users", [1, 2, 3, 4, 5, 6, 7], "names 7", key="bulkhead:github.reviewers"),
    *_each("bulkhead:github.waitMinutes", "0 to 43200", -1, 43_201),
    *_each("bulkhead:github.waitMinutes", "whole number", "30", 1.5, True, None),
    Bad("bulkhead:github.requiredChecks", ["test"], "has no effect here", "staging"),
    Bad("bulkhead:github.requiredChecks", ["a\nb"], "one status check", key="bulkhead:github.requiredChecks[0]"),
    Bad("bulkhead:github.requiredChecks", ["test", "test"], "names something twice"),
    Bad("bulkhead:github.requiredChecks", "test", "must be a list"),
    # owners
    *_each("bulkhead:owns.zone", "true or false", "true", 1, None),
    Bad("bulkhead:owns.zone", True, "must be false", "pr-42"),
    Bad("bulkhead:owns.repository", True, "must be false", "pr-42"),
    Bad("bulkhead:owns.account", True, "is no setting"),
    # release and governance
    Bad("bulkhead:releaseModel", "gitflow", "did you mean git-flow?"),
    Bad("bulkhead:releaseModel", "trunk", "git-flow or release-tag", key="bulkhead:releaseModel"),
    Bad("bulkhead:governance.profile", "none", "team or solo"),
    Bad("bulkhead:governance", "team", "must be a section"),
    # log
    Bad("bulkhead:log.level", "debug", "LOG-4"),
    Bad("bulkhead:log.level", "trace", "LOG-4"),
    Bad("bulkhead:log.level", "INFO", "did you mean info?"),
    Bad("bulkhead:log.level", "fatal", "trace, debug, info, warn or error"),
    Bad("bulkhead:log.redact", False, "LOG-7"),
    Bad("bulkhead:log.redact", False, "LOG-7", "staging"),
    Bad("bulkhead:log.redact", "yes", "true or false"),
    # maintenance and flags
    Bad("bulkhead:maintenance", {"endTime": "2026-01-31T05:00:00+09:00"}, "is off", key="bulkhead:maintenance.endTime"),
    *[
        Bad("bulkhead:maintenance", {"enabled": True, "endTime": time}, "offset", key="bulkhead:maintenance.endTime")
        for time in ("2026-01-31T05:00:00", "2026-01-31", "05:00", "2026-02-30T05:00:00Z", "2026-01-31 05:00:00Z", "")
    ],
    Bad("bulkhead:maintenance.enabled", "on", "true or false"),
    Bad("bulkhead:featureFlags", ["newSearch"], "must be a section"),
    Bad("bulkhead:featureFlags", {"newSearch": "true"}, "true or false", key="bulkhead:featureFlags.newSearch"),
    Bad("bulkhead:featureFlags", {"NEW": True}, "camelCase", key="bulkhead:featureFlags.NEW"),
    # workers, database, cache
    *_each("bulkhead:workers.cpuMs", "10 to 300000", 9, 300_001, 0),
    *_each("bulkhead:workers.cpuMs", "whole number", "30000", 30.5),
    *_each("bulkhead:workers.traceSampling", "from 0", -0.1, 1.1, 5),
    *_each("bulkhead:workers.logSampling", "a number", "0.5", True),
    Bad("bulkhead:database.readReplication", "on", "disabled or auto"),
    Bad(
        "bulkhead:database.optimizeTables", ["bookings"], "a dot and a table", key="bulkhead:database.optimizeTables[0]"
    ),
    Bad("bulkhead:database.optimizeTables", ["main."], "a dot and a table", key="bulkhead:database.optimizeTables[0]"),
    Bad("bulkhead:database.optimizeTables", ["main.a", "main.a"], "twice"),
    *_each("bulkhead:cache.apiSeconds", "60 to 31536000", 59, 0, -1, 31_536_001),
    Bad("bulkhead:cache.rulesSeconds", 30, "KV refuses"),
    Bad("bulkhead:cache.sessionSeconds", 59, "KV refuses"),
    Bad("bulkhead:cache.profileSeconds", 1, "KV refuses"),
    Bad("bulkhead:cache.experimentSeconds", 1, "KV refuses"),
    Bad("bulkhead:cache.defaultSeconds", 1, "KV refuses"),
    Bad("bulkhead:cache.staticSeconds", -1, "0 to 31536000"),
    # backup
    Bad("bulkhead:backup.full", "none", "BAK-1"),
    Bad("bulkhead:backup.full", "weekly", "none or daily"),
    Bad(
        "bulkhead:backup", {"full": "none", "interimHours": 6}, "needs full", "staging", "bulkhead:backup.interimHours"
    ),
    *_each("bulkhead:backup.interimHours", "must be 1, 2, 3", 0, 5, 24),
    Bad("bulkhead:backup.interimHours", "6", "whole number"),
    Bad("bulkhead:backup.kv", "sessions", "must be a list"),
    Bad("bulkhead:backup.kv", ["No Name"], "name of a KV namespace", key="bulkhead:backup.kv[0]"),
    Bad("bulkhead:backup.kv", ["a", "a"], "twice"),
    Bad("bulkhead:backup.retention.dailyDays", 0, "1 to 36500"),
    Bad("bulkhead:backup.retention.dailyDays", "7", "whole number"),
    Bad("bulkhead:backup.retention.dailyDays", 28, "longer than", key="bulkhead:backup.retention.weeklyDays"),
    Bad("bulkhead:backup.retention.weeklyDays", 366, "longer than", key="bulkhead:backup.retention.monthlyDays"),
    Bad("bulkhead:backup.retention.yearlyDays", 366, "longer than"),
    Bad("bulkhead:backup.retention.dailyDays", 6, "outlasts", key="bulkhead:backup.lock.dailyDays"),
    Bad("bulkhead:backup.retention", 7, "must be a section"),
    Bad("bulkhead:backup.lock.dailyDays", 8, "outlasts"),
    Bad("bulkhead:backup.lock.weeklyDays", 29, "outlasts"),
    Bad("bulkhead:backup.lock.rollingDays", 367, "outlasts"),
    Bad("bulkhead:backup.lock.rollingDays", 31, "renewed once a month"),
    *[Bad(f"bulkhead:backup.lock.{tier}Days", 0, "BAK-5") for tier in ("daily", "weekly", "rolling")],
    Bad("bulkhead:backup.lock.dailyDays", -1, "0 (no lock)"),
    Bad("bulkhead:backup.lock.dailyDays", 7, "must be 0 in staging", "staging"),
    Bad("bulkhead:backup.lock.rollingDays", 1, "must be 0 in development", "development"),
    Bad("bulkhead:backup.lock", 7, "must be a section"),
    Bad("bulkhead:backup.replicaRegion", "ap-northeast-1", "region of the vault itself"),
    Bad("bulkhead:backup.replicaRegion", "cn-north-1", "partition aws-cn"),
    Bad("bulkhead:backup.replicaRegion", "osaka", "AWS region"),
    Bad("bulkhead:backup.replicaRegion", "ap-northeast-3", "does not have", "development"),
    # dr
    *_each("bulkhead:dr.rpoMinutes", "1 to 525600", 0, -1, 525_601),
    Bad("bulkhead:dr.rtoMinutes", "240", "whole number"),
    Bad("bulkhead:dr.recoveryOrder", ["web", "web"], "twice"),
    Bad("bulkhead:dr.recoveryOrder", ["Web"], "name of a Worker", key="bulkhead:dr.recoveryOrder[0]"),
    # rollout and gates
    Bad("bulkhead:rollout.strategy", "rolling", "all-at-once"),
    *[
        Bad("bulkhead:rollout.steps", steps, "must grow", key="bulkhead:rollout.steps")
        for steps in ([], [10, 50], [50, 10, 100], [10, 10, 100])
    ],
    *[
        Bad("bulkhead:rollout.steps", [share, 100], "1 to 100 percent", key="bulkhead:rollout.steps[0]")
        for share in (0, 101, -1)
    ],
    Bad("bulkhead:rollout.steps", ["10", 100], "whole number", key="bulkhead:rollout.steps[0]"),
    *_each("bulkhead:rollout.bakeMinutes", "0 to 1440", -1, 1441),
    *_each("bulkhead:rollout.watchMinutes", "0 to 1440", -1, 1441),
    *_each("bulkhead:gates.maxMs", "1 to 60000", 0, 60_001),
    # access
    Bad("bulkhead:access", GONE, "names nobody", "staging", "bulkhead:access.emailDomains"),
    Bad("bulkhead:access.emailDomains", [], "only the pipeline would get in", "development"),
    Bad("bulkhead:access.public", False, "names nobody", key="bulkhead:access.emailDomains"),
    Bad(
        "bulkhead:access.public",
        True,
        "no effect while access.public is true",
        "staging",
        "bulkhead:access.emailDomains",
    ),
    Bad("bulkhead:access.emails", ["a@acme-hotels.com"], "no effect while access.public is true"),
    Bad("bulkhead:access.public", "yes", "true or false"),
    *[
        Bad("bulkhead:access.emailDomains", [who], says, "staging", "bulkhead:access.emailDomains[0]")
        for who, says in (
            ("gmail.com", "everybody can have an address"),
            ("@acme-hotels.com", "behind the @"),
            ("Acme-Hotels.com", "behind the @"),
            ("acme", "behind the @"),
            ("*.acme-hotels.com", "behind the @"),
        )
    ],
    Bad("bulkhead:access.emailDomains", ["a.com", "a.com"], "names something twice", "staging"),
    Bad("bulkhead:access.emails", ["acme-hotels.com"], "e-mail", "staging", "bulkhead:access.emails[0]"),
    *_each("bulkhead:access.sessionHours", "1 to 720", 0, 721),
    # budget
    *_each("bulkhead:budget.monthlyUsd", "US dollars", 0, -1, 0.001, 1_000_001),
    Bad("bulkhead:budget.monthlyUsd", "500", "a number"),
    Bad("bulkhead:budget.monthlyUsd", 20.01, "CST-4", "staging"),
    Bad("bulkhead:budget.finance", [], "names nobody"),
    Bad("bulkhead:budget.techLead", [], "names nobody"),
    Bad("bulkhead:budget.stakeholders", GONE, "names nobody"),
    Bad("bulkhead:budget", {}, "names nobody", "development", "bulkhead:budget.stakeholders"),
    Bad("bulkhead:budget.finance", "a@harbor.example", "must be a list"),
    *[
        Bad("bulkhead:budget.finance", [who], "e-mail", key="bulkhead:budget.finance[0]")
        for who in ("finance", "a@b", "a b@harbor.example", "Finance <a@harbor.example>", "")
    ],
    Bad("bulkhead:budget.finance", ["a@harbor.example"] * 2, "names something twice"),
    # unknown and misspelt names, at every depth
    Bad("bulkhead:costcenter", "x", "did you mean bulkhead:costCenter?"),
    Bad("bulkhead:cost_center", "x", "did you mean bulkhead:costCenter?"),
    Bad("bulkhead:release-model", "git-flow", "did you mean bulkhead:releaseModel?"),
    Bad("bulkhead:cloudfare", {}, "did you mean bulkhead:cloudflare?"),
    Bad("bulkhead:zoneId", HEX, "did you mean bulkhead:cloudflare.zoneId?"),
    Bad("bulkhead:cloudflare.account_id", HEX, "did you mean bulkhead:cloudflare.accountId?"),
    Bad("bulkhead:backup.retention.daily_days", 7, "did you mean bulkhead:backup.retention.dailyDays?"),
    Bad("bulkhead:backup.retention.daysDaily", 7, "is no setting"),
    Bad("bulkhead:backup.retention.dailyDay", 7, "did you mean bulkhead:backup.retention.dailyDays?"),
    Bad("bulkhead:backup.yearlyDays", 7, "did you mean bulkhead:backup.retention.yearlyDays?"),
    Bad("bulkhead:github.reviewers.team", [1], "did you mean bulkhead:github.reviewers.teams?"),
    Bad("bulkhead:nonsense", "x", "is no setting"),
    # settings that are encrypted, secrets that are not
    Bad("bulkhead:owner", CIPHERTEXT, "is encrypted"),
    Bad("bulkhead:cloudflare.zoneId", CIPHERTEXT, "is encrypted", key="bulkhead:cloudflare"),
    Bad("secrets:cloudflareApiToken", GONE, "is missing"),
    Bad("secrets:sessionKey", GONE, "is missing"),
    Bad("secrets:sessionKey", "ghp_inTheClear", "is not encrypted"),
    Bad("secrets:sessionKey", "", "is not encrypted"),
    Bad("secrets:sessionkey", CIPHERTEXT, "did you mean secrets:sessionKey?"),
    Bad("secrets:slackWebhook", CIPHERTEXT, "is no secret of"),
    Bad("secrets:unheardOf", CIPHERTEXT, "is no secret of product harbor"),
    # namespaces
    Bad("cloudflare:apiToken", CIPHERTEXT, "default provider"),
    Bad("cloudflare:apiToken", "in-the-clear", "default provider"),
    Bad("aws:region", "ap-northeast-1", "default provider"),
    Bad("github:owner", "harbor-inc", "default provider"),
    Bad("harbor:owner", "x", "is read by nothing"),
    Bad("owner", "x", "is read by nothing"),
    Bad("bulkhead:config:owner", "x", "is read by nothing"),
    Bad("bulkhead:", "x", "is read by nothing"),
    Bad("secret:sessionKey", CIPHERTEXT, "is read by nothing"),
    Bad("pulumi:disable-default-providers", ["aws"], 'must be ["*"]'),
    *_each("rotated:sessionKey", "is no day", "soon", "2026-W48-1", "20261130", ""),
]
