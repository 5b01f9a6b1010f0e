"""The trigger word: features, network, events, and a stream that equals the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.models.trigger.chime import chime
from dltools.models.trigger.config import Recurrence, TriggerConfig, Weights
from dltools.models.trigger.evaluate import poisson, wilson
from dltools.models.trigger.events import Finder, Rules
from dltools.models.trigger.examples import targets
from dltools.models.trigger.features import Spectrogram, SpeechEmbedding
from dltools.models.trigger.infer import TriggerDetector

RANDOM = np.random.default_rng(5)
SOUND = (RANDOM.normal(0, 0.1, 40000) * np.sin(np.arange(40000) / 3000)).astype(np.float32)


def detector(kind: str = "embedding", units: int = 6) -> TriggerDetector:
    dimensions, taps, stride = (96, 5, 1) if kind == "embedding" else (101, 15, 4)

    def some(*shape: int) -> np.ndarray:
        return np.random.default_rng(len(shape) + shape[-1]).normal(0, 0.2, shape).astype(np.float32)

    weights = Weights(
        some(taps, dimensions, 8) / 5,
        some(8),
        (
            Recurrence(some(8, 3 * units), some(units, 3 * units), some(2, 3 * units)),
            Recurrence(some(units, 3 * units), some(units, 3 * units), some(2, 3 * units)),
        ),
        some(units, 1) * 5,
        some(1),
    )
    return TriggerDetector(TriggerConfig(kind, "word", stride, 0.5, (), 1.0, 0.1, 0.8, {}), weights)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["embedding", "course"])
@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(1, len(SOUND) - 1), max_size=12))
def test_a_stream_equals_the_whole_for_any_chunking(kind: str, cuts: list[int]) -> None:
    model = detector(kind)
    whole = model.listen()
    scores = np.concatenate([whole.push(SOUND)[0], whole.finish()[0]])
    stream = model.listen()
    pieces = [stream.push(piece)[0] for piece in np.split(SOUND, sorted(cuts))]
    pieces.append(stream.finish()[0])
    assert np.abs(np.concatenate(pieces) - scores).max() < 1e-4  # the order in which float32 products are added


@pytest.mark.parametrize("kind", ["embedding", "course"])
def test_the_network_in_numpy_is_the_one_in_keras(kind: str) -> None:
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import tensorflow as tf

        from dltools.models.trigger.network import Network, Shape

    from dltools.models.trigger.recurrent import Recurrent

    shape = Shape(5, 1, 7, (4, 3)) if kind == "embedding" else Shape(15, 4, 7, (4, 3))
    network = Network(shape, 11, dropout=0.3, noise=0.2)
    random = np.random.default_rng(1)
    for variable in network.variables:
        if "seed" not in variable.name:  # variances and spreads are positive
            variable.assign(np.abs(random.normal(0.5, 0.3, variable.shape)) + 0.1)
    features = random.normal(0, 1, (24, 11)).astype(np.float32)
    expected = tf.sigmoid(network(features[None])).numpy()[0]
    got = Recurrent(network.exported(), shape.stride).push(features)
    assert np.abs(got - expected).max() < 1e-5  # float32


def test_exported_weights_go_on() -> None:
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        from dltools.models.trigger.network import Network, Shape

    random = np.random.default_rng(2)
    one, other = (Network(Shape(5, 1, 7, (4,)), 11, dropout=0.3, noise=0.2, seed=seed) for seed in (1, 2))
    features = random.normal(0, 1, (1, 20, 11)).astype(np.float32)
    other.restore(one.exported(), random.normal(size=11).astype(np.float32), np.full(11, 2, np.float32))
    assert np.abs(other(features).numpy() - one(features).numpy()).max() < 1e-4


def test_an_embedding_a_step_and_silence_before() -> None:
    features = SpeechEmbedding()
    assert features.push(np.zeros(1280 + 351, np.float32)).shape == (0, 96)
    silent = features.push(np.zeros(1 + 9 * 1280, np.float32))
    assert silent.shape == (10, 96)
    assert np.abs(silent - silent[0]).max() < 1e-4  # silence after silence


def test_the_spectrogram_is_the_course_s_size() -> None:
    assert Spectrogram().push(np.zeros(441000, np.float32)).shape == (5511, 101)


def test_events_have_hysteresis_and_a_refractory_time() -> None:
    finder = Finder(Rules(0.5, smoothing=0.08, refractory=1.0, delay=0.1, length=0.5), 0.08)
    scores = np.array([0, 0, 0.6, 0.9, 0.4, 0.7, 0.1, 0.9, 0.1, *[0.0] * 20, 0.8, 0], np.float32)
    begun, ended = finder.push(scores)
    assert [event.score for event in ended] == pytest.approx([0.9, 0.8])
    assert begun[0].heard == pytest.approx(0.24)
    assert begun[0].end == pytest.approx(0.14)
    assert finder.finish() == []


def test_targets_lie_behind_the_word() -> None:
    wanted = targets([64000], 125, 1280)
    assert wanted[50:53].tolist() == [1, 1, 1]
    assert (wanted[47:50] == -1).all() and (wanted[53:59] == -1).all()
    assert (wanted == 1).sum() == 3 and wanted[:46].max() == 0


def test_intervals_hold_what_they_should() -> None:
    assert wilson(0, 100).high == pytest.approx(0.037, abs=1e-3)  # Wilson (1927), by hand
    assert poisson(0, 3.0).high == pytest.approx(1.0)  # the rule of three
    assert poisson(10, 1.0).low == pytest.approx(4.79, abs=0.02)  # exact: 4.795 to 18.39
    assert poisson(10, 1.0).high == pytest.approx(18.39, abs=0.02)


def test_a_chime_is_heard_and_does_not_clip() -> None:
    for rate in (8000, 44100):
        bell = chime(rate)
        assert 0.2 < np.abs(bell).max() < 0.5 and abs(bell[-1]) < 1e-3
