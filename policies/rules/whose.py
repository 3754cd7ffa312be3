"""Whose a name, an ARN, a pattern or a hostname is: the stage's, nobody's, or another stage's.

The marks are those of `isolation check`. It compares the plans of all stages; here their settings must be enough, and
where even those cannot be read, the names that they would have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from bulkhead.model.marks import Marks, hostnames_of
from bulkhead.model.naming import Label, Stage, stage_of, stages_named
from bulkhead.resources.statements import account_of, may_begin
from policies.context import PolicyContext

_STEP: Final = re.compile(r"[/:]")
_WILD: Final = re.compile(r"[*?]")
_PLAIN_WORD: Final = re.compile(r"[a-z]*")  # of a type, or of what many things are kept below: `listener/app`
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_UNTYPED: Final = frozenset({"execute-api", "sns", "sqs"})  # their ARNs begin with a name, and with no type
_PUBLIC: Final = ("foundation-model/", "image/", "parameter/aws/")  # what is published for everybody
# How the ids begin that AWS gives, where a name cannot be chosen (Service Authorization Reference): what only says so
# much leaves open which is meant.
_GIVEN: Final = re.compile(
    r"(?:cloudfront:distribution/E|cognito-idp:userpool/[a-z]+-[a-z]+-\d_|kms:key/mrk-|route53:hostedzone/Z"
    r"|ec2:(?!key-pair/|placement-group/)[a-z-]+/[a-z]+-)0?"
)
ARN_PARTS: Final = 6


@dataclass(frozen=True)
class Whose:
    """The eyes of one stage."""

    context: PolicyContext
    marks: Marks

    @property
    def _all_known(self) -> bool:
        known = {each.stage for each in self.context.others}
        return known >= set(Stage) - {self.context.stage}

    @property
    def _prefixes(self) -> Iterator[tuple[str, str]]:
        """Yield the other stages with what their names begin with."""
        for stage in Stage:
            if stage is not self.context.stage:
                yield stage.value, Label(self.context.product.name, stage, stage).prefix

    def text(self, text: str, *, of_mail: bool = False) -> str:
        """Return what in a text is another stage's, empty if nothing is. Where people have mail, nobody answers."""
        # What is kept in the stage's own account for a domain is the stage's, whoever answers there: SES's identities.
        kept = account_of(text) == self.context.settings.aws.account_id
        for mark, stage in self.marks.foreign(self.context.settings.environment, text):
            if not ((kept or of_mail) and mark.what == "hostname"):
                return f"names {mark.text}, the {mark.what} of {stage}"
        return ""

    def name(self, name: str, *, abroad: bool = True) -> str:
        """Return why the name or the ARN of one thing is another stage's, empty if it is not. What is in an account of
        nobody's may be meant, where that is said ``abroad``: what is kept for the stage in a second account."""
        if wrong := self.text(name):
            return wrong
        steps = _STEP.split(name)
        if name == self.context.settings.aws.role_arn or any(step.startswith(self.context.prefix) for step in steps):
            return ""
        named = stages_named(name.lower().replace(self.context.product.name, ""), shortened=False)
        if said := next((stage for stage in Stage if stage is not self.context.stage and stage in named), None):
            return f"names {name}, which is called after {said}"
        account = account_of(name)
        if account in {None, self.context.settings.aws.account_id} or (abroad and self._all_known):
            return ""
        return f"names {name}, which is in an account that is not the stage's"

    def pattern(self, arn: str) -> str:
        """Return why an ARN with wildcards takes in what another stage has, empty if it does not."""
        parts = _parts(arn)
        if not _WILD.search(_VARIABLE.sub("*", arn)) or len(parts) < ARN_PARTS:
            return self.name(arn)
        service, account, name = parts[2], parts[4], parts[5]
        known, rest = _divided(name)
        if (_is_bucket(parts) and known) or any(_is_particular(step, self.context) for step in known):
            return self.name(arn)
        if name.startswith(_PUBLIC):
            return ""
        for stage, prefix in self._prefixes:
            if may_begin(rest, prefix) and self._reaches(stage, service, account):
                return f"reaches {arn}, which takes in {prefix}* of {stage}"
        return self.name(arn)

    def _reaches(self, stage: str, service: str, account: str) -> bool:
        """Whether an ARN with such an account can mean something of another stage."""
        if service == "s3" or not account or _WILD.search(account):
            return True  # a bucket's ARN names no account
        return any(each.stage == stage and each.settings.aws.account_id == account for each in self.context.others)

    def hostname(self, pattern: str, *, everywhere: bool = False) -> str:
        """Return why a hostname, or a URL or a route with one, is another stage's, empty if it is not. Names that are
        nobody's count too, unless the stage may have names ``everywhere`` in the zone."""
        own = self.context.settings.cloudflare
        host = re.sub(r"^[a-z*]+://", "", pattern.lower()).partition("/")[0].partition(":")[0].rstrip(".")
        below, wild = host.lstrip("*."), "*" in host
        for other in self.context.others:
            theirs = other.settings.cloudflare
            if wild and theirs.zone_id == own.zone_id and any(fnmatchcase(each, host) for each in hostnames_of(other)):
                return f"takes in the hostnames of {other.settings.environment}"
        owner = max(
            (each for each in (self.context, *self.context.others) if _is_below(below, each)),
            key=lambda each: len(each.settings.cloudflare.hostname),
            default=None,
        )
        if owner is self.context:
            left = below.removesuffix(own.hostname.lower())
            said = next((label for label in left.split(".") if stage_of(label) not in {None, self.context.stage}), "")
            return f"takes {host}, which is called after {said}" if said else ""
        if owner is not None:
            return f"takes {host}, a hostname of {owner.settings.environment}"
        above = not self._all_known and f".{own.hostname.lower()}".endswith(f".{below}")
        return f"takes {host}, which is not below {own.hostname}" if above or not everywhere else ""


