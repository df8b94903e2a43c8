"""How passwords stay out of logs and of what is shown."""

import re

HIDDEN = "(hidden)"

# rtsp://user:password@host, to the last @ before the path: passwords may hold an @ of their own
_USERINFO = re.compile(r"(://[^:/@\s]*):[^/\s]*@")
_QUERY = re.compile(r"([?&][^=&#]*(?:pass|pwd|token|secret|key|auth)[^=&#]*=)[^&#\s]*", re.IGNORECASE)


class Secret:
    """Text that no repr, format or log shows. `reveal()` gives it to the one who needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def hide_passwords(text: str) -> str:
    """`text` with the passwords in URLs hidden: before an @, and in query parameters that are named like one."""
    return _QUERY.sub(r"\1***", _USERINFO.sub(r"\1:***@", text))
