"""Where this checkout is, and what its project file, Pulumi.yaml, says. Imported before any package is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bulkhead.model.faults import Fault, Refused

ROOT: Path = Path(__file__).resolve().parents[2]
"""The checkout that a command works on, asked for as ``project.ROOT`` when it is needed. Where a module says for itself
where a tool or a page of ours lies, it takes ROOT as it is imported."""
FILE: Final = "Pulumi.yaml"


def read_project(folder: Path) -> dict[str, Any]:
    """Return what the project file in ``folder`` says. Raises Refused when there is none, or it names no project."""
    from ruamel.yaml import YAML  # noqa: PLC0415 (`make engine` runs before it is installed)
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    fault = Fault("name", "is missing: the engine would not know which project this is", "name: <project>", FILE)
    try:
        content = YAML(typ="safe", pure=True).load((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault = Fault("", "does not exist", "run it in a checkout of the repository", FILE)
    except (YAMLError, UnicodeDecodeError) as error:
        fault = Fault("", f"is no YAML: {str(error).splitlines()[0]}", f"git checkout -- {FILE}", FILE)
    else:
        if isinstance(content, dict) and isinstance(content.get("name"), str):
            return content
    raise Refused("The project file cannot be read.", [fault])


def project_name(folder: Path) -> str:
    """Return the name of the project in ``folder``. Raises Refused as `read_project` does."""
    return str(read_project(folder)["name"])
