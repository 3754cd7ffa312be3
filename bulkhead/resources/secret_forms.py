"""Texts that are secrets by their form alone, anywhere in a text (pure): the one list of them."""

from __future__ import annotations

import re
from typing import Final

from bulkhead.resources.texts import from_base64

# What follows the name in a URL or a header is judged together with it. A word is no key: one has digits.
_KEY: Final = r"(?=[^\s&\"'#]*\d)[\w%.~+/=-]{16,}"
# What somebody types as a password, and not what stands for one in a template.
_TYPED: Final = r"[^;\s$<{%'\"@][^;\s@]{3,200}"
_ASSIGNED: Final = rf"(?:Password|Pwd|AccountKey|SharedAccessKey)={_TYPED}"
# No password are what stands for one in a template, and the port of an address.
_PASSWORD: Final = r"(?!\$[{(]|\{|<|%[\w(]+\)?s?@|\$\w+@|\*+@|\d{1,5}[/?#])[^\s/@\"']{1,200}"

# What an issuer's tokens begin with, so that scanners can know them: GitLab, DigitalOcean, Docker, Doppler, Dynatrace,
# Vault, Terraform, 1Password, Tailscale, the makers of models, Linear, Notion, Figma, Atlassian, Postman, HubSpot,
# Shopify, Square, Shippo, Vercel, Netlify, Fly, Heroku, PlanetScale, Supabase, Brevo, New Relic, Grafana, Sentry,
# PostHog, Sonar, Sourcegraph, CircleCI, Buildkite, PyPI, RubyGems, Alibaba, AWS Bedrock, and Google.
_BEGINNINGS: Final = (
    r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|ffct|oas)-|GR1348941|do[por]_v1_|dapi(?=[0-9a-f]{32})|dckr_[po]at_"
    r"|dp\.(?:ct|pt|st|sa|scim|audit)\.|dt0c01\.|hv[sbr]\.|tskey-|ops_eyJ|gsk_|pplx-|xai-|r8_|nvapi-|lsv2_"
    r"|lin_(?:api|oauth)_|ntn_|secret_(?=[A-Za-z0-9]{40})|fig[do]_|AT[AC]TT3|ATBB|PMAK-|pat-[a-z]{2}\d-"
    r"|shp(?:at|ca|pa|ss)_|sq0[a-z]{3}-|shippo_(?:live|test)_|vc[pirak]_|nf[pco]_|f[mo][12][ar]?_|HRKU-|pscale_|sb[pb]_"
    r"|sb_secret_|x(?:key|smtp)sib-|NR(?:AK|JS|II|IQ|BR)-|gl(?:c|sa)_|eyJrIjoi|sntry[su]_|ph[xs]_|sq[upa]_|sgp_"
    r"|CCIPAT_|bkua_|pypi-|rubygems_|LTAI|ABSK|bedrock-api-key-|API-(?=[A-Z0-9]{26})|CFPAT-|pcsk_|pnu_|rdme_|tfp_|dd[pw]_"
    r"|duffel_(?:live|test)_|GOCSPX-|ya29\."
    r"|1//0|key-(?=[0-9a-f]{32})|re_(?=\w{8}_\w{20})|pat\w{14}\.(?=[0-9a-f]{64})|\w{14}\.atlasv1\."
    r"|v1\.0-(?=[0-9a-f]{24}-)"
)
# Somewhere in one is what is no word: words may begin in the same way.
_TOKEN: Final = r"(?=[\w.~+/=-]*?(?=[a-z]{0,9}[A-Z\d])[A-Za-z0-9]{10})[\w.~+/=-]{16,}"

