"""What is on its way to the broker, and what became of the rest."""

from edge_retinaface.publishers.outbox import Outbox, Outgoing

WINDOW = 20  # publications under way at once; the customary limit of brokers


class Ledger:
    """Says what may be published next, and books what happened to it. Nothing here does any I/O.

    Of one thread, or guarded by its owner.
    """

    def __init__(self, queue: int) -> None:
        self.outbox = Outbox(queue)
        self.connected = False
        self.refusals: dict[str, str] = {}  # topic → why, while that lasts
        self._handed: Outgoing | None = None  # given out by `next`; `published` or `put_back` follows
        self._under_way: dict[int, Outgoing] = {}  # by packet identifier
        self._carried: set[int] = set()  # under way since before the present connection
        self._early: dict[int, str] = {}  # acknowledged before `published` was told of them
        self._window = WINDOW
        self._counts = {"sent": 0, "refused": 0, "lost": 0, "connects": 0}

    @property
    def under_way(self) -> int:
        """Publications that are not acknowledged yet."""
        return len(self._under_way)

    def counters(self) -> dict[str, int]:
        """Detection messages acknowledged, refused, lost with a connection, dropped, and waiting; and connects."""
        taken = [*self._under_way.values(), *([self._handed] if self._handed else [])]
        waiting = len(self.outbox) + sum(outgoing.counted for outgoing in taken)
        return self._counts | {"dropped": self.outbox.dropped, "queued": waiting}

    def connect(self, window: int) -> None:
        """There is a connection, on which `window` publications may be under way."""
        self.connected = True
        self._window = min(window, WINDOW)
        self._carried = set(self._under_way)
        self._counts["connects"] += 1
        self._early.clear()
        self.refusals.clear()
        self.outbox.repeat_retained()

    def disconnect(self) -> None:
        """The connection is gone, and with it what nobody repeats: QoS 0."""
        self.connected = False
        for packet in [packet for packet, outgoing in self._under_way.items() if outgoing.qos == 0]:
            self._counts["lost"] += self._under_way.pop(packet).counted

    def next(self) -> Outgoing | None:
        """What to publish now, to be followed by `published` or `put_back`; None if nothing waits or nothing may go."""
        # what is carried over is repeated first: else the newer would overtake it
        if not self.connected or self._carried or len(self._under_way) >= self._window:
            return None
        self._handed = self.outbox.take()
        return self._handed

    def put_back(self, outgoing: Outgoing) -> None:
        """`outgoing` could not be published: it waits again."""
        self._handed = None
        self.outbox.put_back(outgoing)

    def published(self, packet: int, outgoing: Outgoing) -> None:
        """`outgoing` is under way as `packet`."""
        self._handed = None
        refusal = self._early.pop(packet, None)
        if refusal is None and outgoing.qos == 0 and not self.connected:
            self._counts["lost"] += outgoing.counted
            return
        self._under_way[packet] = outgoing
        if refusal is not None:
            self.acknowledge(packet, refusal)

    def acknowledge(self, packet: int, refusal: str) -> None:
        """The broker has `packet`, or refuses it: `refusal` says why, "" if it does not."""
        outgoing = self._under_way.pop(packet, None)
        if outgoing is None:
            self._early[packet] = refusal
            return
        self._carried.discard(packet)
        self._counts["refused" if refusal else "sent"] += outgoing.counted
        if refusal:
            self.refusals[outgoing.topic] = refusal
        else:
            self.refusals.pop(outgoing.topic, None)

    def give_up(self) -> None:
        """Drop what waits and what is not acknowledged."""
        self.outbox.dropped += sum(outgoing.counted for outgoing in self._under_way.values())
        self._under_way.clear()
        self.outbox.clear()
