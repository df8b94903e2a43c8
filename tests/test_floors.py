"""The architecture, held as a table: imports point down, and the device never loads TensorFlow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOUSE = ("edge_retinaface", "convert")
FLOORS = (
    ("edge_retinaface.errors", "edge_retinaface.data", "edge_retinaface.digest", "edge_retinaface.files"),
    ("edge_retinaface.spec", "edge_retinaface.assets"),
    (
        "edge_retinaface.anchors",
        "edge_retinaface.preprocess",
        "edge_retinaface.decode",
        "edge_retinaface.nms",
        "edge_retinaface.model_file",
        "edge_retinaface.images",
        "edge_retinaface.faces",
        "edge_retinaface.config",
        "edge_retinaface.delegates",
        "edge_retinaface.message",
        "edge_retinaface.notify",
    ),
    (
        "edge_retinaface.interpreter",
        "edge_retinaface.cameras",
        "edge_retinaface.publishers",
        "edge_retinaface.media",
        "edge_retinaface.client",
        "edge_retinaface.install",
        "edge_retinaface.probing",
        "edge_retinaface.store",
    ),
    ("edge_retinaface.detector",),
    ("edge_retinaface.tiles",),
    ("edge_retinaface.service",),
    ("edge_retinaface.checks",),
    ("edge_retinaface.bench",),
    ("edge_retinaface.commands",),
    ("edge_retinaface.cli",),
    ("edge_retinaface.__main__",),
    ("convert",),
)
WORKSHOP = ("tensorflow", "keras", "convert", "matplotlib", "scipy", "h5py")
LONGEST = 200  # lines of a source file
LONGEST_TEST = 250
PUBLIC = "edge_retinaface"  # the package itself only passes names on


def floor_of(module: str) -> int:
    """The floor of the longest entry that is `module` or a package around it."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        for number, floor in enumerate(FLOORS):
            if ".".join(parts[:length]) in floor:
                return number
    raise AssertionError(f"{module} has no floor")


def package_of(module: str) -> str:
    """The entry of the table that holds it; modules of one entry may import each other."""
    return next(entry for entry in FLOORS[floor_of(module)] if module == entry or module.startswith(entry + "."))


def modules() -> Iterator[tuple[str, ast.Module]]:
    for top in HOUSE:
        for path in sorted((ROOT / top).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text())


def is_module(package: str | None, name: str) -> bool:
    return (ROOT / (package or "").replace(".", "/") / f"{name}.py").exists()


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if is_module(node.module, alias.name))


def test_every_module_imports_from_lower_floors_only() -> None:
    wrong = []
    for name, tree in modules():
        if name == PUBLIC:
            continue
        for target in imports(tree):
            if target.split(".")[0] not in HOUSE or target == PUBLIC:
                continue
            if floor_of(target) > floor_of(name) or (
                floor_of(target) == floor_of(name) and package_of(target) != package_of(name)
            ):
                wrong.append(f"{name} (floor {floor_of(name)}) imports {target} (floor {floor_of(target)})")
    assert wrong == []


def test_only_the_interpreter_module_knows_the_interpreter_packages() -> None:
    knowing = {name for name, tree in modules() if "ai_edge_litert" in ast.dump(tree) and name.startswith(PUBLIC)}
    assert knowing == {"edge_retinaface.interpreter"}


def test_no_source_file_is_over_200_lines() -> None:
    sizes = {path: len(path.read_text().splitlines()) for top in HOUSE for path in (ROOT / top).rglob("*.py")}
    assert {str(path): size for path, size in sizes.items() if size > LONGEST} == {}


def test_no_file_of_tests_is_longer_than_its_limit() -> None:
    sizes = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > LONGEST_TEST} == {}


def test_importing_the_runtime_and_its_command_loads_no_workshop() -> None:
    program = f"import sys, edge_retinaface.cli; print(set({WORKSHOP}) & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_service_loads_nothing_that_only_other_commands_or_a_broker_need() -> None:
    unwanted = ("typer", "rich", "paho", "ssl", "_hashlib", "statistics")
    program = f"import sys, edge_retinaface.commands.serving; print(set({unwanted}) & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_asset_folders_hold_no_python() -> None:
    assert [path for top in ("systemd", "deploy") for path in (ROOT / top).rglob("*.py")] == []
