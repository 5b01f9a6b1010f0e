"""The network that reads a date and writes it: an encoder-decoder with attention, in TensorFlow, for training.

A bidirectional LSTM reads the characters (Schuster and Paliwal, 1997); at each of the steps attention weighs what it
read ("general" score of Luong, Pham and Manning, 2015, on the decoder's state before the step, as Bahdanau, Cho and
Bengio, 2015) and an LSTM writes one symbol, the one before fed back. In: characters (batch, steps), lengths (batch,),
hints (batch, 2), targets (batch, symbols). Out: logits (batch, symbols, 28).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dltools.models.dates.characters import PADDING
from dltools.models.dates.config import Floats, Weights
from dltools.models.dates.grammar import SYMBOLS


def first_weights(characters: int, languages: int, embedding: int, units: int, decoder: int, seed: int) -> Weights:
    """Return weights to start from: Glorot's, orthogonal recurrences, forget gates with bias 1."""
    random = np.random.default_rng(seed)
    symbols = len(SYMBOLS)

    def glorot(*shape: int) -> Floats:
        limit = np.sqrt(6 / (shape[-2] + shape[-1]))
        return random.uniform(-limit, limit, shape).astype(np.float32)

    def turns(size: int) -> Floats:
        return np.concatenate([np.linalg.qr(random.normal(size=(size, size)))[0] for _ in range(4)], 1).astype(
            np.float32
        )

    def bias(size: int) -> Floats:
        values = np.zeros(4 * size, np.float32)
        values[size : 2 * size] = 1
        return values

    def rows(count: int) -> Floats:
        return random.normal(0, 0.3, (count, embedding)).astype(np.float32)

    return Weights(
        embedding=rows(characters),
        orders=rows(4),
        languages=rows(1 + languages),
        encoder_kernel=glorot(2, embedding, 4 * units),
        encoder_recurrent=np.stack([turns(units), turns(units)]),
        encoder_bias=np.stack([bias(units), bias(units)]),
        bridge_kernel=glorot(2 * units, decoder),
        bridge_bias=np.zeros(decoder, np.float32),
        query_kernel=glorot(decoder, 2 * units),
        decoder_kernel=glorot(2 * units, 4 * decoder),
        decoder_symbols=glorot(symbols + 2, 4 * decoder),
        decoder_recurrent=turns(decoder),
        decoder_bias=bias(decoder),
        output_kernel=glorot(decoder + 2 * units, symbols),
        output_bias=np.zeros(symbols, np.float32),
    )


class Translator:
    """The network with its variables, from ``first`` weights on."""

    def __init__(self, first: Weights) -> None:
        self._first = first._asdict()
        self._recurrent = [keras.layers.LSTM(first.encoder_recurrent.shape[1], return_sequences=True) for _ in range(2)]
        for way, layer in enumerate(self._recurrent):
            layer.build((None, None, first.embedding.shape[1]))
            layer.set_weights([first.encoder_kernel[way], first.encoder_recurrent[way], first.encoder_bias[way]])
        self._own = {
            name: keras.Variable(value, name=name)
            for name, value in self._first.items()
            if not name.startswith("encoder")
        }

    @property
    def variables(self) -> list[keras.Variable]:
        """All variables, to train."""
        return [*self._own.values(), *(variable for layer in self._recurrent for variable in layer.trainable_variables)]

    def weights_now(self) -> Weights:
        """Return the weights as they are."""
        ways = zip(*(layer.get_weights() for layer in self._recurrent), strict=True)
        encoder = dict(zip(("encoder_kernel", "encoder_recurrent", "encoder_bias"), map(np.stack, ways), strict=True))
        return Weights(**{name: variable.numpy() for name, variable in self._own.items()}, **encoder)

    def encode(self, characters: Any, hints: Any, dropout: float = 0.0) -> tuple[Any, Any, Any]:
        """Return what is read (batch, 1 + steps, 2 H), its mask (batch, 1 + steps), the decoder's first output.

        ``dropout``: share of the numbers of what is read that are set to nothing.
        """
        own = {name: variable.value for name, variable in self._own.items()}
        hint = tf.gather(own["orders"], hints[:, 0]) + tf.gather(own["languages"], hints[:, 1])
        given = tf.concat([hint[:, None], tf.gather(own["embedding"], characters)], 1)  # (batch, 1 + steps, E)
        left = self._recurrent[0](given)
        right = tf.reverse(self._recurrent[1](tf.reverse(given, [1])), [1])
        last = tf.concat([left[:, -1], right[:, 0]], -1)
        read = tf.concat([left, right], -1)
        if dropout:
            read = tf.nn.dropout(read, dropout)
        mask = tf.pad(tf.cast(characters != PADDING, tf.float32), ((0, 0), (1, 0)), constant_values=1)
        return read, mask, tf.tanh(last @ own["bridge_kernel"] + own["bridge_bias"])

    def decode(self, read: Any, mask: Any, output: Any, before: Any) -> Any:
        """Return logits (batch, symbols, S), each symbol after those of ``before`` (batch, symbols), a start first."""
        own = {name: variable.value for name, variable in self._own.items()}
        state = tf.zeros_like(output)
        hidden = (mask - 1) * 1e9  # what fills up gets no weight
        logits = []
        for at in range(before.shape[1]):
            scores = tf.einsum("bsh,bh->bs", read, output @ own["query_kernel"]) + hidden
            context = tf.einsum("bs,bsh->bh", tf.nn.softmax(scores), read)
            gates = context @ own["decoder_kernel"] + tf.gather(own["decoder_symbols"], before[:, at])
            output, state = _lstm(gates + output @ own["decoder_recurrent"] + own["decoder_bias"], state)
            logits.append(tf.concat([output, context], -1) @ own["output_kernel"] + own["output_bias"])
        return tf.stack(logits, 1)


def _lstm(gates: Any, state: Any) -> tuple[Any, Any]:
    enter, forget, candidate, leave = tf.split(gates, 4, -1)
    state = tf.sigmoid(forget) * state + tf.sigmoid(enter) * tf.tanh(candidate)
    return tf.sigmoid(leave) * tf.tanh(state), state


def train_step(model: Translator, optimizer: keras.optimizers.Optimizer, dropout: float) -> Callable[..., list[Any]]:
    """Return a function of characters, hints and what is to be written, each with its start (batch, 1 + symbols).

    It takes a step on the mean losses in nats a symbol, and returns them.
    """

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def loss(read: Any, mask: Any, output: Any, written: Any) -> Any:
        logits = model.decode(read, mask, output, written[:, :-1])
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=written[:, 1:], logits=logits))

    @tf.function  # type: ignore[untyped-decorator]
    def step(characters: Any, hints: Any, *written: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            read, mask, output = model.encode(characters, hints, dropout)
            losses = [loss(read, mask, output, each) for each in written]
            total = tf.add_n(losses)
        gradients = tape.gradient(total, [variable.value for variable in model.variables])
        optimizer.apply(gradients, model.variables)
        return losses

    taken: Callable[..., list[Any]] = step
    return taken
