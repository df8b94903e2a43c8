"""One table of exit codes, wherever it is read."""

import re
from collections.abc import Iterator
from pathlib import Path

from edge_retinaface import errors
from edge_retinaface.errors import EXIT_CODES, EdgeRetinaFaceError

ROOT = Path(__file__).parent.parent


def kinds(base: type[EdgeRetinaFaceError] = EdgeRetinaFaceError) -> Iterator[type[EdgeRetinaFaceError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def test_the_guide_has_every_exit_code_and_what_it_means() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs/guide/exit-codes.md").read_text(), re.MULTILINE)
    assert {int(code): meaning for code, meaning in rows} == EXIT_CODES


def test_the_manual_page_has_every_exit_code() -> None:
    section = (ROOT / "deploy/debian/edge-retinaface.1").read_text().split(".SH EXIT STATUS\n")[1].split(".SH")[0]
    assert [int(code) for code in re.findall(r"\d+", section)] == list(EXIT_CODES)


def test_every_error_and_every_named_code_is_in_the_table() -> None:
    named = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}
    assert {kind.exit_code for kind in kinds()} <= named == set(EXIT_CODES) - {0}


def test_exit_codes_are_named_wherever_an_error_gets_one() -> None:
    found = [path for top in ("edge_retinaface", "convert") for path in (ROOT / top).rglob("*.py")]
    assert [str(path) for path in found if re.search(r"exit_code ?=\s*\d", path.read_text())] == [
        str(ROOT / "edge_retinaface/commands/check.py"),
        str(ROOT / "edge_retinaface/commands/detect.py"),
    ], "only counting from 0 on"
