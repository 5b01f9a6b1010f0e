"""Sample names as tutorials do: a Keras LSTM, called for one character at a time. Untrained: only its time counts.

``python keras_names.py COUNT`` prints so many names of at most eleven letters, the mean length of a dinosaur's.
"""

from __future__ import annotations

import os
import string
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

UNITS, LENGTH = 128, 11


def main() -> None:
    cell = keras.layers.LSTMCell(UNITS)
    dense = keras.layers.Dense(len(string.ascii_lowercase), activation="softmax")
    embedding = keras.layers.Embedding(len(string.ascii_lowercase), 32)
    random = np.random.default_rng(1)
    for _ in range(int(sys.argv[1])):
        states, last, name = [np.zeros((1, UNITS), np.float32)] * 2, 0, ""
        for _ in range(LENGTH):
            output, states = cell(embedding(np.array([last])), states)
            shares = np.asarray(dense(output))[0].astype(np.float64)
            last = int(random.choice(len(shares), p=shares / shares.sum()))
            name += string.ascii_lowercase[last]
        print(name.capitalize())


if __name__ == "__main__":
    main()
