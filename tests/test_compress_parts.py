from dataclasses import replace

import numpy as np
import pytest
from compress_cases import metric
from convert_weights import random_weights

from convert.compress.budget import Budget, Wish, find_budget, parse_budget
from convert.compress.choose import Choices, Search, choose
from convert.compress.closed_form import Elimination, factorise, refit
from convert.compress.cost import COSTS, PI4, PI5, count
from convert.compress.curves import Width, even_widths
from convert.compress.folds import ERROR, fold_errors
from convert.compress.macs import count_macs
from convert.compress.shape import Shape, Split, smaller_table
from convert.compress.statistics import Metric
from convert.compress.units import Reader, find_groups, find_units, leaky_convolutions
from convert.distill.loss import loss_parts
from convert.families import LEAKY, Structure
from convert.layout import CONVS, Concat
from convert.network import build_network
from edge_retinaface.errors import UsageError

pytestmark = pytest.mark.convert
UNITS = find_units(CONVS)
GROUPS = {group.producer: group for group in find_groups(CONVS, UNITS)}
CHANCE = np.random.default_rng(0)
RANK_32 = Split("rank", 32)


def test_the_network_costs_what_was_counted_by_hand() -> None:
    assert count_macs(CONVS) == 735_052_800  # 480x640
    assert count_macs({"stage1.0": CONVS["stage1.0"]}) == 240 * 320 * 8 * 27


def test_convolutions_that_read_the_same_are_one_unit() -> None:
    assert UNITS["ssh1.conv3x3"].names == ("ssh1.conv3x3", "ssh1.conv5x5_1")
    assert UNITS["boxes_8"].names == ("boxes_8", "scores_8", "landmarks_8")
    assert "stage1.0" not in UNITS
    assert sum(len(unit.names) for unit in UNITS.values()) == 56 - 13 - 1


def test_channels_go_with_their_depthwise_convolution_and_all_who_read_them_but_added_ones_stay() -> None:
    group = GROUPS["stage1.5.pointwise"]
    assert group.depthwise == ("stage2.0.depthwise",)
    assert {reader.unit for reader in group.readers} == {"fpn.output1", "stage2.0.pointwise"}
    assert GROUPS["ssh1.conv7x7_3"].readers == (Reader("boxes_8", 48),)
    assert not {"fpn.output1", "fpn.output2", "fpn.output3", "fpn.merge2"} & GROUPS.keys()


def test_full_rank_is_the_matrix_and_each_lower_rank_loses_what_its_error_says() -> None:
    measure, samples = metric(12, 6)
    matrix = CHANCE.normal(size=(6, 12))
    factors = factorise(matrix, measure)
    np.testing.assert_allclose(factors.second @ factors.first, matrix, atol=1e-6)
    for rank in (1, 3):
        lost = matrix - factors.second[:, :rank] @ factors.first[:rank]
        said = (samples - measure.mean) @ lost.T
        assert np.trace(measure.outputs @ np.cov(said.T)) == pytest.approx(factors.errors[rank], rel=0.05)
    assert factors.errors[6] == 0


def test_what_is_dropped_is_made_up_for_by_what_is_like_it() -> None:
    measure, samples = metric(8, 4)
    double = np.insert(samples, 8, 2 * samples[:, 3] + 5, axis=1)  # a ninth input that the fourth can stand in for
    twice = Metric(double.mean(0), np.cov(double.T), measure.outputs)
    matrix = CHANCE.normal(size=(4, 9))
    blocks = [np.array([number]) for number in range(9)]
    costs = Elimination(matrix, twice, blocks).costs()
    assert max(costs[3], costs[8]) < 0.2 * min(cost for number, cost in costs.items() if number not in (3, 8))
    smaller, more = refit(matrix, np.arange(8), twice)
    said, wanted = double[:, :8] @ smaller.T + more, double @ matrix.T
    assert np.abs(said - wanted).max() < 0.02 * np.abs(wanted).max()


