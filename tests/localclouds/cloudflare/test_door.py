"""The login before the hostnames of a closed stage: who gets through to the Worker, and what the Worker sees of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from bulkhead.localclouds.cloudflare.access import doors
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.resources import types as t
from tests.localclouds.cloudflare.account import Account

SECRET = "5" * 64
KEY = {"CF-Access-Client-Id": "robot.access", "CF-Access-Client-Secret": SECRET}
ECHO = "export default { fetch: (request) => Response.json(Object.fromEntries(request.headers)) }"
LATER, BEFORE = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


def closed(account: Account, *uris: str, policies: tuple[str, ...] = ("robots", "people"), **inputs: Any) -> None:
    """Let an application stand before ``uris``."""
    account.add(
        t.ZERO_TRUST_ACCESS_APPLICATION,
        f"app-{uris[0]}",
        {"aud": hashlib.sha256(uris[0].encode()).hexdigest()},
        destinations=[{"type": "public", "uri": uri} for uri in uris],
        policies=[{"id": id_, "precedence": place} for place, id_ in enumerate(policies, start=1)],
        sessionDuration="24h",
        **inputs,
    )


def lets_in(account: Account, **outputs: Any) -> None:
    """Let the token ``robot`` and people of a mail domain in."""
    told = {"clientId": "robot.access", "clientSecret": SECRET, "expiresAt": LATER, **outputs}
    account.add(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "robot", told, name="robot")
    account.add(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "other", {**told, "clientId": "other.access"}, name="other")
    token = [{"serviceToken": {"tokenId": "robot"}}]
    account.add(t.ZERO_TRUST_ACCESS_POLICY, "robots", name="robots", decision="non_identity", includes=token)
    mail = [{"emailDomain": {"domain": "harbor.example"}}]
    account.add(t.ZERO_TRUST_ACCESS_POLICY, "people", name="people", decision="allow", includes=mail)


def test_the_most_specific_application_stands_before_a_hostname() -> None:
    account = Account()
    lets_in(account)
    closed(account, "*.harbor.example", policies=("people",))
    closed(account, "api.harbor.example")
    found = doors(account.records, ["api.harbor.example", "www.harbor.example", "harbor.example"])
    assert set(found) == {"api.harbor.example", "www.harbor.example"}
    assert set(found["api.harbor.example"]["keys"]) == {"robot.access"}
    assert found["www.harbor.example"]["keys"] == {}


def test_a_rotated_secret_is_good_until_it_is_said_to_end() -> None:
    account = Account()
    lets_in(account, previousClientSecret="4" * 64, previousClientSecretExpiresAt=BEFORE)
    closed(account, "harbor.example")
    [now, before] = doors(account.records, ["harbor.example"])["harbor.example"]["keys"]["robot.access"]
    assert now == [hashlib.sha256(SECRET.encode()).hexdigest(), LATER]
    assert before == [hashlib.sha256(b"4" * 64).hexdigest(), BEFORE]


def test_no_door_holds_a_secret_in_clear() -> None:
    account = Account()
    lets_in(account)
    closed(account, "harbor.example")
    assert SECRET not in json.dumps(doors(account.records, ["harbor.example"]))


@pytest.fixture(scope="module")
def stage(shared_cloud: LocalCloudflare) -> StageCloud:
    account = Account(shared_cloud.uploads)
    lets_in(account)
    account.deployed("web", ECHO)
    account.deployed("front", "export default { fetch: () => new Response('front') }")
    for hostname in ("web.example", "api.web.example", "robots.example", "says401.example", "open.example"):
        account.domain(hostname, "web")
    account.add(t.WORKERS_ROUTE, "before-the-product", pattern="robots.example/front*", script="front")
    account.add(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, "ended", TOKEN_THAT_ENDED, name="ended")
    ended = [{"serviceToken": {"tokenId": "ended"}}]
    account.add(t.ZERO_TRUST_ACCESS_POLICY, "ended-too", name="x", decision="non_identity", includes=ended)
    closed(account, "web.example", "*.web.example", policies=("robots", "ended-too", "people"))
    closed(account, "robots.example", policies=("robots",))
    closed(account, "says401.example", serviceAuth401Redirect=True)
    shared_cloud.apply(account.records)
    return shared_cloud.client


TOKEN_THAT_ENDED = {"clientId": "ended.access", "clientSecret": SECRET, "expiresAt": BEFORE}


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**KEY, "CF-Access-Client-Secret": "6" * 64},
        {**KEY, "CF-Access-Client-Id": "other.access"},
        {**KEY, "CF-Access-Client-Id": "ended.access"},
        {**KEY, "CF-Access-Client-Id": "constructor"},
        {"CF-Access-Client-Id": "robot.access"},
        {"Cookie": "CF_Authorization=a.b.c"},
        {"Cf-Access-Jwt-Assertion": "a.b.c"},
    ],
)
@pytest.mark.parametrize("hostname", ["web.example", "api.web.example"])
def test_who_has_no_good_key_is_sent_to_the_login(hostname: str, headers: Mapping[str, str], stage: StageCloud) -> None:
    answer = stage.visit(hostname, "/book?day=1", headers=headers)
    assert answer.status == 302
    login = urlsplit(answer.headers["location"])
    assert login.hostname == "rehearsal.cloudflareaccess.com"
    assert login.path == f"/cdn-cgi/access/login/{hostname}"
    assert parse_qs(login.query)["redirect_url"] == ["/book?day=1"]


@pytest.mark.slow
def test_the_login_stands_before_routes_as_well(stage: StageCloud) -> None:
    assert stage.visit("robots.example", "/front").status == 403
    assert stage.visit("robots.example", "/front", headers=KEY).text == "front"
    assert stage.visit("robots.example", "/", headers=KEY).text != "front"


@pytest.mark.slow
@pytest.mark.parametrize(("hostname", "status"), [("robots.example", 403), ("says401.example", 401)])
def test_where_no_login_helps_the_answer_says_so(hostname: str, status: int, stage: StageCloud) -> None:
    assert stage.visit(hostname, "/").status == status
    assert stage.visit(hostname, "/", headers=KEY).status == 200


@pytest.mark.slow
def test_the_key_opens_and_never_reaches_the_worker(stage: StageCloud) -> None:
    forged = {"Cf-Access-Jwt-Assertion": "forged"}
    answer = stage.visit("api.web.example", "/", method="POST", body=b"x", headers={**KEY, **forged})
    assert answer.status == 200
    seen = answer.json()
    assert not {"cf-access-client-id", "cf-access-client-secret"} & seen.keys()
    claims = verified(seen["cf-access-jwt-assertion"], stage)
    assert claims["common_name"] == "robot.access"
    assert claims["aud"] == [hashlib.sha256(b"web.example").hexdigest()]
    assert claims["iss"] == "https://rehearsal.cloudflareaccess.com"


@pytest.mark.slow
def test_the_cookie_of_a_visit_opens_the_same_application_and_no_other(stage: StageCloud) -> None:
    cookie = stage.visit("web.example", "/", headers=KEY).headers["set-cookie"].partition(";")[0]
    assert stage.visit("api.web.example", "/", headers={"Cookie": f"a=b; {cookie}"}).status == 200
    assert stage.visit("robots.example", "/", headers={"Cookie": cookie}).status == 403


@pytest.mark.slow
def test_a_hostname_without_an_application_stays_open(stage: StageCloud) -> None:
    assert stage.visit("open.example", "/").status == 200
    assert stage.fetch("web", "/").status == 200  # as another Worker calls it


def verified(token: str, stage: StageCloud) -> Any:
    """Return the claims of a token, as a Worker would take them: held against the team's keys."""
    [key] = certs(stage.visit("web.example", "/cdn-cgi/access/certs"))
    public = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[part])) for part in ("e", "n"))).public_key()
    header, claims, signature = token.split(".")
    public.verify(decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), SHA256())
    assert json.loads(decoded(header))["kid"] == key["kid"]
    return json.loads(decoded(claims))


def certs(answer: Answer) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = answer.json()["keys"]
    return keys


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