def whose(context: PolicyContext) -> Whose:
    return Whose(context, Marks([context, *context.others]))


def names_nothing(arn: str, context: PolicyContext) -> bool:
    """Whether a pattern leaves open which resource of a service is meant, or which service: ``*``, ``arn:aws:s3:::*``,
    ``hostedzone/*``. An account is a limit, where the pattern has one."""
    parts = _parts(arn)
    if len(parts) < ARN_PARTS:
        return "*" in arn
    service, account, name = parts[2], parts[4], parts[5]
    if _WILD.search(service):
        return True
    if account.isdigit() or not _WILD.search(name) or name.startswith(_PUBLIC):
        return False
    known, rest = _divided(name)
    if not _WILD.match(rest) or any(_is_particular(step, context) for step in known):
        return _GIVEN.fullmatch(f"{service}:{_WILD.split(name, maxsplit=1)[0]}") is not None
    if _is_bucket(parts) or service in _UNTYPED:
        return not known
    return all(map(_PLAIN_WORD.fullmatch, known[1:]))


def _parts(arn: str) -> list[str]:
    """Return the parts of an ARN; a variable in it, such as ``${aws:username}``, may be anything."""
    return _VARIABLE.sub("*", arn).split(":", ARN_PARTS - 1)


def _is_bucket(parts: list[str]) -> bool:
    """Whether an ARN is that of a bucket or an object, and not of an access point or a job."""
    return parts[2:5] == ["s3", "", ""]


def _divided(name: str) -> tuple[list[str], str]:
    """Return the steps of a name that are known before its first wildcard, and the rest: ``role/team/har*`` has two."""
    known = _WILD.split(name, maxsplit=1)[0]
    end = max(known.rfind("/"), known.rfind(":")) + 1
    return [step for step in _STEP.split(known[:end]) if step], name[end:]


def _is_particular(step: str, context: PolicyContext) -> bool:
    """Whether a step of a name means one thing, or things of this stage, and is no word of a type."""
    return step.startswith(context.prefix) or step == context.settings.environment or any(map(str.isdigit, step))


def _is_below(host: str, context: PolicyContext) -> bool:
    return f".{host}".endswith(f".{context.settings.cloudflare.hostname.lower()}")
