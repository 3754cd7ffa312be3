"""Rules over the stages together (pure): who shares what, who owns what, and what must be the same everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from bulkhead.model.access import closed_hostnames, covers
from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage, stages_named
from bulkhead.model.product import Product
from bulkhead.model.settings.examples import example_faults
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import SETTINGS, Path, fault_at, remove_command, set_command
from bulkhead.model.settings.rules import NUMBERS
from bulkhead.model.settings.stores import shared_stores

Level = Literal["fault", "warning"]


@dataclass(frozen=True, slots=True)
class _Shareable:
    """Something of a stage that other stages may use too. ``separates`` says what still separates the stages then."""

    field: str
    word: str
    key: str
    identity: Callable[[StageSettings], Hashable]
    separates: str


def _role(settings: StageSettings) -> tuple[str, str] | None:
    """Return the account and the name of a stage's role: IAM has a name once in an account, whatever the path, and
    ignores case in it (IAM, "Name requirements")."""
    arn = settings.aws.role_arn
    return (settings.aws.account_id, arn.rpartition("/")[2].lower()) if arn else None


# What the stack of a pull request has only together with development: it is deployed with development's credentials.
_DEVELOPMENTS: Final[tuple[tuple[str, Callable[[StageSettings], Any]], ...]] = (
    ("cloudflare.accountId", lambda s: s.cloudflare.account_id),
    ("cloudflare.zoneId", lambda s: s.cloudflare.zone_id),
    ("aws.accountId", lambda s: s.aws.account_id),
    ("aws.roleArn", _role),
    ("aws.profile", lambda s: s.aws.profile),
)


def _repository(settings: StageSettings) -> tuple[str, str]:
    """Return the repository's owner and name in lower case, because GitHub ignores case in both."""
    return settings.github.owner.lower(), settings.github.repository.lower()


_SHAREABLE: Final = (
    _Shareable(
        "zone",
        "zone",
        "cloudflare.zoneId",
        lambda s: s.cloudflare.zone_id,
        "only hostnames then separate them; a token of one stage can change the other's DNS, rules and cache",
    ),
    _Shareable(
        "cloudflareAccount",
        "Cloudflare account",
        "cloudflare.accountId",
        lambda s: s.cloudflare.account_id,
        "only names ({names}) and the scope of each stage's API token then separate them",
    ),
    _Shareable(
        "awsAccount",
        "AWS account",
        "aws.accountId",
        lambda s: s.aws.account_id,
        "only names ({names}) and the trust and permissions of each stage's role then separate them",
    ),
    # One repository for all stages is intended, so sharing it gives no warning.
    _Shareable("repository", "repository", "github.repository", _repository, ""),
)

_PRODUCT_WIDE: Final[tuple[tuple[str, Callable[[StageSettings], Any]], ...]] = (
    ("product", lambda s: s.product),
    ("releaseModel", lambda s: s.release_model),
    ("governance.profile", lambda s: s.governance.profile),
)

_SHARED: Final = "it describes the repository, and the stages share that"
_ONE_SUBJECT: Final = "AWS compares it letter by letter with what GitHub says, and would let no run of one of them in"
_OF_A_REPOSITORY: Final[tuple[tuple[str, Callable[[StageSettings], Any], str], ...]] = (
    ("github.defaultBranch", lambda s: s.github.default_branch, _SHARED),
    ("github.owner", lambda s: s.github.owner, _ONE_SUBJECT),
    ("github.repository", lambda s: s.github.repository, _ONE_SUBJECT),
    ("github.ownerId", lambda s: s.github.owner_id, _ONE_SUBJECT),
    ("github.repositoryId", lambda s: s.github.repository_id, _ONE_SUBJECT),
)


def cross_check(whole: Sequence[tuple[StageSettings, Product]]) -> Iterator[tuple[Level, Fault]]:
    """Yield faults and warnings about all stages together. ``whole`` pairs each stage's settings with its product: the
    three permanent stages, and ephemeral ones if there are any."""
    stages = [settings for settings, _ in whole]
    products = {settings.environment: product.name for settings, product in whole}
    permanent = sorted((s for s in stages if s.environment == s.stage), key=lambda s: list(Stage).index(s.stage))
    yield from (("fault", fault) for fault in shared_stores(whole))
    yield from _hostnames(whole)
    yield from _zones(permanent)
    yield from _roles(permanent)
    yield from _roles_called_otherwise(stages)
    yield from (("fault", fault) for fault in trespasses(stages, permanent))
    yield from _logins(whole, permanent)
    yield from _product_wide(permanent)
    for kind in _SHAREABLE:
        for users in _groups(permanent, kind.identity):
            yield from _owners(users, kind, halfway=_halfway(permanent, kind.key))
            if kind.separates and len(users) > 1:
                names = ", ".join(f"{products[user.environment]}-{user.environment}-*" for user in users)
                message = f"{_joined(users)} share one {kind.word}: {kind.separates.format(names=names)}"
                yield "warning", _fault(users[0], kind.key, message, f"give each stage a {kind.word} of its own")


