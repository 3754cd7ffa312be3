"""What a client of the local AWS does when the server does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from bulkhead.localclouds.aws.client import client, forget

_ROLE = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>key</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>2031-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
_ACCOUNT = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


class Sts(ThreadingHTTPServer):
    """An STS that closes the next ``closes`` connections without an answer, and then answers with ``status``."""

    def __init__(self) -> None:
        self.asked = self.closes = 0
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        if self.server.closes:
            self.server.closes -= 1
            return
        body = (_ROLE if b"AssumeRole" in said else _ACCOUNT).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def sts() -> Iterator[Sts]:
    with Sts() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client(server.endpoint, "111111111111", "us-east-1", "sts")  # asks for the account's credentials
        server.asked = 0
        yield server
        server.shutdown()
        thread.join()
        forget(server.endpoint)


def _account(sts: Sts) -> str:
    return str(client(sts.endpoint, "111111111111", "us-east-1", "sts").get_caller_identity()["Account"])


def test_a_connection_closed_without_an_answer_is_tried_again(sts: Sts) -> None:
    sts.closes = 2
    assert _account(sts) == "111111111111"
    assert sts.asked == 3


def test_a_server_that_never_answers_is_given_up(sts: Sts) -> None:
    sts.closes = 99
    with pytest.raises(ConnectionClosedError):
        _account(sts)
    assert sts.asked == 3


def test_an_error_is_an_answer(sts: Sts) -> None:
    sts.status = 500
    with pytest.raises(ClientError):
        _account(sts)
    assert sts.asked == 1
