"""The topics under <prefix>/<device>/."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of topics. Prefix, device and camera hold no character that means something to MQTT: the config checks."""

    prefix: str
    device: str

    @property
    def availability(self) -> str:
        """Retained: online or offline."""
        return f"{self.prefix}/{self.device}/availability"

    @property
    def stats(self) -> str:
        """Statistics."""
        return f"{self.prefix}/{self.device}/stats"

    @property
    def commands(self) -> str:
        """The filter of all commands."""
        return f"{self.prefix}/{self.device}/+/set/+"

    def faces(self, camera: str) -> str:
        """Detection messages."""
        return f"{self.prefix}/{self.device}/{camera}/faces"

    def count(self, camera: str) -> str:
        """Number of faces, retained, when it changes."""
        return f"{self.prefix}/{self.device}/{camera}/count"

    def state(self, camera: str, option: str) -> str:
        """An option as it now is, retained."""
        return f"{self.prefix}/{self.device}/{camera}/state/{option}"

    def command(self, camera: str, option: str) -> str:
        """Where a wish to change the option is published."""
        return f"{self.prefix}/{self.device}/{camera}/set/{option}"

    def parse_command(self, topic: str) -> tuple[str, str] | None:
        """(camera, option) of a command topic; None for any other."""
        start = f"{self.prefix}/{self.device}/"
        parts = topic.removeprefix(start).split("/")
        if not topic.startswith(start) or len(parts) != len(("camera", "set", "option")) or parts[1] != "set":
            return None
        return parts[0], parts[2]
