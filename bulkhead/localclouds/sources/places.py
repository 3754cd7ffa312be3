"""The addresses of what was read: of vendors' documents, of providers' sources, of what people reported (pure).

A source is one address, or several with a blank between them where it takes all of them to say the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Sources = Mapping[str, Mapping[str, tuple[str, ...]]]
"""The names of rules, by the type that they are of and by their source."""

_CODE: Final = "https://github.com/{}/blob/{}/{}"
AUTONAMING: Final = "https://www.pulumi.com/docs/concepts/resources/names/"
AWS_TAGS: Final = _CODE.format("pulumi/pulumi-aws", "master", "provider/tags.go")
AWS_REGION: Final = _CODE.format("hashicorp/terraform-provider-aws", "main", "internal/provider/sdkv2/region.go")
"""How the provider of AWS adds `region` to every regional resource: set if left out, and a new one if it changes."""


def issue(repository: str, number: int) -> str:
    """Return the address of an issue or a pull request."""
    return f"https://github.com/{repository}/issues/{number}"


def cloudflare_plugin(file: str) -> str:
    """Return a service's file of the provider that Cloudflare's plugin is built from."""
    return _CODE.format("cloudflare/terraform-provider-cloudflare", "v5.22.0", f"internal/services/{file}")


def cloudflare_client(file: str) -> str:
    """Return a file of the types of Cloudflare's own client, which are made from its OpenAPI description."""
    return _CODE.format("cloudflare/cloudflare-python", "v5.9.0", f"src/cloudflare/types/{file}")


def cloudflare_docs(page: str) -> str:
    return f"https://developers.cloudflare.com/{page}/"


def wrangler(file: str) -> str:
    return _CODE.format("cloudflare/workers-sdk", "main", f"packages/wrangler/src/{file}")


def refusals(file: str) -> str:
    """Return a list of the codes that an operation of Cloudflare's API was seen to answer."""
    commit = "e2b467cedf4865e16d008ef8144e602f4d702ebc"
    return _CODE.format("alchemy-run/distilled", commit, f"packages/cloudflare/patches/{file}")


def github_plugin(file: str) -> str:
    """Return a file of the provider that GitHub's plugin is built from."""
    commit = "b6ce8c0687af3b301d6dc022db1aca45f3ad2b26"
    return _CODE.format("integrations/terraform-provider-github", commit, f"github/{file}")


def github_docs(page: str) -> str:
    return f"https://docs.github.com/en/{page}"


def aws_docs(page: str) -> str:
    return f"https://docs.aws.amazon.com/{page}.html"


def aws_plugin(file: str) -> str:
    """Return a service's file of the provider that AWS's plugin is built from."""
    return _CODE.format("hashicorp/terraform-provider-aws", "main", f"internal/service/{file}")


def aws_model(service: str, shape: str) -> str:
    """Return a shape of AWS's own description of a service, as botocore brings it."""
    return f"botocore:{service}#{shape}"