# Cloudflare: docs, "Token formats" (prefix, 40 characters, checksum); the others by their issuers' own pages.
FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    (
        "a private key",
        re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY|\bAGE-SECRET-KEY-1[A-Z0-9]{8}|\bPuTTY-User-Key-File-\d"),
    ),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b")),
    ("a GitHub token", re.compile(r"(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{22,})")),
    ("an npm token", re.compile(r"\bnpm_[A-Za-z0-9]{36}")),
    ("a Cloudflare token", re.compile(r"(?<![A-Za-z0-9])cf(?:k|ut|at)_[A-Za-z0-9]{36,}")),
    ("a Slack token", re.compile(r"(?<![\w-])(?:xox[a-z](?:\.xox[a-z])?|xapp)-(?=[\w%-]*\d{3}|d-)[\w%-]{10,}")),
    ("a Pulumi token", re.compile(r"\bpul-[0-9a-z]{40}\b")),
    (
        "an API key",
        re.compile(
            r"\b[sr]k_(?:live|test|prod)_\w{16,}|\bsk[-_](?:ant-|proj-|(?=[\w-]*[\dA-Z]))[\w-]{20,}|\bAIza[\w-]{35}"
        ),
    ),
    ("an API key", re.compile(r"\bwhsec_[\w+/]{16,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bSK[0-9a-fA-F]{32}\b")),
    (
        "an API key",
        re.compile(r"\b[0-9a-f]{32}-us\d{1,2}\b|\b\d{8,10}:AA[\w-]{33}|\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    ),
    (
        "an API key",
        re.compile(
            r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z]{34}\b|\bA3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){3,5}"
            r"|(?<![\w~.])[\w~.]{3}\dQ~[\w~.-]{31,34}"
        ),
    ),
    (
        "a token by what it begins with",
        re.compile(rf"(?<![A-Za-z0-9])(?:{_BEGINNINGS}){_TOKEN}"),
    ),
    ("a JSON web token", re.compile(r"(?<![A-Za-z0-9])e[wy][\w-]{9,}={0,2}\.e[wy][\w-]{9,}={0,2}\.[\w-]*")),
    (
        "a password in a URL",
        re.compile(
            rf"\b[a-z][a-z0-9+.-]{{0,30}}://[^\s/:@\"'?#]*:{_PASSWORD}@"
            rf"|\bthin:[^\s/@]{{1,80}}/{_PASSWORD}@",
            re.IGNORECASE,
        ),
    ),
    (
        "a password in a connection string",
        re.compile(
            rf";\s*{_ASSIGNED}|(?:^|\s){_ASSIGNED};|\b(?:host|user|dbname)=\S{{1,200}}\s(?:.{{0,200}}\s)?password={_TYPED}"
            rf"|\b\w+:{_TYPED}@(?:tcp|unix)\(",
            re.IGNORECASE,
        ),
    ),
    ("a key in a URL", re.compile(rf"[?&](?:[\w-]*signature|sig|code|key|auth)={_KEY}", re.IGNORECASE)),
    (
        "an authorization header",
        re.compile(
            rf"\b(?:Bearer|Basic)\s+{_KEY}|\bAuthorization[\"']?\s*[:=]\s*[\"']?(?:\w+\s+)?{_KEY}", re.IGNORECASE
        ),
    ),
    (
        "a password of a login",
        re.compile(
            rf"\bcurl\b[^\n|;]{{0,200}}\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{{1,80}}:{_PASSWORD}"
            r"|\blogin\s{1,9}\S{1,80}\s{1,9}password\s+[^\s$<{]\S+"
        ),
    ),
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
            r"|\balert\.victorops\.com/integrations/\S+/alert/[\w-]+|\bhc-ping\.com/[\w-]{16,}"
            r"|\bapi\.cloudflare\.com/client/v4/pages/webhooks/deploy_hooks/[\w-]+|\bapi\.netlify\.com/build_hooks/\w+"
            r"|\bapi\.vercel\.com/v1/integrations/deploy/\w+/\w+"
            # Whoever else takes messages at an address that nobody could guess.
            r"|https?://(?:[^\s\"'<>]{0,120}[/._-])?(?:web)?hooks?(?:\.[\w.-]{1,80})?(?:/[^\s\"'<>/]{0,80}){0,4}?"
            r"/(?=[\w-]{0,80}\d)(?=[\w-]{0,80}[A-Za-z])[\w-]{20}"
        ),
    ),
)

# A login, `user:password` (RFC 7617), which need not have a digit when it is encoded.
_BASIC: Final = re.compile(r"\bBasic\s+([\w+/-]{8,}={0,2})", re.IGNORECASE)


def form_of(text: str, harmless: str = "") -> str | None:
    """Return what a text holds by its form. ``harmless`` stands for a secret and is none."""
    without = text.replace(harmless, "") if harmless else text
    if any(":" in (from_base64(login) or "") for login in _BASIC.findall(without)):
        return "an authorization header"
    return next((name for name, form in FORMS if form.search(without)), None)
