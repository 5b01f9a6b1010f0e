"""Train the convolutional architectures: Keras networks as learners, and their export for LiteRT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from dltools.models.backbones import squeezenet
from dltools.models.classify import network
from dltools.models.classify.config import ClassifierConfig
from dltools.models.classify.learners import Numbers, State
from dltools.models.classify.prepare import Floats
from dltools.models.classify.recipe import Recipe
from dltools.runtime.export import to_litert
from dltools.runtime.modelfile import append_config

_BATCH = 128  # pictures that run through a network at once where nothing is learned


class KerasLearner:
    """A convolutional network of a recipe, for ``classes`` classes; ``published``: Keras' weights to start from."""

    def __init__(self, recipe: Recipe, classes: int, seed: int, published: Path | None = None) -> None:
        tf.get_logger().setLevel("ERROR")  # it advises developers on standard error
        keras.utils.set_random_seed(seed)
        tf.config.experimental.enable_op_determinism()
        self.model = build(recipe, classes)
        if recipe.arch == "convnet" and recipe.weights == "imagenet":
            squeezenet.set_weights(self.model, squeezenet.embedded_weights())
        elif published is not None:
            _start_from(self.model, published)
        self._optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay)
        self._optimizer.build(self.model.trainable_variables)
        loss_of = keras.losses.SparseCategoricalCrossentropy()

        def step(inputs: Any, targets: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = loss_of(targets, self.model(inputs, training=True))
            variables = self.model.trainable_variables
            self._optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        self._step = tf.function(step, reduce_retracing=True)
        self._run = tf.function(lambda inputs: self.model(inputs, training=False), reduce_retracing=True)

    def reseed(self, seed: int) -> None:
        """Start anew what is random in the network."""
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                state = layer.seed_generator.state
                state.assign(np.array([seed, 0], state.dtype))

    def learn(self, inputs: Floats, targets: Numbers, rate: float) -> float:
        """Make one step on a batch, and return the loss."""
        self._optimizer.learning_rate.assign(rate)
        return float(self._step(tf.constant(inputs), tf.constant(targets)))

    def answers(self, inputs: Floats) -> Floats:
        """Return the probability of each class (batch, classes)."""
        starts = range(0, len(inputs), _BATCH)
        return np.concatenate([self._run(tf.constant(inputs[start : start + _BATCH])).numpy() for start in starts])

    def weights(self) -> State:
        """Return copies of the network's arrays."""
        return {f"{number}": np.array(value) for number, value in enumerate(self.model.get_weights())}

    def state(self) -> State:
        """Return copies of the network's arrays and of the optimizer's."""
        memory = {f"optimizer/{number}": each.numpy() for number, each in enumerate(self._optimizer.variables)}
        return {**self.weights(), **memory}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over saved arrays; raise ``KeyError`` or ``ValueError`` where they do not fit."""
        self.model.set_weights([state[f"{number}"] for number in range(len(self.model.weights))])
        if "optimizer/0" in state:
            for number, variable in enumerate(self._optimizer.variables):
                variable.assign(state[f"optimizer/{number}"])


def build(recipe: Recipe, classes: int) -> keras.Model:
    """Return the untrained network of a recipe."""
    if recipe.arch == "resnet50":
        return network.resnet50(recipe.size, classes, width=recipe.width)
    if recipe.weights == "imagenet":
        return network.squeezenet(recipe.size, classes, dropout=recipe.dropout)
    return network.convnet(recipe.size, classes, width=recipe.width, dropout=recipe.dropout)


def _start_from(model: keras.Model, published: Path) -> None:
    """Put Keras' weights of ResNet-50 into all layers but the last."""
    source = network.resnet50()
    network.load_weights(source, published)
    for layer in source.layers:
        if layer.name not in ("picture", "predictions"):
            model.get_layer(layer.name).set_weights(layer.get_weights())


def export(config: ClassifierConfig, recipe: Recipe, members: Sequence[State]) -> bytes:
    """Return the model file of networks whose probabilities are averaged, in float32."""
    size, classes = recipe.size, len(config.classes)
    picture = keras.Input((size, size, 3), name="picture")
    answers = []
    for number, weights in enumerate(members):
        model = build(recipe, classes)
        model.set_weights([weights[f"{at}"] for at in range(len(model.weights))])
        model.name = f"member{number}"
        answers.append(model(picture))
    joined = answers[0] if len(answers) == 1 else keras.layers.Average(name="mean")(answers)
    return append_config(to_litert(keras.Model(picture, joined), quantize="float32"), config.to_json())
