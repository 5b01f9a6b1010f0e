"""Read Darknet's network descriptions (``.cfg``) and class names, without running them.

The format is that of Redmon's Darknet (2013-2016) with the additions of Bochkovskiy, Wang and Liao, "YOLOv4" (2020):
grouped routes, mish and ``scale_x_y``. In: text. Out: layers with every shape inferred, as (rows, columns, channels).
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NoReturn, TypeAlias

from dltools.errors import ModelFileError
from dltools.models.yolo.config import DetectorConfig, Head

Activation: TypeAlias = Literal["leaky", "linear", "logistic", "mish", "relu", "swish"]
Shape: TypeAlias = tuple[int, int, int]

ACTIVATIONS: tuple[Activation, ...] = ("leaky", "linear", "logistic", "mish", "relu", "swish")
INPUT = -1  # in ``Layer.inputs``: the picture itself

# No published detector comes near these; what goes beyond is damage or an attack on memory.
_TEXT_BYTES_LIMIT = 1 << 20
_LAYERS_LIMIT = 1_000
_SIDE_LIMIT = 4_096
_FILTERS_LIMIT = 65_536
_CLASSES_LIMIT = 65_536
_ANCHORS_LIMIT = 1_000
_WINDOW_LIMIT = 64  # side or stride of a convolution, a pooling, an upsampling
_OUTPUT_LIMIT = 1 << 29  # numbers that one layer gives: 2 GiB
_OUTPUTS_LIMIT = 1 << 31  # and all layers together; YOLOv4 at 1536 pixels, more than anyone runs, gives half of it
_PARAMETERS_LIMIT = 500_000_000

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_ALIASES = {"conv": "convolutional", "max": "maxpool", "network": "net"}  # Darknet's own short names


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layer:
    """One section after ``[net]``.

    ``index``: Darknet's number, 0 for the first. ``inputs``: the numbers of the layers that feed it, :data:`INPUT`
    for the picture. ``shape``: what it gives, as (rows, columns, channels).
    """

    kind: ClassVar[str] = ""
    index: int
    inputs: tuple[int, ...]
    shape: Shape

    @property
    def title(self) -> str:
        """How messages name the layer, such as ``layer 3 [route]``."""
        return f"layer {self.index} [{self.kind}]"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Convolution(Layer):
    """A convolution with square kernel ``size``, ``pad`` zeros on every side, then ``activation``."""

    kind: ClassVar[str] = "convolutional"
    in_channels: int
    filters: int
    size: int
    stride: int
    pad: int
    groups: int
    batch_normalize: bool
    activation: Activation

    @property
    def kernel_parameters(self) -> int:
        """Numbers in the kernel alone."""
        return self.filters * (self.in_channels // self.groups) * self.size * self.size

    @property
    def parameters(self) -> int:
        """Numbers that the layer takes from a ``.weights`` file."""
        return self.kernel_parameters + self.filters * (4 if self.batch_normalize else 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaxPool(Layer):
    """A maximum over square windows; ``pad`` is the total over both sides, the smaller half before the first row."""

    kind: ClassVar[str] = "maxpool"
    size: int
    stride: int
    pad: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Route(Layer):
    """The channels of all inputs one behind the other; of each, only part ``group_id`` of ``groups`` equal parts."""

    kind: ClassVar[str] = "route"
    groups: int
    group_id: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shortcut(Layer):
    """The sum of the layer before and of layer ``source``, then ``activation``."""

    kind: ClassVar[str] = "shortcut"
    source: int
    activation: Activation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upsample(Layer):
    """Every row and column repeated ``stride`` times."""

    kind: ClassVar[str] = "upsample"
    stride: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reorg(Layer):
    """Darknet's own exchange of rows and columns for channels (not a space-to-depth)."""

    kind: ClassVar[str] = "reorg"
    stride: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detection(Layer):
    """A ``[yolo]`` or ``[region]`` section; its input is one output of the network, read as ``head`` says."""

    kind: ClassVar[str] = "detection"
    head: Head

    @property
    def title(self) -> str:
        """How messages name the layer, such as ``layer 16 [yolo]``."""
        return f"layer {self.index} [{self.head.kind}]"


@dataclasses.dataclass(frozen=True)
class Network:
    """A whole description: picture size in pixels, colour channels, layers in Darknet's order."""

    width: int
    height: int
    channels: int
    layers: tuple[Layer, ...]

    @property
    def detections(self) -> tuple[Detection, ...]:
        """The detection layers, in the order of the network's outputs."""
        return tuple(layer for layer in self.layers if isinstance(layer, Detection))

    @property
    def heads(self) -> tuple[Head, ...]:
        """How each output of the network is read, in order."""
        return tuple(layer.head for layer in self.detections)


