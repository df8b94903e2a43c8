"""The compiler's own words for what becomes of an operation."""

from typing import NamedTuple

MAPPED = "Mapped to Edge TPU"
LATER = "More than one subgraph is not supported"
UNSUPPORTED = "Operation not supported"
VERSION = "Operation version not supported"
UNSPECIFIED = "Operation is otherwise supported, but not mapped due to some unspecified limitation"
DATA_TYPE = "Operation is working on an unsupported data type"
RANK = "Tensor has unsupported rank (up to 3 innermost dimensions mapped)"
STRIDES = "Only Strided-Slice with unitary strides supported"
PRECISION = "Image-interpolation layer won't run precisely enough on Edge TPU"


class Refusal(NamedTuple):
    """Why an operation stays on the processor: what the compiler will say, and what it does not say."""

    status: str
    reason: str
