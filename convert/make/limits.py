"""How much worse than float a model may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What must hold for a model to be shipped; None: not asked for."""

    ap_drop: float | None = None  # average precision, float minus model, the worst setting
    landmark_error: float | None = None  # mean distance to float's five points over √(width · height) of float's box

    @property
    def given(self) -> bool:
        """Whether there is one at all."""
        return self.ap_drop is not None or self.landmark_error is not None

    def broken(self, ap_drop: float | None, landmark_error: float | None) -> str:
        """Which limit the figures break, in words; "" if none. A figure that could not be measured breaks its limit."""
        for name, limit, found in (
            ("AP drop", self.ap_drop, ap_drop),
            ("landmark error", self.landmark_error, landmark_error),
        ):
            if limit is not None and (found is None or found > limit):
                return f"{name} over {limit:g}" if found is not None else f"{name} not measurable"
        return ""
