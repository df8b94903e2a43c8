"""The Debian package: what it is made of, and its life on a booted Debian 12 and 13."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nspawn
import pytest

ROOT = Path(__file__).parent.parent
DEBIAN = ROOT / "deploy" / "debian"
SUITES = {"bookworm": "deb12", "trixie": "deb13"}
PACKAGES = "systemd,systemd-sysv,dbus,udev,python3,ca-certificates,python3-numpy,openssh-client"
LIMIT_S = 1200  # for a booted life; dpkg compiles 1,100 modules
CAMERA = '\n[[camera]]\nname = "door"\nuri = "folder:/srv/pictures"\nloop = true\nmax_fps = 5.0\n'


def test_the_man_page_names_every_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge_retinaface", "--help"], capture_output=True, text=True, check=True
    )
    commands = re.findall(r"^  ([a-z][a-z-]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    page = (DEBIAN / "edge-retinaface.1").read_text().replace("\\-", "-")
    assert "model" in commands
    assert [command for command in commands if not re.search(rf"^\.BR? .*\b{command}\b", page, re.MULTILINE)] == []


@pytest.mark.parametrize("suite", SUITES)
def test_every_pinned_wheel_has_a_hash_and_the_system_gives_numpy(suite: str) -> None:
    pins = (DEBIAN / f"requirements-{suite}.txt").read_text()
    assert "://" not in pins
    blocks = pins.replace("\\\n", " ").splitlines()
    assert [block for block in blocks if "==" in block and "--hash=sha256:" not in block] == []
    assert not re.search(r"^numpy==", pins, re.MULTILINE)


@pytest.mark.parametrize("suite", SUITES)
def test_the_package_pins_all_that_a_device_needs(suite: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=;\[ ]", line)[0] for line in project["dependencies"]} - {"numpy", "tflite-runtime"}
    pins = (DEBIAN / f"requirements-{suite}.txt").read_text()
    assert needed <= set(re.findall(r"^([a-z0-9-]+)==", pins, re.MULTILINE))


@pytest.mark.parametrize("name", ["postinst", "prerm", "postrm"])
def test_maintainer_scripts_are_shell(name: str) -> None:
    script = DEBIAN / f"edge-retinaface.{name}"
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0
    assert "#DEBHELPER#" in script.read_text()


# ---- on a booted Debian

booted = [
    pytest.mark.systemd,
    pytest.mark.slow,
    pytest.mark.timeout(3600),  # the first time builds a package and a Debian
    pytest.mark.skipif(bool(nspawn.missing()), reason=nspawn.missing() or "-"),
]


@functools.cache
def package(suite: str, arch: str = "amd64") -> Path:
    """The newest package for the suite in dist/, or in EDGE_RETINAFACE_DEBS; built if there is none."""
    folder = Path(os.environ.get("EDGE_RETINAFACE_DEBS") or ROOT / "dist")
    wanted = f"edge-retinaface_*+{SUITES[suite]}_{arch}.deb"
    if not list(folder.glob(wanted)):
        subprocess.run([str(ROOT / "scripts" / "build-deb"), suite, arch], check=True)
    return max(folder.glob(wanted), key=lambda path: path.stat().st_mtime)


@functools.cache
def debian(suite: str) -> Path:
    """A Debian as it comes, with what the package depends on."""
    root = nspawn.CACHE / f"deb-{suite}"
    with nspawn.made_once(root) as aside:
        if aside:
            aside.chmod(0o755)
            nspawn.run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", suite, str(aside))
    return root


def newer(deb: Path, folder: Path) -> Path:
    """The same package with a higher version number."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(tree)], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (.*?)\+", r"Version: \1.1+", control.read_text(), flags=re.MULTILINE))
    made = folder / "newer.deb"
    command = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(tree)
    return made


