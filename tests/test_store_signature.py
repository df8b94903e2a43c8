import shutil
import subprocess
from pathlib import Path

import pytest

from edge_retinaface.errors import ModelError
from edge_retinaface.store.signature import NAMESPACE, verify

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
CONTENT = b"a model"


def make_key(folder: Path, name: str) -> Path:
    key = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@example", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return key


def sign(key: Path, path: Path, namespace: str = NAMESPACE) -> None:
    path.with_name(path.name + ".sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace, str(path)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path, "maker")


@pytest.fixture
def model(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "m.tflite"
    path.write_bytes(CONTENT)
    sign(key, path)
    return path


def public(key: Path) -> Path:
    return key.with_suffix(".pub")


def test_a_signed_model_is_by_its_signer(model: Path, key: Path) -> None:
    assert verify(model, CONTENT, public(key)) == "maker@example"


def test_allowed_signers_may_be_several(model: Path, key: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path, "other")
    signers = tmp_path / "signers"
    lines = [f"{one.name}@house {public(one).read_text()}" for one in (other, key)]
    signers.write_text("".join(lines))
    assert verify(model, CONTENT, signers) == "maker@house"


def test_one_changed_byte_is_noticed(model: Path, key: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.tflite: does not match its signature m\.tflite\.sig"):
        verify(model, b"a modem", public(key))


def test_somebody_elses_signature_does_not_count(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"wanted a signature by a key of .*, found none of theirs"):
        verify(model, CONTENT, public(make_key(tmp_path, "other")))


def test_a_signature_for_another_purpose_does_not_count(model: Path, key: Path) -> None:
    sign(key, model, "git")
    with pytest.raises(ModelError, match=r"does not match|found none of theirs"):
        verify(model, CONTENT, public(key))


def test_a_missing_signature_and_a_missing_key_are_named(model: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.pub: wanted a public key or allowed signers, found no such file"):
        verify(model, CONTENT, tmp_path / "none.pub")
    (tmp_path / "m.tflite.sig").unlink()
    with pytest.raises(ModelError, match=r"m\.tflite\.sig: wanted a signature, found no such file"):
        verify(model, CONTENT, public(key))


@pytest.mark.parametrize("nonsense", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "\0\0"])
def test_a_key_file_of_nonsense_signs_nothing(model: Path, tmp_path: Path, nonsense: str) -> None:
    signers = tmp_path / "signers"
    signers.write_text(nonsense)
    with pytest.raises(ModelError, match="found none of theirs"):
        verify(model, CONTENT, signers)
