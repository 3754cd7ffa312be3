"""The redacted twin of a stage's state (pure): everything a preview compares with, and no secret.

A preview of a pull request runs the pull request's code, so that code must not be able to reach a secret. The twin is
the state with each secret replaced by PLACEHOLDER, under a public passphrase. A program whose configuration has the
placeholder instead of each secret computes the same values as the twin has, so an unchanged program shows no change.

One placeholder replaces all secrets: only decryption would show which secret a value came from, and publishing a twin
must not need the right to decrypt. Therefore two kinds of values differ until `bulkhead.twin.settled` corrects them:
values that the program *computes* from a secret (a hash, an address with a password in it), and values that only the
provider's plugin marks as secret.

Shape of a state: `pulumi/pulumi`, sdk/go/common/apitype/core.go (DeploymentV3).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.reader import replace_encrypted
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import PROVIDER
from bulkhead.resources.sentinels import PLACEHOLDER, SECRET, SIGNATURE, is_secret
from bulkhead.twin.secrets import told
from bulkhead.twin.suspected import refuse_suspects

# The public passphrase, the salt the engine checks it with, and PLACEHOLDER encrypted with both. They are constants
# so that everybody makes the same twin of a state; a test decrypts them.
PASSPHRASE: Final = "public-and-worthless"  # noqa: S105 - it guards placeholders
SALT: Final = "v1:NWvQXDEricE=:v1:hR3i2wTkN8udfK1h:ED+2fHJufSARzbnd2xCnw/00tRG1BQ=="
CIPHERTEXT: Final = "v1:wk5bhdrmdKX+x27x:ESWDYsbqnVTZHUqc1/NgUbeC5obSYgFLjHUVSf1XDAmpDs2sO8XKfgXqM7ugWfkJxxWHQq54slo="

# What a preview on a twin cannot see, for the readers of its verdict.
NOT_SEEN: Final = (
    "previewed on a twin of the stage, with placeholders for secrets and without its clouds: what was changed there by "
    "hand, and what only the providers' own plugins compare, is for a preview without --twin, before the deployment"
)

_PUBLIC: Final = {"type": "passphrase", "state": {"salt": SALT}}
_VERSION: Final = 3  # of the state's format; the engine writes another one only when this one does not suffice
_MANIFEST: Final = ("magic", "version")
_NO_TIME: Final = "0001-01-01T00:00:00Z"
# The source code position of a resource: paths of the machine that deployed.
_OF_THE_MACHINE: Final = ("sourcePosition", "stackTrace")

# A bridge to a Terraform provider keeps its own notes in the outputs: how to recover Terraform's state, with copies
# of parts of it, and besides the version of the schema the provider's private data (`pulumi/pulumi-terraform-bridge`,
# pkg/tfbridge/rawstate.go, pkg/pf/tfbridge/resource_state.go).
_RECOVERY: Final = "__pulumi_raw_state_delta"
_META: Final = "__meta"
_SCHEMA: Final = "schema_version"

# The properties of providers that are always secret, even if the state does not mark them. For a resource, its row
# names them.
_PROVIDERS_SECRETS: Final[Mapping[str, frozenset[str]]] = {
    f"{PROVIDER}aws": frozenset({"accessKey", "secretKey", "token"}),
    f"{PROVIDER}cloudflare": frozenset({"apiKey", "apiToken", "apiUserServiceKey"}),
    f"{PROVIDER}github": frozenset({"token"}),
}


@dataclass(frozen=True, slots=True)
class Twin:
    """A state that anybody may read. ``deployment`` is in the engine's own shape, its secrets as ``plaintext``
    envelopes of the placeholder; ``redacted`` counts the replaced values, by type of resource."""

    project: str
    stack: str
    deployment: Mapping[str, Any]
    redacted: Mapping[str, int] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """The version of the engine that wrote the state, without a ``v``."""
        return str(self.deployment.get("manifest", {}).get("version", "")).removeprefix("v")

    @property
    def resources(self) -> list[dict[str, Any]]:
        resources: list[dict[str, Any]] = self.deployment["resources"]
        return resources

    def body(self) -> dict[str, Any]:
        """Return it in the form that `pulumi stack import` reads; the same state gives the same body."""
        return {"version": _VERSION, "deployment": self.deployment}

    def digest(self) -> str:
        """Return the SHA-256 of its body, hexadecimal."""
        return hashlib.sha256(json.dumps(self.body(), sort_keys=True).encode()).hexdigest()


def redact(export: Mapping[str, Any], project: str, stack: str) -> Twin:
    """Return the twin of a state in the form of `pulumi stack export`; its secrets may stay encrypted.

    Raises Refused when it is no state, when it is another stack's, and with every value that looks like a secret and is
    not marked as one: its place, never the value.
    """
    deployment = _state_of(export)
    manifest = deployment.get("manifest") or {}
    counts: Counter[str] = Counter()
    plain: set[str] = set()
    # Nothing else is copied: fields of future engines may not be harmless.
    clean = {
        "manifest": {name: manifest[name] for name in _MANIFEST if name in manifest} | {"time": _NO_TIME},
        "secrets_providers": _PUBLIC,
        "resources": [_resource(resource, counts, plain) for resource in deployment["resources"]],
        "pending_operations": [
            {"type": operation.get("type"), "resource": _resource(operation["resource"], counts, plain)}
            for operation in deployment["pending_operations"]
        ],
    }
    _refuse_foreign(clean, project, stack)
    notes: list[Any] = [clean["manifest"], *(operation.get("type") for operation in deployment["pending_operations"])]
    refuse_suspects(list(_every(clean)), notes, plain)
    return Twin(project, stack, clean, dict(sorted(counts.items())))


def read_twin(body: Mapping[str, Any], project: str, stack: str) -> Twin:
    """Return a published twin. Raises Refused when it is another stack's, or when another key encrypts a part of it."""
    deployment = _state_of(body)
    _refuse_foreign(deployment, project, stack)
    if deployment.get("secrets_providers") != _PUBLIC or _has_closed(list(_every(deployment))):
        message = "holds secrets that only their owner can open: it is a state, and no twin"
        raise Refused("This is no twin.", [Fault(stack, message, f"bulkhead twin publish {stack}")])
    return Twin(project, stack, deployment)


