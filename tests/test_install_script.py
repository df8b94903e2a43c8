"""deploy/install.sh in a fresh, booted Debian, then the lines of the install guide up to the last."""

import hashlib
import platform
import re
import shutil
import sys
import tomllib
from pathlib import Path

import nspawn
import pytest
from test_deb import CAMERA

ROOT = Path(__file__).parent.parent
PACKAGES = "systemd,systemd-sysv,dbus,udev,python3,python3-venv,ca-certificates"
LIMIT_S = 1200
pytestmark = [
    pytest.mark.systemd,
    pytest.mark.slow,
    pytest.mark.convert,
    pytest.mark.timeout(3600),  # the first time makes a Debian and fetches wheels
    pytest.mark.skipif(bool(nspawn.missing()), reason=nspawn.missing() or "-"),
]

WALK = """
os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels"}  # the package index that this machine has
SUDO = 'sudo() { "$@"; }; '
GUIDE = json.loads(Path("/srv/guide.json").read_text())
before, users = tree(), sh("getent passwd; getent group").stdout
done = sh("sh /srv/install.sh /srv/wheels/edge_retinaface*.whl")
assert done.returncode == 0, done.stdout + done.stderr
said, fresh = done.stdout.splitlines()[-1], enabled()
path = Path("/etc/edge-retinaface/config.toml")
path.write_text(path.read_text() + Path("/srv/camera.toml").read_text())
checked = sh("edge-retinaface check").stdout.splitlines()
seconds = {"install-service": timed("edge-retinaface install-service")}
message = json.loads(sh("edge-retinaface listen --count 1").stdout)
on = enabled()
seconds["again"] = timed("sh /srv/install.sh /srv/wheels/edge_retinaface*.whl --with picamera2")
again = {"active": show("ActiveState"), "camera": "door" in path.read_text()}
again["media"] = "char-media" in show("DeviceAllow")
for line in GUIDE:
    assert sh(SUDO + line).returncode == 0, line
users_left = sh("getent passwd; getent group").stdout == users
report(said=said, fresh=fresh, checked=checked, faces=len(message["faces"]), on=on, again=again, seconds=seconds,
       left=sorted(tree() - before), users=users_left)
"""


def downloaded() -> Path:
    """A folder with the wheels that this project needs, as constraints.txt pins them; made once and kept."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = (ROOT / "constraints.txt").read_text()
    key = hashlib.sha256((pins + str(project["dependencies"])).encode()).hexdigest()[:8]
    folder = nspawn.CACHE / f"downloaded-{platform.python_version()}-{key}"
    with nspawn.made_once(folder) as aside:
        if aside:
            (aside / "pins").write_text("\n".join(re.findall(r"^\S+==[^\\\n]+", pins, re.MULTILINE)))
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            command += ["--only-binary=:all:", "--constraint", str(aside / "pins"), "--dest", str(aside)]
            nspawn.run(*command, *project["dependencies"])
    return folder


def test_one_line_installs_it_and_the_guide_removes_it_without_a_trace(
    tmp_path: Path, wheel: Path, astronaut: Path
) -> None:
    root = nspawn.CACHE / f"fresh-{nspawn.SUITES[sys.version_info[:2]]}"
    with nspawn.made_once(root) as aside:
        if aside:
            nspawn.bootstrap(aside, PACKAGES)
    layer = tmp_path / "layer"
    (layer / "srv" / "pictures").mkdir(parents=True)
    shutil.copy(astronaut, layer / "srv" / "pictures")
    shutil.copytree(downloaded(), layer / "srv" / "wheels")
    shutil.copy(wheel, layer / "srv" / "wheels")
    shutil.copy(ROOT / "deploy" / "install.sh", layer / "srv")
    guide = (ROOT / "docs" / "guide" / "install.md").read_text().partition("## Remove it")[2]
    lines = re.findall(r"^    (.+)$", guide, re.MULTILINE)
    assert len(lines) == 4
    files = {"srv/camera.toml": CAMERA, "srv/guide.json": str(lines).replace("'", '"')}
    found = nspawn.boot([layer, root], WALK, files=files, limit_s=LIMIT_S)
    sys.stderr.write(f"install.sh: {found['seconds']} s\n")
    assert found["said"].startswith("Name a camera in /etc/edge-retinaface/config.toml")
    assert found["fresh"] == ["disabled", "disabled"], "no camera is named yet"
    assert [line[:4] for line in found["checked"]] == ["ok  "] * 4, found["checked"]
    assert (found["faces"], found["on"]) == (1, ["enabled", "enabled"])
    assert found["again"] == {"active": "active", "camera": True, "media": True}
    assert set(found["left"]) <= {"/etc/credstore", "/etc/sysusers.d"}, "folders of systemd, empty"
    assert found["users"]
