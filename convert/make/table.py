"""The variants as lines for a person."""

from collections.abc import Iterator

from convert.make.judge import Measured
from convert.make.search import Outcome

HEADER = f"{'variant':14}{'kB':>6}{'AP drop':>17}{'matched':>9}{'landmarks':>11}{'threshold':>11}{'time':>7}  verdict"


def lines(outcome: Outcome) -> Iterator[str]:
    """What was measured on, a line a variant, and what the columns are."""
    yield f"measured on {outcome.truth.remark}"
    yield HEADER
    for one in outcome.tried:
        yield _line(one, "shipped" if one is outcome.chosen else one.verdict or "passes")
    for mode, why in outcome.failed.items():
        yield f"{mode:14}cannot be made: {why}"
    yield "AP drop: of the worst setting, ± over pictures; time: processor time here, one thread, float32 = 1"


def _line(one: Measured, verdict: str) -> str:
    matched, landmarks = one.agreement.matched_share.value, one.agreement.landmark_nme.value
    drop = "-" if one.ap_drop.value is None else f"{round(one.ap_drop.value, 4) + 0.0:.4f} ± {one.ap_drop.sd or 0:.4f}"
    return (
        f"{one.mode:14}{one.size / 1000:6.0f}{drop:>17}"
        f"{'-' if matched is None else format(matched, '.1%'):>9}"
        f"{'-' if landmarks is None else format(landmarks, '.4f'):>11}"
        f"{'-' if one.threshold is None else format(one.threshold, '.3f'):>11}"
        f"{'-' if one.time is None else format(one.time.ratio, '.2f'):>7}  {verdict}"
    )
