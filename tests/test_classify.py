"""image-classify: the embedded network against what its pictures show, and against Keras's own ResNet-50."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dltools.errors import ModelFileError, UsageError
from dltools.io.images import decode_image
from dltools.models.classify.config import ClassifierConfig, Preparation
from dltools.models.classify.convert import KERAS, SQUEEZENET, convert
from dltools.models.classify.infer import Classifier
from dltools.models.classify.prepare import normalized, prepare, square
from tests.conftest import PHOTO, Run

RANDOM = np.random.default_rng(3)


def test_a_cup_of_espresso_is_one(run: Run) -> None:
    done = run("image-classify", "-n", "3", PHOTO)
    record = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert record["items"][0]["label"] == "espresso" and len(record["items"]) == 3
    scores = [item["score"] for item in record["items"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.9


def test_scores_of_all_classes_add_up_to_one() -> None:
    found = Classifier.load(threads=1).classify(decode_image(PHOTO.read_bytes()), top=1000, min_score=0)
    assert len(found) == 1000 == len({one.class_id for one in found})
    assert sum(one.score for one in found) == pytest.approx(1, abs=1e-4)


def test_a_picture_and_its_mirror_image_are_the_same_to_it() -> None:
    classifier = Classifier.load(threads=1)
    pixels = decode_image(PHOTO.read_bytes())
    one, other = (classifier.scores(classifier.prepare(view)) for view in (pixels, pixels[:, ::-1]))
    assert np.abs(one - other).max() < 1e-3  # sampling is not quite symmetric


def test_only_what_scores_enough_is_named(run: Run, tmp_path: Path) -> None:
    done = run("image-classify", "-s", "0.9", "-e", "-a", tmp_path / "named", PHOTO)
    record = json.loads(done.stdout)
    assert len(record["items"]) == 1
    assert Path(record["output"]).read_bytes()[:2] == b"\xff\xd8"
    assert run("image-classify", "-s", "1", "-e", PHOTO).returncode == 1


def test_a_model_that_is_not_here_says_how_to_get_it(run: Run) -> None:
    done = run("image-classify", "-m", "resnet50", PHOTO)
    assert done.returncode == 4 and b"dltools fetch resnet50" in done.stderr
    with pytest.raises(UsageError):
        Classifier.load("nosuch")


def test_the_embedded_weights_make_the_embedded_network_in_keras() -> None:
    """LiteRT and Keras agree on the weights that the package carries, which training starts from."""
    from dltools.models.backbones import squeezenet

    classifier = Classifier.load()
    prepared = classifier.prepare(decode_image(PHOTO.read_bytes()))
    model = squeezenet.classifier()
    squeezenet.set_weights(model, squeezenet.embedded_weights())
    expected = np.asarray(model(prepared, training=False)).mean(axis=0)
    np.testing.assert_allclose(classifier.scores(prepared), expected, atol=1e-4)  # sums in another order


def test_opencv_is_the_reference_of_the_embedded_sampling() -> None:
    cv2 = pytest.importorskip("cv2")
    picture = RANDOM.integers(0, 256, (375, 440, 3), np.uint8)
    expected = cv2.resize(picture, (227, 227), interpolation=cv2.INTER_LINEAR)
    # OpenCV's vector code and its plain code differ by one grey level here and there
    assert np.abs(square(picture, SQUEEZENET).astype(int) - expected).max() <= 1


def test_keras_networks_get_what_keras_gives_them() -> None:
    from PIL import Image

    picture = RANDOM.integers(0, 256, (300, 500, 3), np.uint8)
    whole = Image.fromarray(picture).resize((427, 256), Image.Resampling.BICUBIC)
    cut = np.asarray(whole)[16:240, 101:325].astype(np.float32)
    expected = cut[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)  # Keras' "caffe" mode
    np.testing.assert_allclose(prepare(picture, KERAS)[0], expected, atol=1e-4)


def test_mirror_images_follow_their_pictures() -> None:
    squares = RANDOM.integers(0, 256, (2, 4, 4, 3), np.uint8)
    values = normalized(squares, Preparation(4, mirror=True, mean=(1, 2, 3), scale=(2, 2, 4)))
    assert values.shape == (4, 4, 4, 3)
    np.testing.assert_array_equal(values[3], values[2][:, ::-1])
    np.testing.assert_allclose(values[2][0, 0], (squares[1][0, 0] - np.array([1.0, 2, 3])) / [2, 2, 4], rtol=1e-6)


def test_the_configuration_survives_its_file() -> None:
    config = ClassifierConfig("x", "mlp", KERAS, ("ä", "b"), 0.5, {"layers": "2"}, {"seed": 1})
    assert ClassifierConfig.from_json(config.to_json()) == config


@pytest.fixture(scope="module")
def keras_resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """Return Keras' own ResNet-50 with random weights, and these in the form of the published file."""
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import h5py
        import keras
        from keras.src.legacy.saving import legacy_h5_format

        keras.utils.set_random_seed(5)
        model = keras.applications.ResNet50(weights=None)
        for layer in model.layers:  # moving statistics that are not 0 and 1 take part in what is compared
            if isinstance(layer, keras.layers.BatchNormalization):
                gamma, beta, mean, variance = layer.get_weights()
                draw = RANDOM.uniform(0.5, 1.5, gamma.shape)
                layer.set_weights([gamma, beta + 0.1 * draw, mean + 0.05 * draw, variance * draw])
    path = tmp_path_factory.mktemp("weights") / "resnet50.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return model, path


