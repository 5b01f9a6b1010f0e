"""VGG-16 and VGG-19 against Keras' own networks, on one set of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dltools.errors import ModelFileError

if TYPE_CHECKING:
    from dltools.models.backbones.vgg import Name

#: Parameters without and with the classifier of 1,000 classes, as the documentation of Keras' applications has them.
PARAMETERS = {"vgg16": (14_714_688, 138_357_544), "vgg19": (20_024_384, 143_667_240)}


def reference(name: Name) -> Any:
    """Return Keras' network without the classifier, with random weights that no layer's output dies of."""
    import keras

    keras.utils.set_random_seed(7)
    make = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    return make(weights=None, include_top=False, input_shape=(64, 48, 3))


def save_published(model: Any, path: Path) -> None:
    """Write weights in the layout of the published files: a group a layer, its arrays named in an attribute."""
    import h5py

    with h5py.File(path, "w") as file:
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_{part}_1:0" for part in "Wb"][: len(layer.weights)]
            group.attrs["weight_names"] = [one.encode() for one in names]
            for one, values in zip(names, layer.get_weights(), strict=True):
                group[one] = values


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
@pytest.mark.parametrize("layout", ["published", "keras3"])
def test_outputs_are_those_of_keras(name: Name, layout: str, tmp_path: Path) -> None:
    from dltools.models.backbones import vgg

    theirs = reference(name)
    path = tmp_path / ("x.h5" if layout == "published" else "x.weights.h5")
    if layout == "published":
        save_published(theirs, path)
    else:
        theirs.save_weights(path)
    ours = vgg.features(name, 64, 48)
    vgg.load_weights(ours, path)
    assert [layer.name for layer in ours.layers][1:] == [layer.name for layer in theirs.layers][1:]
    picture = np.random.default_rng(1).normal(0, 60, (2, 64, 48, 3)).astype(np.float32)
    expected = np.asarray(theirs(picture))
    assert expected.std() > 0
    # The same operations in the same order: only what the library may reorder between two calls is left.
    np.testing.assert_allclose(np.asarray(ours(picture)), expected, rtol=1e-5, atol=1e-5 * float(expected.max()))


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_parameters_and_names_are_those_of_keras(name: Name) -> None:
    from dltools.models.backbones import vgg

    assert vgg.features(name).count_params() == PARAMETERS[name][0]
    whole = vgg.classifier(name)
    assert whole.count_params() == PARAMETERS[name][1]
    assert [layer.name for layer in whole.layers[-4:]] == ["flatten", "fc1", "fc2", "predictions"]
    assert tuple(whole.output.shape) == (None, 1000)


def test_a_part_of_the_network_takes_its_share_of_a_file(tmp_path: Path) -> None:
    import keras

    from dltools.models.backbones import vgg

    theirs = reference("vgg19")
    save_published(theirs, tmp_path / "x.h5")
    whole = vgg.features("vgg19")
    part = keras.Model(whole.input, whole.get_layer("block2_conv1").output)
    vgg.load_weights(part, tmp_path / "x.h5")
    for mine, his in zip(part.layers[-1].get_weights(), theirs.get_layer("block2_conv1").get_weights(), strict=True):
        np.testing.assert_array_equal(mine, his)


def test_a_file_of_blocks(tmp_path: Path) -> None:
    """The layout of the edge detector's file: convolutions counted anew in each block."""
    import h5py

    from dltools.models.backbones import vgg

    theirs = reference("vgg16")
    with h5py.File(tmp_path / "x.weights.h5", "w") as file:
        for layer in theirs.layers:
            if layer.weights:
                block, _, number = layer.name.partition("_conv")
                group = f"{block}/layers/conv2d" + (f"_{int(number) - 1}" if number != "1" else "")
                for at, values in enumerate(layer.get_weights()):
                    file[f"{group}/vars/{at}"] = values
    ours = vgg.features("vgg16", 64, 48)
    vgg.load_weights(ours, tmp_path / "x.weights.h5")
    for mine, his in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, his)


def test_other_files_are_refused(tmp_path: Path) -> None:
    import h5py

    from dltools.models.backbones import vgg

    ours = vgg.features("vgg16")
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with h5py.File(tmp_path / "shape.h5", "w") as file:
        for layer in ours.layers:
            if layer.weights:
                group = file.create_group(layer.name)
                group.attrs["weight_names"] = [b"k", b"b"]
                group["k"], group["b"] = np.zeros((1, 1, 3, 8)), np.zeros(8)
    for name in ("text.h5", "empty.h5", "shape.h5", "missing.h5"):
        with pytest.raises(ModelFileError, match=f"{name}: not the weights of vgg16_features") as caught:
            vgg.load_weights(ours, tmp_path / name)
        assert "\n" not in str(caught.value)
