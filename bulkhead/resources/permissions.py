"""Permission groups of Cloudflare's tokens (pure).

An id is the same in every account: "List permission groups" of Cloudflare's API. The groups of accounts and zones are
as npm's alchemy 0.94.0 has written that answer down; those of a person, which an account's token never has, are from
the table that Cloudflare's page "API token permissions" had while it named ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Reach(Enum):
    """What a permission can be limited to."""

    ACCOUNT = "account"
    ZONE = "zone"
    BUCKET = "bucket"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission group."""

    name: str
    id: str
    reach: Reach = Reach.ACCOUNT


ANALYTICS_READ: Final = Permission("Account Analytics Read", "b89a480218d04ceb98b4fe57ca29dc1f")
CACHE_PURGE: Final = Permission("Cache Purge", "e17beae8b8cb423a99b1730f21238bed", Reach.ZONE)
D1_READ: Final = Permission("D1 Read", "192192df92ee43ac90f2aeeffce67e35")
D1_WRITE: Final = Permission("D1 Write", "09b2857d1c31407795e75e3fed8617a1")
KV_READ: Final = Permission("Workers KV Storage Read", "8b47d2786a534c08a1f94ee8f9f599ef")
KV_WRITE: Final = Permission("Workers KV Storage Write", "f7f0eda5697f475c90846e879bab8666")
OBJECTS_READ: Final = Permission(
    "Workers R2 Storage Bucket Item Read", "6a018a9f2fc74eb6b293b0c548f38b39", Reach.BUCKET
)
R2_WRITE: Final = Permission("Workers R2 Storage Write", "bf7481a1826f439697cb59a20b22293e")
ROUTES_WRITE: Final = Permission("Workers Routes Write", "28f4b596e7d643029c524985477ae49a", Reach.ZONE)
SCRIPTS_READ: Final = Permission("Workers Scripts Read", "1a71c399035b4950a1bd1466bbe4f420")
SCRIPTS_WRITE: Final = Permission("Workers Scripts Write", "e086da7e2179491d91ee5f35b3ca210a")
ZONE_ANALYTICS_READ: Final = Permission("Analytics Read", "9c88f9c5bce24ce7af9a958ba9c504db", Reach.ZONE)

# What a stage's roles have.
PERMISSIONS: Final = (
    ANALYTICS_READ,
    CACHE_PURGE,
    D1_READ,
    D1_WRITE,
    KV_READ,
    KV_WRITE,
    OBJECTS_READ,
    R2_WRITE,
    ROUTES_WRITE,
    SCRIPTS_READ,
    SCRIPTS_WRITE,
    ZONE_ANALYTICS_READ,
)

ACCESS_APPS_WRITE: Final = Permission("Access: Apps and Policies Write", "1e13c5124ca64b72b1969a67e8829049")
ACCESS_TOKENS_WRITE: Final = Permission("Access: Service Tokens Write", "a1c0fec57cf94af79479a6d827fa518c")
ACCOUNT_SETTINGS_READ: Final = Permission("Account Settings Read", "c1fde68c7bcc44588cbb6ddbc16d6480")
ACCOUNT_TOKENS_WRITE: Final = Permission("Account API Tokens Write", "5bc3f8b21c554832afc660159ab75fa4")
API_TOKENS_WRITE: Final = Permission("API Tokens Write", "686d18d5ac6c441c867cbf6771e58a0a", Reach.USER)
DNS_READ: Final = Permission("DNS Read", "82e64a83756745bbbb1c9c2701bf816b", Reach.ZONE)
DNS_WRITE: Final = Permission("DNS Write", "4755a26eedb94da69e1066d98aa820be", Reach.ZONE)
OBJECTS_WRITE: Final = Permission(
    "Workers R2 Storage Bucket Item Write", "2efd5506f9c8494dacb1fa10a3e7d5b6", Reach.BUCKET
)
PAGES_WRITE: Final = Permission("Pages Write", "8d28297797f24fb8a0c332fe0866ec89")
QUEUES_WRITE: Final = Permission("Queues Write", "366f57075ffc42689627bcf8242a1b6d")
R2_READ: Final = Permission("Workers R2 Storage Read", "b4992e1108244f5d8bfbd5744320c2e1")
WORKERS_AI_WRITE: Final = Permission("Workers AI Write", "bacc64e0f6c34fc0883a1223f938a104")
ZONE_READ: Final = Permission("Zone Read", "c8fed203ed3043cba015a93ad1616f1f", Reach.ZONE)
ZONE_SETTINGS_WRITE: Final = Permission("Zone Settings Write", "3030687196b94b638145a3953da2b699", Reach.ZONE)
ZONE_WRITE: Final = Permission("Zone Write", "e6d2666161e84845a636613608cee8d5", Reach.ZONE)

