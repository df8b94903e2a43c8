"""Who made a model file: signatures by ssh-keygen, no cryptography of our own."""

import subprocess
import tempfile
from pathlib import Path

from edge_retinaface.errors import UNAVAILABLE, UNREADABLE, ModelError

NAMESPACE = "edge-retinaface-model"  # what a signature is for; one made for anything else does not count
SIGNERS = Path("/etc/edge-retinaface/model_signers")  # where it exists, no model without a signature is installed
SUFFIX = ".sig"  # ssh-keygen -Y sign writes it beside the file
KEY_TYPES = ("ssh-", "ecdsa-", "sk-")
NO_ONE = "nameless"  # the signer, where a public key has no comment


def verify(path: Path, content: bytes, signers: Path) -> str:
    """The signer of `content`, whose signature is the file `path`.sig; ModelError if there is none or it is not good.

    `signers` is an allowed-signers file as in ssh-keygen(1), or a public key.
    """
    signature = path.with_name(path.name + SUFFIX)
    for needed, what in ((signers, "a public key or allowed signers"), (signature, "a signature")):
        if not needed.is_file():
            raise ModelError(f"{needed}: wanted {what}, found no such file", exit_code=UNREADABLE)
    with tempfile.TemporaryDirectory() as name:
        allowed = Path(name, "allowed_signers")
        allowed.write_text(_as_allowed(signers.read_text()))
        options = ["-s", str(signature), "-f", str(allowed), "-n", NAMESPACE]
        found = _ssh_keygen(["find-principals", *options], content)
        who = found.stdout.decode(errors="replace").splitlines()
        if found.returncode or not who:
            raise ModelError(f"{signature}: wanted a signature by a key of {signers}, found none of theirs")
        if _ssh_keygen(["verify", *options, "-I", who[0]], content).returncode:
            raise ModelError(f"{path}: does not match its signature {signature.name} (-n {NAMESPACE})")
    return who[0]


def _as_allowed(text: str) -> str:
    """A public key as a line of allowed signers; other text as it is."""
    match text.split():
        case [kind, key, *comment] if kind.startswith(KEY_TYPES):
            return f'{comment[0] if comment else NO_ONE} namespaces="{NAMESPACE}" {kind} {key}\n'
        case _:
            return text


def _ssh_keygen(arguments: list[str], content: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", "-Y", *arguments], input=content, capture_output=True, check=False)  # noqa: S603, S607 - no shell; its place differs between systems
    except FileNotFoundError as error:
        raise ModelError(
            "ssh-keygen: wanted to verify a signature, found none: apt-get install openssh-client",
            exit_code=UNAVAILABLE,
        ) from error
