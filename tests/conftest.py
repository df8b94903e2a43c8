"""Pictures and models that several test files use, made once a run."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"

collect_ignore_glob = (
    [] if importlib.util.find_spec("tensorflow") else ["test_convert_*.py"]
)  # without the extra convert


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
