"""The rooms of the house: which there are, in which order they stand, and what never enters the pure ones."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
HOUSE: Final = "bulkhead"
PROGRAMS: Final = ("infra", "identities", "policies")  # stand at the top, because the Pulumi CLI is pointed at them
JOBS: Final = "jobs"  # stands there as well, because it is deployed by itself
TOP: Final = (JOBS, *PROGRAMS)
# Lowest first: a room imports only what stands before it.
ROOMS: Final = (
    JOBS,
    "model",
    "resources",
    *PROGRAMS,
    "machine",
    "clients",
    "engine",
    "localclouds",
    "preview",
    "twin",
    "analysis",
    "operations",
    "delivery",
    "recovery",
    "rehearsal",
    "cli",
)
PURE: Final = ("model", "resources")
CLOUDS: Final = ("boto3", "botocore", "grpc", "moto", "pulumi", "requests")  # of Pulumi, every package of its own, too
PROVIDERS: Final = ("pulumi_aws", "pulumi_cloudflare", "pulumi_github")


def room_of(module: str) -> str | None:
    """Return the room that a dotted name leads into, None for what is not ours."""
    first, _, rest = module.partition(".")
    name = rest.partition(".")[0] if first == HOUSE else first
    return name if name in ROOMS and (name in TOP) == (first != HOUSE) else None


@cache  # several questions are asked of every source
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(source)))


def modules_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield every module that a source asks for and its line: imported anywhere, also within a function or for types
    alone, or named in a text, as whoever starts `python -m` or imports late does."""
    for node in nodes_of(source):
        match node:
            case ast.Import():
                yield from ((node.lineno, each.name) for each in node.names)
            case ast.ImportFrom():
                assert not node.level, f"line {node.lineno}: a relative import hides its room"
                yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)
            case ast.Constant(value=str(text)) if re.fullmatch(rf"{HOUSE}(\.\w+)+", text):
                yield node.lineno, text


def upward(room: str, source: str) -> list[str]:
    """Return what a source of ``room`` asks of the rooms above it."""
    asked = ((line, module, room_of(module)) for line, module in modules_in(source))
    return [
        f"line {line}: {module}"
        for line, module, other in asked
        if other is not None and ROOMS.index(other) > ROOMS.index(room)
    ]


def clouds_in(source: str, clouds: tuple[str, ...] = CLOUDS) -> list[str]:
    """Return the SDKs that a source imports."""
    names = {module.partition(".")[0] for _, module in modules_in(source)}
    return sorted(name for name in names if name in clouds or ("pulumi" in clouds and name.startswith("pulumi")))


def drives_pulumi(source: str) -> list[str]:
    """Return where a source looks for the Pulumi CLI, starts it, or takes the SDK that does."""
    found = [f"line {line}: {module}" for line, module in modules_in(source) if module.startswith("pulumi.automation")]
    for node in nodes_of(source):
        match node:
            case (
                ast.List(elts=[first, *_])
                | ast.Tuple(elts=[first, *_])
                | ast.Call(func=ast.Attribute(attr="which") | ast.Name(id="which"), args=[first, *_])
            ) if isinstance(first, ast.Constant) and re.fullmatch(r"pulumi(-[a-z-]+)?", text := str(first.value)):
                found.append(f"line {node.lineno}: {text}")
    return found


def folder_of(room: str) -> Path:
    return ROOT / room if room in TOP else ROOT / HOUSE / room


def sources_of(room: str) -> list[Path]:
    found = sorted(folder_of(room).rglob("*.py"))
    assert found, f"{room} is empty"
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from bulkhead.cli.main import main", ["line 1: bulkhead.cli.main.main"]),
        ("from bulkhead import twin, model", ["line 1: bulkhead.twin"]),
        ("import bulkhead.twin.state", ["line 1: bulkhead.twin.state"]),
        ("def late():\n    from bulkhead.twin import state", ["line 2: bulkhead.twin.state"]),
        ("if TYPE_CHECKING:\n    from bulkhead.twin import state", ["line 2: bulkhead.twin.state"]),
        ("run([python, '-m', 'bulkhead.localclouds.clouds'])", ["line 1: bulkhead.localclouds.clouds"]),
        ("import twin, bulkhead.model.naming, infra.stage\n'bulkhead.twin is above'", []),
    ],
)
def test_an_arrow_upward_is_seen_wherever_it_stands(source: str, found: list[str]) -> None:
    assert upward("engine", source) == found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_asks_only_the_rooms_below_it(room: str) -> None:
    arrows = {path.relative_to(ROOT): upward(room, path.read_text(encoding="utf-8")) for path in sources_of(room)}
    assert {path: found for path, found in arrows.items() if found} == {}


