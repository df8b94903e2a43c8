import numpy as np
import pytest

from edge_retinaface.anchors import make_anchors
from edge_retinaface.spec import ModelSpec


def test_first_anchor_sits_in_the_first_cell() -> None:
    level8, level16, level32 = make_anchors(ModelSpec((64, 96)))
    assert level8[0].tolist() == [4, 4, 16, 16]
    assert level8[1].tolist() == [4, 4, 32, 32]
    assert level16[0].tolist() == [8, 8, 64, 64]
    assert level32[1].tolist() == [16, 16, 512, 512]


def test_anchors_go_along_the_row_before_they_go_down() -> None:
    level32 = make_anchors(ModelSpec((64, 96)))[2]
    assert level32[::2, :2].tolist() == [[16, 16], [48, 16], [80, 16], [16, 48], [48, 48], [80, 48]]


@pytest.mark.parametrize(
    ("input_hw", "rows"),
    [((640, 640), 16800), ((320, 320), 4200), ((240, 320), 3160), ((480, 640), 12600)],
)
def test_the_number_of_anchors_is_what_the_network_puts_out(input_hw: tuple[int, int], rows: int) -> None:
    assert sum(len(level) for level in make_anchors(ModelSpec(input_hw))) == rows


def test_the_last_cell_of_an_odd_level_hangs_over_the_edge() -> None:
    level32 = make_anchors(ModelSpec((240, 320)))[2]
    assert level32[-1, 1] == 240 - 16 + 16  # row 8 of 7.5: its centre is on the edge


def test_anchors_are_float32() -> None:
    assert {level.dtype for level in make_anchors(ModelSpec((64, 64)))} == {np.dtype(np.float32)}
