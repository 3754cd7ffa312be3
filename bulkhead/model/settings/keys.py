"""Which keys a stack may be configured with at all (pure): namespaces, and the secrets the product needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from bulkhead.model.faults import Fault
from bulkhead.model.product import Product
from bulkhead.model.settings import fields
from bulkhead.model.settings.paths import ROTATED, SECRETS, SETTINGS, fault_at, remove_command, secret_command

# The program needs these in every stage, whatever the product: they are its providers' credentials.
CLOUDFLARE_TOKEN: Final = "cloudflareApiToken"  # noqa: S105 - the name of the secret, no secret
REQUIRED_SECRETS: Final = (CLOUDFLARE_TOKEN,)
DEFAULT_PROVIDERS: Final = "pulumi:disable-default-providers"
_PROVIDERS: Final = frozenset({"aws", "aws-native", "cloudflare", "github"})


def required_secrets(product: Product) -> tuple[str, ...]:
    """Return the names of every secret that the stack of a stage needs, sorted: its provider's, the Workers', the
    jobs'. What only the pipeline needs is a secret of the stage's identities."""
    needed = (each.name for each in product.secrets if each.jobs or product.users_of(each.name))
    return tuple(sorted({*REQUIRED_SECRETS, *needed}))


def below(namespace: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is configured as ``<namespace>:<name>``, by name."""
    split = {key: key.partition(":") for key in raw}
    return {name: raw[key] for key, (space, _, name) in split.items() if space == namespace and _is_name(name)}


def namespace_faults(stack: str, raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for every key in a namespace that the program does not read, or that would configure a default
    provider."""
    for key, value in raw.items():
        namespace, _, name = key.partition(":")
        if key == DEFAULT_PROVIDERS and value not in (["*"], {"value": ["*"]}):
            message = 'must be ["*"]: a default provider takes its credentials from whatever environment it finds'
            yield fault_at((key,), message, "remove it; Pulumi.yaml says it for all stages", stack)
        elif namespace in _PROVIDERS and name:
            message = (
                f"would configure a default provider, and there is none; {SETTINGS}: and {SECRETS}: hold everything"
            )
            yield fault_at((key,), message, remove_command((key,), stack), stack)
        elif namespace == ROTATED and not _is_day(value):
            message = "is no day: nobody could say when the secret is due"
            yield fault_at((key,), message, f"bulkhead secrets set {stack} {name}", stack)
        elif namespace != "pulumi" and not (namespace in {SETTINGS, SECRETS, ROTATED} and _is_name(name)):
            message = f"is read by nothing; settings are {SETTINGS}:<name>, secrets are {SECRETS}:<name>"
            yield fault_at((key,), message, _rename(key, stack), stack)


def secret_faults(stack: str, raw: Mapping[str, Any], encrypted: frozenset[str], product: Product) -> Iterator[Fault]:
    """Yield what is wrong with the secrets. Their values are looked at where they are known, and never shown."""
    required, given = required_secrets(product), below(SECRETS, raw)
    for name, value in given.items():
        key, fix = f"{SECRETS}:{name}", secret_command(name, stack)
        if name not in required:
            near = fields.closest(name, required)
            message = f"is no secret of product {product.name}" + (f"; did you mean {SECRETS}:{near}?" if near else "")
            fix = f"{secret_command(near, stack)}; " if near else ""
            yield fault_at((key,), message, fix + remove_command((key,), stack), stack)
        elif key not in encrypted:
            message = "is not encrypted: whoever reads the file or its history has it. Revoke it, then store a new one"
            yield fault_at((key,), message, fix, stack)
        elif isinstance(value, str) and not value.strip():
            yield fault_at((key,), "is empty, so the service would refuse the stage", fix, stack)
        elif isinstance(value, str) and value != value.strip():
            message = "starts or ends with white space, often a copied line end, and the service would refuse it"
            yield fault_at((key,), message, fix, stack)
    for name in (name for name in required if name not in given):
        message = f"is missing, and {stack} cannot be deployed without it"
        yield fault_at((f"{SECRETS}:{name}",), message, secret_command(name, stack), stack)


def _is_name(name: str) -> bool:
    """The CLI reads ``bulkhead:config:aws`` as ``bulkhead:aws``; only the short spelling is accepted here."""
    return bool(name) and ":" not in name


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _rename(key: str, stack: str) -> str:
    namespace, _, name = key.rpartition(":")
    if fields.closest(namespace.partition(":")[0], (SETTINGS, SECRETS)) == SECRETS:
        return f"rename it to {SECRETS}:{name}"
    return f"rename it to {SETTINGS}:{name}" if name in fields.settings_keys() else remove_command((key,), stack)
