"""Train on a CSV file of digits: ``digits.py scikit-learn|keras CSV`` prints the accuracy on a held-out fifth.

scikit-learn: a multilayer perceptron of 128 and 64 units, 100 epochs. Keras: the small convolutional net, 20 epochs.
"""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> None:
    table = np.loadtxt(sys.argv[2], delimiter=",", dtype=np.float32)
    order = np.random.default_rng(1).permutation(len(table))
    inputs, labels = table[order, :-1], table[order, -1].astype(int)
    seen = len(table) * 4 // 5
    mean, scale = inputs[:seen].mean(), inputs[:seen].std()
    inputs = (inputs - mean) / scale
    train = {"scikit-learn": scikit_learn, "keras": keras}[sys.argv[1]]
    print(train(inputs[:seen], labels[:seen], inputs[seen:], labels[seen:]))


def scikit_learn(inputs: np.ndarray, labels: np.ndarray, held: np.ndarray, truth: np.ndarray) -> float:
    import warnings

    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")  # it tells that 100 epochs are not enough to converge
    network = MLPClassifier(
        (128, 64),
        alpha=3e-4,
        batch_size=32,
        learning_rate_init=0.005,
        max_iter=100,
        n_iter_no_change=100,
        random_state=1,
    )
    return float(network.fit(inputs, labels).score(held, truth))


def keras(inputs: np.ndarray, labels: np.ndarray, held: np.ndarray, truth: np.ndarray) -> float:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(0.005), loss, metrics=["accuracy"])
    network.fit(inputs, labels, batch_size=32, epochs=20, verbose=0)
    return float(network.evaluate(held, truth, verbose=0)[1])


if __name__ == "__main__":
    main()
