"""The real clouds are entered with the stage's own credential, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from bulkhead.clients import clouds
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Refused
from tests.support.settings_fixture import make_settings

TOKEN = "canary-of-a-token"
ACCOUNT = "a1" * 16
OF_THE_ACCOUNT = f"/client/v4/accounts/{ACCOUNT}/tokens/verify"
OF_A_PERSON = "/client/v4/user/tokens/verify"

Answers = Mapping[str, httpx.Response]


def _cloudflare(answers: Answers) -> Rest:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        return answers[request.url.path]

    return Rest(CLOUDFLARE, TOKEN, httpx.MockTransport(answer))


def _known(id_: str) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "result": {"id": id_, "status": "active"}})


def _unknown() -> httpx.Response:
    return httpx.Response(401, json={"success": False, "errors": [{"code": 1000, "message": "Invalid API Token"}]})


@pytest.mark.parametrize(
    "answers",
    [{OF_THE_ACCOUNT: _known("id-1")}, {OF_THE_ACCOUNT: _unknown(), OF_A_PERSON: _known("id-1")}],
    ids=["a token of the account", "a token of a person"],
)
def test_r2_takes_the_stages_own_token(answers: Answers) -> None:
    client = clouds.r2(ACCOUNT, TOKEN, _cloudflare(answers))
    assert client.meta.endpoint_url == f"https://{ACCOUNT}.r2.cloudflarestorage.com"
    credentials = client._request_signer._credentials  # type: ignore[attr-defined]
    assert credentials.access_key == "id-1"
    assert credentials.secret_key == hashlib.sha256(TOKEN.encode()).hexdigest()


def test_a_token_that_cloudflare_does_not_know_is_named_but_not_shown() -> None:
    with pytest.raises(Refused, match="R2 cannot be reached") as refused:
        clouds.r2(ACCOUNT, TOKEN, _cloudflare({OF_THE_ACCOUNT: _unknown(), OF_A_PERSON: _unknown()}))
    text = str(refused.value)
    assert "secrets:cloudflareApiToken" in text
    assert "Invalid API Token [code: 1000]" in text
    assert TOKEN not in text


def test_without_a_network_nobody_is_told_that_the_token_is_wrong() -> None:
    def nothing(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(Refused) as refused:
        clouds.r2(ACCOUNT, TOKEN, Rest(CLOUDFLARE, TOKEN, httpx.MockTransport(nothing), Patience(lambda _: None)))
    assert "ConnectError" in str(refused.value)
    assert "not accepted" not in str(refused.value)


@pytest.fixture
def aws_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write ~/.aws/credentials; a home of the test's own, and nobody's credentials in the environment."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def write(text: str) -> None:
        (tmp_path / "credentials").write_text(text)

    return write


@pytest.fixture
def aws(aws_files: Callable[[str], None]) -> Iterator[None]:
    """A local AWS, and a default profile with which its role may be assumed."""
    with mock_aws(config={"core": {"mock_credentials": False}}):
        keys = "aws_access_key_id = {0}\naws_secret_access_key = {0}\n"
        aws_files(f"[default]\n{keys.format('base')}\n[harbor]\n{keys.format('named')}")
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
def test_the_role_in_the_settings_is_assumed() -> None:
    s3 = clouds.aws(make_settings("staging"))("s3")
    assert s3.meta.region_name == "ap-northeast-1"
    assert s3._request_signer._credentials.token  # lent, not the profile's own


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("given", [None, "harbor"])
def test_credentials_of_another_account_are_refused(given: str | None) -> None:
    settings = make_settings("staging", {"aws": {"accountId": "222222222222", "profile": "harbor", "roleArn": None}})
    with pytest.raises(Refused, match="another account") as refused:
        clouds.aws(settings, given)
    (fault,) = refused.value.faults
    assert fault.file == "Pulumi.staging.yaml"
    assert "is 222222222222, but these credentials are of account 123456789012" in fault.message


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
def test_a_profile_on_the_command_line_wins_over_the_role() -> None:
    role = "arn:aws:iam::123456789012:role/bulkhead-staging"
    settings = make_settings("staging", {"aws": {"accountId": "123456789012", "roleArn": role}})
    assert clouds.aws(settings, "harbor")("s3")._request_signer._credentials.access_key == "named"


@pytest.mark.usefixtures("aws_files")
def test_a_profile_that_does_not_exist_is_named() -> None:
    with pytest.raises(Refused, match=r"profile absent: is not in ~/\.aws"):
        clouds.aws(make_settings("staging"), "absent")


def test_what_aws_refuses_is_said_plainly() -> None:
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "ListObjectsV2")
    with pytest.raises(Refused, match="AWS refused while counting") as refused, clouds.said_plainly("AWS", "counting"):
        raise refusal
    assert refused.value.faults[0].message == "AccessDenied: not you"
    with pytest.raises(Refused, match="NoCredentialsError"), clouds.said_plainly("AWS", "counting"):
        raise NoCredentialsError