def _hostnames(whole: Sequence[tuple[StageSettings, Product]]) -> Iterator[tuple[Level, Fault]]:
    taken: dict[str, StageSettings] = {}
    for settings, product in whole:
        apex = settings.cloudflare.hostname
        hosts = {apex, *product.hostnames(apex).values()}
        clash = next((host for host in sorted(hosts) if host in taken), None)
        if clash is not None:
            other = taken[clash].environment
            message = (
                f"gives this stage a hostname that {other} has; the stage deployed last would take it from the other"
            )
            fix = set_command(
                (f"{SETTINGS}:cloudflare", "hostname"), f"{settings.environment}.{apex}", settings.environment
            )
            yield "fault", _fault(settings, "cloudflare.hostname", message, fix)
        taken |= dict.fromkeys(hosts - taken.keys(), settings)


def _zones(stages: Sequence[StageSettings]) -> Iterator[tuple[Level, Fault]]:
    """Yield zones that cannot be what their stages say: a zone is in one account, and its hostnames end alike."""
    accounts = {settings.cloudflare.account_id: settings for settings in stages}
    for settings in stages:
        if (other := accounts.get(settings.cloudflare.zone_id)) and other is not settings:
            yield _no_zone(settings, f"is the account id of {other.environment}; Cloudflare knows no zone of that id")
    for users in _groups(stages, lambda s: s.cloudflare.zone_id):
        theirs = users[-1].cloudflare
        for user in users[:-1]:
            if user.cloudflare.account_id != theirs.account_id:
                wrong = "and a zone is in one account: Cloudflare would refuse one of the two"
                yield _no_zone(user, f"is {users[-1].environment}'s, which is in another account, {wrong}")
            elif _top(user.cloudflare.hostname) != _top(theirs.hostname) and not _halfway(users, "cloudflare.hostname"):
                wrong = f"and no zone holds {user.cloudflare.hostname} and {theirs.hostname}"
                yield _no_zone(user, f"is {users[-1].environment}'s, {wrong}")


def _top(hostname: str) -> list[str]:
    return hostname.split(".")[-2:]


def _no_zone(settings: StageSettings, message: str) -> tuple[Level, Fault]:
    return "fault", _fault(settings, "cloudflare.zoneId", message, "copy the zone id from the zone's overview page")


def _roles(stages: Sequence[StageSettings]) -> Iterator[tuple[Level, Fault]]:
    for users in _groups([s for s in stages if s.aws.role_arn], _role):
        for user in users[1:]:
            message = f"is the role of {users[0].environment} too (SEC-7): one leaked credential would open both stages"
            yield "fault", _fault(user, "aws.roleArn", message, _own_role(user))


def _roles_called_otherwise(stages: Sequence[StageSettings]) -> Iterator[tuple[Level, Fault]]:
    """Yield roles of one account that are called after another stage, as that stage's own is in another account."""
    for settings in stages:
        for other in stages:
            mine, theirs = _role(settings), _role(other)
            if mine and theirs and mine[1] == theirs[1] and mine != theirs:
                named = stages_named(mine[1])
                if named and settings.stage not in named and other.stage in named:
                    message = f"is called as the role of {other.environment}, and in this account nobody expects it"
                    yield "fault", _fault(settings, "aws.roleArn", message, _own_role(settings))
                    break


def _own_role(settings: StageSettings) -> str:
    role = f"arn:aws:iam::{settings.aws.account_id}:role/bulkhead-{settings.environment}"
    return set_command((f"{SETTINGS}:aws", "roleArn"), role, settings.environment)


def trespasses(stages: Sequence[StageSettings], permanent: Sequence[StageSettings]) -> Iterator[Fault]:
    """Yield what the stacks of pull requests have of a permanent stage and not of development."""
    own = next((each for each in permanent if each.stage is Stage.DEVELOPMENT), None)
    if own is None:
        return
    for settings in (each for each in stages if each.environment != each.stage):
        for key, value in _DEVELOPMENTS:
            mine, theirs = value(settings), value(own)
            owner = next((each for each in reversed(permanent) if mine and value(each) == mine), None)
            if owner is not None and mine != theirs:
                message = f"is {owner.environment}'s: a pull request that nobody has read would run with its rights"
                path, stack = _path(key), settings.environment
                section, name = key.split(".")
                right = own.model_dump(by_alias=True)[section][name]
                fix = set_command(path, right, stack) if right else remove_command(path, stack)
                yield _fault(settings, key, message, fix)


