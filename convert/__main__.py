"""`edge-retinaface convert`, and `python -m convert`."""

from edge_retinaface.commands.ending import exit_codes, loading

PROGRAM = "edge-retinaface convert"


def main() -> None:
    """Run the command; an error of ours is one line on standard error and its exit code."""
    with exit_codes(PROGRAM):
        with loading("convert"):
            from convert.cli import app  # noqa: PLC0415 - TensorFlow takes its time: Ctrl-C is quiet from the start on
        app(prog_name=PROGRAM)


if __name__ == "__main__":
    main()
