"""A visitor hears what one hostname says, and why it says nothing; nobody else hears anything of it."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bulkhead.clients.endpoints import Sites
from bulkhead.clients.visits import Reply, ServiceToken, Silence, Visitor
from bulkhead.model.faults import Refused

HOST = "staging.harbor.example"
TOKEN = ServiceToken("an-id.access", "an-access-secret")


def visitor(answer: httpx.Response, seen: list[httpx.Request], sites: Sites | None = None) -> Visitor:
    def hand(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    return Visitor(sites or Sites(), TOKEN, httpx.MockTransport(hand))


def test_a_hostname_is_asked_over_https_with_the_service_token() -> None:
    seen: list[httpx.Request] = []
    reply = visitor(httpx.Response(201, text="made"), seen).ask(HOST, "/a?b=c", method="POST", json={"d": 1}, seconds=1)
    assert isinstance(reply, Reply)
    assert (reply.status, reply.text) == (201, "made")
    assert (str(seen[0].url), seen[0].content) == (f"https://{HOST}/a?b=c", b'{"d":1}')
    assert seen[0].headers["CF-Access-Client-Id"] == TOKEN.id
    assert seen[0].headers["CF-Access-Client-Secret"] == TOKEN.secret


def test_a_rehearsal_leads_every_hostname_to_its_front() -> None:
    seen: list[httpx.Request] = []
    visitor(httpx.Response(200), seen, Sites("http://127.0.0.1:4321")).ask(HOST, "/", seconds=1)
    assert (str(seen[0].url), seen[0].headers["Host"]) == ("http://127.0.0.1:4321/", HOST)


@pytest.mark.parametrize("front", ["http://harbor.example", "https://10.0.0.1", "127.0.0.1:80", "http://127.0.0.1/?a"])
def test_nothing_but_this_machine_can_stand_for_a_stage(front: str) -> None:
    with pytest.raises(Refused, match="no front of a rehearsal"):
        Sites(front)


def test_what_is_carried_goes_along_and_is_not_shown() -> None:
    seen: list[httpx.Request] = []

    def echo(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text="the-pass is wrong")

    with Visitor(Sites(), None, httpx.MockTransport(echo), {"X-Maintenance-Pass": "the-pass"}) as asking:
        reply = asking.ask("harbor.example", "/", seconds=1)
    assert isinstance(reply, Reply)
    assert (seen[0].headers["X-Maintenance-Pass"], reply.text) == ("the-pass", "*** is wrong")


def test_a_pass_that_no_header_can_carry_is_refused_without_being_shown() -> None:
    with pytest.raises(Refused) as refused:
        Visitor(Sites(), carried={"X-Maintenance-Pass": "one word"})
    [fault] = refused.value.faults
    assert str(fault).startswith("X-Maintenance-Pass: holds a blank")
    assert "one word" not in str(fault)


@pytest.mark.parametrize(("id_", "secret"), [("", "a"), ("a", ""), ("a", "b\r\nX: y"), ("a b", "c")])
def test_a_token_that_no_header_can_carry_is_refused_without_being_shown(id_: str, secret: str) -> None:
    with pytest.raises(Refused) as refused:
        ServiceToken(id_, secret)
    assert "X: y" not in str(refused.value)
    assert "a-secret" not in repr(ServiceToken("an-id", "a-secret"))


def test_no_redirect_is_followed_and_no_cookie_kept() -> None:
    seen: list[httpx.Request] = []
    headers = [("Location", "https://elsewhere.example/"), ("Set-Cookie", "a=1; Path=/; Secure"), ("Set-Cookie", "b=2")]
    asking = visitor(httpx.Response(302, headers=headers), seen)
    replies = [asking.ask(HOST, "/", seconds=1) for _ in range(2)]
    assert [request.url.host for request in seen] == [HOST, HOST]
    assert all("Cookie" not in request.headers for request in seen)
    assert isinstance(replies[0], Reply)
    assert replies[0].cookies == ("a=1", "b=2")


def test_an_answer_is_read_as_far_as_a_probe_looks_and_says_nothing_of_the_token() -> None:
    asking = visitor(httpx.Response(200, text=f"{TOKEN.secret}{'x' * 3 * 1024**2}"), [])
    reply = asking.ask(HOST, "/", seconds=10)
    assert isinstance(reply, Reply)
    assert reply.text.startswith("***x")
    assert len(reply.text) <= 1024**2


@contextmanager
def serving(answers: bytes, pause: float = 0, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers one connection, byte by byte where it pauses; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    talking = tls.wrap_socket(connection, server_side=True) if tls else connection
                    talking.recv(65536)
                    for part in [bytes([byte]) for byte in answers] if pause else [answers]:
                        talking.sendall(part)
                        time.sleep(pause)
                except OSError:
                    pass  # the visitor went away, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def asked(front: str, seconds: float = 5) -> Reply | Silence:
    with Visitor(Sites(front)) as asking:
        return asking.ask(HOST, "/", seconds=seconds)


BEGINNING = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def test_who_answers_too_late_is_not_waited_for() -> None:
    with serving(BEGINNING + b"x" * 1000, pause=0.01) as front:
        started = time.monotonic()
        silence = asked(front, seconds=0.6)
    assert isinstance(silence, Silence)
    assert silence.reason == "no answer within 600 ms"
    assert time.monotonic() - started < 3, "a body that comes byte by byte is no reason to wait"


def test_a_connection_that_breaks_is_told() -> None:
    with serving(BEGINNING + b"half") as front:
        silence = asked(front)
    assert isinstance(silence, Silence)
    assert silence.reason.startswith("the connection broke")


def test_nobody_listening_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        front = f"http://127.0.0.1:{free.getsockname()[1]}"
    silence = asked(front)
    assert isinstance(silence, Silence)
    assert silence.reason == "nobody listens there"


def test_a_hostname_without_an_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_asked: object, **_more: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    silence = asked("")
    assert isinstance(silence, Silence)
    assert silence.reason == f"{HOST} has no address in DNS"


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "both.pem").write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with serving(BEGINNING, tls=context) as front:
        silence = asked(front)
    assert isinstance(silence, Silence)
    assert silence.reason == "its certificate does not hold: self-signed certificate"
