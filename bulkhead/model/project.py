"""The project file, Pulumi.yaml, for tools that make a workspace of their own from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bulkhead.model.faults import Fault, Refused

FILE: Final = "Pulumi.yaml"


def read_project(folder: Path) -> dict[str, Any]:
    """Return what the project file in ``folder`` says. Raises Refused when there is none, or it names no project."""
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