_OTHERS: Final[Mapping[Reach, Mapping[str, str]]] = {
    Reach.ACCOUNT: {
        "Access: Apps and Policies Read": "7ea222f6d5064cfa89ea366d7c1fee89",
        "Access: Apps and Policies Revoke": "6c9d1cfcfc6840a987d1b5bfb880a841",
        "Access: Mutual TLS Certificates Write": "29d3afbfd4054af9accdd1118815ed05",
        "Access: Organizations, Identity Providers, and Groups Write": "bfe0d8686a584fa680f4c53b5eb0de6d",
        "Access: Service Tokens Read": "91f7ce32fa614d73b7e1fc8f0e78582b",
        "Account API Tokens Read": "eb56a6953c034b9d97dd838155666f06",
        "Account Firewall Access Rules Read": "de7a688cc47d43bd9ea700b467a09c96",
        "Account Firewall Access Rules Write": "a416acf9ef5a4af19fb11ed3b96b1fe6",
        "Account Rulesets Read": "fb39996ee9044d2a8725921e02744b39",
        "Account Rulesets Write": "56907406c3d548ed902070ec4df0e328",
        "Account Settings Write": "1af1fa2adc104452b74a9a3364202f20",
        "Account WAF Read": "56b2af4817c84ad99187911dc3986c23",
        "Account WAF Write": "cde8c82463b6414ca06e46b9633f52a6",
        "Billing Read": "7cf72faf220841aabcfdfab81c43c4f6",
        "Billing Write": "6c80e02421494afc9ae14414ed442632",
        "DDoS Botnet Feed Read": "dee7c22a57674abea8f942110b094717",
        "DDoS Botnet Feed Write": "0caa90c9b186447397c8b00358d34a76",
        "DDoS Protection Read": "af1c363c35ba45b9a8c682ae50eb3f99",
        "DDoS Protection Write": "d44ed14bcc4340b194d3824d60edad3f",
        "DNS Firewall Read": "5f48a472240a4b489a21d43bd19a06e1",
        "DNS Firewall Write": "da6d2d6f2ec8442eaadda60d13f42bca",
        "DNS View Read": "95d69e8d6d5144bfb0923667355d9f11",
        "DNS View Write": "5b7aedd821a548b9bf5a2acabbce98c7",
        "L4 DDoS Managed Ruleset Read": "4657621393f94f83b8ef94adba382e48",
        "L4 DDoS Managed Ruleset Write": "7a4c3574054a4d0ba7c692893ba8bdd4",
        "Load Balancers Account Read": "59059f0c977b44f8b1c18e0aaf91c369",
        "Load Balancers Account Write": "419ec42810af4659ade77716dbe47bc6",
        "Load Balancing: Monitors and Pools Read": "9d24387c6e8544e2bc4024a03991339f",
        "Load Balancing: Monitors and Pools Write": "d2a1802cc9a34e30852f8b33869b2f3c",
        "Logs Read": "6a315a56f18441e59ed03352369ae956",
        "Logs Write": "96163bd1b0784f62b3e44ed8c2ab1eb6",
        "Magic Firewall Read": "02b71f12bb0748e9af8126494e181342",
        "Magic Firewall Write": "8bd1dac84d3d43e7bfb43145f010a15c",
        "Mass URL Redirects Read": "429a068902904c5a9ed9fc267c67da9a",
        "Mass URL Redirects Write": "abe78e2276664f4db588c1f675a77486",
        "Queues Read": "84a7755d54c646ca87cd50682a34bf7c",
        "SCIM Provisioning": "d5812c023a5048b4882175a28952362d",
        "Select Configuration Read": "595409c54a24444b80a495620b2d614c",
        "Select Configuration Write": "235eac9bb64942b49cb805cc851cb000",
        "Stream Read": "de21485a24744b76a004aa153898f7fe",
        "Stream Write": "714f9c13a5684c2885a793f5edb36f59",
        "Transform Rules Read": "a9a99455bf3245f6a5a244f909d74830",
        "Transform Rules Write": "ae16e88bc7814753a1894c7ce187ab72",
        "Trust and Safety Read": "f0ba3733e746429182fcd40ec648c066",
        "Trust and Safety Write": "120f843a9c074f399b830e542e5616b8",
        "Workers Observability Read": "66c1ed49f4ed46098b75696a6d4ee3c9",
        "Workers Observability Write": "82c075da3f4647a2a03becd0fe240f8a",
        "Workers Tail Read": "05880cd1bdc24d8bae0be2136972816b",
        "Zero Trust: PII Read": "f5d857f67f144e3c8bacea88c17d4a13",
    },
    Reach.ZONE: {
        "Access: Apps and Policies Read": "eb258a38ea634c86a0c89da6b27cb6b6",
        "Access: Apps and Policies Revoke": "6db4e222e21248ac96a3f4c2a81e3b41",
        "Access: Apps and Policies Write": "959972745952452f8be2452be8cbb9f2",
        "Apps Write": "094547ab6e77498c8c4dfa87fadd5c51",
        "Bot Management Read": "07bea2220b2343fa9fae15656c0d8e88",
        "Bot Management Write": "3b94c49258ec4573b06d51d99b6416c0",
        "Cache Settings Read": "3245da1cf36c45c3847bb9b483c62f97",
        "Cache Settings Write": "9ff81cbbe65c400b97d92c3c1033cab6",
        "Config Settings Read": "20e5ea084b2f491c86b8d8d90abff905",
        "Config Settings Write": "06f0526e6e464647bd61b63c54935235",
        "Custom Errors Read": "a2b55cd504d44ef18b7ba6a7f2b8fbb1",
        "Custom Errors Write": "a9dba34cf5814d4ab2007b4ada0045bd",
        "Dynamic URL Redirects Read": "d8e12db741544d1586ec1d6f5d3c7786",
        "Dynamic URL Redirects Write": "74e1036f577a48528b78d2413b40538d",
        "Firewall Services Read": "4ec32dfcb35641c5bb32d5ef1ab963b4",
        "Firewall Services Write": "43137f8d07884d3198dc0ee77ca6e79b",
        "HTTP DDoS Managed Ruleset Read": "c49f8d15f9f44885a544d945ef5aa6ae",
        "HTTP DDoS Managed Ruleset Write": "b88a3aa889474524bccea5cf18f122bf",
        "Load Balancers Read": "e9a975f628014f1d85b723993116f7d5",
        "Load Balancers Write": "6d7f2f5f5b1d4a0e9081fdc98d432fd1",
        "Logs Read": "c4a30cd58c5d42619c86a3c36c441e2d",
        "Logs Write": "3e0b5820118e47f3922f7c989e673882",
        "Managed headers Read": "319f5059d33a410da0fac4d35a716157",
        "Managed headers Write": "0fd9d56bc2da43ad8ea22d610dd8cab1",
        "Origin Read": "7b32a91ece3140d4b3c2c56f23fc8e35",
        "Origin Write": "a4308c6855c84eb2873e01b6cc85cbb3",
        "Page Rules Read": "b415b70a4fd1412886f164451f20405c",
        "Page Rules Write": "ed07f6c337da4195b4e72a1fb2c6bcae",
        "Response Compression Read": "93ae59e7a40c4287a57ff6e501186a63",
        "Response Compression Write": "4bd3fb513a23494aa1341a7e1eb6e080",
        "SSL and Certificates Read": "7b7216b327b04b8fbc8f524e1f9b7531",
        "SSL and Certificates Write": "c03055bc037c4ea9afb9a9f104b7b721",
        "Sanitize Read": "853643ed57244ed1a05a7c024af9ab5a",
        "Sanitize Write": "89bb8c37d46042e98b84560eaaa6379f",
        "Workers Routes Read": "2072033d694d415a936eaeb94e6405b8",
        "Zaraz Admin": "cdeb15b336e640a2965df8c65052f1e0",
        "Zaraz Edit": "89d5bf002389496e9994b8c30608b5d0",
        "Zaraz Read": "5bdbde7e76144204a244274eac3eb0eb",
        "Zone Settings Read": "517b21aee92c4d89936c976ba6e4be55",
        "Zone Transform Rules Read": "211a4c0feb3e43b3a2d41f1443a433e7",
        "Zone Transform Rules Write": "0ac90a90249747bca6b047d97f0803e9",
        "Zone WAF Read": "dbc512b354774852af2b5a5f4ba3d470",
        "Zone WAF Write": "fb6778dc191143babbfaa57993f1d275",
    },
    Reach.USER: {
        "API Tokens Read": "0cc3a61731504c89b99ec1be78b77aa0",
        "Memberships Read": "3518d0f75557482e952c6762d3e64903",
        "Memberships Write": "9201bc6f42d440968aaab0c6f17ebb1d",
        "User Details Read": "8acbe5bb0d54464ab867149d7f7cf8ac",
        "User Details Write": "55a5e17cc99e4a3fa1f3432d262f2e55",
    },
}

GROUPS: Final = (
    *PERMISSIONS,
    ACCESS_APPS_WRITE,
    ACCESS_TOKENS_WRITE,
    ACCOUNT_SETTINGS_READ,
    ACCOUNT_TOKENS_WRITE,
    API_TOKENS_WRITE,
    DNS_READ,
    DNS_WRITE,
    OBJECTS_WRITE,
    PAGES_WRITE,
    QUEUES_WRITE,
    R2_READ,
    WORKERS_AI_WRITE,
    ZONE_READ,
    ZONE_SETTINGS_WRITE,
    ZONE_WRITE,
    *(Permission(name, id_, reach) for reach, groups in _OTHERS.items() for name, id_ in groups.items()),
)
"""Every group that this project knows by its name, also those that no role has. Two may have one name: one is of
accounts, the other of zones."""
