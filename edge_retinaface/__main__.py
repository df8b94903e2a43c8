"""`edge-retinaface`, and `python -m edge_retinaface`."""

import sys

from edge_retinaface.commands.ending import exit_codes, loading


def main() -> None:
    """The service as systemd starts it, by itself; all else by way of the command line, which takes 13 MiB more."""
    with exit_codes():
        match sys.argv[1:]:
            case ["run"]:
                _serve()
            case ["run", "--config", config]:
                _serve(config)
            case _:
                with loading():
                    from edge_retinaface.cli import app  # noqa: PLC0415 - the reason is above
                app()


def _serve(config: str = "") -> None:
    with loading():
        from pathlib import Path  # noqa: PLC0415 - so that Ctrl-C is quiet from the start on

        from edge_retinaface.commands.serving import run_service  # noqa: PLC0415
        from edge_retinaface.install import CONFIG  # noqa: PLC0415
    run_service(Path(config or CONFIG), verbose=False)


if __name__ == "__main__":
    main()
