"""Networks on made-up data, small enough to check their gradients in a moment."""

from __future__ import annotations

import numpy as np

from dltools.models.nn.examples import one_hot
from dltools.models.nn.gradient_check import check_network
from dltools.models.nn.layer import Shape, Start
from dltools.models.nn.model import Network
from dltools.models.nn.spec import Word, complete, make, parse

#: Networks that have every kind of layer between them.
EVERY = {
    "dense": "6,batchnorm,dropout:0.2,5",
    "conv": "conv:3x3,batchnorm,pool:2,conv:4x3x2,avgpool:2,5",
    "recurrent": "lstm:3,gru:3,rnn:3",
    "embedding": "embedding:7x3,gru:3",
}
_BATCH, _CLASSES, _FEATURES = 5, 3, 4
_MOST = 200  # numbers of a parameter that are looked at
_SHAPES: dict[str, Shape] = {
    **dict.fromkeys(("conv", "pool", "avgpool"), (8, 8, 2)),
    **dict.fromkeys(("rnn", "lstm", "gru"), (_FEATURES, 3)),
}


def check_spec(layers: str, *, activation: str, seed: int) -> dict[str, float]:
    """Return the relative difference of each parameter's gradient in a network for three classes, on random data.

    ``layers`` as :mod:`.spec` has them; the names are those of the parameters, ``2.dense.kernel``. The first layer
    decides whether examples are rows of four numbers, images, or steps. Raise :class:`UsageError` where layers do not
    fit.
    """
    random = np.random.default_rng(seed)
    first = next(iter(parse(layers)), Word("dense", "1"))
    shape = _shape(first)
    words = complete(layers, shape, (_CLASSES,), activation=activation)
    network = Network(
        [make(word) for word in words], "categorical-crossentropy", shape, Start(random, "he", np.float64)
    )
    for name, array in network.parameters.items():
        if name not in network.penalized:  # biases that are not 0 take part in what is checked
            array += random.normal(0, 0.1, array.shape)
    whole = int(first.sizes.split("x")[0]) if first.kind == "embedding" else 0
    size = (_BATCH, *shape)
    inputs = random.integers(0, whole, size) if whole else random.normal(size=size)
    targets = one_hot(random.integers(0, _CLASSES, _BATCH), _CLASSES).astype(np.float64)
    found = check_network(network, inputs, targets, seed=seed, most=_MOST)
    kinds = {str(at): word.kind for at, word in enumerate(words)}
    return {f"{(parts := name.split('.'))[0]}.{kinds[parts[0]]}.{parts[1]}": each for name, each in found.items()}


def _shape(first: Word) -> Shape:
    """Return the shape of an example that a first layer takes."""
    if first.kind == "reshape":
        return (int(np.prod([int(size) for size in first.sizes.split("x")])),)
    return _SHAPES.get(first.kind, (_FEATURES,))