def test_eliminating_two_blocks_one_after_the_other_costs_what_doing_without_both_does() -> None:
    measure, _ = metric(6, 3)
    matrix = CHANCE.normal(size=(3, 6))
    elimination = Elimination(matrix, measure, [np.array([2 * n, 2 * n + 1]) for n in range(3)])
    total = elimination.costs()[0]
    elimination.drop(0)
    total += elimination.costs()[2]
    kept = np.array([2, 3])
    best, _ = refit(matrix, kept, measure)
    lost = matrix.copy()
    lost[:, kept] -= best
    assert total == pytest.approx(np.trace(measure.outputs @ lost @ measure.inputs @ lost.T), rel=0.02)


def test_widths_are_multiples_of_8_and_from_32_of_16() -> None:
    assert even_widths(64) == [8, 16, 24, 32, 48]
    assert even_widths(16) == [8]


def test_a_shapes_table_has_a_linear_convolution_before_each_factorised_unit_and_narrower_readers() -> None:
    kept = {"fpn.merge1": np.arange(24), "stage2.1.pointwise": np.arange(112)}
    table = smaller_table(CONVS, UNITS, GROUPS, Shape({"ssh1.conv3x3": Split("rank", 16)}, kept))
    basis = table["ssh1.conv3x3.basis"]
    assert (basis.side, basis.inputs, basis.outputs, basis.place) == (3, 24, 16, "linear")
    assert (table["ssh1.conv5x5_1"].source, table["ssh1.conv5x5_1"].side) == ("ssh1.conv3x3.basis", 1)
    assert table["stage2.2.depthwise"].inputs == table["stage2.2.depthwise"].outputs == 112
    assert (table["stage2.2.pointwise"].inputs, table["stage2.2.pointwise"].outputs) == (112, 128)
    assert list(table).index("ssh1.conv3x3.basis") < list(table).index("ssh1.conv3x3")


def test_depthwise_halves_are_joined_before_a_unit_and_read_the_channels_that_are_left() -> None:
    splits = {"ssh1.conv3x3": Split("depthwise", 2), "ssh2.conv7x7_3": Split("depthwise", 1)}
    table = smaller_table(CONVS, UNITS, GROUPS, Shape(splits, {"fpn.merge1": np.arange(24)}))
    halves = ("ssh1.conv3x3.depthwise1", "ssh1.conv3x3.depthwise2")
    assert [table[name].kernel_shape for name in halves] == 2 * [(3, 3, 24, 1)]
    for name in UNITS["ssh1.conv3x3"].names:
        assert (table[name].source, table[name].side, table[name].inputs) == (Concat(halves), 1, 48)
    assert table["ssh2.conv7x7_3"].source == "ssh2.conv7x7_3.depthwise1"  # one is not joined with anything


def choices(rank_error: float, width_error: float) -> Choices:
    splits = {"fpn.merge1": {RANK_32: rank_error}, "fpn.merge2": {Split("depthwise", 3): 5.0}}
    folds = {"stage1.1.pointwise": 0.1, "fpn.merge1": 30.0}
    return Choices(
        CONVS, LEAKY, UNITS, GROUPS, splits, {"ssh1.conv3x3": {16: Width(width_error, np.arange(16))}}, folds
    )


def test_what_loses_least_goes_first_until_the_budget_is_met() -> None:
    shape = choose(choices(1.0, 9.0), Budget("macs", 700_000_000))
    assert (shape.splits, dict(shape.kept)) == ({"fpn.merge1": RANK_32}, {})
    shape = choose(choices(9.0, 0.5), Budget("macs", 700_000_000))
    assert (shape.splits, list(shape.kept)) == ({}, ["ssh1.conv3x3"])


def test_a_budget_out_of_reach_is_refused_with_what_can_be_reached() -> None:
    with pytest.raises(UsageError, match=r"wanted at least \d{3}\.\dM, the least that .*, found macs:1M"):
        choose(choices(1.0, 1.0), Budget("macs", 1_000_000))


