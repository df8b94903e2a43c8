"""`edge-retinaface`, and `python -m edge_retinaface`."""

import sys
from pathlib import Path

from edge_retinaface.commands.ending import exit_codes
from edge_retinaface.commands.serving import run_service
from edge_retinaface.install import CONFIG


def main() -> None:
    """The service as systemd starts it, by itself; all else by way of the command line, which takes 13 MiB more."""
    match sys.argv[1:]:
        case ["run"]:
            with exit_codes():
                run_service(Path(CONFIG), verbose=False)
        case ["run", "--config", config]:
            with exit_codes():
                run_service(Path(config), verbose=False)
        case _:
            from edge_retinaface.cli import main as command_line  # noqa: PLC0415 - the reason is above

            command_line()


if __name__ == "__main__":
    main()
