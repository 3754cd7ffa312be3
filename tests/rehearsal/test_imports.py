"""A rehearsal sheds its owner's credentials when it begins; what it is made of must not ask for them before."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_rehearsal_begins_under_a_profile_that_is_nowhere() -> None:
    owner = {**os.environ, "AWS_PROFILE": "owners-own", "AWS_CONFIG_FILE": os.devnull}
    command = [sys.executable, "-c", "import bulkhead.rehearsal.run"]
    done = subprocess.run(command, env=owner, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
