"""The readers of dlib's and FaceNet's published files: what they take, and that they take nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dltools.errors import ModelFileError
from dltools.io.images import decode_image
from dltools.models.faces import dlib_file
from dltools.models.faces.frozen_graph import read_constants, read_facenet
from dltools.models.faces.landmarks import LandmarkModel, Square, encode_predictor
from tests.conftest import FACE
from tests.face_files import TINY_BLOCKS, DlibWriter, constant, dlib_embedding, dlib_predictor, facenet_graph


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_file, "BLOCKS", TINY_BLOCKS)


@pytest.fixture
def file(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(data: bytes) -> Path:
        (tmp_path / "file").write_bytes(data)
        return tmp_path / "file"

    return write


@pytest.mark.usefixtures("tiny_network")
def test_a_network_of_dlibs_is_read(file) -> None:  # type: ignore[no-untyped-def]
    network = dlib_file.read_embedding(file(dlib_embedding()))
    assert [convolution.kernel.shape for convolution in network.convolutions] == [
        (7, 7, 3, 32),
        *((3, 3, 32, 3), (3, 3, 3, 3)),
        *((3, 3, 3, 4), (3, 3, 4, 4)),
    ]
    assert network.projection.shape == (4, 128)
    assert network.mean == pytest.approx([122.782, 117.001, 104.298])
    # The first convolution as the writer drew it, with the affine layer behind it folded in.
    random = np.random.default_rng(5)
    drawn = random.normal(0, 0.1, 4736).astype(np.float32)
    gamma, beta = np.split(random.normal(1, 0.1, 64).astype(np.float32), 2)
    kernel = drawn[:4704].reshape(32, 3, 7, 7)
    assert np.allclose(network.convolutions[0].kernel[2, 5, 1], kernel[:, 1, 2, 5] * gamma)
    assert np.allclose(network.convolutions[0].bias, drawn[4704:] * gamma + beta)


@pytest.mark.usefixtures("tiny_network")
def test_any_other_network_is_refused(file) -> None:  # type: ignore[no-untyped-def]
    good = dlib_embedding()
    for data, words in (
        (b"", "ends inside a value"),
        (good[:-1], "ends inside a value"),
        (good + b"\0", "1 bytes left over"),
        (dlib_embedding(loss="loss_multiclass_log_"), "another loss"),
        (dlib_embedding([(3, False), (5, True)]), "where 112 belongs"),
        (dlib_embedding([(3, True), (4, True)]), "belongs"),
        (dlib_embedding([(3, False)]), "belongs"),
        (good.replace(b"relu_", b"prelu"), "'prelu' where 'relu_' belongs"),
        (good.replace(b"101", b"1x1"), "no flags"),
    ):
        with pytest.raises(ModelFileError, match=words):
            dlib_file.read_embedding(file(data))
    with pytest.raises(ModelFileError, match="no such file"):
        dlib_file.read_embedding(Path("missing.dat"))


def test_numbers_that_are_not_finite_are_refused(file) -> None:  # type: ignore[no-untyped-def]
    head = DlibWriter().integers(1).text("loss_metric_2").integers(1, 32000)  # dlib's mark for infinity
    with pytest.raises(ModelFileError, match="not finite"):
        dlib_file.read_embedding(file(head.data))


def test_a_shape_predictor_is_read_packed_and_read_again(file) -> None:  # type: ignore[no-untyped-def]
    predictor = dlib_file.read_shape_predictor(file(dlib_predictor()))
    assert predictor.initial.shape == (5, 2) and predictor.leaves.shape == (2, 3, 4, 10)
    assert predictor.deltas.shape == (2, 7, 2) and predictor.thresholds.shape == (2, 3, 3)
    packed = LandmarkModel.open(file(encode_predictor(predictor)))
    exact = LandmarkModel(predictor)
    pixels = np.random.default_rng(1).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    square = Square(40, 40, 50, 0.3)
    step = np.abs(predictor.leaves).max() / 127 / 2  # of a leaf; six trees add theirs
    assert np.abs(packed.find(pixels, square) - exact.find(pixels, square)).max() <= 6 * step * 50 * 1.5


def test_landmarks_are_found_as_the_paper_says(file) -> None:  # type: ignore[no-untyped-def]
    """One forest, pixel by pixel and node by node, as Kazemi and Sullivan tell it."""
    predictor = dlib_file.read_shape_predictor(file(dlib_predictor(forests=1)))
    pixels = np.random.default_rng(2).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    left, top, side = 10, 5, 40
    shape = predictor.initial.astype(float)
    values = []
    for anchor, delta in zip(predictor.anchors[0], predictor.deltas[0], strict=True):
        x, y = shape[anchor] + delta
        column, row = int(np.floor(left + x * side + 0.5)), int(np.floor(top + y * side + 0.5))
        inside = 0 <= row < 60 and 0 <= column < 60
        values.append(int(pixels[row, column].astype(int).sum()) // 3 if inside else 0)
    expected = shape.copy()
    for tree in range(3):
        node = 0
        while node < 3:
            first, second = predictor.first[0, tree, node], predictor.second[0, tree, node]
            greater = values[first] - values[second] > predictor.thresholds[0, tree, node]
            node = 2 * node + (1 if greater else 2)
        expected += predictor.leaves[0, tree, node - 3].reshape(5, 2)
    found = LandmarkModel(predictor).find(pixels, Square(left + side / 2, top + side / 2, side))
    assert np.allclose(found, expected * side + (left, top), atol=1e-3)


def test_any_other_shape_predictor_is_refused(file) -> None:  # type: ignore[no-untyped-def]
    good = dlib_predictor()
    for data, words in (
        (good[:-2], "ends inside"),
        (good + b"x", "left over"),
        (b"\x01\x02" + good[2:], "2 where 1 belongs"),
        (dlib_predictor(pixels=300)[:200], "ends inside"),
        (b"\x79" + good, "no integer"),
    ):
        with pytest.raises(ModelFileError, match=words):
            dlib_file.read_shape_predictor(file(data))
    with pytest.raises(ModelFileError, match="not a landmark model"):
        LandmarkModel.open(file(good))


def test_a_frozen_graph_gives_its_constants(file) -> None:  # type: ignore[no-untyped-def]
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    nodes = [constant("a", table), constant("b", table, kind="Placeholder"), constant("c", table, dtype=3)]
    found = read_constants(file(b"".join(nodes)))
    assert list(found) == ["a"] and np.array_equal(found["a"], table)


def test_facenets_last_normalization_is_folded_in(file) -> None:  # type: ignore[no-untyped-def]
    path = file(facenet_graph())
    weights, constants = read_facenet(path), read_constants(path)
    last = "InceptionResnetV1/Bottleneck/"
    beta, mean, variance = (constants[f"{last}BatchNorm/{key}"] for key in ("beta", "moving_mean", "moving_variance"))
    values = np.random.default_rng(3).normal(size=(4, 3))
    expected = (values @ constants[f"{last}weights"] - mean) / np.sqrt(variance + 0.001) + beta
    assert np.allclose(values @ weights.projection + weights.bias, expected, atol=1e-4)
    assert len(weights.convolutions) == 132 and weights.convolutions["c7"][0].shape == (1, 1, 1, 2)


def test_any_other_graph_is_refused(file) -> None:  # type: ignore[no-untyped-def]
    good = facenet_graph()
    wrong_shape = constant("x", np.zeros(3)).replace(b"\x08\x03", b"\x08\x05")
    for data, words in (
        (b"", r"not FaceNet \(0 convolutions"),
        (good[:-5], "damaged"),
        (good + b"\xff" * 20, "damaged"),
        (facenet_graph(convolutions=131), "131 convolutions, not 132"),
        (facenet_graph(last=128), "embeddings of"),
        (good.replace(b"c5/biases", b"c5/biaxes"), "no biases"),
        (good.replace(b"moving_mean", b"mowing_mean"), "last layer"),
        (constant("x", np.array([np.nan])), "damaged"),
        (wrong_shape, "damaged"),
    ):
        with pytest.raises(ModelFileError, match=words):
            read_facenet(file(data))


def test_weights_of_another_shape_build_no_facenet(file) -> None:  # type: ignore[no-untyped-def]
    from dltools.models.faces.convert import convert_facenet

    with pytest.raises(ModelFileError, match="has no Conv2d_1a_3x3"):
        convert_facenet(file(facenet_graph()))


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("DLTOOLS_TEST_NETWORK") != "1", reason="fetches 87 MB; DLTOOLS_TEST_NETWORK=1")
def test_facenet_gives_what_tensorflow_makes_of_its_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone stripped the graph of the attributes that say types, and left its last normalization in training."""
    import tensorflow as tf

    from dltools.models.faces.infer import FaceReader
    from dltools.runtime.assets import Registry
    from dltools.runtime.fetch import fetch

    monkeypatch.delenv("DLTOOLS_OFFLINE")
    reader = FaceReader.load("facenet", threads=1)
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(fetch(Registry.load().file("facenet-20180408.pb")).read_bytes())
    for node in graph.node:
        if node.op == "FusedBatchNorm":
            node.attr["is_training"].b = False
        if node.op == "ConcatV2":
            node.attr["N"].i = len(node.input) - 1
        if node.op == "Const":
            node.attr["dtype"].type = node.attr["value"].tensor.dtype
        else:
            node.attr["dtype" if node.op == "Placeholder" else "T"].type = tf.float32.as_datatype_enum
    pixels = decode_image(FACE.read_bytes())
    (face,) = reader.find(pixels)
    chip = (reader.chip(pixels, face)[None] - np.float32(127.5)) / np.float32(128)
    with tf.Graph().as_default() as whole, tf.compat.v1.Session(graph=whole) as session:
        tf.import_graph_def(graph, name="")
        expected = session.run("embeddings:0", {"input:0": chip})[0]
    (embedding,) = reader.embed(pixels, [face])
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-5)
    assert np.abs(embedding - expected).max() < 1e-4
