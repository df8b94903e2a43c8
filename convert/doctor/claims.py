"""What the file says about itself, beside what its shapes show."""

import re
from collections.abc import Iterator

from convert.doctor.arrangement import Arrangement, Part, named_kind
from convert.doctor.finding import Finding
from convert.doctor.subject import Subject
from convert.layout import STRIDES, VALUES, Kind
from edge_retinaface.model_file import Card


def check_labels(subject: Subject, arrangement: Arrangement) -> Iterator[Finding]:
    """Outputs that hold something else than their card, their name or their place says."""
    wrong = list(
        _against_card(subject, subject.card, arrangement)
        if subject.card
        else _against_names(subject, arrangement) or _against_places(subject, arrangement)
    )
    if wrong:
        yield Finding("outputs_mislabelled", "; ".join(wrong))


def check_input_size(subject: Subject) -> Iterator[Finding]:
    """A card for another input than the model's."""
    card, found = subject.card, subject.input.hw
    if card and card.spec.input_hw != found:
        claimed = _by(card.spec.input_hw)
        yield Finding("wrong_input_size", f"the card lays out anchors for {claimed}, the model's input is {_by(found)}")


def _against_card(subject: Subject, card: Card, arrangement: Arrangement) -> Iterator[str]:
    holding = {name: part for number, name in _names(subject) for part in arrangement.parts if part.output == number}
    for claimed in card.outputs:
        part = holding.pop(claimed.name, None)
        if part is None:
            yield f"the card names {claimed.name}, which is no output"
            continue
        stride = STRIDES[part.level] if part.level is not None else None
        if (part.kind, stride) != (claimed.kind, claimed.stride):
            yield f"{claimed.name} is {claimed.kind} at stride {claimed.stride} by the card, and holds {_told(part)}"
        elif part.width != VALUES[part.kind]:
            yield f"{claimed.name} holds {part.width} values an anchor, wanted {VALUES[part.kind]}"
        elif part.channels_first:
            yield f"{claimed.name} has its channels first, wanted last"
    for name in holding:
        yield f"the card does not name {name}"


def _against_names(subject: Subject, arrangement: Arrangement) -> list[str]:
    wrong = []
    for part in _whole(arrangement):
        output = subject.outputs[part.output]
        for name in filter(None, (output.key, output.name)):
            kind, stride = named_kind(name), _named_stride(name)
            other_level = part.level is not None and stride not in (None, STRIDES[part.level])
            if (kind and kind != part.kind) or (kind and other_level):
                wrong.append(f"{name} holds {_told(part)}")
    return wrong


def _against_places(subject: Subject, arrangement: Arrangement) -> list[str]:
    """Three outputs without telling names: every training of this family gives boxes, scores, landmarks."""
    parts = sorted(_whole(arrangement), key=lambda part: part.output)
    kinds: list[Kind] = [part.kind for part in parts]
    telling = any(named_kind(one.key) or named_kind(one.name) for one in subject.outputs)
    if telling or len(kinds) != len(VALUES) or kinds == list(VALUES):
        return []
    return [f"the outputs are {', '.join(kinds)} in this order, wanted {', '.join(VALUES)}"]


def _named_stride(name: str) -> int | None:
    """The stride a name ends in, if it does."""
    number = re.search(r"(?<!\d)(\d+)$", name)
    return int(number[1]) if number and int(number[1]) in STRIDES else None


def _whole(arrangement: Arrangement) -> list[Part]:
    """Parts that are outputs of their own."""
    numbers = [part.output for part in arrangement.parts]
    return [part for part in arrangement.parts if numbers.count(part.output) == 1]


def _names(subject: Subject) -> list[tuple[int, str]]:
    return [(number, output.name) for number, output in enumerate(subject.outputs)]


def _told(part: Part) -> str:
    return f"{part.kind} at stride {STRIDES[part.level]}" if part.level is not None else f"{part.kind} of all levels"


def _by(hw: tuple[int, int]) -> str:
    return f"{hw[0]}x{hw[1]}"