def read_cfg(path: Path) -> Network:
    """Parse the ``.cfg`` file at ``path``; raise :class:`ModelFileError` where it cannot be read or makes no sense."""
    text = _read_bytes(path, "a network description").decode("utf-8", errors="replace")  # comments may be anything
    return parse_cfg(text, str(path))


def parse_cfg(text: str, source: str) -> Network:
    """Return the network that ``text`` (a ``.cfg`` file's content) describes, every shape inferred and checked.

    ``source`` names the file in messages. Keys that only matter in training are passed over. Raise
    :class:`ModelFileError`, one line with the file and the layer, where the description is broken, beyond all
    bounds, or asks for a variant that is not supported.
    """
    source = one_line(source, 300)
    if len(text) > _TEXT_BYTES_LIMIT:
        raise ModelFileError(f"{source}: larger than {_TEXT_BYTES_LIMIT:,} bytes, so not a network description")
    sections = _split_sections(text, source)
    if not sections or sections[0].kind != "net":
        raise ModelFileError(f"{source}: does not begin with a [net] section, so not a Darknet network description")
    net = sections[0]
    height, width, channels = (net.integer(key, low=1, high=_SIDE_LIMIT) for key in ("height", "width", "channels"))
    if channels != 3:
        net.fail(f"takes {channels} channels; only 3 (red, green, blue) are supported")
    layers = _build_layers(sections[1:], (height, width, channels))
    network = Network(width=width, height=height, channels=channels, layers=layers)
    if not network.heads:
        raise ModelFileError(f"{source}: has no [yolo] or [region] layer, so it is not a detector")
    if len({head.classes for head in network.heads}) > 1:
        counts = ", ".join(str(head.classes) for head in network.heads)
        raise ModelFileError(f"{source}: its detection layers differ in their number of classes ({counts})")
    return network


def network_parameters(network: Network) -> int:
    """Return how many float32 numbers a ``.weights`` file of ``network`` holds after its header."""
    return sum(layer.parameters for layer in network.layers if isinstance(layer, Convolution))


def read_names(path: Path) -> tuple[str, ...]:
    """Return the class names of a ``.names`` file, one a line, blank lines at the end left out.

    Raise :class:`ModelFileError` where the file cannot be read, is no UTF-8 text, or has a line without a name.
    """
    source = one_line(str(path), 300)
    try:
        text = _read_bytes(path, "a list of class names").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{source}: not UTF-8 text, so not a list of class names") from error
    names = [line.strip() for line in text.rstrip().split("\n")]
    for number, name in enumerate(names, start=1):
        if not name:
            raise ModelFileError(f"{source}: line {number} has no class name")
        if not name.isprintable():
            raise ModelFileError(f"{source}: line {number} is not a class name (control characters)")
    return tuple(names)


def detector_config(network: Network, names: Sequence[str], name: str) -> DetectorConfig:
    """Return the configuration of the detector ``name``, its heads in the order of the network's outputs.

    Raise :class:`ModelFileError` where ``names`` does not have one name for each class of ``network``.
    """
    classes = network.heads[0].classes
    if len(names) != classes:
        raise ModelFileError(f"{name}: {len(names)} class names given, but the network tells {classes} classes apart")
    return DetectorConfig(
        name=name, width=network.width, height=network.height, heads=network.heads, names=tuple(names)
    )


# --- text to sections -----------------------------------------------------------------------------------------