def test_every_folder_of_ours_is_a_room() -> None:
    houses = {path.name for path in (ROOT / HOUSE).iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert houses == set(ROOMS) - set(TOP)
    assert [path.name for path in (ROOT / HOUSE).glob("*.py")] == ["__init__.py"]


def test_a_cloud_is_seen_wherever_it_is_imported() -> None:
    assert clouds_in("import ruamel.yaml, json\ndef late():\n    import pulumi_aws.s3, boto3") == [
        "boto3",
        "pulumi_aws",
    ]


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_imports_no_cloud(room: str) -> None:
    found = {path.relative_to(ROOT): clouds_in(path.read_text(encoding="utf-8")) for path in sources_of(room)}
    assert {path: names for path, names in found.items() if names} == {}


def test_nothing_that_a_pure_room_imports_brings_a_cloud() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for room in PURE for path in sources_of(room)]
    program = f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in loaded.stdout.split()}
    assert {"bulkhead", "ruamel"} <= packages
    assert {name for name in packages if name in CLOUDS or name.startswith("pulumi")} == set()


def test_the_jobs_need_nothing_but_what_lambda_has() -> None:
    asked = {module for path in sources_of(JOBS) for _, module in modules_in(path.read_text(encoding="utf-8"))}
    names = {module.partition(".")[0] for module in asked}
    assert JOBS in names
    # _typeshed is for types alone.
    assert names - sys.stdlib_module_names - {"_typeshed"} == {JOBS, "boto3", "botocore"}


def test_the_policies_judge_without_the_providers_sdks() -> None:
    found = {path: clouds_in(path.read_text(encoding="utf-8"), PROVIDERS) for path in sources_of("policies")}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("from pulumi.automation import Stack", "line 1: pulumi.automation.Stack"),
        ("import pulumi.automation.events", "line 1: pulumi.automation.events"),
        ("run(['pulumi', 'up'])", "line 1: pulumi"),
        ("command = ('pulumi', *arguments)", "line 1: pulumi"),
        ("shutil.which('pulumi-language-python')", "line 1: pulumi-language-python"),
    ],
)
def test_whoever_drives_pulumi_is_seen(source: str, seen: str) -> None:
    assert drives_pulumi(source) == [seen]


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "engine"])
def test_the_engine_alone_drives_pulumi(room: str) -> None:
    found = {path.relative_to(ROOT): drives_pulumi(path.read_text(encoding="utf-8")) for path in sources_of(room)}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_one_module_knows_where_the_checkout_is() -> None:
    files = [path for room in ROOMS for path in sources_of(room)]
    found = [path for path in files if re.search(r"Path\(__file__\)\S*parents\[", path.read_text(encoding="utf-8"))]
    assert [path.relative_to(ROOT).as_posix() for path in found] == ["bulkhead/model/project.py"]


@pytest.mark.parametrize("package", ["bulkhead", "bulkhead/engine"])
def test_what_is_imported_before_any_package_is_installed_runs_nothing(package: str) -> None:
    init = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    assert len(init.body) == (0 if ast.get_docstring(init) is None else 1)


def test_the_pages_name_the_rooms_in_their_order() -> None:
    table = re.findall(r"^\| `(?:bulkhead/)?(\w+)/` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)
    assert tuple(name for name in table if name not in {"worker", "tests"}) == ROOMS
    tree = re.findall(r"^ {0,2}(\w+)/ ", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert [name for name in tree if name in ROOMS and name not in TOP] == [r for r in ROOMS if r not in TOP]
    assert set(TOP) <= set(tree)


STARTED: Final = """
import runpy, sys, types
pack, proposed = types.ModuleType("policies.pack"), types.ModuleType("bulkhead.preview.proposed")
pack.serve = lambda _: print(*sys.path, sep="\\n")
proposed.judged_by = lambda environment: environment
sys.modules |= {"policies.pack": pack, "bulkhead.preview.proposed": proposed}
sys.path.insert(0, sys.argv[1])  # as Pulumi does
runpy.run_path(f"{sys.argv[1]}/__main__.py", run_name="__main__")
"""


@pytest.mark.parametrize("pack", ["policies", "bulkhead/preview/pack"])
def test_a_pack_looks_for_modules_in_the_checkout_and_not_beside_itself(pack: str) -> None:
    """Otherwise ours would hide others of the same name."""
    path = subprocess.check_output(
        [sys.executable, "-c", STARTED, str(ROOT / pack)], cwd=ROOT / pack, text=True
    ).split()
    assert path[0] == str(ROOT)
    assert not {str(ROOT / pack), str(ROOT / HOUSE)} & set(path)
