"""How small a network shall become, as its user says it."""

import re
from typing import NamedTuple

from convert.compress.cost import COSTS, count
from convert.weights import Weights
from edge_retinaface.errors import UsageError

MEGA = 1_000_000


class Budget(NamedTuple):
    """What a network may cost at most at the reference size."""

    unit: str  # of COSTS
    most: int

    def __str__(self) -> str:
        return f"{self.unit}:{millions(self.most)}"


def millions(cost: float) -> str:
    """As a budget is written: 464M, 58.7M."""
    return f"{round(cost / MEGA, 1):g}M"


class Wish(NamedTuple):
    """A budget as it was written."""

    unit: str
    share: float  # of the whole; 0: `most` says it
    most: int


def parse_budget(option: str, text: str) -> Wish:
    """464M, 0.63, pi4:165M, pi5:0.75; UsageError for anything else, in the name of `option`."""
    match = re.fullmatch(rf"(?:({'|'.join(COSTS)}):)?(\d+|\d*\.\d+)(M?)", text)
    number = float(match[2]) if match else 0.0
    if not match or not number or (number > 1 and "." in match[2] and not match[3]):
        examples = "464M, 0.63, pi4:165M or pi5:0.75"
        raise UsageError(f"{option}: wanted multiplications, instructions or a share, such as {examples}, found {text}")
    unit = match[1] or "macs"
    if match[3] or number > 1:
        return Wish(unit, 0.0, round(number * (MEGA if match[3] else 1)))
    return Wish(unit, number, 0)


def find_budget(option: str, text: str, weights: Weights) -> Budget:
    """The budget for these weights; UsageError if it is none, or no less than they cost already."""
    unit, share, most = parse_budget(option, text)
    whole = count(weights.convs, weights.family.structure, COSTS[unit])
    most = most or int(share * whole)
    if most >= whole:
        raise UsageError(f"{option}: wanted less than the {millions(whole)} that the network costs, found {text}")
    return Budget(unit, most)
