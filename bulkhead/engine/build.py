"""Builds the Pulumi engine from its source with Go, for machines that can get no other one."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bulkhead.engine.versions import SOURCE, Version, needed_go, text_of, version_of
from bulkhead.model.failures import Failed, tail
from bulkhead.model.faults import Fault, Refused

_COMMAND: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_VERSION_VARIABLE: Final = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_REPORT_EVERY: Final = 5.0  # seconds between two lines of progress


def build(version: Version, path: Path, progress: Callable[[str], None], otherwise: str) -> None:
    """Build the engine as ``path``, in a folder that exists. Raises Failed when that fails, and Refused with every way
    to an engine when there is no Go; ``otherwise`` says why there is none from an archive."""
    go = _find_go(version, otherwise)
    log = path.with_name("build.log")
    progress(f"building the Pulumi engine {text_of(version)} with Go: about six minutes, this once")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".building-") as folder:
        binary = Path(folder) / path.name
        # Without the -X the Automation API cannot tell what version it is talking to, and refuses.
        flags = f"-s -w -X {_VERSION_VARIABLE}=v{text_of(version)}"
        command = [go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(binary), _COMMAND]
        _run_showing_progress(command, log, progress)
        if version_of(binary) != version:
            raise Failed("The engine was built, but does not run.", tail(log), log)
        binary.replace(path)


def _run_showing_progress(command: list[str], log: Path, progress: Callable[[str], None]) -> None:
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


def _find_go(version: Version, otherwise: str) -> str:
    needed = needed_go()
    go = shutil.which("go")
    if go is None:
        seen = "`go` is not on PATH"
    else:
        found = version_of(Path(go), "env", "GOVERSION")
        if found is not None and found >= needed:
            return go
        seen = f"{go} is broken" if found is None else f"{go} is {text_of(found)}"
    message = f"no usable `pulumi` is on PATH; there is none from the official archive: {otherwise}; and {seen}"
    fix = (
        f"install Pulumi {text_of(version)} or newer (https://www.pulumi.com/docs/install/); or let this machine reach "
        f"the archive, by HTTPS_PROXY where it needs one; or install Go {text_of(needed)} or newer "
        "(https://go.dev/dl/), which builds it. Then run this again"
    )
    raise Refused("The rehearsal needs the Pulumi engine.", [Fault("pulumi", message, fix)])