def test_what_a_search_spends_is_what_the_shapes_table_costs() -> None:
    splits = {"fpn.merge1": RANK_32, "fpn.merge2": Split("depthwise", 3)}
    for unit, cost in COSTS.items():
        shape = choose(choices(1.0, 1.0), Budget(unit, int(0.9 * count(CONVS, LEAKY, cost))))
        assert count(smaller_table(CONVS, UNITS, GROUPS, shape), LEAKY, cost) <= 0.9 * count(CONVS, LEAKY, cost)
        for one in (shape, Shape(splits, {"ssh1.conv3x3": np.arange(16)}, frozenset(["fpn.merge1"]))):
            table = smaller_table(CONVS, UNITS, GROUPS, one)
            assert Search(choices(1.0, 1.0), cost).spent(one) == count(table, LEAKY, cost)


def test_activations_are_folded_where_that_saves_instructions_and_loses_least() -> None:
    assert choose(choices(1.0, 1.0), Budget("macs", 700_000_000)).folded == frozenset()
    shape = choose(choices(9.0, 9.0), Budget("pi5", count(CONVS, LEAKY, PI5) - 1_000_000))
    assert (shape.folded, shape.splits, dict(shape.kept)) == ({"stage1.1.pointwise"}, {}, {})
    assert smaller_table(CONVS, UNITS, GROUPS, shape)["stage1.1.pointwise"].place == "folded"


def test_a_folds_error_is_the_loss_of_the_network_that_has_it() -> None:
    weights = random_weights()
    network = build_network(weights, (64, 96), batch=2)
    views = CHANCE.integers(0, 256, (2, 64, 96, 3), np.uint8)
    errors = fold_errors(network, weights, [views])
    assert list(errors) == leaky_convolutions(weights)
    name = "fpn.merge1"
    table = {**CONVS, name: CONVS[name]._replace(place="folded")}
    folded = build_network(replace(weights, convs=table), (64, 96), batch=2)
    pixels = views - np.float32(weights.family.mean)
    wanted = sum(float(one) for one in loss_parts(network(pixels), folded(pixels), ()))
    assert errors[name] == pytest.approx(ERROR * wanted, rel=1e-3)


def test_instructions_come_within_a_hundredth_of_what_emulated_processors_counted() -> None:
    # int8, 480x640, millions, scripts/bench --arm: as imported, and with relu for leaky relu by the passes it spares
    assert count(CONVS, LEAKY, PI4) / 1e6 == pytest.approx(259.5, rel=0.01)
    assert count(CONVS, LEAKY, PI5) / 1e6 == pytest.approx(115.0, rel=0.01)
    relu = Structure("relu", "relu", "symmetric")
    assert (count(CONVS, LEAKY, PI4) - count(CONVS, relu, PI4)) / 1e6 == pytest.approx(9.3, rel=0.02)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("464M", Wish("macs", 0, 464_000_000)),
        ("464000000", Wish("macs", 0, 464_000_000)),
        ("0.63", Wish("macs", 0.63, 0)),
        ("pi5:85M", Wish("pi5", 0, 85_000_000)),
        ("pi4:.7", Wish("pi4", 0.7, 0)),
        ("pi5:84.5M", Wish("pi5", 0, 84_500_000)),
    ],
)
def test_a_budget_is_a_number_or_a_share_of_multiplications_or_instructions(text: str, wish: Wish) -> None:
    assert parse_budget("--budget", text) == wish


@pytest.mark.parametrize("text", ["", "few", "0", "0M", "-3", "pi6:85M", "1.5", "464m", "nan", "1e9"])
def test_any_other_budget_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"--budget: wanted .*, such as .*, found"):
        parse_budget("--budget", text)


def test_a_budget_that_is_no_less_than_the_network_is_refused() -> None:
    weights = random_weights()
    assert find_budget("--budget", "0.5", weights) == Budget("macs", 735_052_800 // 2)
    assert find_budget("--budget", "pi5:.5", weights).most == count(CONVS, LEAKY, PI5) // 2
    with pytest.raises(UsageError, match=r"wanted less than the 735\.1M that the network costs, found 736M"):
        find_budget("--budget", "736M", weights)