def secret(value: Any = PLACEHOLDER) -> dict[str, str]:
    """Return a value as the state of a twin holds a secret."""
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def with_placeholders(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack's settings as its twin has them: CIPHERTEXT in the place of each value that is encrypted."""
    settings: dict[str, Any] = replace_encrypted(config, lambda _: {"secure": CIPHERTEXT})
    return settings


def secrets_by_nature(resource: Mapping[str, Any]) -> frozenset[str]:
    """Return the properties of a resource that are always secret, even if the state does not mark them: by their type,
    and by the program's word, which counts for the input of the same name as well."""
    type_ = str(resource["type"])
    row = row_of(type_)
    always = row.secrets if row else _PROVIDERS_SECRETS.get(type_, frozenset())
    return always | frozenset(resource.get("additionalSecretOutputs") or ())


def _state_of(export: Mapping[str, Any]) -> dict[str, Any]:
    deployment = export.get("deployment")
    if export.get("version") != _VERSION or not isinstance(deployment, Mapping | None):
        message = f"is no state of version {_VERSION}, so it is not known where its secrets are"
        raise Refused("This state cannot be redacted.", [Fault("version", message, "pulumi stack export")])
    state = dict(deployment or {})
    state |= {part: state.get(part) or [] for part in ("resources", "pending_operations")}
    if not (all(map(_is_resource, state["resources"])) and all(map(_is_operation, state["pending_operations"]))):
        message = "holds what is no resource with a URN and a type, so it is not known where its secrets are"
        raise Refused("This state cannot be redacted.", [Fault("deployment", message, "pulumi stack export")])
    return state


def _is_resource(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and all(isinstance(value.get(name), str) for name in ("urn", "type"))
        and all(isinstance(value.get(part), Mapping | None) for part in ("inputs", "outputs"))
        and isinstance(value.get("additionalSecretOutputs"), list | None)
    )


def _is_operation(value: Any) -> bool:
    return isinstance(value, Mapping) and _is_resource(value.get("resource"))


def _resource(resource: Mapping[str, Any], counts: Counter[str], plain: set[str]) -> dict[str, Any]:
    """Return a resource without its secrets; those that stood in the clear are added to ``plain``."""
    type_ = str(resource["type"])

    def count() -> None:
        counts[type_] += 1

    kept = {name: part for name, part in resource.items() if name not in _OF_THE_MACHINE}
    clean: dict[str, Any] = _redacted(kept | _without_notes(resource), count)
    for part in ("inputs", "outputs"):
        values = clean.get(part) or {}
        for name in sorted(secrets_by_nature(resource) & values.keys()):
            if values[name] and not is_secret(values[name]):
                plain.add(values[name] if isinstance(values[name], str) else "")
                values[name] = secret()
                count()
    return clean


def _without_notes(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs without a bridge's notes; the schema's version stays, for a plugin that reads the twin."""
    outputs = resource.get("outputs")
    if not isinstance(outputs, Mapping) or not outputs.keys() & {_META, _RECOVERY}:
        return {}
    kept = {name: value for name, value in outputs.items() if name not in {_META, _RECOVERY}}
    try:
        schema = str(int(json.loads(outputs[_META])[_SCHEMA]))
    except (KeyError, TypeError, ValueError):  # none, or it is not what a bridge writes
        return {"outputs": kept}
    return {"outputs": {**kept, _META: json.dumps({_SCHEMA: schema})}}


def _redacted(value: Any, count: Callable[[], None]) -> Any:
    """Return ``value`` with the placeholder in the place of each secret, also in JSON inside a text, because a
    provider's settings are stored so."""
    if is_secret(value):
        count()
        return secret()
    if isinstance(value, Mapping):
        return {name: _redacted(part, count) for name, part in value.items()}
    if isinstance(value, list):
        return [_redacted(part, count) for part in value]
    if isinstance(value, str) and SIGNATURE in value:
        return _redacted_text(value, count)
    return value


def _redacted_text(text: str, count: Callable[[], None]) -> str:
    try:
        return json.dumps(_redacted(json.loads(text), count))
    except ValueError:  # it cannot be parsed, so all of it is replaced
        count()
        return PLACEHOLDER


def _has_closed(value: Any) -> bool:
    """Whether a secret in ``value`` is still encrypted."""
    if is_secret(value):
        return "plaintext" not in value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(_has_closed, parts))


def _every(deployment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from deployment["resources"]
    yield from (operation["resource"] for operation in deployment["pending_operations"])


def _refuse_foreign(deployment: Mapping[str, Any], project: str, stack: str) -> None:
    ours = f"urn:pulumi:{stack}::{project}::"
    foreign = [str(resource["urn"]) for resource in _every(deployment) if not str(resource["urn"]).startswith(ours)]
    if foreign:
        message = f"is no resource of stack {stack} in project {project}; a twin of it would mislead every preview"
        faults = [Fault(told(urn, PLACEHOLDER), message) for urn in foreign]
        raise Refused(f"This is not the state of {stack}.", dict.fromkeys(faults))
