"""Pictures and models that several test files use, made once a run."""

import gc
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nspawn
import pytest
from hypothesis import settings
from waiting import eventually

pytest_plugins = ("config_cases", "mqtt_bench", "socket_bench", "store_bench")  # fixtures that several files use
ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"

settings.register_profile("house", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("house")

collect_ignore_glob = (
    [] if importlib.util.find_spec("tensorflow") else ["test_convert_*.py"]
)  # without the extra convert


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out unless the command line speaks of them: -m slow."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """A photograph of one face, 512x512; it ships with scikit-image."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("scikit-image is not installed: pip install 'edge-retinaface[convert]'")
    return Path(spec.submodule_search_locations[0]) / "data" / "astronaut.png"


@pytest.fixture(scope="session")
def default_model() -> Path:
    """The int8 model that `edge-retinaface convert default` builds; kept in .cache between runs."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed: pip install 'edge-retinaface[convert]'")
    path = CACHE / "edge-retinaface" / "default.tflite"
    if not path.exists():
        environ = os.environ | {"XDG_CACHE_HOME": str(CACHE)}
        subprocess.run([sys.executable, "-m", "convert", "default"], cwd=ROOT, env=environ, check=True)
    return path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory, default_model: Path) -> Path:
    """The wheel, with the default model in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    environ = os.environ | {"EDGE_RETINAFACE_MODEL": str(default_model)}
    subprocess.run(build, env=environ, capture_output=True, check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, astronaut: Path) -> list[Path]:
    """Layers for nspawn.boot: a Debian with the wheel and the service installed, and the astronaut in /srv/pictures."""
    if reason := nspawn.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("machine")
    wheel: Path = request.getfixturevalue("wheel")  # not before it is known to be of use
    try:
        root = nspawn.debian()
    except RuntimeError as error:
        pytest.skip(f"needs Debian's and Python's package servers once: {error}")
    nspawn.install(root, folder / "installed", wheel)
    pictures = folder / "installed/srv/pictures"
    pictures.mkdir(parents=True)
    shutil.copy(astronaut, pictures)
    return [folder / "installed", root]


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fails a test that leaves a thread or an open file behind."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert eventually(lambda: set(threading.enumerate()) <= threads), set(threading.enumerate()) - threads
    gc.collect()
    assert open_files() - files == set()


def open_files() -> set[tuple[str, str]]:
    """(descriptor, what it is) of everything this process has open."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add((entry.name, str(entry.readlink())))
        except FileNotFoundError:  # the folder itself, while it was read
            continue
    return found
