"""Finds the Pulumi engine: the one on PATH, one built before, or one built now from its source with Go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from infra.faults import Fault, Refused
from rehearsal.failures import Failed, tail

Progress = Callable[[str], None]
Version = tuple[int, int, int]

SOURCE: Final = Path(__file__).resolve().parents[2] / "tools" / "engine"
# The oldest engine that the rehearsal has been run with. Older ones differ where it would hurt: up to 3.205 events come
# through a file that is polled, up to 3.181 refresh and destroy know no inline programs.
OLDEST: Final[Version] = (3, 250, 0)
_COMMAND: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:[-+].*)?")
_REPORT_EVERY: Final = 5.0  # seconds between two lines of progress
_PATIENCE: Final = 30.0  # seconds for a command that only tells its version


@dataclass(frozen=True, slots=True)
class Engine:
    """A Pulumi CLI that works: where it is, its version without a `v`, and how it came there."""

    path: Path
    version: str
    origin: Literal["path", "cache", "built"]


def find_engine(progress: Progress = lambda _: None) -> Engine:
    """Return an engine, building one when there is no other way (minutes, once per version).

    ``progress`` is told in plain lines why one was passed over and how a build comes along. Raises Refused when there
    is neither an engine nor a Go to build one, Failed when the build fails.
    """
    return _on_path(progress) or _cached() or _built(progress)


def _on_path(progress: Progress) -> Engine | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    version = _version_of(Path(found))
    if version is None:
        progress(f"passing over {found}: `pulumi version` does not answer with a version")
    elif version[0] != OLDEST[0] or version < OLDEST:
        progress(f"passing over {found}: {_text(version)} is not from {_text(OLDEST)} up and below {OLDEST[0] + 1}.0.0")
    else:
        return Engine(Path(found), _text(version), "path")
    return None


def _cached() -> Engine | None:
    path = _cache_path()
    return Engine(path, path.parent.name, "cache") if os.access(path, os.X_OK) else None


def _built(progress: Progress) -> Engine:
    path = _cache_path()
    go = _find_go()
    with _one_builder(path.parent, progress):
        if engine := _cached():  # somebody else built it meanwhile
            return engine
        for half in path.parent.glob(".building-*"):  # of a build that was killed
            shutil.rmtree(half)
        _build(go, path, progress)
    return Engine(path, path.parent.name, "built")


def _build(go: str, path: Path, progress: Progress) -> None:
    version = path.parent.name
    log = path.with_name("build.log")
    progress(f"building the Pulumi engine {version} with Go: about six minutes, this once")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".building-") as folder:
        binary = Path(folder) / path.name
        # Without the -X the Automation API cannot tell what version it is talking to, and refuses.
        flags = f"-s -w -X {_VERSION_VARIABLE}=v{version}"
        command = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(binary), _COMMAND]
        _run_showing_progress(command, log, progress)
        if _version_of(binary) != _parsed(version):
            raise Failed("The engine was built, but does not run.", tail(log), log)
        binary.replace(path)


def _run_showing_progress(command: list[str], log: Path, progress: Progress) -> None:
    started = last = time.monotonic()
    packages = 0
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command,
            cwd=SOURCE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        try:
            assert process.stdout is not None  # noqa: S101 (asked for above)
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                if selector.select(_REPORT_EVERY):
                    part = os.read(process.stdout.fileno(), 65536)
                    if not part:
                        break
                    file.write(part)
                    packages += part.count(b"\n")
                if (now := time.monotonic()) - last >= _REPORT_EVERY:
                    last = now
                    progress(f"building the Pulumi engine: {packages} modules and packages, {now - started:.0f} s")
            code = process.wait()
        except BaseException:  # Ctrl-C: Go's compilers are in its session, not in ours
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if code != 0:
        raise Failed("The engine could not be built.", tail(log), log)


@contextlib.contextmanager
def _one_builder(folder: Path, progress: Progress) -> Iterator[None]:
    """Let one process at a time build; the kernel frees the lock of one that dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            progress("waiting for another process that is building the engine")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _find_go() -> str:
    """Return a Go that is new enough to build the engine. Raises Refused with both ways to get an engine."""
    needed = _needed_go()
    go = shutil.which("go")
    if go is None:
        seen = "neither `pulumi` nor `go` is on PATH"
    else:
        version = _version_of(Path(go), "env", "GOVERSION")
        if version is not None and version >= needed:
            return go
        seen = f"no usable `pulumi` is on PATH, and {go} is {'broken' if version is None else _text(version)}"
    fix = (
        f"install Pulumi {_text(OLDEST)} or newer (https://www.pulumi.com/docs/install/), or Go {_text(needed)} or "
        "newer (https://go.dev/dl/) and run this again: the engine is then built from source"
    )
    raise Refused("The rehearsal needs the Pulumi engine.", [Fault("pulumi", seen, fix)])


def _needed_go() -> Version:
    match = re.search(r"^go (\d+\.\d+(?:\.\d+)?)$", _go_mod(), re.MULTILINE)
    if match is None:
        raise AssertionError("tools/engine/go.mod names no Go version")  # a fault of the repository
    return _parsed(match[1] if match[1].count(".") > 1 else f"{match[1]}.0") or OLDEST


def _cache_path() -> Path:
    """Return where the engine that go.mod pins is, or would be, in the user's cache."""
    match = re.search(r"^\s+github\.com/pulumi/pulumi/pkg/v3 v(\S+)", _go_mod(), re.MULTILINE)
    if match is None:
        raise AssertionError("tools/engine/go.mod does not pin the engine")  # a fault of the repository
    return cache_root() / "engine" / match[1] / "pulumi"


def cache_root() -> Path:
    """Return the folder for what may be kept between runs and lost at any time."""
    if own := os.environ.get("BULKHEAD_CACHE"):
        return Path(own).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().resolve() / "bulkhead"


def _go_mod() -> str:
    return (SOURCE / "go.mod").read_text(encoding="utf-8")


def _version_of(program: Path, *question: str) -> Version | None:
    """Ask a program for its version; None when it does not answer with one."""
    environment = os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true", "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [program, *(question or ("version",))],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parsed(answer.stdout.strip().removeprefix("go"))


def _parsed(text: str) -> Version | None:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _text(version: Version) -> str:
    return ".".join(map(str, version))
