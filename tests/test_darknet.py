"""Darknet's files: what is read, what is refused and how, and the built network against OpenCV's as the oracle."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.errors import ModelFileError
from dltools.models.yolo import darknet
from dltools.models.yolo.darknet_weights import read_weights
from tests.darknet_files import Cfg, write_random_weights, yolov4, yolov4_tiny

ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"


def small(side: int = 32) -> str:
    """Every kind of layer of YOLOv3-tiny at the smallest size."""
    cfg = Cfg(side, side).conv(4, 3).pool(2, 2).conv(6, 3).pool(2, 1).conv(8, 3, 2).yolo("3,4,5", ANCHORS, 2)
    cfg.route(-3).conv(4).add("upsample", stride=2).route(-1, 2)
    return cfg.yolo("1,2,3", ANCHORS, 2).text()


def yolov2_like() -> str:
    cfg = Cfg(64, 96).conv(8, 3).pool(2, 2).conv(16, 3).pool(2, 2).conv(24, 3)
    cfg.route(-3).conv(12).add("reorg", stride=2).route(-1, -4).conv(16, 3)
    return cfg.region("0.5,0.7, 1.9,2.1, 3.3,5.5", 4).text()


def spp_like() -> str:
    cfg = Cfg(64, 64).conv(8, 3, 2).conv(8, 1).conv(8, 3).add("shortcut", from_=-3, activation="linear").conv(16, 3, 2)
    cfg.pool(5, 1).route(-2).pool(9, 1).route(-4).pool(13, 1).route(-1, -3, -5, -6).conv(16)
    cfg.yolo("0,1,2", ANCHORS, 3).route(-3).add("upsample", stride=2).route(-1, 3)
    return cfg.conv(12, 3).yolo("3,4,5", ANCHORS, 3).text()


def grouped_like() -> str:
    cfg = Cfg(48, 48).conv(8, 3, 2).conv(12, 3, groups=4).conv(12, 3, 2, groups=2).route(-1, groups=3, group_id=1)
    cfg.conv(8, activation="swish").conv(8, 3, activation="mish").conv(8, activation="logistic")
    return cfg.conv(8, activation="relu").yolo("0,1,2", ANCHORS, 3).text()


NETWORKS = {
    "v3-tiny": small(52),  # 13 cells and less: odd sides in both poolings
    "v2-reorg": yolov2_like(),
    "v3-spp": spp_like(),
    "grouped": grouped_like(),
    "v4-tiny": yolov4_tiny(64, 3, divide=4),
    "v4": yolov4(96, 3, divide=8),
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[darknet.Network, Path]:
    network = darknet.parse_cfg(small(), "small.cfg")
    path = tmp_path / "small.weights"
    write_random_weights(path, network, seed=1)
    return network, path


# --- descriptions ---------------------------------------------------------------------------------------------


def test_shapes_and_heads_are_inferred() -> None:
    network = darknet.parse_cfg(yolov4_tiny(), "v4-tiny.cfg")
    assert (len(network.layers), darknet.network_parameters(network)) == (38, 6_062_814)  # as the released file
    assert [layer.shape for layer in network.detections] == [(13, 13, 255), (26, 26, 255)]
    assert [head.scale_x_y for head in network.heads] == [1.05, 1.05]
    assert network.heads[1].anchors == ((23, 27), (37, 58), (81, 82))
    route = network.layers[3]
    assert isinstance(route, darknet.Route)
    assert (route.inputs, route.groups, route.group_id, route.shape) == ((2,), 2, 1, (104, 104, 32))


def test_yolov4_has_the_released_size() -> None:
    network = darknet.parse_cfg(yolov4(), "v4.cfg")
    assert (len(network.layers), darknet.network_parameters(network)) == (162, 64_429_405)
    assert [layer.shape[:2] for layer in network.detections] == [(76, 76), (38, 38), (19, 19)]


def test_comments_spaces_line_ends_and_bom_change_nothing() -> None:
    plain = small()
    dressed = "\ufeff# a comment\n" + plain.replace("=", " =\t").replace("[maxpool]", " [maxpool] ; why\n\n#x")
    expected = darknet.parse_cfg(plain, "a")
    assert darknet.parse_cfg(dressed, "a") == expected
    assert darknet.parse_cfg(dressed.replace("\n", "\r\n"), "a") == expected


REFUSED = [
    ("layers=-3", "layers=40", "x.cfg: layer 7 [route]: refers to layer 40, which does not come before it"),
    ("layers=-3", "layers=7", "x.cfg: layer 7 [route]: refers to layer 7, which does not come before it"),
    ("layers=-3", "layers=-9", "x.cfg: layer 7 [route]: refers 9 layers back, which is before the first layer"),
    ("layers=-3", "layers=-1", "x.cfg: layer 7 [route]: takes its input from layer 6 [yolo], a detection layer,"),
    ("layers=-3", "layers=a", 'x.cfg: layer 7 [route]: layers holds "a", not a whole number'),
    ("layers=-3\n", "", "x.cfg: layer 7 [route]: has no layers"),
    ("layers=-1,2", "layers=-1,0", "x.cfg: layer 10 [route]: joins 16x16x4 of layer 9 with 32x32x4 of layer 0"),
    ("filters=4", "filters=x", 'x.cfg: layer 0 [convolutional]: filters is "x", not a whole number from 1 to 65,536'),
    ("filters=4", "filters=0", 'x.cfg: layer 0 [convolutional]: filters is "0"'),
    ("filters=4", "filters=4\ngroups=2", "x.cfg: layer 0 [convolutional]: 3 channels to 4 filters cannot be split"),
    ("filters=4\n", "", "x.cfg: layer 0 [convolutional]: has no filters"),
    ("leaky", "elu", 'x.cfg: layer 0 [convolutional]: activation "elu" is not supported (supported: leaky, '),
    ("leaky", "leaky\nxnor=1", "x.cfg: layer 0 [convolutional]: xnor=1 is not supported"),
    ("leaky", "leaky\nstride_x=2", "x.cfg: layer 0 [convolutional]: stride_x other than stride is not supported"),
    ("[maxpool]", "[deconvolutional]", "x.cfg: layer 1 [deconvolutional]: this kind of layer is not supported"),
    ("[maxpool]", "[Gaussian\x1byolo]", "x.cfg: layer 1 [Gaussian?yolo]: this kind of layer is not supported"),
    ("[maxpool]", "[shortcut]\nfrom=-2", "x.cfg: layer 1 [shortcut]: refers 2 layers back"),
    ("[maxpool]", "[shortcut]\nfrom=0\nweights_type=per_channel", "x.cfg: layer 1 [shortcut]: weights_type="),
    ("[maxpool]", "[reorg]", "x.cfg: layer 1 [reorg]: 32x32x4 cannot be regrouped with stride 3"),
    ("classes=2", "classes=3", "x.cfg: layer 6 [yolo]: needs 3 anchors x (5 + 3 classes) = 24 channels, but layer 5"),
    ("classes=2", "classes=2\nnew_coords=1", "x.cfg: layer 6 [yolo]: new_coords=1 is not supported"),
    ("mask=3,4,5", "mask=3,4,6", "x.cfg: layer 6 [yolo]: mask holds 6, but the anchors are numbered 0 to 5"),
    ("num=6", "num=5", "x.cfg: layer 6 [yolo]: num=5 needs 10 numbers in anchors, which holds 12"),
    ("10,14", "10,inf", 'x.cfg: layer 6 [yolo]: anchors holds "inf", not a length'),
    ("width=32", "width=99999", 'x.cfg: [net]: width is "99999", not a whole number from 1 to 4,096'),
    ("width=32\n", "", "x.cfg: [net]: has no width"),
    ("channels=3", "channels=1", "x.cfg: [net]: takes 1 channels"),
    ("[net]", "[route]", "x.cfg: does not begin with a [net] section"),
    ("[maxpool]", "[maxpool", 'x.cfg: line 14: "[maxpool" has no closing bracket'),
    ("[maxpool]", "maxpool", 'x.cfg: line 14: "maxpool" is neither [section] nor key=value'),
    ("filters=4", "filters=60000\nsize=64\n#", "x.cfg: layer 0 [convolutional]: brings the network to"),
    ("[maxpool]", "[upsample]\nstride=64\n#", "x.cfg: layer 1 [upsample]"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED, ids=[new or old for old, new, _ in REFUSED])
def test_refusals_name_file_and_layer(old: str, new: str, message: str) -> None:
    text = small()
    if "reorg" in new:
        text, old, new = text.replace("stride=2", "stride=3", 1), "[maxpool]", "[reorg]"
    if "upsample" in new:
        new, message = "[upsample]\nstride=65\n#", 'x.cfg: layer 1 [upsample]: stride is "65"'
    assert old in text
    with pytest.raises(ModelFileError) as caught:
        darknet.parse_cfg(text.replace(old, new, 1), "x.cfg")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


def test_limits() -> None:
    with pytest.raises(ModelFileError, match="larger than 1,048,576 bytes"):
        darknet.parse_cfg("#" * (1 << 20) + "\n", "x.cfg")
    with pytest.raises(ModelFileError, match="more than 1,000 layers"):
        darknet.parse_cfg("[net]\n" + "[route]\n" * 1001, "x.cfg")
    with pytest.raises(ModelFileError, match=r"layer 0 \[upsample\]: would give 262144x262144x3 numbers"):
        darknet.parse_cfg("[net]\nwidth=4096\nheight=4096\nchannels=3\n[upsample]\nstride=64", "x.cfg")
    with pytest.raises(ModelFileError, match=r"no \[yolo\] or \[region\] layer"):
        darknet.parse_cfg(Cfg(8, 8).conv(4).text(), "x.cfg")
    with pytest.raises(ModelFileError, match="cannot be read"):
        darknet.read_cfg(Path("/nonexistent.cfg"))


def test_names_and_configuration(tmp_path: Path) -> None:
    path = tmp_path / "two.names"
    path.write_bytes("\ufefftraffic light\r\nÄpfel\n\n".encode())
    names = darknet.read_names(path)
    assert names == ("traffic light", "Äpfel")
    network = darknet.parse_cfg(small(), "small.cfg")
    config = darknet.detector_config(network, names, "small")
    assert (config.width, config.height, config.heads) == (32, 32, network.heads)
    with pytest.raises(ModelFileError, match="3 class names given, but the network tells 2 classes apart"):
        darknet.detector_config(network, ("a", "b", "c"), "small")
    for content, reason in ((b"a\n\nb", "line 2 has no"), (b"\xff\xfe", "UTF-8"), (b"a\x1bb", "line 1"), (b"", "1")):
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=reason):
            darknet.read_names(path)


# --- weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "seen_bytes"), [((0, 1, 0), 4), ((0, 2, 0), 8), ((0, 2, 5), 8), ((1, 0, 0), 8)])
def test_both_header_widths(tmp_path: Path, version: tuple[int, int, int], seen_bytes: int) -> None:
    network = darknet.parse_cfg(small(), "small.cfg")
    first, second = tmp_path / "a.weights", tmp_path / "b.weights"
    write_random_weights(first, network, 3)
    write_random_weights(second, network, 3, version, seen_bytes)
    for one, other in zip(read_weights(first, network), read_weights(second, network), strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_array_equal(one.kernel, other.kernel)
            np.testing.assert_array_equal(one.bias, other.bias)


def test_batch_normalization_is_folded(files: tuple[darknet.Network, Path]) -> None:
    network, path = files
    weights = read_weights(path, network)
    values = np.fromfile(path, "<f4", offset=20).astype(float)
    bias, scale, mean, variance = values[:16].reshape(4, 4)
    kernel = values[16 : 16 + 4 * 27].reshape(4, 3, 3, 3)  # (out, in, rows, columns)
    first = weights[0]
    assert first is not None and weights[1] is None
    assert first.kernel.dtype == first.bias.dtype == np.float32
    factor = scale / (np.sqrt(variance) + 1e-6)
    # Folding is done in double precision and rounded once: half a unit of float32, 6e-8, twice for the bias.
    np.testing.assert_allclose(first.kernel, (kernel * factor[:, None, None, None]).transpose(2, 3, 1, 0), rtol=1e-7)
    np.testing.assert_allclose(first.bias, bias - mean * factor, rtol=2e-7)


def test_truncation_at_every_layer_boundary(files: tuple[darknet.Network, Path]) -> None:
    network, path = files
    data = path.read_bytes()
    convolutions = [layer for layer in network.layers if isinstance(layer, darknet.Convolution)]
    starts = [20, *(20 + 4 * total for total in itertools.accumulate(layer.parameters for layer in convolutions))]
    assert starts.pop() == len(data)
    for start, layer in zip(starts, convolutions, strict=True):
        for extra, left in ((0, 0), (3, 0), (4 * layer.parameters - 1, layer.parameters - 1)):
            path.write_bytes(data[: start + extra])
            with pytest.raises(ModelFileError) as caught:
                read_weights(path, network)
            counts = f"({layer.parameters:,} numbers needed, {left:,} left)"
            assert str(caught.value) == f"{path}: ends inside layer {layer.index} [convolutional] {counts}"


def test_bytes_left_over(files: tuple[darknet.Network, Path]) -> None:
    network, path = files
    path.write_bytes(path.read_bytes() + bytes(4096))
    with pytest.raises(ModelFileError, match=r"4,096 bytes left over after layer 11 .*belongs to another \.cfg"):
        read_weights(path, network)


@pytest.mark.parametrize(
    ("offset", "content", "message"),
    [
        (0, b"\xff\xff\xff\xff", "not a Darknet weights file"),
        (4, (1001).to_bytes(4, "little"), "transposed"),
        (20, np.float32(np.nan).tobytes(), r"layer 0 \[convolutional\] holds numbers that are not finite"),
        (-4, np.float32(np.inf).tobytes(), r"layer 11 \[convolutional\] holds numbers that are not finite"),
        (20 + 48, np.float32(-1).tobytes(), r"layer 0 \[convolutional\] holds a negative variance"),
        (20 + 16, np.float32(3e38).tobytes(), r"layer 0 \[convolutional\] holds numbers too large"),
    ],
)
def test_damaged_weights(files: tuple[darknet.Network, Path], offset: int, content: bytes, message: str) -> None:
    network, path = files
    data = bytearray(path.read_bytes())
    offset %= len(data)
    data[offset : offset + 4] = content
    if "too large" in message:  # a huge scale over a vanishing variance
        data[20 + 48 : 20 + 52] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=message):
        read_weights(path, network)


@pytest.mark.parametrize("length", [0, 3, 11, 12, 15, 19])
def test_short_headers(files: tuple[darknet.Network, Path], length: int) -> None:
    network, path = files
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ModelFileError, match=r"too short|inside its header"):
        read_weights(path, network)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_weights(path.parent, network)


# --- anything at all ------------------------------------------------------------------------------------------

_SPLICES = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 40), st.text("0123456789-=,.[]#;\n \x00aeé", max_size=12)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(_SPLICES)
def test_any_change_of_a_description_is_read_or_refused(splices: list[tuple[int, int, str]]) -> None:
    text = small()
    for start, length, new in splices:
        text = text[:start] + new + text[start + length :]
    try:
        network = darknet.parse_cfg(text, "x.cfg")
    except ModelFileError as error:
        assert "\n" not in str(error) and str(error).startswith("x.cfg: ")
    else:
        assert all(min(layer.shape) > 0 for layer in network.layers)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=24), st.integers(0, 10_000))
def test_any_change_of_weights_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, start: int, content: bytes, end: int
) -> None:
    network = darknet.parse_cfg(small(), "small.cfg")
    path = tmp_path_factory.getbasetemp() / "any.weights"
    write_random_weights(path, network, 1)
    data = bytearray(path.read_bytes())
    data[start : start + len(content)] = content
    path.write_bytes(data if end % 2 else data[:end])
    try:
        weights = read_weights(path, network)
    except ModelFileError as error:
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite(one.kernel).all() for one in weights if one is not None)


# --- the network ----------------------------------------------------------------------------------------------


def built(tmp_path: Path, name: str) -> tuple[darknet.Network, Any, np.ndarray]:
    """A network of NETWORKS with seeded weights, its Keras model and a smooth random picture."""
    pytest.importorskip("tensorflow")
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        from dltools.models.yolo.network import build

        network = darknet.parse_cfg(NETWORKS[name], f"{name}.cfg")
        path = tmp_path / "net.weights"
        write_random_weights(path, network, seed=7)
        (tmp_path / "net.cfg").write_text(NETWORKS[name])
        model = build(network, read_weights(path, network))
    coarse = np.random.default_rng(0).random((2, network.height // 4, network.width // 4, 3), dtype=np.float32)
    return network, model, coarse.repeat(4, axis=1).repeat(4, axis=2)


def run(model: Any, pictures: np.ndarray) -> list[np.ndarray]:
    outputs = model(pictures, training=False)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, (list, tuple)) else [outputs])]


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_equal_opencv(tmp_path: Path, name: str) -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromDarknet"):
        pytest.skip("this OpenCV no longer reads Darknet's files")
    network, model, pictures = built(tmp_path, name)
    oracle = cv2.dnn.readNetFromDarknet(str(tmp_path / "net.cfg"), str(tmp_path / "net.weights"))
    oracle.setInput(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    expected = oracle.forward([f"conv_{layer.inputs[0]}" for layer in network.detections])
    ours = run(model, pictures)
    assert [output.shape[1:] for output in ours] == [layer.shape for layer in network.detections]
    for output, reference in zip(ours, expected, strict=True):
        # Outputs are a few units large; sums of float32 in another order, and batch normalization with epsilon
        # under the root (OpenCV) or outside (Darknet), over up to 110 layers: measured below 1e-4 of the largest.
        limit = 1e-4 * max(1.0, float(np.abs(reference).max()))
        np.testing.assert_allclose(output, reference.transpose(0, 2, 3, 1), rtol=0, atol=limit)


def test_reorg_is_darknets(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from dltools.models.yolo import network as yolo

    layer = darknet.Reorg(index=0, inputs=(-1,), shape=(3, 2, 32), stride=2)
    x = np.arange(6 * 4 * 8, dtype=np.float32).reshape(8, 6, 4)  # (channels, rows, columns)
    expected = x.reshape(2, 6, 2, 4, 2).transpose(2, 4, 0, 1, 3).reshape(32, 3, 2).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(yolo._reorg(x.transpose(1, 2, 0)[None], layer))[0], expected)


def test_a_grouped_route_takes_its_part_of_every_input() -> None:
    pytest.importorskip("tensorflow")
    from dltools.models.yolo import network as yolo

    layer = darknet.Route(index=2, inputs=(0, 1), shape=(2, 2, 3), groups=2, group_id=1)  # OpenCV fails on this one
    first, second = np.arange(16.0).reshape(1, 2, 2, 4), np.arange(8.0).reshape(1, 2, 2, 2)
    expected = np.concatenate([first[..., 2:], second[..., 1:]], axis=-1)
    np.testing.assert_array_equal(np.asarray(yolo._route([first, second], layer)), expected)


def test_mish_stays_finite_and_exact() -> None:
    pytest.importorskip("tensorflow")
    from dltools.models.yolo import network as yolo

    x = np.array([-1e30, -200, -20, -5, -1e-3, 0, 1e-3, 1, 9.9, 10.1, 50, 1e30], dtype=np.float32)
    exact = x.astype(float) * np.tanh(np.logaddexp(0, x.astype(float)))
    # A handful of float32 roundings, 6e-8 each; far below zero both are nothing beside any activation.
    np.testing.assert_allclose(np.asarray(yolo._mish(x)), exact, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", ["v2-reorg", "grouped", "v4"])
def test_litert_gives_the_same_for_any_batch_and_is_silent(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    network, model, pictures = built(tmp_path, name)
    from dltools.runtime.export import to_litert

    capfd.readouterr()
    data = to_litert(model, quantize="float32")
    assert capfd.readouterr() == ("", "")
    assert data == to_litert(model, quantize="float32")
    interpreter = interpreter_module.Interpreter(model_content=data)
    place = interpreter.get_input_details()[0]
    assert tuple(place["shape"]) == (1, network.height, network.width, 3)
    expected = run(model, pictures)
    for batch in (1, 2):
        interpreter.resize_tensor_input(place["index"], (batch, *place["shape"][1:]))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place["index"], pictures[:batch])
        interpreter.invoke()
        for details, reference in zip(interpreter.get_output_details(), expected, strict=True):
            found = interpreter.get_tensor(details["index"])
            np.testing.assert_allclose(found, reference[:batch], rtol=0, atol=1e-4 * np.abs(reference).max())


def test_sensitive_layers_stay_float(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    network, model, _ = built(tmp_path, "v4-tiny")
    from dltools.models.yolo.network import sensitive_layers
    from dltools.runtime.export import to_litert

    names = sensitive_layers(network)
    kernels = {layer.name: layer.kernel_size for layer in model.layers if layer.name.startswith("convolution_")}
    assert set(names) == {name for name, size in kernels.items() if size == (1, 1)} < set(kernels)
    assert {"convolution_29", "convolution_36"} <= set(names)
    plain, mixed = (to_litert(model, quantize="dynamic_int8", keep_float=keep) for keep in ((), names))
    kept = [model.get_layer(name).kernel.shape for name in names]
    bound = 3 * sum(int(np.prod(shape)) for shape in kept)  # three bytes a number, where the number was int8 before
    assert 0.5 * bound < len(mixed) - len(plain) < 1.1 * bound
    with pytest.raises(ValueError, match="layer maxpool_9 has no kernel"):
        to_litert(model, quantize="dynamic_int8", keep_float=["maxpool_9"])
    with pytest.raises(ValueError, match="no meaning"):
        to_litert(model, quantize="float16", keep_float=names)


def test_layers_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        darknet.parse_cfg(small(), "x").layers[0].index = 3  # type: ignore[misc]
