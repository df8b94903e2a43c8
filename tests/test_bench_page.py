import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "peers"))

from page import write_arm, write_page  # noqa: E402 - scripts are no package

ROW = {"size": "640x480", "cpu_ms": 10.0, "peak_mib": 80.4, "load_s": 0.25, "precision": "", "ap": [0.9, 0.8, 0.5]}
FIGURES: dict[str, Any] = {
    "command": "scripts/bench",
    "date": "2026-01-01",
    "processor": "p",
    "cores": 2,
    "system": "s",
    "threads": 1,
    "pictures": 146,
    "timed": 30,
    "widest": 1024,
    "warnings": ["busy"],
    "rows": [
        ROW | {"name": "edge-retinaface int8"},
        ROW | {"name": "YuNet", "size": "640", "cpu_ms": 25.0, "ap": None},
        ROW | {"name": "MediaPipe", "size": "fixed"},
    ],
}


def test_only_the_part_between_the_marks_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    write_page(FIGURES, page)
    arm = {"processor": "cortex-a72", "name": "int8", "letterbox": 9e5, "invoke": 2e8, "frame": 2.02e8}
    write_arm({"command": "c", "boards": {"cortex-a72": "Pi 4"}, "rows": [arm]}, page)
    page.write_text(page.read_text() + "By hand.\n")
    write_page(FIGURES | {"date": "2026-02-02"}, page)
    text = page.read_text()
    assert text.startswith("# Title\n")
    assert text.endswith("By hand.\n")
    assert "2026-01-01" not in text
    assert "| int8 | cortex-a72 (Pi 4) | 0.90 | 200.00 | 1.10 | 202.0 |" in text


def test_peers_are_compared_with_our_int8_at_their_size(tmp_path: Path) -> None:
    write_page(FIGURES, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "| edge-retinaface int8 | 640x480 | 10.00 | 1.00 | 90.0 / 80.0 / 50.0 | 80 | 0.25 |" in text
    assert "| YuNet | 640 | 25.00 | 2.50 | - | 80 | 0.25 |" in text
    assert "| MediaPipe | fixed | 10.00 | - |" in text
    assert "Warning of the machine: busy." in text


def test_of_each_budget_the_most_accurate_of_ours_and_of_the_others_is_named(tmp_path: Path) -> None:
    better = ROW | {"name": "YuNet", "size": "640", "cpu_ms": 15.0, "ap": [0.9, 0.85, 0.4]}
    write_page(FIGURES | {"rows": [*FIGURES["rows"][:1], better]}, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "| 7 ms | - | - | - | - |" in text
    assert "| 10 ms | **80.0** int8 640x480 | - | **50.0** int8 640x480 | - |" in text
    assert "| 15 ms | 80.0 int8 640x480 | **85.0** YuNet 640 | **50.0** int8 640x480 | 40.0 YuNet 640 |" in text