def _logins(
    whole: Sequence[tuple[StageSettings, Product]], permanent: Sequence[StageSettings]
) -> Iterator[tuple[Level, Fault]]:
    """Yield what of a pull request's stack would stay open: the login before it is development's."""
    own = next((each for each in permanent if each.stage is Stage.DEVELOPMENT), None)
    for settings, product in whole if own else ():
        if own is None or settings.environment == settings.stage:
            continue
        if settings.access.public != own.access.public:
            message = "differs from development, whose identities make the login before the stacks of pull requests"
            fix = set_command(_path("access.public"), own.access.public, settings.environment)
            yield "fault", _fault(settings, "access.public", message, fix)
        elif not own.access.public:
            apex, hosts = own.cloudflare.hostname, product.hostnames(settings.cloudflare.hostname).values()
            closed = closed_hostnames(own.stage, apex, ())
            if not all(any(covers(pattern, host) for pattern in closed) for host in hosts):
                message = f"is not below {apex}, so development's login would not stand before it (STG-8)"
                fix = set_command(_path("cloudflare.hostname"), f"{settings.environment}.{apex}", settings.environment)
                yield "fault", _fault(settings, "cloudflare.hostname", message, fix)


def _product_wide(stages: Sequence[StageSettings]) -> Iterator[tuple[Level, Fault]]:
    for key, value in _PRODUCT_WIDE:
        yield from _same(stages, key, value, _SHARED)
    for users in _groups(stages, _repository):
        for key, value, why in _OF_A_REPOSITORY:
            yield from _same(users, key, value, why)
        if all(user.github.owner_id is None for user in users):
            message = (
                "is missing, and so is repositoryId: AWS lets no run of a repository in that is newer than July 2026"
            )
            yield "warning", _fault(users[-1], "github.ownerId", message, NUMBERS)


def _same(
    stages: Sequence[StageSettings],
    key: str,
    value: Callable[[StageSettings], Any],
    why: str,
) -> Iterator[tuple[Level, Fault]]:
    """Compare with the last stage that says something, production, because it is changed with the most care."""
    says = [settings for settings in stages if value(settings) is not None]
    for settings in stages if says else ():
        if value(settings) != value(says[-1]):
            message = f"differs from {says[-1].environment}; {why}"
            fix = set_command(_path(key), value(says[-1]), settings.environment)
            yield "fault", _fault(settings, key, message, fix)


def _owners(users: Sequence[StageSettings], kind: _Shareable, *, halfway: bool) -> Iterator[tuple[Level, Fault]]:
    path, key = (f"{SETTINGS}:owns", kind.field), f"owns.{kind.field}"
    owners = [user for user in users if user.owns.model_dump(by_alias=True)[kind.field]]
    if not owners and not halfway:
        last = users[-1]
        message = (
            f"is true in no stage that uses this {kind.word} ({_joined(users)}), "
            "so what it holds once would never be made"
        )
        yield "fault", _fault(last, key, message, set_command(path, True, last.environment))
    for user in owners[:-1]:
        message = f"is true here and in {owners[-1].environment}; both would make what one {kind.word} has once"
        yield "fault", _fault(user, key, message, set_command(path, False, user.environment))


def _halfway(stages: Sequence[StageSettings], key: str) -> bool:
    """Whether an example is left at a key in some of the stages, which do not fit the others yet."""
    key = f"{SETTINGS}:{'github.owner' if key == 'github.repository' else key}"
    return len({any(fault.key == key for fault in example_faults(settings)) for settings in stages}) > 1


def _groups(
    stages: Sequence[StageSettings], identity: Callable[[StageSettings], Hashable]
) -> list[list[StageSettings]]:
    groups: defaultdict[Hashable, list[StageSettings]] = defaultdict(list)
    for settings in stages:
        groups[identity(settings)].append(settings)
    return list(groups.values())


def _joined(stages: Sequence[StageSettings]) -> str:
    names = [settings.environment for settings in stages]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _fault(settings: StageSettings, key: str, message: str, fix: str) -> Fault:
    return fault_at(_path(key), message, fix, settings.environment)


def _path(key: str) -> Path:
    head, *rest = key.split(".")
    return (f"{SETTINGS}:{head}", *rest)
