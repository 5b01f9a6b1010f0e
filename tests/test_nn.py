"""Networks from scratch: layers against numerical gradients and TensorFlow, optimizers against Keras, the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dltools.errors import InputError, UsageError
from dltools.models.nn.activations import ACTIVATIONS, Activation
from dltools.models.nn.convolution import AveragePool, Convolution, MaxPool
from dltools.models.nn.dense import Dense, Embedding, Flatten, Reshape
from dltools.models.nn.gradient_check import TOLERANCE, check_layer, gradient_check
from dltools.models.nn.initializers import initialize
from dltools.models.nn.layer import Array, Layer, Shape, Start
from dltools.models.nn.losses import LOSSES
from dltools.models.nn.model import Network
from dltools.models.nn.normalization import BatchNormalization
from dltools.models.nn.optimizers import OPTIMIZERS, Adam, Momentum, clip, decayed
from dltools.models.nn.recurrent import GRU, LSTM, SimpleRNN
from dltools.models.nn.regularizers import L2, Dropout, EarlyStopping
from dltools.models.nn.spec import Word, complete, make, parse
from dltools.models.nn.trial import EVERY, check_spec

IMAGE = (6, 7, 3)
STEPS = (5, 3)

LAYERS: dict[str, tuple[Callable[[], Layer], Shape]] = {
    "dense": (lambda: Dense(4), (5,)),
    "dense over steps": (lambda: Dense(4), STEPS),
    "conv same": (lambda: Convolution(4, 3), IMAGE),
    "conv same, stride 2": (lambda: Convolution(4, 3, stride=2), IMAGE),
    "conv valid": (lambda: Convolution(4, 3, padding="valid"), IMAGE),
    "conv valid, stride 2": (lambda: Convolution(4, 3, stride=2, padding="valid"), IMAGE),
    "conv of an even window": (lambda: Convolution(2, 2), IMAGE),
    "conv 5, stride 3": (lambda: Convolution(2, 5, stride=3), IMAGE),
    "conv of a pixel": (lambda: Convolution(2, 1), IMAGE),
    "max pool": (lambda: MaxPool(2), IMAGE),
    "max pool that overlaps": (lambda: MaxPool(3, stride=1), IMAGE),
    "average pool": (lambda: AveragePool(2), IMAGE),
    "average pool that overlaps": (lambda: AveragePool(3, stride=2), IMAGE),
    "batch normalization": (BatchNormalization, (4,)),
    "batch normalization of images": (BatchNormalization, IMAGE),
    "dropout": (lambda: Dropout(0.4), (9,)),
    "flatten": (Flatten, IMAGE),
    "reshape": (lambda: Reshape(3, 2), (6,)),
    "embedding": (lambda: Embedding(7, 3), (4,)),
    "rnn": (lambda: SimpleRNN(4), STEPS),
    "rnn, all states": (lambda: SimpleRNN(4, return_sequences=True), STEPS),
    "lstm": (lambda: LSTM(4), STEPS),
    "lstm, all states": (lambda: LSTM(4, return_sequences=True), STEPS),
    "gru": (lambda: GRU(4), STEPS),
    "gru, all states": (lambda: GRU(4, return_sequences=True), STEPS),
    **{name: (lambda name=name: Activation(name), (6,)) for name in ACTIVATIONS},
}


def _built(name: str, dtype: Any = np.float64, *, seed: int = 1) -> tuple[Layer, Array, Shape]:
    """Return a layer with random biases, inputs for it, and the shape that it says its outputs have."""
    random = np.random.default_rng(seed)
    make_layer, shape = LAYERS[name]
    layer = make_layer()
    outputs = layer.build(shape, Start(random, "xavier", dtype))
    for parameter in layer.parameters.values():
        parameter += random.normal(0, 0.3, parameter.shape)
    if isinstance(layer, Embedding):
        return layer, random.integers(0, layer.words, (3, *shape)), outputs
    return layer, random.normal(size=(3, *shape)).astype(dtype), outputs


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_agree_with_numerical_ones(name: str) -> None:
    layer, inputs, outputs = _built(name)
    assert layer.forward(inputs, training=True).shape == (3, *outputs)
    differences = check_layer(layer, inputs)
    assert set(differences) >= set(layer.parameters)
    assert max(differences.values(), default=0) <= 1e-7, differences


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_keeps_its_dtype(name: str, dtype: Any) -> None:
    layer, inputs, _ = _built(name, dtype)
    outputs = layer.forward(inputs, training=True)
    assert outputs.dtype == dtype
    assert layer.backward(np.ones_like(outputs)).dtype == dtype
    assert {array.dtype for array in (*layer.gradients.values(), *layer.state.values())} <= {np.dtype(dtype)}
    assert layer.gradients.keys() == layer.parameters.keys()


def test_batch_normalization_not_in_training_has_the_gradient_of_a_scale() -> None:
    layer, inputs, _ = _built("batch normalization")
    layer.forward(inputs, training=True)
    outputs = layer.forward(inputs)
    moved = layer.forward(inputs + 1e-6)
    layer.forward(inputs)
    assert np.allclose((moved - outputs) / 1e-6, layer.backward(np.ones_like(outputs)), rtol=1e-6)


# --- TensorFlow as the oracle


def _keras_layer(name: str, layer: Layer) -> Any:
    import keras

    layers = keras.layers
    if isinstance(layer, Convolution):
        return layers.Conv2D(layer.filters, layer.size, strides=layer.stride, padding=layer.padding)
    if isinstance(layer, (MaxPool, AveragePool)):
        kind = layers.MaxPooling2D if isinstance(layer, MaxPool) else layers.AveragePooling2D
        return kind(layer.size, strides=layer.stride)
    if isinstance(layer, Dense):
        return layers.Dense(layer.units)
    if isinstance(layer, Embedding):
        return layers.Embedding(layer.words, layer.dimensions)
    if isinstance(layer, BatchNormalization):
        return layers.BatchNormalization(momentum=layer.momentum, epsilon=layer.epsilon)
    if isinstance(layer, (SimpleRNN, LSTM, GRU)):
        return getattr(layers, type(layer).__name__)(layer.units, return_sequences=layer.return_sequences)
    if isinstance(layer, Activation):
        function = {"leaky-relu": lambda x: keras.activations.leaky_relu(x, 0.1)}.get(name, name)
        return layers.Activation(function)
    return layers.Flatten()


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in ("dropout", "reshape")])
def test_forward_and_gradients_are_those_of_tensorflow(name: str) -> None:
    """1e-5 of the largest number: both work in float32, and sum in different orders."""
    tf = pytest.importorskip("tensorflow")
    layer, inputs, _ = _built(name, np.float32)
    peer = _keras_layer(name, layer)
    peer.build((None, *inputs.shape[1:]))
    own = [*layer.parameters.values(), *layer.state.values()]
    peer.set_weights([array.reshape(weight.shape) for array, weight in zip(own, peer.weights, strict=True)])
    outputs = layer.forward(inputs, training=True)
    weights = np.random.default_rng(2).normal(size=outputs.shape).astype(np.float32)
    through = layer.backward(weights)
    given = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(given)
        theirs = peer(given, training=True)
        loss = tf.reduce_sum(theirs * weights)
    wanted = tape.gradient(loss, [given, *peer.trainable_variables])
    _near(outputs, theirs.numpy())
    if not isinstance(layer, Embedding):
        _near(through, wanted[0].numpy())
    for mine, gradient in zip(layer.gradients.values(), wanted[1:], strict=True):
        _near(mine, tf.convert_to_tensor(gradient).numpy())
    for mine, weight in zip([*layer.parameters.values(), *layer.state.values()], peer.weights, strict=True):
        _near(mine, weight.numpy())  # the moving averages, too


def _near(mine: Array, theirs: Array) -> None:
    assert np.abs(mine.reshape(theirs.shape) - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_go_step_by_step_with_keras(name: str) -> None:
    """Keras holds 0.999 as a float32, so that its 1 - 0.999**t is off by 1e-5 of itself: all that is left of 1e-6."""
    keras = pytest.importorskip("keras")
    peers = {
        "sgd": lambda rate: keras.optimizers.SGD(rate),
        "momentum": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
        "nesterov": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
        "rmsprop": lambda rate: keras.optimizers.RMSprop(rate),
        "adam": lambda rate: keras.optimizers.Adam(rate),
    }
    random = np.random.default_rng(3)
    mine = {"w": random.normal(size=(4, 3))}
    variable = keras.Variable(mine["w"].copy(), dtype="float64")
    optimizer, peer = OPTIMIZERS[name](0.01), peers[name](0.01)
    for _ in range(25):
        gradient = random.normal(size=(4, 3))
        optimizer.step(mine, {"w": gradient})
        peer.apply([keras.ops.convert_to_tensor(gradient, "float64")], [variable])
        assert np.abs(mine["w"] - variable.numpy()).max() <= 1e-6


def test_learning_rate_decay_and_clipping_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras")
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.5)
    assert [decayed(0.1, 0.5, epoch) for epoch in range(4)] == pytest.approx([float(schedule(at)) for at in range(4)])
    random = np.random.default_rng(4)
    variables = [keras.Variable(np.zeros(3, np.float32)), keras.Variable(np.zeros((2, 2), np.float32))]
    gradients = {"a": random.normal(size=3).astype(np.float32), "b": random.normal(size=(2, 2)).astype(np.float32)}
    keras.optimizers.SGD(1.0, global_clipnorm=0.7).apply(list(gradients.values()), variables)
    for clipped, variable in zip(clip(gradients, 0.7).values(), variables, strict=True):
        assert np.allclose(-clipped, variable.numpy(), atol=1e-6)
    assert clip(gradients, 1e9)["a"] is gradients["a"]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_keras_and_their_gradients_right(name: str) -> None:
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(5)
    outputs = random.normal(0, 3, (6, 4))
    targets = np.eye(4)[random.integers(0, 4, 6)] if name.startswith("cat") else random.integers(0, 2, (6, 4)) * 1.0
    peers = {
        "binary-crossentropy": keras.losses.BinaryCrossentropy(from_logits=True),
        "categorical-crossentropy": keras.losses.CategoricalCrossentropy(from_logits=True),
        "mean-squared-error": keras.losses.MeanSquaredError(),
    }
    loss = LOSSES[name]
    assert loss.value(outputs, targets) == pytest.approx(float(peers[name](targets, outputs)), rel=1e-5)
    gradients = {"outputs": loss.gradient(outputs, targets)}
    assert gradient_check(lambda: loss.value(outputs, targets), {"outputs": outputs}, gradients)["outputs"] <= 1e-7


@pytest.mark.parametrize("name", ["binary-crossentropy", "categorical-crossentropy"])
def test_huge_logits_stay_finite(name: str) -> None:
    outputs, targets = np.array([[1e5, -1e5]], np.float32), np.array([[0.0, 1.0]], np.float32)
    loss = LOSSES[name]
    assert np.isfinite(loss.value(outputs, targets))
    assert np.isfinite(loss.gradient(outputs, targets)).all() and np.isfinite(loss.answer(outputs)).all()


# --- what a layer is not


def test_a_wrong_gradient_is_found() -> None:
    class Wrong(Dense):
        def backward(self, gradient: Array) -> Array:
            through = super().backward(gradient)
            self.gradients["kernel"] = self.gradients["kernel"] * 1.001
            return through

    layer = Wrong(3)
    layer.build((4,), Start(np.random.default_rng(0), dtype=np.float64))
    found = check_layer(layer, np.random.default_rng(1).normal(size=(5, 4)))
    assert found["kernel"] == pytest.approx(0.0005, rel=0.01) and found["bias"] <= TOLERANCE >= found["inputs"]


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("layers", EVERY.values())
def test_whole_networks_agree(layers: str, activation: str) -> None:
    assert max(check_spec(layers, activation=activation, seed=6).values()) <= 1e-7


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Convolution(2, 3), (5,), "conv needs inputs of rows, columns and channels, not of 5"),
        (Convolution(2, 9, padding="valid"), (5, 5, 1), "a window of 9 does not fit into 5 x 5"),
        (MaxPool(7), (5, 6, 1), "a window of 7 does not fit into 5 x 6"),
        (LSTM(2), (3, 4, 5), "lstm needs inputs of steps and features, not of 3 x 4 x 5"),
        (Reshape(2, 2), (5,), "5 numbers do not make 2 x 2"),
    ],
)
def test_a_layer_refuses_what_it_cannot_take(layer: Layer, shape: Shape, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        layer.build(shape, Start(np.random.default_rng(0)))


def test_an_embedding_refuses_numbers_that_it_has_not() -> None:
    layer, _, _ = _built("embedding")
    for wrong in (7, -1, 1.5):
        with pytest.raises(InputError, match="has the numbers 0 to 6"):
            layer.forward(np.array([[0, 0, 0, wrong]]))


# --- beginnings, regularizers


def test_zeros_do_not_break_symmetry() -> None:
    """All units of a layer that begins with zeros stay alike, whatever is learned; those drawn at random do not."""
    random = np.random.default_rng(7)
    inputs, targets = random.normal(size=(40, 3)), (random.random((40, 1)) > 0.5) * 1.0

    def units(init: str) -> Array:
        network = Network([Dense(4), Activation("tanh"), Dense(1)], "binary-crossentropy", (3,), Start(random, init))
        optimizer = Momentum(0.5)
        for _ in range(50):
            network.learn(inputs.astype(np.float32), targets.astype(np.float32))
            optimizer.step(network.parameters, network.gradients)
        return network.parameters["0.kernel"]

    assert np.ptp(units("zeros"), axis=1).max() == 0
    assert np.ptp(units("he"), axis=1).min() > 0.01


@pytest.mark.parametrize(
    ("name", "variance"), [("xavier", 2 / 700), ("he", 2 / 300), ("random", 0.05**2), ("zeros", 0)]
)
def test_initializers_have_their_variance(name: str, variance: float) -> None:
    weights = initialize(name, (300, 400), 300, 400, np.random.default_rng(8))
    assert weights.var() == pytest.approx(variance, rel=0.03)
    assert abs(weights.mean()) < 0.001


def test_orthogonal_weights_are_that() -> None:
    weights = initialize("orthogonal", (20, 20), 20, 20, np.random.default_rng(9))
    assert np.allclose(weights @ weights.T, np.eye(20))


def test_l2_is_a_penalty_with_its_gradient() -> None:
    penalty, weights = L2(0.3), {"w": np.random.default_rng(10).normal(size=(3, 2))}
    gradients = {"w": np.zeros((3, 2))}
    penalty.add_gradients(weights, gradients)
    assert gradient_check(lambda: penalty.penalty(weights), weights, gradients)["w"] <= 1e-7


def test_dropout_keeps_the_mean_and_does_nothing_at_rest() -> None:
    layer = Dropout(0.3)
    layer.build((1000,), Start(np.random.default_rng(11)))
    ones = np.ones((100, 1000), np.float32)
    assert layer.forward(ones) is ones
    dropped = layer.forward(ones, training=True)
    assert dropped.mean() == pytest.approx(1, abs=0.01) and (dropped == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_early_stopping_brings_the_best_weights_back() -> None:
    stopping, arrays = EarlyStopping(2), {"w": np.zeros(1)}
    losses = [3.0, 1.0, 2.0, 1.5, 0.5]
    for epoch, loss in enumerate(losses, 1):
        arrays["w"][0] = epoch
        if stopping.stop(epoch, loss, arrays):
            break
    stopping.restore(arrays)
    assert (epoch, stopping.best_epoch, arrays["w"][0]) == (4, 2, 2)


def test_adam_learns_logistic_regression_as_one_layer() -> None:
    random = np.random.default_rng(12)
    inputs = random.normal(size=(200, 2)).astype(np.float32)
    targets = (inputs @ [2.0, -1.0] > 0.3)[:, None].astype(np.float32)
    network = Network([Dense(1)], "binary-crossentropy", (2,), Start(random))
    optimizer = Adam(0.1)
    for _ in range(200):
        network.learn(inputs, targets)
        optimizer.step(network.parameters, network.gradients)
    assert ((network.predict(inputs) > 0.5) == targets).mean() > 0.98


# --- networks as text


@pytest.mark.parametrize(
    ("text", "shape", "outputs", "whole"),
    [
        ("20,7,5", (4,), (3,), "dense:20,relu,dense:7,relu,dense:5,relu,dense:3"),
        ("20,7,3", (4,), (3,), "dense:20,relu,dense:7,relu,dense:3"),
        ("20,1", (4,), (1, 2), "dense:20,relu,dense:1"),
        ("20,2", (4,), (1, 2), "dense:20,relu,dense:2"),
        ("", (4,), (1, 2), "dense:1"),
        ("16,softmax", (4,), (3,), "dense:16,softmax,dense:3"),
        ("dense:6,softmax", (4,), (6,), "dense:6"),
        ("8,tanh,batchnorm,4", (4,), (3,), "dense:8,tanh,batchnorm,dense:4,relu,dense:3"),
        ("8,batchnorm", (4,), (3,), "dense:8,batchnorm,relu,dense:3"),
        (
            "conv:8x3,pool:2,dense:64",
            (8, 8, 1),
            (10,),
            "conv:8x3,relu,pool:2,flatten,dense:64,relu,dense:10",
        ),
        ("conv:8x3x2", (64,), (10,), "reshape:8x8x1,conv:8x3x2,relu,flatten,dense:10"),
        ("conv:8x3", (192,), (10,), "reshape:8x8x3,conv:8x3,relu,flatten,dense:10"),
        ("lstm:5,dropout:0.1,gru:4", (9,), (2,), "reshape:9x1,lstm:5:all,dropout:0.1,gru:4,dense:2"),
        ("rnn:5", (8, 6, 2), (2,), "reshape:8x12,rnn:5,dense:2"),
        ("embedding:9x2,8", (4,), (2,), "embedding:9x2,flatten,dense:8,relu,dense:2"),
    ],
)
def test_layers_are_completed(text: str, shape: Shape, outputs: tuple[int, ...], whole: str) -> None:
    words = complete(text, shape, outputs)
    assert ",".join(map(str, words)) == whole
    assert parse(whole) == words
    Network([make(word) for word in words], "mean-squared-error", shape, Start(np.random.default_rng(0)))


def test_dropout_goes_behind_hidden_layers_only() -> None:
    words = complete("8,4,dropout:0.1", (4,), (3,), activation="tanh", dropout=0.5)
    assert ",".join(map(str, words)) == "dense:8,tanh,dropout:0.5,dense:4,tanh,dropout:0.1,dense:3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("convv:8x3", r"no layer is called 'convv' \(did you mean conv\?\)"),
        ("conv:8", "'conv:8' is not of the form conv:8x3"),
        ("conv:8x", "'conv:8x' is not of the form"),
        ("pool", "'pool' is not of the form pool:2"),
        ("16,,8", "nothing stands between two commas"),
        ("16,", "nothing stands between two commas"),
        ("0", "'dense:0' is not of the form dense:64"),
        ("-5", "no layer is called '-5'"),
        ("99999999999", "is not of the form dense:64"),
        ("dropout:1.5", "dropout is a share from 0 to below 1"),
        ("dropout:x", "is not of the form dropout:0.3"),
        ("relu:3", "relu takes no size"),
        ("dense:8:all", "is not of the form dense:64"),
        ("flatten:2", "is not of the form flatten"),
    ],
)
def test_a_slip_in_the_layers_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)


def test_columns_that_make_no_picture() -> None:
    with pytest.raises(UsageError, match="5 columns make no square one"):
        complete("conv:8x3", (5,), (2,))
    assert Word("conv", "8x3") in complete("conv:8x3", (4,), (2,))
