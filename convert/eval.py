"""`edge-retinaface eval`, and `python -m convert.eval`: needs no TensorFlow."""

from edge_retinaface.commands.ending import exit_codes, loading

PROGRAM = "edge-retinaface eval"


def main() -> None:
    """Run the command; an error of ours is one line on standard error and its exit code."""
    with exit_codes(PROGRAM):
        with loading("convert"):
            from convert.evaluation.command import app  # noqa: PLC0415 - so that Ctrl-C is quiet from the start on
        app(prog_name=PROGRAM)


if __name__ == "__main__":
    main()