class _Section:
    """One ``[kind]`` with its ``key=value`` lines; reads typed values and words the errors."""

    def __init__(self, kind: str, source: str, index: int) -> None:
        self.kind = _ALIASES.get(kind, kind)
        self.index = index
        self.options: dict[str, str] = {}
        self._where = f"{source}: [net]" if index < 0 else f"{source}: layer {index} [{one_line(kind)}]"

    def fail(self, message: str) -> NoReturn:
        raise ModelFileError(f"{self._where}: {message}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.options.get(key, default)
        if value is None:
            self.fail(f"has no {key}")
        return value

    def integer(self, key: str, default: int | None = None, *, low: int, high: int) -> int:
        text = self.text(key, None if default is None else str(default))
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            self.fail(f'{key} is "{one_line(text)}", not a whole number from {low:,} to {high:,}')
        return int(text)

    def flag(self, key: str) -> bool:
        return self.integer(key, 0, low=0, high=1) == 1

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        text = self.text(key, str(default))
        if not _DECIMAL.fullmatch(text) or not low <= float(text) <= high:
            self.fail(f'{key} is "{one_line(text)}", not a number from {low:g} to {high:g}')
        return float(text)

    def parts(self, key: str) -> list[str]:
        """The comma-separated parts of a value; a comma at its end is passed over, as Darknet does."""
        parts = [part.strip() for part in self.text(key).split(",")]
        return parts[:-1] if len(parts) > 1 and not parts[-1] else parts

    def integers(self, key: str) -> tuple[int, ...]:
        parts = self.parts(key)
        for part in parts:
            if not _INTEGER.fullmatch(part):
                self.fail(f'{key} holds "{one_line(part)}", not a whole number')
        return tuple(int(part) for part in parts)

    def activation(self, default: Activation) -> Activation:
        name = self.text("activation", default)
        if name not in ACTIVATIONS:
            self.fail(f'activation "{one_line(name)}" is not supported (supported: {", ".join(ACTIVATIONS)})')
        return name

    def refuse(self, **supported: str) -> None:
        """Fail where a key stands with a value other than the supported one."""
        for key, value in supported.items():
            found = self.options.get(key, value)
            if found != value:
                self.fail(f"{key}={one_line(found)} is not supported")


def _split_sections(text: str, source: str) -> list[_Section]:
    sections: list[_Section] = []
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        content = re.split("[#;]", line, maxsplit=1)[0].strip()
        if not content:
            continue
        if content.startswith("["):
            if not content.endswith("]"):
                raise ModelFileError(f'{source}: line {number}: "{one_line(content)}" has no closing bracket')
            if len(sections) > _LAYERS_LIMIT:
                raise ModelFileError(f"{source}: more than {_LAYERS_LIMIT:,} layers")
            sections.append(_Section(content[1:-1].strip(), source, len(sections) - 1))
            continue
        key, equals, value = content.partition("=")
        if not equals or not key.strip():
            raise ModelFileError(f'{source}: line {number}: "{one_line(content)}" is neither [section] nor key=value')
        if not sections:
            raise ModelFileError(f"{source}: line {number}: a key stands before the first section")
        sections[-1].options.setdefault(key.strip(), value.strip())  # of two, Darknet takes the first
    return sections


# --- sections to layers ---------------------------------------------------------------------------------------


class _Graph:
    """The layers so far; answers what a reference leads to."""

    def __init__(self, picture: Shape) -> None:
        self._picture = picture
        self.layers: list[Layer] = []

    def shape(self, section: _Section, index: int) -> Shape:
        """The shape of layer ``index`` as an input of ``section``; fail where that cannot be."""
        if index == INPUT:
            return self._picture
        layer = self.layers[index]
        if isinstance(layer, Detection):
            section.fail(f"takes its input from layer {index} [{layer.head.kind}], a detection layer, not supported")
        return layer.shape

    def resolve(self, section: _Section, reference: int) -> int:
        """The number of the layer that ``reference`` (counted back where negative) means."""
        index = section.index + reference if reference < 0 else reference
        if index < 0:
            section.fail(f"refers {-reference} layers back, which is before the first layer")
        if index >= section.index:
            section.fail(f"refers to layer {index}, which does not come before it")
        return index


def _build_layers(sections: Sequence[_Section], picture: Shape) -> tuple[Layer, ...]:
    graph = _Graph(picture)
    parameters = outputs = 0
    for section in sections:
        build = _BUILDERS.get(section.kind)
        if build is None:
            section.fail("this kind of layer is not supported")
        layer = build(section, graph)
        if math.prod(layer.shape) > _OUTPUT_LIMIT:
            section.fail(f"would give {_words(layer.shape)} numbers, more than {_OUTPUT_LIMIT:,}")
        outputs += math.prod(layer.shape)
        if outputs > _OUTPUTS_LIMIT:
            section.fail(f"brings what all layers give to {outputs:,} numbers, more than {_OUTPUTS_LIMIT:,}")
        if isinstance(layer, Convolution):
            parameters += layer.parameters
            if parameters > _PARAMETERS_LIMIT:
                section.fail(f"brings the network to {parameters:,} weights, more than {_PARAMETERS_LIMIT:,}")
        graph.layers.append(layer)
    return tuple(graph.layers)


def _convolution(section: _Section, graph: _Graph) -> Convolution:
    section.refuse(binary="0", xnor="0", flipped="0", dilation="1", antialiasing="0", deform="0", bin_output="0")
    section.refuse(sway="0", rotate="0", stretch="0", stretch_sway="0", assisted_excitation="0", coordconv="0")
    for key in ("share_index", "weights_reversed"):
        if key in section.options:
            section.fail(f"{key} is not supported")
    previous = section.index - 1
    rows, columns, channels = graph.shape(section, previous)
    filters = section.integer("filters", low=1, high=_FILTERS_LIMIT)
    size = section.integer("size", low=1, high=_WINDOW_LIMIT)
    stride = _stride(section)
    pad = size // 2 if section.flag("pad") else section.integer("padding", 0, low=0, high=size)
    groups = section.integer("groups", 1, low=1, high=_FILTERS_LIMIT)
    if channels % groups or filters % groups:
        section.fail(f"{channels} channels to {filters} filters cannot be split into {groups} groups")
    return Convolution(
        index=section.index,
        inputs=(previous,),
        shape=(*_windows(section, (rows, columns), 2 * pad, size, stride), filters),
        in_channels=channels,
        filters=filters,
        size=size,
        stride=stride,
        pad=pad,
        groups=groups,
        batch_normalize=section.flag("batch_normalize"),
        activation=section.activation("logistic"),
    )


def _max_pool(section: _Section, graph: _Graph) -> MaxPool:
    section.refuse(maxpool_depth="0", antialiasing="0")
    previous = section.index - 1
    rows, columns, channels = graph.shape(section, previous)
    stride = _stride(section)
    size = section.integer("size", stride, low=1, high=_WINDOW_LIMIT)
    pad = section.integer("padding", size - 1, low=0, high=size)  # more, and a window may lie in padding alone
    shape = (*_windows(section, (rows, columns), pad, size, stride), channels)
    return MaxPool(index=section.index, inputs=(previous,), shape=shape, size=size, stride=stride, pad=pad)


def _route(section: _Section, graph: _Graph) -> Route:
    references = section.integers("layers")
    if len(references) > _LAYERS_LIMIT:
        section.fail(f"refers to more than {_LAYERS_LIMIT:,} layers")
    inputs = tuple(graph.resolve(section, reference) for reference in references)
    groups = section.integer("groups", 1, low=1, high=_FILTERS_LIMIT)
    group_id = section.integer("group_id", 0, low=0, high=groups - 1)
    shapes = [graph.shape(section, index) for index in inputs]
    for index, shape in zip(inputs, shapes, strict=True):
        if shape[:2] != shapes[0][:2]:
            section.fail(f"joins {_words(shapes[0])} of layer {inputs[0]} with {_words(shape)} of layer {index}")
        if shape[2] % groups:
            section.fail(f"the {shape[2]} channels of layer {index} cannot be split into {groups} groups")
    channels = sum(shape[2] // groups for shape in shapes)
    shape = (*shapes[0][:2], channels)
    return Route(index=section.index, inputs=inputs, shape=shape, groups=groups, group_id=group_id)


def _shortcut(section: _Section, graph: _Graph) -> Shortcut:
    section.refuse(weights_type="none")
    for key in ("alpha", "beta"):
        if section.number(key, 1.0, low=-1e6, high=1e6) != 1.0:
            section.fail(f"{key}={section.text(key)} is not supported")
    references = section.integers("from")
    if len(references) != 1:
        section.fail("adds several layers at once, which is not supported")
    previous, source = section.index - 1, graph.resolve(section, references[0])
    shape, other = graph.shape(section, previous), graph.shape(section, source)
    if shape != other:
        section.fail(f"adds {_words(other)} of layer {source} to {_words(shape)}")
    activation = section.activation("linear")
    return Shortcut(index=section.index, inputs=(previous, source), shape=shape, source=source, activation=activation)


def _upsample(section: _Section, graph: _Graph) -> Upsample:
    if section.number("scale", 1.0, low=-1e6, high=1e6) != 1.0:
        section.fail(f"scale={section.text('scale')} is not supported")
    rows, columns, channels = graph.shape(section, section.index - 1)
    stride = section.integer("stride", 2, low=1, high=_WINDOW_LIMIT)
    shape = (rows * stride, columns * stride, channels)
    return Upsample(index=section.index, inputs=(section.index - 1,), shape=shape, stride=stride)


def _reorg(section: _Section, graph: _Graph) -> Reorg:
    section.refuse(reverse="0", flatten="0", extra="0")
    rows, columns, channels = graph.shape(section, section.index - 1)
    stride = section.integer("stride", 1, low=1, high=_WINDOW_LIMIT)
    if rows % stride or columns % stride or channels % stride**2:
        section.fail(f"{_words((rows, columns, channels))} cannot be regrouped with stride {stride}")
    shape = (rows // stride, columns // stride, channels * stride**2)
    return Reorg(index=section.index, inputs=(section.index - 1,), shape=shape, stride=stride)


def _yolo(section: _Section, graph: _Graph) -> Detection:
    section.refuse(new_coords="0")
    for key in ("embedding_layer", "map"):
        if key in section.options:
            section.fail(f"{key} is not supported")
    anchors = _anchors(section)
    mask = section.integers("mask") if "mask" in section.options else tuple(range(len(anchors)))
    for number in mask:
        if not 0 <= number < len(anchors):
            section.fail(f"mask holds {number}, but the anchors are numbered 0 to {len(anchors) - 1}")
    scale = section.number("scale_x_y", 1.0, low=0.5, high=10.0)
    chosen = tuple(anchors[number] for number in mask)
    return _detection(section, graph, Head("yolo", chosen, _classes(section), scale))


def _region(section: _Section, graph: _Graph) -> Detection:
    section.refuse(background="0", coords="4")
    for key in ("tree", "map"):
        if key in section.options:
            section.fail(f"{key} is not supported")
    if not section.flag("softmax"):
        section.fail("softmax=0 is not supported")
    return _detection(section, graph, Head("region", _anchors(section), _classes(section)))


def _detection(section: _Section, graph: _Graph, head: Head) -> Detection:
    previous = section.index - 1
    shape = graph.shape(section, previous)
    expected = len(head.anchors) * (5 + head.classes)
    if shape[2] != expected:
        reason = f"{len(head.anchors)} anchors x (5 + {head.classes} classes) = {expected} channels"
        section.fail(f"needs {reason}, but layer {previous} gives {shape[2]}")
    return Detection(index=section.index, inputs=(previous,), shape=shape, head=head)


def _classes(section: _Section) -> int:
    return section.integer("classes", low=1, high=_CLASSES_LIMIT)


def _anchors(section: _Section) -> tuple[tuple[float, float], ...]:
    """All anchors of a detection layer as (width, height), before its mask is applied."""
    count = section.integer("num", low=1, high=_ANCHORS_LIMIT)
    parts = section.parts("anchors")
    if len(parts) != 2 * count:
        section.fail(f"num={count} needs {2 * count} numbers in anchors, which holds {len(parts)}")
    for part in parts:
        if not _DECIMAL.fullmatch(part) or not 0 < float(part) <= 1e5:
            section.fail(f'anchors holds "{one_line(part)}", not a length')
    values = [float(part) for part in parts]
    return tuple(zip(values[::2], values[1::2], strict=True))


def _stride(section: _Section) -> int:
    stride = section.integer("stride", 1, low=1, high=_WINDOW_LIMIT)
    for key in ("stride_x", "stride_y"):
        if section.integer(key, stride, low=1, high=_WINDOW_LIMIT) != stride:
            section.fail(f"{key} other than stride is not supported")
    return stride


def _windows(section: _Section, sides: tuple[int, int], pad: int, size: int, stride: int) -> tuple[int, int]:
    """How many windows fit along rows and columns, ``pad`` being the total over both ends."""
    if min(sides) + pad < size:
        section.fail(f"a window of {size} does not fit into {sides[0]}x{sides[1]} (rows x columns)")
    rows, columns = ((side + pad - size) // stride + 1 for side in sides)
    return rows, columns


_BUILDERS: dict[str, Callable[[_Section, _Graph], Layer]] = {
    "convolutional": _convolution,
    "maxpool": _max_pool,
    "route": _route,
    "shortcut": _shortcut,
    "upsample": _upsample,
    "reorg": _reorg,
    "yolo": _yolo,
    "region": _region,
}


# --- words ----------------------------------------------------------------------------------------------------


def _read_bytes(path: Path, what: str) -> bytes:
    """The bytes of a small text file, refused unread where it is too large to be one."""
    source = one_line(str(path), 300)
    try:
        with path.open("rb") as stream:
            data = stream.read(_TEXT_BYTES_LIMIT + 1)
    except OSError as error:
        raise ModelFileError(f"{source}: cannot be read ({error.strerror or error})") from error
    if len(data) > _TEXT_BYTES_LIMIT:
        raise ModelFileError(f"{source}: larger than {_TEXT_BYTES_LIMIT:,} bytes, so not {what}")
    return data


def one_line(text: str, limit: int = 40) -> str:
    """Return ``text`` on one line without control characters, shortened: a file's words on their way to a terminal."""
    clean = "".join(character if character.isprintable() else "?" for character in text[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "..."


def _words(shape: Shape) -> str:
    return "x".join(str(side) for side in shape)
