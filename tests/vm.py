"""The same Debian in a virtual machine with a kernel of its own: real devices, and all of cgroup 2."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nspawn

PACKAGES = f"{nspawn.PACKAGES},linux-image-amd64,initramfs-tools,zstd,v4l-utils"
COMMAND = "python3 /test.py >/dev/ttyS1 2>&1; echo exit $? >/dev/ttyS1; sync; systemctl poweroff -f"


def missing() -> str:
    """What is needed and is not there; "" if nothing."""
    if reason := nspawn.missing():
        return reason
    tools = {"qemu-system-x86_64": "qemu-system-x86", "mkfs.ext4": "e2fsprogs"}
    packages = [package for tool, package in tools.items() if not shutil.which(tool)]
    return f"needs apt-get install {' '.join(packages)}" if packages else ""


def kernel() -> Path:
    """A layer with a kernel and its modules; made once and kept."""
    key = hashlib.sha256(PACKAGES.encode()).hexdigest()[:12]
    root = nspawn.CACHE / f"kernel-{key}"
    with nspawn.made_once(root) as aside:
        if aside:
            nspawn.bootstrap(aside, PACKAGES)
    return root


def boot(
    layers: list[Path], script: str, *, files: dict[str, str] | None = None, limit_s: float = 400
) -> dict[str, Any]:
    """As nspawn.boot, without KVM: some 50 times slower than the processor. The kernel's layer is added."""
    root = kernel()
    with tempfile.TemporaryDirectory() as name:
        disk, said = Path(name, "disk"), Path(name, "said")
        with nspawn.overlay([*layers[:-1], root, layers[-1]], Path(name, "upper")) as here:
            nspawn.furnish(here, script, {**(files or {}), "etc/fstab": "/dev/vda / ext4 rw 0 1\n"}, COMMAND)
            nspawn.run("truncate", "--size=4G", str(disk))
            nspawn.run("mkfs.ext4", "-q", "-d", str(here), str(disk))
        (image,) = root.glob("boot/vmlinuz-*")
        (initrd,) = root.glob("boot/initrd.img-*")
        command = [
            "nice",
            "-n",
            "10",
            "qemu-system-x86_64",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "max",
            "-m",
            "2048",
            "-smp",
            "2",
        ]
        command += [
            "-kernel",
            str(image),
            "-initrd",
            str(initrd),
            "-append",
            "root=/dev/vda rw console=ttyS0 panic=1 quiet",
        ]
        command += ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe", "-display", "none", "-nic", "none"]
        command += ["-serial", f"file:{name}/console", "-serial", f"file:{said}", "-monitor", "none", "-no-reboot"]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=limit_s, check=True)
        output, _, exit_code = said.read_text(errors="replace").strip().rpartition("exit ")
        return nspawn.findings(output, int(exit_code or 1))
