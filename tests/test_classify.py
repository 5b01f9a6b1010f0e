"""image-classify: SqueezeNet against Keras, ResNet-50 against Keras', and what the command makes of pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltools.errors import ModelFileError, UsageError
from dltools.io.images import decode_image
from dltools.models.classify.config import ClassifierConfig, Preparation
from dltools.models.classify.convert import KERAS, SQUEEZENET
from dltools.models.classify.infer import Classifier
from dltools.models.classify.prepare import normalized, prepare, square
from tests.conftest import PHOTO, Run

RANDOM = np.random.default_rng(3)


def test_the_photo_is_of_a_cup_of_coffee() -> None:
    best = Classifier.load().classify(decode_image(PHOTO.read_bytes()), top=3)
    assert [one.label for one in best][:2] == ["espresso", "cup"]
    assert best[0].class_id == 967 and best[0].score > 0.99


def test_scores_are_a_distribution_and_do_not_depend_on_the_batch() -> None:
    classifier = Classifier.load()
    pictures = [RANDOM.integers(0, 256, shape, np.uint8) for shape in ((90, 300, 3), (400, 20, 3), (1, 1, 3))]
    together = classifier.many_scores(pictures)
    assert together.shape == (3, 1000)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-4)
    for picture, row in zip(pictures, together, strict=True):
        # float32 sums in another order
        np.testing.assert_allclose(classifier.scores(classifier.prepare(picture)), row, atol=1e-5)


def test_a_mirrored_picture_scores_the_same() -> None:
    classifier = Classifier.load()
    square_photo = square(decode_image(PHOTO.read_bytes()), classifier.config.preparation)
    one, other = classifier.many_scores([square_photo, np.ascontiguousarray(square_photo[:, ::-1])])
    np.testing.assert_allclose(one, other, atol=1e-5)


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
    expected = cut[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)  # keras' "caffe" mode
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


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 damaged", b"no model at all", b"\x1c\x00\x00\x00TFL3" + bytes(80)]
)
def test_a_file_that_is_no_model_is_refused_in_one_line(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="model"):
        Classifier.open(path)
    done = run("image-classify", "-m", path, PHOTO)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1


def test_an_unknown_model_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="squeezenet, resnet50, vgg19"):
        Classifier.load("alexnet")


def test_published_weights_that_are_not_here_are_missing(run: Run) -> None:
    done = run("image-classify", "-m", "resnet50", PHOTO)
    assert done.returncode == 4 and b"MD5 2cb95161c43110f7111970584f804107" in done.stderr


def test_top_threshold_and_exit_status(run: Run) -> None:
    (record,) = map(json.loads, run("image-classify", "-n", 2, PHOTO).stdout.splitlines())
    assert [item["label"] for item in record["items"]] == ["espresso", "cup"]
    (record,) = map(json.loads, run("image-classify", "--min-score", 0.5, PHOTO).stdout.splitlines())
    assert len(record["items"]) == 1
    done = run("image-classify", "-e", "--min-score", 1, PHOTO)
    assert done.returncode == 1 and json.loads(done.stdout)["items"] == []


def test_annotate_writes_the_picture_and_keeps_one_that_is_there(run: Run, tmp_path: Path) -> None:
    done = run("image-classify", "-a", tmp_path / "out", PHOTO)
    written = Path(json.loads(done.stdout)["output"])
    pixels = decode_image(written.read_bytes())
    assert pixels.shape == (400, 600, 3)
    assert (pixels[:40, :60].mean() < decode_image(PHOTO.read_bytes())[:40, :60].mean()) or pixels[
        :40, :200
    ].max() == 255
    again = run("image-classify", "-a", tmp_path / "out", PHOTO)
    assert again.returncode == 3 and b"--force" in again.stderr


@pytest.fixture(scope="module")
def keras_resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Path]:
    """Return Keras' own ResNet-50 with random weights, and these as the HDF5 that Keras publishes weights in."""
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


def test_resnet50_is_keras(keras_resnet: tuple[object, Path]) -> None:
    """The same parameter count, and the same outputs given the same weights, read from a published file's format."""
    from dltools.models.classify import network

    theirs, path = keras_resnet
    ours = network.resnet50()
    assert ours.count_params() == 25_636_712
    network.load_weights(ours, path)
    pictures = RANDOM.normal(0, 60, (2, 224, 224, 3)).astype(np.float32)
    expected = np.asarray(theirs(pictures, training=False))  # type: ignore[operator]
    np.testing.assert_allclose(np.asarray(ours(pictures, training=False)), expected, atol=1e-4)


def test_weights_that_do_not_fit_are_refused(keras_resnet: tuple[object, Path], tmp_path: Path) -> None:
    from dltools.models.classify import network

    small = network.resnet50(32, 2, width=4)
    with pytest.raises(ModelFileError, match="not the weights of resnet50"):
        network.load_weights(small, keras_resnet[1])
    (tmp_path / "x.h5").write_bytes(b"no HDF5")
    with pytest.raises(ModelFileError):
        network.load_weights(small, tmp_path / "x.h5")


def test_vgg19_has_the_published_parameter_count() -> None:
    from dltools.models.classify import network

    assert network.vgg19().count_params() == 143_667_240  # Keras' documentation


def test_squeezenet_has_the_published_parameter_count() -> None:
    from dltools.models.backbones import squeezenet

    assert squeezenet.classifier().count_params() == 1_235_496  # SqueezeNet 1.1's 1.24 million