def test_resnet50_is_keras(keras_resnet: tuple[Any, Path], tmp_path: Path) -> None:
    """The same parameter count, and the same outputs given the same weights: copied, read, and converted to LiteRT."""
    from dltools.models.classify import network

    theirs, path = keras_resnet
    ours = network.resnet50()
    assert ours.count_params() == theirs.count_params() == 25_636_712
    pictures = RANDOM.normal(0, 60, (2, 224, 224, 3)).astype(np.float32)
    expected = np.asarray(theirs(pictures, training=False))
    assert np.ptp(expected, axis=1).min() > 1e-2  # probabilities that differ, and by far more than the tolerance
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(np.asarray(ours(pictures, training=False)), expected, atol=1e-4)
    ours = network.resnet50()
    network.load_weights(ours, path)
    np.testing.assert_allclose(np.asarray(ours(pictures, training=False)), expected, atol=1e-4)
    (tmp_path / "resnet50.tflite").write_bytes(convert("resnet50", path, [str(number) for number in range(1000)]))
    classifier = Classifier.open(tmp_path / "resnet50.tflite")
    for picture, scores in zip(pictures, expected, strict=True):
        np.testing.assert_allclose(classifier.scores(picture[None]), scores, atol=1e-4)


def test_weights_that_do_not_fit_are_refused(keras_resnet: tuple[Any, Path], tmp_path: Path) -> None:
    from dltools.models.classify import network

    small = network.resnet50(32, 2, width=4)
    with pytest.raises(ModelFileError, match="not the weights of resnet50"):
        network.load_weights(small, keras_resnet[1])
    (tmp_path / "x.h5").write_bytes(b"no HDF5")
    with pytest.raises(ModelFileError):
        network.load_weights(small, tmp_path / "x.h5")


def test_squeezenet_has_the_published_parameter_count() -> None:
    from dltools.models.backbones import squeezenet

    assert squeezenet.classifier().count_params() == 1_235_496  # SqueezeNet 1.1's 1.24 million


def test_resnet50_learns_on_from_published_weights(keras_resnet: tuple[Any, Path]) -> None:
    from dltools.models.classify.recipe import Recipe
    from dltools.models.classify.training import KerasLearner

    theirs, path = keras_resnet
    learner = KerasLearner(Recipe.of("resnet50", 1, weights="imagenet", size=32), 3, 7, path)
    for layer in learner.model.layers[1:-1]:
        for ours, published in zip(layer.get_weights(), theirs.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, published)
    pictures = RANDOM.normal(0, 60, (4, 32, 32, 3)).astype(np.float32)
    assert learner.answers(pictures).shape == (4, 3)
    assert np.isfinite(learner.learn(pictures, np.array([0, 1, 2, 1]), 1e-4))
