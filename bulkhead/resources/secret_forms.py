"""Texts that are secrets by their form alone, anywhere in a text (pure): the one list of them."""

from __future__ import annotations

import re
from typing import Final

# What follows the name in a URL or a header is judged together with it. A word is no key: one has digits.
_KEY: Final = r"(?=[^\s&\"'#]*\d)[\w%.~+/=-]{16,}"
# What somebody types as a password, and not what stands for one in a template.
_TYPED: Final = r"[^;\s$<{%'\"@][^;\s@]{3,}"
_PASSWORD: Final = rf"(?:Password|Pwd|AccountKey|SharedAccessKey)={_TYPED}"

# Cloudflare: docs, "Token formats" (prefix, 40 characters, checksum); the others by their issuers' own pages.
FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY|\bAGE-SECRET-KEY-1[A-Z0-9]{8}")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})")),
    ("a GitLab token", re.compile(r"\bglpat-[\w-]{20}")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}")),
    ("a Cloudflare token", re.compile(r"\bcf(?:k|ut|at)_[A-Za-z0-9]{40,}")),
    ("a Slack token", re.compile(r"\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[\w-]{10,}")),
    ("a Pulumi token", re.compile(r"\bpul-[0-9a-f]{40}\b")),
    ("an API key", re.compile(r"\bsk[-_][A-Za-z0-9_-]{20,}|\brk_(?:live|test)_\w{16,}|\bAIza[A-Za-z0-9_-]{35}")),
    ("an API key", re.compile(r"\bwhsec_[\w+/]{16,}|\bSG\.[\w-]{16,}\.[\w-]{16,}")),
    (
        "an API key",
        re.compile(
            r"\bdop_v1_[0-9a-f]{64}|\bshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}|\bhf_[A-Za-z]{34}|\blin_api_\w{40}"
            r"|\bdckr_pat_[\w-]{27}|\bpypi-AgE[\w-]{50,}|\bsntry[su]_[\w+/=-]{20,}|\bxkeysib-[0-9a-f]{64}-\w{16}"
            r"|\bsbp_[0-9a-f]{40}|\bsb_secret_[\w-]{20,}|\bglsa_\w{32}_[0-9a-f]{8}|\bphx_\w{20,}"
        ),
    ),
    ("a JSON web token", re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*")),
    ("a password in a URL", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'?#]*:[^\s/@\"'?#]+@", re.IGNORECASE)),
    (
        "a password in a connection string",
        re.compile(
            rf";\s*{_PASSWORD}|(?:^|\s){_PASSWORD};|\b(?:host|user|dbname)=\S+\s(?:.*\s)?password={_TYPED}"
            rf"|\b\w+:{_TYPED}@(?:tcp|unix)\(",
            re.IGNORECASE,
        ),
    ),
    ("a key in a URL", re.compile(rf"[?&](?:sig|signature|x-amz-signature|code|key)={_KEY}", re.IGNORECASE)),
    ("an authorization header", re.compile(rf"\b(?:Bearer|Basic)\s+{_KEY}", re.IGNORECASE)),
    # Addresses that let whoever has them speak.
    (
        "a webhook",
        re.compile(
            r"\bhooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]+"
            r"|\bdiscord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/[\w-]+"
            r"|\bwebhook\.office\.com/webhookb2/[\w@-]+|\boutlook\.office(?:365)?\.com/webhook/[\w@-]+"
            r"|\b(?:logic\.azure|powerplatform|powerautomate)\.com(?::\d+)?/\S*[?&]sig=[\w%-]+"
            r"|\bevents(?:\.eu)?\.pagerduty\.com/(?:integration|x-ere)/[\w-]{16,}"
            r"|\bchat\.googleapis\.com/v1/spaces/\S+[?&](?:key|token)=[\w%-]+"
            r"|\bapi\.telegram\.org/bot\d+:[\w-]+|\bhooks\.zapier\.com/hooks/catch/\w+/\w+"
            r"|\bmaker\.ifttt\.com/trigger/\S+/with/key/[\w-]+|\bopsgenie\.com/v\d/\S*[?&]apiKey=[\w-]+"
            r"|\bapi\.cloudflare\.com/client/v4/pages/webhooks/deploy_hooks/[\w-]+|\bapi\.netlify\.com/build_hooks/\w+"
            r"|\bapi\.vercel\.com/v1/integrations/deploy/\w+/\w+"
        ),
    ),
)


def form_of(text: str, harmless: str = "") -> str | None:
    """Return what a text holds by its form. ``harmless`` stands for a secret and is none."""
    without = text.replace(harmless, "") if harmless else text
    return next((name for name, form in FORMS if form.search(without)), None)
