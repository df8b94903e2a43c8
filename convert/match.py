"""The layout's convolutions found in a traced graph, by what feeds them, their shape and what follows them."""

from collections.abc import Iterable, Mapping

from convert.families import FAMILIES, Family, Structure
from convert.layout import CONVS, PICTURE, Add, Concat, Conv, Source
from convert.trace import Activated, Convolved, Expression, Joined, Summed, Trace, Upsampled
from convert.weights import Layer
from edge_retinaface.errors import ModelError


def match(trace: Trace, arrays: Iterable[str], what: str) -> tuple[dict[str, Layer], tuple[Family, ...]]:
    """Folded layers by the layout's names, and the families whose networks have this graph.

    `arrays` are the names of all weight arrays of the source. ModelError names the first convolution that does not fit,
    or lists the arrays that no convolution of the network holds.
    """
    structure = _structure(trace, what)
    numbers: dict[str, int] = {}
    for conv in CONVS.values():
        numbers[conv.name] = _find(conv, trace, numbers, structure, what)
    used = frozenset[str]().union(*(trace.found[number].arrays for number in numbers.values()))
    left_over = sorted(set(arrays) - used)
    if left_over:
        raise ModelError(
            f"{what}: wanted every array used once, found {len(left_over)} left over: {', '.join(left_over)}"
        )
    found = {name: trace.found[number] for name, number in numbers.items()}
    layers = {name: Layer(one.kernel, one.bias) for name, one in found.items()}
    return layers, tuple(family for family in FAMILIES if family.structure == structure)


def _structure(trace: Trace, what: str) -> Structure:
    """The structure whose padding and backbone activation the first convolution has."""
    first = next(conv for conv in CONVS.values() if conv.source == PICTURE)
    structures = dict.fromkeys(family.structure for family in FAMILIES)
    seen = [number for number, found in enumerate(trace.found) if found.source == PICTURE]
    for number in seen:
        for structure in structures:
            if _fits(first, trace, number, structure):
                return structure
    wanted = " or ".join(f"{structure.backbone} with {structure.padding} padding" for structure in structures)
    found = [f"{trace.found[n]}, {trace.found[n].padding} padding, then {_names(trace.activations(n))}" for n in seen]
    found = found or trace.uses.get(PICTURE, [])
    raise ModelError(f"{what}: {first.name}: wanted {_describe(first)}, {wanted}; found {_first(found)}")


def _find(conv: Conv, trace: Trace, numbers: Mapping[str, int], structure: Structure, what: str) -> int:
    source = _expression(conv.source, numbers, structure)
    fed = [number for number, found in enumerate(trace.found) if found.source == source]
    fitting = [number for number in fed if _fits(conv, trace, number, structure)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ModelError(f"{what}: {conv.name}: wanted one convolution, found {len(fitting)} that fit")
    # when nothing eats the expected expression, what eats its parts shows where the graphs part
    found = [str(trace.found[number]) for number in fed if number not in numbers.values()]
    for part in () if found else (source, *_parts(source)):
        found += trace.uses.get(part, [])
    raise ModelError(
        f"{what}: {conv.name}: wanted {_describe(conv)} then {_wanted_activation(conv, structure)[0]}, "
        f"after {_where(conv.source)}; found {_first(found)}"
    )


def _fits(conv: Conv, trace: Trace, number: int, structure: Structure) -> bool:
    found = trace.found[number]
    shapes = [conv.kernel_shape]
    if conv.name.startswith("scores"):  # two classes an anchor, or already their difference
        shapes.append((1, 1, conv.inputs, 2 * conv.outputs))
    return (
        found.kernel.shape in shapes
        and (found.stride, found.depthwise) == (conv.stride, conv.depthwise)
        and (conv.stride == 1 or found.padding == structure.padding)
        and (conv.place == "head" or _wanted_activation(conv, structure) in trace.activations(number))
    )


def _wanted_activation(conv: Conv, structure: Structure) -> tuple[str, float]:
    kind = structure.activation(conv.place)
    return kind or "no activation", structure.slope if kind == "leaky_relu" else 0.0


def _expression(source: Source, numbers: Mapping[str, int], structure: Structure) -> Expression:
    match source:
        case Add(fine, coarse):
            up = Upsampled(_expression(coarse, numbers, structure))
            return Summed(frozenset((_expression(fine, numbers, structure), up)))
        case Concat(parts):
            return Joined(tuple(_expression(part, numbers, structure) for part in parts))
        case str(name) if name != PICTURE:
            kind, slope = _wanted_activation(CONVS[name], structure)
            return Activated(kind, slope, Convolved(numbers[name]))  # type: ignore[arg-type] # a feeding layer has one
    return PICTURE


def _parts(x: Expression) -> Iterable[Expression]:
    if isinstance(x, Summed | Joined):
        for part in x.of:
            yield part
            yield from _parts(part)
    elif isinstance(x, Activated | Upsampled):
        yield x.of
        yield from _parts(x.of)


def _describe(conv: Conv) -> str:
    if conv.depthwise:
        return f"a depthwise {conv.side}x{conv.side} convolution of {conv.inputs} channels, stride {conv.stride}"
    outputs = conv.outputs * 2 if conv.name.startswith("scores") else conv.outputs
    return f"a {conv.side}x{conv.side} convolution {conv.inputs} to {outputs}, stride {conv.stride}"


def _where(source: Source) -> str:
    match source:
        case Add(fine, coarse):
            return f"{fine} + upsampled {coarse}"
        case Concat(parts):
            return f"the concatenation of {', '.join(parts)}"
    return "the picture" if source == PICTURE else source


def _names(activations: set[tuple[str, float]]) -> str:
    return " and ".join(sorted(f"{kind} {slope:g}" for kind, slope in activations)) or "no activation"


def _first(found: list[str]) -> str:
    return "; ".join(dict.fromkeys(found[:3])) or "nothing"
