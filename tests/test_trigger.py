"""The trigger word: features, network, events, and a stream that equals the whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.errors import DltoolsError, ModelFileError
from dltools.models.trigger import vocoder
from dltools.models.trigger.chime import chime
from dltools.models.trigger.config import Kind, Recurrence, TriggerConfig, Weights
from dltools.models.trigger.evaluate import Measures, Trial, _trial, poisson, wilson
from dltools.models.trigger.events import Finder, Rules, peaks
from dltools.models.trigger.examples import LEAD, LENGTH, SECONDS, Example, mixed, plain, targets
from dltools.models.trigger.features import Spectrogram, SpeechEmbedding
from dltools.models.trigger.hearing import Ear, open_hearing
from dltools.models.trigger.infer import TriggerDetector
from dltools.models.trigger.material import Clip, Hard, Material, Place
from dltools.models.trigger.sets import Plain, Set, batches
from tests.conftest import SOUND

RANDOM = np.random.default_rng(5)
NOISE = (RANDOM.normal(0, 0.1, 40000) * np.sin(np.arange(40000) / 3000)).astype(np.float32)


def detector(kind: str = "embedding", units: int = 6, members: int = 2) -> TriggerDetector:
    dimensions, taps, stride = (96, 5, 1) if kind == "embedding" else (101, 15, 4)

    def some(*shape: int) -> np.ndarray:
        random = np.random.default_rng(len(shape) + shape[-1])
        return random.normal(0, 0.2, (members, *shape)).astype(np.float32)

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
@given(cuts=st.lists(st.integers(1, len(NOISE) - 1), max_size=12))
def test_a_stream_equals_the_whole_for_any_chunking(kind: str, cuts: list[int]) -> None:
    model = detector(kind)
    whole = model.listen()
    scores = np.concatenate([whole.push(NOISE)[0], whole.finish()[0]])
    stream = model.listen()
    pieces = [stream.push(piece)[0] for piece in np.split(NOISE, sorted(cuts))]
    pieces.append(stream.finish()[0])
    assert np.abs(np.concatenate(pieces) - scores).max() < 1e-4  # the order in which float32 products are added


@pytest.mark.parametrize("kind", ["embedding", "course"])
def test_the_network_in_numpy_is_the_one_in_keras(kind: str) -> None:
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import tensorflow as tf

        from dltools.models.trigger.network import Network, Shape, exported

    from dltools.models.trigger.recurrent import Recurrent

    shape = Shape(5, 1, 7, (4, 3)) if kind == "embedding" else Shape(15, 4, 7, (4, 3))
    members = [Network(shape, 11, dropout=0.3, noise=0.2) for _ in range(3)]
    random = np.random.default_rng(1)
    for variable in (variable for network in members for variable in network.variables):
        if "seed" not in variable.name:  # variances and spreads are positive
            variable.assign(np.abs(random.normal(0.5, 0.3, variable.shape)) + 0.1)
    features = random.normal(0, 1, (24, 11)).astype(np.float32)
    expected = tf.sigmoid(sum(network(features[None]) for network in members) / 3).numpy()[0]
    got = Recurrent(exported(members), shape.stride).push(features)
    assert np.abs(got - expected).max() < 1e-5  # float32


def test_exported_weights_go_on() -> None:
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        from dltools.models.trigger.network import Network, Shape

    random = np.random.default_rng(2)
    one, other = (Network(Shape(5, 1, 7, (4,)), 11, dropout=0.3, noise=0.2, seed=seed) for seed in (1, 2))
    features = random.normal(0, 1, (1, 20, 11)).astype(np.float32)
    other.start(random.normal(size=11).astype(np.float32), np.full(11, 2, np.float32), one.exported())
    assert np.abs(other(features).numpy() - one(features).numpy()).max() < 1e-4


def _worse(samples: np.ndarray, rate: int) -> dict[str, tuple[np.ndarray, int]]:
    """Return the example as bad lines, levels and microphones give it."""
    noise = np.random.default_rng(0).normal(0, 1, len(samples)).astype(np.float32)
    loud = np.sqrt((samples[65000:85000] ** 2).mean())  # of the word
    return {
        "as it is": (samples, rate),
        "8 kHz": (soxr.resample(samples, rate, 8000), 8000),
        "48 kHz": (soxr.resample(samples, rate, 48000), 48000),
        "an offset": (np.clip(samples * 0.5 + 0.3, -1, 1), rate),
        "clipped": (np.clip(samples * 8, -1, 1), rate),
        "40 dB fainter": (samples * np.float32(0.01), rate),
        "noise at 5 dB": (samples + noise * loud * np.float32(10 ** (-5 / 20)), rate),
        "a tenth faster": (samples, rate * 11 // 10),
    }


@pytest.mark.parametrize("way", list(_worse(np.zeros(90000, np.float32), 22050)))
def test_the_embedded_model_hears_the_example_and_nothing_else(way: str) -> None:
    samples, rate = _worse(*soundfile.read(SOUND, dtype="float32"))[way]
    (event,) = TriggerDetector.load().detect(soxr.resample(samples, rate, 16000).astype(np.float32))
    pace = 22050 / rate if way == "a tenth faster" else 1.0
    assert 3.0 * pace - 0.3 < event.start < event.end < 3.9 * pace + 0.3


def test_the_embedded_model_hears_nothing_in_silence_noise_and_tones() -> None:
    model, times = TriggerDetector.load(), np.arange(20 * 16000) / 16000
    noise = np.random.default_rng(1).normal(0, 0.1, len(times))
    for samples in (0 * times, noise, noise.cumsum() / 500, 0.3 * np.sin(2 * np.pi * 440 * times), np.sign(noise)):
        assert model.detect(samples.astype(np.float32)) == []


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


def test_peaks_are_the_highest_and_apart() -> None:
    scores = np.array([0.2, 0.7, 0.9, 0.8, 0.1, 0.3, 0.6, 0.6, 0.05], np.float32)
    assert peaks(scores, 0.15, 2) == [2, 6, 0]  # of equals the first
    assert peaks(scores, 0.65, 1) == [2, 3, 1]
    assert peaks(scores, 0.95, 1) == []
    assert peaks(np.zeros(0, np.float32), 0.1, 2) == []


def test_targets_lie_behind_the_word() -> None:
    wanted = targets(Example(np.zeros(160000, np.float32), (64000,), (128000,)), 125)
    assert wanted[50:53].tolist() == [1, 1, 1]
    assert (wanted[47:50] == -1).all() and (wanted[53:59] == -1).all()
    assert (wanted[97:109] == -1).all()  # of one that is drowned nothing is learned
    assert (wanted == 1).sum() == 3 and not wanted[:46].any() and not wanted[59:96].any() and not wanted[109:].any()


def test_intervals_hold_what_they_should() -> None:
    assert wilson(0, 100).high == pytest.approx(0.037, abs=1e-3)  # Wilson (1927), by hand
    assert poisson(0, 3.0).high == pytest.approx(1.0)  # the rule of three
    assert poisson(10, 1.0).low == pytest.approx(4.79, abs=0.02)  # exact: 4.795 to 18.39
    assert poisson(10, 1.0).high == pytest.approx(18.39, abs=0.02)


def test_a_chime_is_heard_and_does_not_clip() -> None:
    for rate in (8000, 44100):
        bell = chime(rate)
        assert 0.2 < np.abs(bell).max() < 0.5 and abs(bell[-1]) < 1e-3


def test_a_batch_goes_on_from_any_row_of_the_last_or_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import tensorflow as tf

        from dltools.models.trigger import network, training

    given: list[np.ndarray] = []

    def train_step(*_: object) -> Callable[..., object]:
        def step(_features: object, _wanted: object, states: list[list[tf.Tensor]]) -> object:
            given.append(states[0][0].numpy())
            after = np.arange(1, 17, dtype=np.float32)[:, None] * np.ones(3, np.float32)
            return tf.constant(0.0), [[tf.constant(after)]]

        return step

    monkeypatch.setattr(network, "train_step", train_step)
    members = [network.Network(network.Shape(5, 1, 4, (3,)), 96, dropout=0.0, noise=0.0)]
    learned = Set(np.zeros((64, 20, 96), np.float16), np.zeros((64, 20), np.float32))
    plain = Plain(learned.features, list(learned.features), 0.0)
    training._fit(members, learned, plain, training.Recipe(1, epochs=8, batch=16, fresh=0.25), lambda *_: None)
    rows = np.stack(given)[1:, :, 0]  # the step before returned a number a row
    assert 0.15 < np.mean(rows == 0) < 0.35
    assert all(len({*row} - {0.0}) == np.count_nonzero(row) for row in rows)  # of each row at most once
    assert len({tuple(row) for row in rows}) == len(rows)  # and in another order each time


def test_the_shortest_of_words_can_be_learned() -> None:
    random = np.random.default_rng(4)
    click, hum, long = (Clip(random.normal(0, 0.1, count).astype(np.float32), "one") for count in (800, 8000, 320000))
    made = [mixed(Material([click], [hum], [long]), np.random.default_rng(seed), Hard()) for seed in range(40)]
    assert all(np.isfinite(each.samples).all() for each in made)
    assert sum(len(each.ends) for each in made) > 40


@given(st.lists(st.floats(0, 0.998), max_size=30), st.floats(0, 40))
def test_the_lowest_threshold_for_so_many_false_accepts(scores: list[float], allowed: float) -> None:
    measures = Measures(2.0, 0.1, [Trial("v", 10, 0.6, 0.1), Trial("v", 0, 0.1, 0.1)], scores, [])
    chosen = measures.lowest_threshold(allowed)
    assert measures.false_accepts(chosen).value <= allowed
    assert chosen == 0.5 or measures.false_accepts(chosen - 0.0011).value > allowed
    (point,) = [point for point in measures.curve(chosen) if point.threshold == chosen]
    assert point.miss_rate == (chosen > 0.6)  # at 10 dB alone: one at none says nothing of use
    assert point.false_accepts_an_hour == pytest.approx(measures.false_accepts(chosen).value, abs=1e-4)


def test_a_word_is_drowned_by_what_is_louder_while_it_is_said() -> None:
    """A background that is loud in one half, and all but silent in the other, drowns some words, but far from half."""
    random = np.random.default_rng(6)
    word, other, behind = (Clip(random.normal(0, 0.1, count).astype(np.float32), "") for count in (8000, 6000, 320000))
    behind.samples[: len(behind.samples) // 2] *= 1e-4
    made = [mixed(Material([word], [other], [behind]), np.random.default_rng(seed), Hard()) for seed in range(60)]
    drowned, heard = sum(len(each.drowned) for each in made), sum(len(each.ends) for each in made)
    assert 0 < drowned < 0.3 * heard


def noise(seconds: float, level: float = 0.1) -> Clip:
    return Clip(RANDOM.normal(0, level, int(16000 * seconds)).astype(np.float32), "noise")


@pytest.mark.parametrize("kind", ["embedding", "course"])
def test_nothing_is_learned_from_how_a_sound_begins(kind: Kind) -> None:
    """Else what features do there tells the mixed examples, all of which have a beginning, from plain recordings."""
    material = Material([noise(0.5)], [noise(0.4)], [noise(28), noise(0.5)])
    stride = 1 if kind == "embedding" else 4
    with open_hearing(kind, stride, material, 1, lambda *_: None) as hearing:
        learned = hearing.mixed(3, 1, Hard())
        without = hearing.plain(4, 1)
    frames = learned.features.shape[1]
    assert SECONDS - 0.1 <= frames * hearing.hop / hearing.rate <= SECONDS
    assert learned.targets.shape[1] * stride == frames
    assert without.shape == (4, *learned.features.shape[1:])
    sound = mixed(material, np.random.default_rng((1, 0)), Hard()).samples
    heard = Ear(kind, stride, material).heard(sound)
    behind = heard[: len(heard) // stride * stride][-frames:]
    assert np.abs(behind.astype(np.float16) - learned.features[0]).max() < 1e-2
    assert len(sound) == LENGTH == LEAD + SECONDS * 16000


def test_several_processes_hear_what_one_does() -> None:
    material = Material([noise(0.5), noise(0.6)], [noise(0.4)] * 20, [noise(28), noise(15)])
    weights = detector().weights
    heard = []
    for processes in (1, 2):
        with open_hearing("embedding", 1, material, processes, lambda *_: None) as hearing:
            learned, recordings = hearing.mixed(18, 1, Hard([Place(0, 3.0)], [2])), hearing.recordings()
            heard.append((*learned, *recordings, hearing.falsely(recordings, hearing.plain(3, 1), weights)))
    *arrays, mistaken = zip(*heard, strict=True)
    assert all(np.array_equal(one, two) for one, two in arrays)
    assert mistaken[0] == mistaken[1] and mistaken[0].plain and mistaken[0].hard.places


def unheard(_: Ear, _number: int) -> None:
    raise ModelFileError("LiteRT cannot run it")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sound_that_cannot_be_heard_stops_all_processes(processes: int) -> None:
    material = Material([noise(0.5)], [noise(0.4)], [noise(2)])
    stopped = pytest.raises(ModelFileError, match="LiteRT cannot run it")
    with open_hearing("course", 4, material, processes, lambda *_: None) as hearing, stopped:
        list(hearing._all("recordings", unheard, range(40)))


def killed(_: Ear, _number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_lost_is_told_of() -> None:
    material = Material([noise(0.5)], [noise(0.4)], [noise(2)])
    lost = pytest.raises(DltoolsError, match="examples: a process was lost")
    with open_hearing("course", 4, material, 2, lambda *_: None) as hearing, lost:
        list(hearing._all("examples", killed, range(3)))


def test_a_plain_example_may_begin_within_its_lead_alone() -> None:
    made = [plain([noise(20), noise(1)], np.random.default_rng(seed)).samples for seed in range(60)]
    begun = [int(np.flatnonzero(samples)[0]) for samples in made]
    assert all(len(samples) == LENGTH and np.isfinite(samples).all() for samples in made)
    assert max(begun) < LEAD and 5 < sum(first > 0 for first in begun) < 30


def test_batches_hold_the_plain_the_hard_more_often() -> None:
    learned = Set(np.full((30, 20, 96), 1, np.float16), np.ones((30, 20), np.float32))
    rows = np.full((40, 20, 96), 2, np.float16)
    rows[7] = 3
    recording = np.full((500, 96), 4, np.float16)
    recording[300:310] = 5
    without = Plain(rows, [recording, recording[:5]], 0.5)
    without.harden([7], [(0, 305)])
    seen = np.zeros(6)
    for features, wanted in batches(learned, without, 16, np.random.default_rng(2)):
        assert features.shape == (16, 20, 96) and wanted[:8].all() and not wanted[8:].any()
        seen += [(features[8:] == value).any(axis=(1, 2)).sum() for value in range(6)]
    assert seen[1] == 0 and seen[3] >= 6 and seen[5] >= 6 and seen[2] >= 4 and seen[4] >= 6


@pytest.mark.parametrize("level", [0.2, 0.0])
def test_a_trial_leaves_the_recording_as_it_is(level: float) -> None:
    heard: list[np.ndarray] = []

    class Listener:
        seconds = 0.08

        def scores(self, samples: np.ndarray) -> np.ndarray:
            heard.append(samples)
            return np.zeros(len(samples) // 1280, np.float32)

    word, recording = noise(0.5, 0.1), noise(30, level)
    leads = []
    for seed in range(20):
        trial = _trial(Listener(), word, 10, [recording], np.random.default_rng(seed))  # type: ignore[arg-type]
        assert trial.ratio == 10 and trial.score == 0
        lead = len(heard[-1]) - int(0.9 * 16000) - len(word.samples)
        before, during = heard[-1][:lead], heard[-1][lead : lead + len(word.samples)]
        leads.append(lead / 16000)
        if level:
            start = int(np.argmax(np.correlate(recording.samples, before[:4000])))
            factor = before / recording.samples[start : start + lead]
            assert factor.std() < 1e-3 and factor.max() <= 1.0  # one level throughout: no step tells of the word
            assert 9 < 10 * np.log10(during.var() / before.var() - 1) < 11
        else:
            assert not before.any() and 0.015 < during.std() < 0.05
    assert min(leads) >= 0.5 and max(leads) > 8 and np.median(leads) < 12


def test_a_vocoder_keeps_what_is_said_and_moves_the_voice() -> None:
    random = np.random.default_rng(3)
    pulses = np.zeros(16000)
    pulses[::128] = 1  # a voice of 125 Hz
    poles = [0.97 * np.exp(2j * np.pi * formant / 16000) for formant in (600, 1700, 2600)]
    around = np.exp(-2j * np.pi * np.arange(8001) / 16000)
    response = 1 / np.polyval(np.poly([*poles, *np.conj(poles)]).real[::-1], around)
    vowel = np.fft.irfft(np.fft.rfft(pulses) * response).astype(np.float32)
    vowel /= np.abs(vowel).max()

    def formant(samples: np.ndarray) -> float:
        """The strongest place between 1,200 and 2,200 Hz, in spectra that are too coarse for harmonics."""
        frames = samples[: len(samples) // 256 * 256].reshape(-1, 256)
        powers = (np.abs(np.fft.rfft(frames * np.hanning(256), 2048)) ** 2).mean(axis=0)
        return (1200 + 7.8125 * int(np.argmax(powers[154:282]))) / 1700

    heard = vocoder._heard(vowel, 32)
    assert heard.voiced[4:-4].all()  # but in the silence around
    assert np.abs(heard.pitches[4:-4] / 125 - 1).max() < 0.02  # a lag is a whole number of samples
    said = [vocoder.vocoder(vowel, random) for _ in range(24)]
    assert all(np.isfinite(each).all() for each in said)
    # By a third as a whole (0.74 to 1.35), and a mean of a dozen sounds, each up to twice as long.
    lengths = [len(each) / len(vowel) for each in said]
    assert all(0.55 < length < 1.8 for length in lengths) and np.ptp(lengths) > 0.3
    assert all(np.abs(each).max() == pytest.approx(1, abs=1e-5) for each in said)
    moved = [formant(each) for each in said]
    assert all(0.75 < each < 1.3 for each in moved)  # by up to a seventh, each formant by more, and a formant's width
    assert np.ptp(moved) > 0.1


def test_a_vocoder_lengthens_each_sound_in_its_own_way() -> None:
    places = vocoder._places(200, np.random.default_rng(2))
    steps = np.diff(places)
    assert places[0] == 0 and places[-1] < 199
    assert (steps > 0).all()  # nothing is said twice or backwards
    assert steps.max() / steps.min() > 1.5
