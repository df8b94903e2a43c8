"""Log lines for the journal, or for a terminal."""

import logging
from collections.abc import Mapping

PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))  # sd-daemon(3)


class JournalFormatter(logging.Formatter):
    """Every line with its priority before it, as systemd reads it: <4>camera door: away."""

    def format(self, record: logging.LogRecord) -> str:
        """Several lines where there is a traceback."""
        priority = next(priority for level, priority in PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def journal_handler(environ: Mapping[str, str]) -> logging.Handler:
    """Writes to standard error; with priorities if that is the journal, else with the time."""
    handler = logging.StreamHandler()
    if "JOURNAL_STREAM" in environ:
        handler.setFormatter(JournalFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    return handler
