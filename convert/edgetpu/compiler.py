"""The Edge TPU's own compiler, where it is installed: run, and its log read."""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from convert.edgetpu.status import MAPPED

PROGRAM = "edgetpu_compiler"
PATIENCE_S = 600  # it gives itself 180 s a try
ROW = re.compile(r"^(?P<op>[A-Z][A-Z0-9_]*)\s+(?P<count>\d+)\s+(?P<status>\S.*?)\s*$", re.MULTILINE)
VERSION = re.compile(r"Edge TPU Compiler version (\S+)")
SUBGRAPHS = re.compile(r"Number of Edge TPU subgraphs: (\d+)")
FAILURES = ("Compilation failed:", "Invalid model:", "Model not quantized", "Internal compiler error", "ERROR:")


class Log(NamedTuple):
    """What the compiler did. `rows` counts operations by (name, status); `failure` is empty if it made a file."""

    version: str
    rows: Counter[tuple[str, str]]
    subgraphs: int | None
    failure: str

    @property
    def all_mapped(self) -> bool:
        """Whether nothing is left on the processor."""
        return not self.failure and all(status == MAPPED for _, status in self.rows)

    def operations(self, op: str, *, mapped: bool) -> int:
        """Operations of this name that are on the Edge TPU, or are not."""
        return sum(n for (name, status), n in self.rows.items() if name == op and (status == MAPPED) is mapped)


class Compiled(NamedTuple):
    """The compiler's file, None where it made none, and its log."""

    content: bytes | None
    log: Log


def find_compiler() -> str | None:
    """Where the compiler is, if it is installed."""
    return shutil.which(PROGRAM)


def compile_model(program: str, flatbuffer: bytes, stem: str) -> Compiled:
    """Run the compiler on a flatbuffer in a folder of its own; whatever happens to it becomes the log's `failure`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / f"{stem}.tflite"
        model.write_bytes(flatbuffer)
        command = [program, "-s", "-o", name, str(model)]
        try:
            done = subprocess.run(  # noqa: S603 # the program of that name on the user's PATH
                command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False
            )
        except subprocess.TimeoutExpired:
            return Compiled(None, Log("", Counter(), None, f"no answer within {PATIENCE_S} s"))
        except OSError as error:
            return Compiled(None, Log("", Counter(), None, f"{program} does not start: {error.strerror}"))
        made, written = (folder / f"{stem}_edgetpu.{suffix}" for suffix in ("tflite", "log"))
        said = done.stdout + done.stderr
        table = written.read_text(errors="replace") if written.exists() else ""
        log = parse_log(said, table)
        if not made.exists():
            return Compiled(None, log._replace(failure=log.failure or _ending(done.returncode)))
        return Compiled(made.read_bytes(), log._replace(failure=""))


def parse_log(said: str, table: str = "") -> Log:
    """What the compiler printed and, if it wrote one, its operation log; the table of operations is in either."""
    version, subgraphs = VERSION.search(said) or VERSION.search(table), SUBGRAPHS.search(said)
    rows: Counter[tuple[str, str]] = Counter()
    for row in ROW.finditer(table if ROW.search(table) else said):
        rows[row["op"], row["status"]] += int(row["count"])
    return Log(
        version[1] if version else "",
        rows,
        int(subgraphs[1]) if subgraphs else None,
        "; ".join(line.strip() for line in said.splitlines() if line.strip().startswith(FAILURES)),
    )


def _ending(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"no reason given, exit code {code}"
