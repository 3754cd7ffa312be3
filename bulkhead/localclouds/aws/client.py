"""boto3 clients of the local AWS, for any account and from any process."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from botocore.loaders import create_loader

# One try, then the error: a retried 500 would only hide a call that the local cloud lacks. `proxies` is empty rather
# than absent, because absent means the proxy of the environment.
_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    parameter_validation=True,
    proxies={},
    connect_timeout=5,
    read_timeout=30,
    s3={"addressing_style": "path"},
)
_TRIES: Final = 3  # where a connection was closed without an answer
# botocore must not read these settings from AWS_* variables of the user's shell: a profile that does not exist would
# stop every client, and an existing one would give the rehearsal a real account.
_UNPLUGGED: Final[dict[str, Any]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ca_bundle": (None, None, None, None),
}

# Reads the descriptions of the services, and caches them: that takes most of the time of a first client.
_LOADER: Final = create_loader()

_lock = threading.RLock()
_sessions: dict[tuple[str, str], boto3.Session] = {}
_clients: dict[tuple[str, str, str, str], Any] = {}


def client(endpoint: str, account: str, region: str, service: str) -> Any:
    """Return the boto3 client of ``service`` for a 12-digit ``account`` of the local AWS at ``endpoint``.

    moto decides the account by the credentials of an assumed role; they are fetched once and kept. Clients are safe to
    share between threads.
    """
    key = (endpoint, account, region, service)
    with _lock:
        if key not in _clients:
            _clients[key] = _connect(_session(endpoint, account), endpoint, region, service)
        return _clients[key]


class Guests:
    """Clients whose credentials can be changed. They share one client for each service, because making one takes
    longer than a request."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._session = _unplugged_session("nobody", "nobody", None)
        self._made: dict[str, Any] = {}

    def client(self, credentials: Mapping[str, str], service: str) -> Any:
        """Return the client of ``service``. From now on all of them have these credentials, in STS's form."""
        own: Any = self._session.get_credentials()  # each client reads them at each request
        own.access_key = credentials["AccessKeyId"]
        own.secret_key = credentials["SecretAccessKey"]
        own.token = credentials["SessionToken"]
        if service not in self._made:
            self._made[service] = _connect(self._session, self._endpoint, self._region, service)
        return self._made[service]

    def close(self) -> None:
        for made in self._made.values():
            made.close()


def forget(endpoint: str) -> None:
    """Drop the cached credentials of a stopped server: another one may get its port, and would not know them."""
    with _lock:
        for session in [key for key in _sessions if key[0] == endpoint]:
            del _sessions[session]
        for connected in [key for key in _clients if key[0] == endpoint]:
            del _clients[connected]


def _session(endpoint: str, account: str) -> boto3.Session:
    key = (endpoint, account)
    if key not in _sessions:
        sts = _connect(_unplugged_session("rehearsal", "rehearsal", None), endpoint, "us-east-1", "sts")
        role = f"arn:aws:iam::{account}:role/rehearsal"
        made = sts.assume_role(RoleArn=role, RoleSessionName="rehearsal")["Credentials"]
        _sessions[key] = _unplugged_session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    return _sessions[key]


def _unplugged_session(access_key: str, secret_key: str, token: str | None) -> boto3.Session:
    core = botocore.session.Session(session_vars=_UNPLUGGED)
    core.register_component("data_loader", _LOADER)
    core.set_credentials(access_key, secret_key, token)
    return boto3.Session(botocore_session=core)


def _connect(session: boto3.Session, endpoint: str, region: str, service: str) -> Any:
    made = session.client(service, region_name=region, endpoint_url=endpoint, config=_CONFIG)  # type: ignore[call-overload]
    made.meta.events.register("needs-retry", _once_more)
    return made


def _once_more(attempts: int, caught_exception: Exception | None, **_: Any) -> float | None:
    """Return after how many seconds botocore is to try again: only where the server closed the connection without an
    answer. Its thread for the request did not start then, so nothing was done (seen under coverage on Python 3.11:
    `Cannot install a trace function while another trace function is being installed`)."""
    return 0.1 if isinstance(caught_exception, ConnectionClosedError) and attempts < _TRIES else None
