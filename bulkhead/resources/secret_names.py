"""Names that say whether a value is a secret (pure): the one grammar of them, for settings, variables and properties.

A name ends with what its value is, and says before that whose or which it is: `SMTP_PASS`, `STRIPE_API_KEY`. What
follows may only tell copies apart (`API_KEY_V2_PROD`), or turn the secret into something about it (`TOKEN_TTL`).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final


class Sureness(IntEnum):
    """How sure a name is that its value is a secret."""

    NO = 0
    PERHAPS = 1
    """The value decides: one that nobody could guess is a secret."""
    YES = 2


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD: Final = re.compile(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+\d*|\d+")
_JOINED: Final = re.compile(
    r"(?P<which>[A-Z0-9]*)(?P<what>(?:PASSWORD|PASSWD|PASSPHRASE|PASSCODE|SECRET|TOKEN|WEBHOOK|CREDENTIAL)S?)"
    r"(?P<more>URL|URI|KEY|ID|NAME)?"
    r"|(?P<kind>API|ACCESS|PRIVATE|PUBLIC|AUTH|SIGNING|ENCRYPTION|MASTER|SITE|LICEN[CS]E|ACCOUNT|SESSION|DEPLOY|ROUTING"
    r"|INTEGRATION)(?P<key>KEY)S?(?P<beyond>ID|NAME)?"
    r"|(?P<where>DB|PG|SMTP|MYSQL|POSTGRES|MAIL|REDIS|FTP|USER|ADMIN|ROOT|MONGO)(?P<pass>PASS|PWD|PW)"
)
# What tells copies of one thing apart, or says how it is written.
_COPY: Final = _words(
    "PROD PRODUCTION STAGING STG DEV DEVELOPMENT TEST TESTING LOCAL LIVE SANDBOX DEMO OLD NEW CURRENT PREVIOUS"
    " PREV LAST NEXT BACKUP PRIMARY SECONDARY MAIN DEFAULT FALLBACK LEGACY VALUE CONTENT CONTENTS PEM DER JWK"
    " PKCS8 P8 P12 PFX HEX B64 BASE64 BASE64URL ENCODED RAW STR STRING TEXT PLAIN PLAINTEXT JSON A B C V EU US AP"
    " WO BINARY"
)
# What is about a secret, and none itself.
_ABOUT: Final = _words(
    "ID IDS NAME NAMES PATH PATHS FILE FILES FILENAME DIR FOLDER URL URLS URI ENDPOINT HOST HOSTS PORT DOMAIN"
    " DOMAINS ORIGIN ORIGINS ARN ARNS PARAMETER PARAM REF REFERENCE TTL EXPIRY EXPIRES EXPIRE EXPIRATION LIFETIME"
    " AGE DURATION VALIDITY TIMEOUT INTERVAL DAYS HOURS MINUTES SECONDS MS SEC MIN MAX LIMIT LIMITS QUOTA BUDGET"
    " COUNT LENGTH SIZE BYTES MINIMUM MAXIMUM ROUNDS ITERATIONS COST PREFIX PREFIXES SUFFIX HEADER HEADERS FIELD"
    " FIELDS COLUMN PARAMS PROPERTY ATTRIBUTE CLAIM CLAIMS COOKIE COOKIES TYPE TYPES KIND FORMAT ENCODING CHARSET"
    " PATTERN REGEX POLICY RULE RULES ALG ALGO ALGORITHM ALGORITHMS CURVE ISSUER AUDIENCE SUBJECT SCOPE SCOPES"
    " ROLE ROLES USER USERS USERNAME OWNER EMAIL ENABLED DISABLED REQUIRED OPTIONAL ALLOWED FORCED CHECK CHECKS"
    " MODE METHOD STRATEGY VERSION VERSIONS REGION STORE STORES STORAGE BUCKET TABLE QUEUE PROVIDER PROVIDERS"
    " MANAGER SERVICE HANDLER CLASS VAULT ENGINE BACKEND PROJECT LANE RATE RETRIES CONCURRENCY BATCH EVENT EVENTS"
    " PAGE TEMPLATE LABEL TITLE DESCRIPTION MESSAGE HINT PLACEHOLDER DECIMALS SYMBOL ADDRESS SUPPLY CONTRACT"
    " CHAIN LOOKUP IP IPS WHITELIST WHITELISTED ALLOWLIST BLOCKLIST LIST STATUS HASH SHA256 MD5 FINGERPRINT"
    " THUMBPRINT CHECKSUM DIGEST KEYID SPEC USAGE ROTATION AGENT POOL SCANNING COUNTER REDIRECTS CONFIG SETTINGS"
    " OPTIONS ENABLE RESET REFRESH STRENGTH COMPLEXITY LINK BUTTON ICON MARGIN SKEW LEEWAY WINDOW PER EXP CUTOFF"
    " ENFORCEMENT LEVEL SCHEDULE SOURCE"
    " SOURCES LOCATION ALIAS CONFIGURATION EXPRESSION NOTE NOTES COMMENT REASON"
)
_WHERE: Final = _words("URL URLS URI ENDPOINT ADDRESS LINK")  # of a webhook, whose address is the secret
_NOT_A_HOOK: Final = _words("BASE PUBLIC INTERNAL EXTERNAL")
_SWITCH: Final = _words("USE ENABLE DISABLE REQUIRE ALLOW HAS IS SHOW HIDE SKIP NO FORCE NEEDS DISALLOW CHECK")
_SECRET: Final = _words("PASSWORD PASSWD PASSPHRASE PASSCODE SECRET TOKEN CREDENTIAL CRED")
_SECRET_AT_THE_END: Final = _words("PASS PWD PW PSK JWT BEARER SALT PEPPER MNEMONIC PIN")
_VALUE_DECIDES: Final = _words("DSN AUTH AUTHORIZATION HMAC HOOK")
_PHRASES: Final = _words("SEED RECOVERY BACKUP")
# Which keys are secret wherever they stand, which lead to something or are shown to everybody, and which are counts.
_SECRET_KEY: Final = _words(
    "API ACCESS SECRET PRIVATE MASTER ADMIN AUTH ENCRYPTION DECRYPTION CIPHER SIGNING SIGN SERVICE ACCOUNT"
    " LICENSE LICENCE SESSION WEBHOOK DEPLOY SSH RSA HMAC AES JWT SUBSCRIPTION ROOT ROUTING INTEGRATION SHARED"
    " WRITE INGEST SERVER FUNCTION ACTIVATION"
)
_ORDINARY_KEY: Final = _words(
    "CACHE FOREIGN IDEMPOTENCY INDEX PARTITION SORT RANGE HASH SHARD LABEL OBJECT TAG LOOKUP UNIQUE COMPOSITE"
    " FEATURE TRANSLATION I18N MESSAGE TITLE QUERY GROUP GROUPING CONTEXT HEADER METADATA FLAG DOCUMENT RECORD"
    " ROW COLUMN JOIN DEDUP DEDUPE DEDUPLICATION HOT SHORTCUT MODIFIER PROJECT ISSUE SPACE LANGUAGE LOCALE NAME"
    " LOCK FILE IMAGE ASSET MANIFEST S3 R2 KV D1 KMS MAP CONFIG SETTING SETTINGS PREFERENCE FIELD ITEM ENTRY ENTITY"
    " LIST MAX MIN NUM RATELIMIT LIMIT EXTRA IGNORED ALLOWED REQUIRED SELECTED ORDER TOPOLOGY ANNOTATION SELECTOR"
)
_DOUBTFUL_KEY: Final = _words("STATE REDIS STORAGE SOURCE")
_PUBLIC: Final = _words("PUBLIC PUB PUBLISHABLE ANON ANONYMOUS SITE BROWSER BEACON KNOWN VITE")
_COUNTED: Final = _words(
    "MAX MIN NUM TOTAL INPUT OUTPUT PROMPT COMPLETION CONTEXT USED CACHED REASONING DESIGN STOP SPECIAL PAD EOS BOS UNK"
)
# Tokens that only make a request the same request, go on with a list, or stand in DNS for everybody; `httpTokens` is
# what an instance answers to requests without one.
_GOES_ON: Final = _words(
    "NEXT PAGE CLIENT PAGINATION CONTINUATION STARTING CANCEL CANCELLATION CREATION REQUEST IDEMPOTENCY CHANGE DKIM"
    " CONCURRENCY LOCK HTTP"
)
_A_TICKET: Final = _words("BOARDING SEASON GUEST DAY FIRST SECOND TWO MULTI SINGLE ONE MUST FAIL LIST BY PER")
_UNGUESSED: Final = 12  # characters, digits among them
_PARTS: Final = re.compile(r"[./_?&=-]")
_ONE_TEXT: Final = re.compile(r"[\w+/=.~?&%-]+")
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)
_PAIR: Final = re.compile(r"[\w.@-]+:(?=\S*[A-Za-z])(?=\S*\d)[^\s/]+")  # a name and a password
_REFERS: Final = ("arn:", "ssm:", "secretsmanager:", "op://", "vault:")


def says_secret(name: str, *, nested: bool = False) -> Sureness:
    """Return whether a value of this name is a secret. ``nested`` means a key inside of a document, where `key` and
    `labelKey` are ordinary words."""
    words = _read(name)
    if words[-2:-1] and words[-2] in _PHRASES and words[-1] in {"PHRASE", "CODE", "CODES"}:
        return Sureness.YES
    while words and (words[-1] in _COPY or words[-1].isdigit() or re.fullmatch(r"V\d+", words[-1])):
        words.pop()
    for place in reversed(range(len(words))):
        sure = _at(words[:place], words[place].rstrip("0123456789"), words[place + 1 :], nested=nested)
        if sure is not None:
            return min(sure, Sureness.PERHAPS) if _SWITCH & set(words[:place]) else sure
    return Sureness.NO


def is_public(name: str) -> bool:
    """Whether a name says that everybody may know its value, as those of keys that pages show."""
    return bool(_PUBLIC & set(_read(name))) and says_secret(name) is Sureness.NO


def only_goes_on(name: str) -> bool:
    """Whether a name is that of a token which opens nothing: it goes on with a list, or makes a request the same."""
    words = _read(name)
    return words[-1:] in (["TOKEN"], ["TOKENS"]) and bool(_GOES_ON & set(words))


def unguessable(text: str) -> bool:
    """Whether a value looks made by chance: a part of it is long and mixes digits with letters. Of an address, what
    follows the host counts."""
    address = _ADDRESS.match(text)
    said = text[address.end() :] if address else text
    if _PAIR.fullmatch(said):
        return True
    parts = (part for part in _PARTS.split(said) if len(part) >= _UNGUESSED)
    made = any(re.search(r"\d", part) and re.search("[A-Za-z]", part) for part in parts)
    return made and _ONE_TEXT.fullmatch(said) is not None and not (address is None and leads_elsewhere(text))


def leads_elsewhere(text: str) -> bool:
    """Whether a value says where something is kept, by an ARN, a path or a reference to a vault."""
    if text.startswith(_REFERS):
        return True
    start, *steps = text.split("/")
    mixed = (all(re.search(kind, step) for kind in ("[a-z]", "[A-Z]", "[0-9]")) for step in steps)
    return start in {"", ".", "..", "~"} and bool(steps) and not any(mixed) and not re.search("[+=]", text)


def _at(before: list[str], word: str, after: list[str], *, nested: bool) -> Sureness | None:
    """Return what a name is if ``word`` says it; None if another word of it does."""
    last, one = before[-1] if before else "", word if word == "PASS" else word.removesuffix("S")
    if one == "KEY":
        return _key(before, last, after, nested=nested)
    if one in {"WEBHOOK", "HOOK"}:
        return _hook(one, last, after)
    if one in _SECRET_AT_THE_END | _VALUE_DECIDES:
        ends = not after and not (one == "PASS" and last in _A_TICKET) and last != "ALGORITHM"
        return (Sureness.PERHAPS if one in _VALUE_DECIDES else Sureness.YES) if ends else None
    if one not in _SECRET:
        return None
    of_no_use = one == "TOKEN" and (
        last in _GOES_ON or _PUBLIC & set(before) or (word == "TOKENS" and _COUNTED & set(before))
    )
    if of_no_use or _ABOUT & set(after):
        return Sureness.NO
    return Sureness.PERHAPS if after and nested else Sureness.YES


def _key(before: list[str], last: str, after: list[str], *, nested: bool) -> Sureness:
    if _ABOUT & set(after) or _PUBLIC & set(before) or last in _ORDINARY_KEY or (last == "PRIMARY" and not before[:-1]):
        return Sureness.NO
    if last in _SECRET_KEY:
        return Sureness.YES
    if nested and not last:
        return Sureness.NO
    return Sureness.PERHAPS if nested or after or last in _DOUBTFUL_KEY else Sureness.YES


def _hook(one: str, last: str, after: list[str]) -> Sureness:
    """The address of a hook is the secret, so `SLACK_WEBHOOK_URL` is one; `HOOK` alone is a word for other things."""
    where = after[1:] if after and after[0] in _WHERE and last not in _NOT_A_HOOK else after
    if _ABOUT & set(where):
        return Sureness.NO
    return Sureness.PERHAPS if where or one == "HOOK" else Sureness.YES


def _read(name: str) -> list[str]:
    """Return the words of a name in any spelling, in capitals; what is written as one word (`DBPASSWORD`) as its
    parts."""
    words: list[str] = []
    for word in _WORD.findall(name):
        joined = _JOINED.fullmatch(word.upper())
        words += [part for part in joined.groups() if part] if joined else [word.upper()]
    return words