LIFE = """
import os, re, shutil
os.environ["DEBIAN_FRONTEND"] = "noninteractive"
CONFIG = Path("/etc/edge-retinaface/config.toml")
def active():
    return sh("systemctl is-active edge-retinaface.service").stdout.strip()
def current():
    return json.loads(sh("edge-retinaface model list --json").stdout)["current"]
README = json.loads(Path("/srv/readme.json").read_text())
def walk(words):
    (line,) = (line for line in README if words in line)
    line = re.sub("edge-retinaface_[^ ]+deb", "edge.deb", line.partition("#")[0])
    return f'sudo() {{ "$@"; }}; cd /srv; {line.replace("apt install", "apt install -y")}'
before, users = tree(), sh("getent passwd; getent group").stdout
seconds = {"install": timed(walk("apt install"))}
fresh = {"enabled": enabled(), "active": active()}
used_mib = int(sh("du -sm /usr/lib/edge-retinaface").stdout.split()[0])
completion = "/usr/share/bash-completion/completions/edge-retinaface"
completes = sh(f"bash -c '. {completion} && complete -p edge-retinaface'").returncode == 0
completes &= sh("head -1 /usr/share/zsh/vendor-completions/_edge*").stdout == "#compdef edge-retinaface\\n"
detected = json.loads(sh("edge-retinaface detect --json /srv/pictures/astronaut.png").stdout)
groups = sh("id -nG edge-retinaface").stdout.split()
# apt's python3-picamera2 lies there
Path("/usr/lib/python3/dist-packages/picamera2.py").touch()
sees = sh("/usr/lib/edge-retinaface/bin/python3 -IB -c 'import picamera2'").returncode == 0
Path("/usr/lib/python3/dist-packages/picamera2.py").unlink()
# a setting and a model of the administrator's
CONFIG.write_text(CONFIG.read_text() + Path("/srv/camera.toml").read_text())
ribbon = sh(walk("picamera2"))
assert ribbon.returncode == 0, ribbon.stderr
systemctl("disable", "--now", SERVICE)
checked = sh(walk("check")).stdout.splitlines()
start = time.monotonic()
assert sh(walk("enable --now")).returncode == 0, journal()
first = json.loads(sh(walk("listen") + " --count 1").stdout)
seconds["start to first message"] = round(time.monotonic() - start, 1)
allowed = show("DeviceAllow")
(model,) = Path("/usr/lib/edge-retinaface").rglob("default.tflite")
shutil.copy(model, "/srv/m.tflite")
tried = sh("edge-retinaface model install /srv/m.tflite --frames 5 --health 2 --max-slowdown 9")
assert tried.returncode == 0, tried.stdout + tried.stderr + journal()
digest, listed = current(), sh("edge-retinaface model list").stdout
seconds["upgrade"] = timed("dpkg -i /srv/newer.deb")
upgraded = {"enabled": enabled(), "active": active(), "model": current() == digest, "faces": len(lines(2)[1]["faces"]),
            "config": '"door"' in CONFIG.read_text()}
rolled_back = sh("edge-retinaface model rollback").stdout
seconds["remove"] = timed("dpkg --remove edge-retinaface")
objects = Path("/var/lib/edge-retinaface/models/objects")
removed = {"config": CONFIG.exists(), "active": active(), "models": len(list(objects.iterdir())),
           "processes": sh("pgrep -u edge-retinaface").stdout}
kept = CONFIG.read_text()
seconds["purge"] = timed("dpkg --purge edge-retinaface")
left, users_left = sorted(tree() - before), sh("getent passwd; getent group").stdout == users
# where the configuration names a camera before the package comes, it starts by itself
CONFIG.parent.mkdir()
CONFIG.write_text(kept)
timed("dpkg -i --force-confold /srv/edge.deb")
prepared = {"enabled": enabled(), "faces": len(lines(2)[1]["faces"])}
report(fresh=fresh, completes=completes, detected=detected, groups=groups, first=first, trial=tried.stderr.splitlines(),
       listed=listed, upgraded=upgraded, rolled_back=rolled_back, removed=removed, left=left, users=users_left,
       prepared=prepared, seconds=seconds, used_mib=used_mib, checked=checked, sees=sees, allowed=allowed)
"""


class TestLife:
    pytestmark = booted

    @pytest.mark.parametrize("suite", SUITES)
    def test_it_installs_upgrades_and_leaves_nothing_when_purged(
        self, suite: str, tmp_path: Path, astronaut: Path
    ) -> None:
        layer = tmp_path / "layer"
        (layer / "srv" / "pictures").mkdir(parents=True)
        shutil.copy(astronaut, layer / "srv" / "pictures")
        shutil.copy(package(suite), layer / "srv" / "edge.deb")
        shutil.copy(newer(package(suite), tmp_path), layer / "srv" / "newer.deb")
        readme = re.findall(r"^    (.*edge-retinaface.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
        files = {"srv/camera.toml": CAMERA, "srv/readme.json": json.dumps(readme)}
        found = nspawn.boot([layer, debian(suite)], LIFE, files=files, limit_s=LIMIT_S)
        sys.stderr.write(f"{suite}: {found['seconds']} s, {found['used_mib']} MiB\n")
        assert found["fresh"] == {"enabled": ["disabled", "disabled"], "active": "inactive"}, "no camera is named yet"
        assert found["completes"]
        assert len(found["detected"]["faces"]) == 1
        assert set(found["groups"]) == {"edge-retinaface", "video", "plugdev"}
        assert [line[:4] for line in found["checked"]] == ["ok  "] * 4, found["checked"]
        assert found["sees"], "apt's python3-picamera2 is seen"
        assert "char-media" in found["allowed"], "after install-service --with picamera2"
        assert len(found["first"]["faces"]) == 1
        assert found["trial"][-1] == "trial: passed"
        assert found["listed"].split()[1:] == ["current", "mnet025-480x640-int8"]
        on = {"enabled": ["enabled", "enabled"], "faces": 1}
        assert found["upgraded"] == {**on, "active": "active", "model": True, "config": True}
        assert found["rolled_back"] == "the model that came with the package is the current model\n"
        assert found["removed"] == {"config": True, "active": "inactive", "models": 1, "processes": ""}
        assert found["left"] == []
        assert found["users"]
        assert found["prepared"] == on
