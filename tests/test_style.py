"""Style transfer: costs, gradients and optimizers against NumPy, Keras, LiteRT and SciPy, and paintings as a whole."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dltools.errors import InputError, MissingError, ModelFileError, UsageError
from dltools.io.images import Pixels, decode_image
from dltools.models.style import infer, memory, pictures, state
from dltools.models.style.config import BACKBONES, Settings
from dltools.models.style.infer import Painter, find
from dltools.models.style.optimizers import Adam, Floats, Lbfgs, start
from dltools.models.style.painting import Painting, Progress
from dltools.models.style.pictures import LEAST_SIDE, Size
from dltools.runtime.assets import Registry, embedded_path
from tests.conftest import PHOTO

ROWS, COLUMNS = 64, 96
FEW = Settings(iterations=4, pyramid=2, tolerance=0.0)


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter.load("squeezenet", threads=1, offline=True)


@pytest.fixture(scope="module")
def content() -> Pixels:
    """Return the example photograph, small."""
    photo = pictures.to_floats(decode_image(PHOTO.read_bytes()))
    return pictures.to_pixels(pictures.resize(photo, Size(ROWS, COLUMNS)))


@pytest.fixture(scope="module")
def style() -> Pixels:
    """Return slanted bands of many colours."""
    down, across = np.mgrid[0:80, 0:72]
    waves = np.sin((down[..., None] * (1, 2, -1) + across[..., None] * (2, -1, 1)) / 4.0)
    return np.asarray(127 + 120 * waves, np.uint8)


@pytest.fixture(scope="module")
def other() -> Pixels:
    """Return coarse noise in red."""
    blocks = np.random.default_rng(5).integers(0, 255, (12, 16), np.uint8)
    red = np.kron(blocks, np.ones((6, 6), np.uint8))
    return np.stack([red, red // 4, red // 4], axis=2)


# --- the network ----------------------------------------------------------------------------------------------


def test_squeezenet_in_keras_sees_what_litert_sees() -> None:
    """The embedded classifier's second output is the mean of ``fire9``; the oracle is LiteRT, on the same weights."""
    from dltools.models.backbones import squeezenet
    from dltools.runtime.litert import LiteRtPredictor

    path = embedded_path(Registry.load().model("squeezenet"))
    assert path is not None
    model = squeezenet.features()
    squeezenet.set_weights(model, squeezenet.read_converted(path))
    picture = np.random.default_rng(1).normal(0, 60, (1, squeezenet.SIZE, squeezenet.SIZE, 3)).astype(np.float32)
    ours = np.asarray(model(picture)).mean((1, 2))
    seen = next(output for output in LiteRtPredictor(path, threads=1).predict(picture) if output.shape == ours.shape)
    # Two libraries add up the same products in another order.
    np.testing.assert_allclose(ours, seen, rtol=1e-3, atol=1e-4 * float(seen.max()))


def test_another_networks_file_is_refused(tmp_path: Path) -> None:
    from dltools.models.backbones import squeezenet

    yolo = embedded_path(Registry.load().model("yolov3-tiny"))
    (tmp_path / "text.tflite").write_text("no network")
    for path in (yolo, tmp_path / "text.tflite"):
        assert path is not None
        with pytest.raises(ModelFileError, match=path.name):
            squeezenet.read_converted(path)


def test_a_rim_keeps_the_sizes_of_layers(painter: Painter) -> None:
    seen = painter._cost.network.look(np.zeros((ROWS, COLUMNS, 3), np.float32))
    for name, stride in (("conv1", 2), ("fire2", 4), ("fire5", 8), ("fire7", 16)):
        rows, columns = seen[name].shape[1:3]
        assert abs(rows - ROWS / stride) <= 1.5 and abs(columns - COLUMNS / stride) <= 1.5


# --- the cost -------------------------------------------------------------------------------------------------


def by_hand(painter: Painter, picture: Floats, content: Floats, styles: list[tuple[Floats, float]]) -> list[float]:
    """Return the three costs of a picture in plain NumPy, in double precision."""
    weights = BACKBONES["squeezenet"].weights

    def look(one: Floats) -> dict[str, Any]:
        return {name: np.asarray(seen, np.float64)[0] for name, seen in painter._cost.network.look(one).items()}

    def gram(features: Any) -> Any:
        return np.einsum("ijc,ijd->cd", features, features) / (features.shape[0] * features.shape[1])

    mine, wanted = look(picture), look(content)
    content_cost = sum(
        share * ((mine[name] - wanted[name]) ** 2).mean() / (wanted[name] ** 2).mean()
        for name, share in weights.content.items()
    )
    style_cost = 0.0
    for name, share in weights.style.items():
        target = sum(part * gram(look(one)[name]) for one, part in styles)
        style_cost += share * ((gram(mine[name]) - target) ** 2).mean() / (target**2).mean()
    whole = picture.astype(np.float64)
    variation = (np.diff(whole, axis=0) ** 2).mean() + (np.diff(whole, axis=1) ** 2).mean()
    parts = (weights.content_weight * content_cost, weights.style_weight * style_cost, weights.tv_weight * variation)
    return [sum(parts), *parts]


def test_costs_are_those_of_numpy(painter: Painter, content: Pixels, style: Pixels, other: Pixels) -> None:
    from dltools.models.style.engine import Objective, Region

    random = np.random.default_rng(2)
    floats = [pictures.to_floats(one) for one in (content, style, other)]
    styles = [(floats[1], 0.75), (floats[2], 0.25)]
    objective = Objective(painter._cost, BACKBONES["squeezenet"].weights, floats[0], [Region(styles, None, 1.0)])
    picture = random.random((ROWS, COLUMNS, 3), np.float32)
    total, _ = objective(picture.ravel())
    # Single precision against double, over sums of some thousand products.
    np.testing.assert_allclose(objective.last, by_hand(painter, picture, floats[0], styles), rtol=1e-3)
    assert total == objective.last.total


def test_the_content_costs_nothing_where_it_is(painter: Painter, content: Pixels) -> None:
    from dltools.models.style.engine import Objective, Region

    floats = pictures.to_floats(content)
    objective = Objective(painter._cost, BACKBONES["squeezenet"].weights, floats, [Region([(floats, 1)], None, 1)])
    objective(floats.ravel())
    assert objective.last.content == 0 and objective.last.style < 1e-9 < objective.last.variation


def test_the_gradient_is_the_slope(painter: Painter, content: Pixels, style: Pixels) -> None:
    from dltools.models.style.engine import Objective, Region

    mask = np.zeros((ROWS, COLUMNS, 1), np.float32)
    mask[:, : COLUMNS // 2] = 1
    floats = pictures.to_floats(content)
    regions = [Region([(pictures.to_floats(style), 1.0)], mask, 1.0)]
    objective = Objective(painter._cost, BACKBONES["squeezenet"].weights, floats, regions)
    at = np.clip(floats.ravel() + np.random.default_rng(3).normal(0, 0.1, floats.size), 0, 1).astype(np.float32)
    _, gradient = objective(at)
    assert gradient.shape == at.shape and gradient.dtype == np.float32
    direction = gradient / np.linalg.norm(gradient)
    step = np.float32(0.05)
    slope = (objective(at + step * direction)[0] - objective(at - step * direction)[0]) / (2 * step)
    # A difference of single-precision costs, along the steepest way, and rectifiers that switch on the way.
    assert slope == pytest.approx(np.linalg.norm(gradient), rel=0.05)


def test_a_masks_gram_sees_its_places_only(painter: Painter, content: Pixels, style: Pixels) -> None:
    """Where the picture is the style within the mask, its cost is that of the style itself, whatever lies outside."""
    from dltools.models.style.engine import Objective, Region

    side = 128
    left = np.zeros((side, 2 * side, 1), np.float32)
    left[:, :side] = 1
    texture = pictures.cover(pictures.to_floats(style), Size(side, side))
    photo = pictures.cover(pictures.to_floats(content), Size(side, side))
    both = np.concatenate([texture, photo], axis=1)
    costs = []
    for mask in (left, np.ascontiguousarray(left[:, ::-1])):
        regions = [Region([(texture, 1.0)], mask, 1.0)]
        objective = Objective(painter._cost, BACKBONES["squeezenet"].weights, both, regions)
        objective(both.ravel())
        costs.append(objective.last.style)
    assert costs[0] < 0.05 * costs[1]


# --- optimizers -----------------------------------------------------------------------------------------------


def bowl(curves: Floats, middle: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    """Return a quadratic cost with its lowest point, but for the bounds, at ``middle``."""

    def cost(values: Floats) -> tuple[float, Floats]:
        off = values - middle
        return float(np.dot(curves * off, off)) / 2, (curves * off).astype(np.float32)

    return cost


def test_adam_is_that_of_keras() -> None:
    import keras

    random = np.random.default_rng(4)
    curves, middle = random.uniform(0.5, 5, 20).astype(np.float32), random.uniform(0.3, 0.7, 20).astype(np.float32)
    cost = bowl(curves, middle)
    ours = start(np.full(20, 0.5, np.float32), cost)
    theirs = keras.Variable(ours.values)
    adam = Adam(rate=0.01)
    oracle = keras.optimizers.Adam(0.01, beta_1=adam.mean_decay, beta_2=adam.square_decay, epsilon=adam.epsilon)
    for _ in range(30):
        oracle.apply([cost(np.asarray(theirs))[1]], [theirs])
        after = adam.step(ours, cost)
        assert after is not None
        ours = after
    # Keras adds its epsilon of 1e-8 at another place.
    np.testing.assert_allclose(ours.values, np.asarray(theirs), atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_lbfgs_ends_where_scipys_ends(seed: int) -> None:
    """A bowl whose lowest point lies beyond some bounds, against SciPy's L-BFGS-B."""
    from scipy.optimize import minimize

    random = np.random.default_rng(seed)
    mixing = random.normal(size=(12, 12))
    matrix = mixing @ mixing.T / 12 + np.eye(12) * 0.1
    middle = random.uniform(-0.5, 1.5, 12)

    def cost(values: Floats) -> tuple[float, Floats]:
        off = values.astype(np.float64) - middle
        return float(off @ matrix @ off) / 2, (matrix @ off).astype(np.float32)

    at = start(np.full(12, 0.5, np.float32), cost)
    for _ in range(300):
        after = Lbfgs().step(at, cost)
        if after is None:
            break
        assert after.cost <= at.cost
        at = after
    oracle = minimize(
        lambda values: (cost(values)[0], matrix @ (values - middle)),
        np.full(12, 0.5),
        jac=True,
        bounds=[(0, 1)] * 12,
        method="L-BFGS-B",
        options={"ftol": 1e-12, "gtol": 1e-9},
    )
    assert ((at.values == 0) | (at.values == 1)).any()
    assert at.cost == pytest.approx(oracle.fun, rel=1e-3)  # single precision, and steps that end before the last digit


@examples(max_examples=30, deadline=None)
@given(
    curves=st.lists(st.floats(0.0625, 64, width=32), min_size=2, max_size=12),
    seed=st.integers(0, 1000),
    kind=st.sampled_from([Adam(), Lbfgs(), Lbfgs(pairs=1)]),
)
def test_steps_stay_within_bounds_and_change_no_state(curves: list[float], seed: int, kind: Adam | Lbfgs) -> None:
    random = np.random.default_rng(seed)
    size = len(curves)
    cost = bowl(np.array(curves, np.float32), random.uniform(-1, 2, size).astype(np.float32))
    at = start(random.random(size, np.float32), cost)
    for _ in range(12):
        kept = at.values.copy(), at.gradient.copy(), [array.copy() for array in at.memory]
        after = kind.step(at, cost)
        np.testing.assert_array_equal(at.values, kept[0])
        np.testing.assert_array_equal(at.gradient, kept[1])
        for array, copy in zip(at.memory, kept[2], strict=True):
            np.testing.assert_array_equal(array, copy)
        if after is None:
            break
        assert after.values.min() >= 0 and after.values.max() <= 1 and after.values.dtype == np.float32
        if isinstance(kind, Lbfgs):
            assert after.cost <= at.cost and len(after.memory) <= 2 * kind.pairs
        at = after


# --- pictures -------------------------------------------------------------------------------------------------


@given(
    rows=st.integers(LEAST_SIDE, 3000),
    columns=st.integers(LEAST_SIDE, 3000),
    count=st.none() | st.integers(1, 16),
)
def test_a_pyramid_grows_to_the_full_size_and_keeps_the_shape(rows: int, columns: int, count: int | None) -> None:
    full = Size(rows, columns)
    found = pictures.sizes(full, count, 96)
    assert found[-1] == full and len(found) <= (count or 16)
    for small, large in itertools.pairwise(found):
        assert min(small) >= LEAST_SIDE
        assert abs(small.rows - large.rows / 2) <= 1 and abs(small.columns - large.columns / 2) <= 1


def test_sizes_that_cannot_be() -> None:
    assert pictures.scaled(Size(400, 600), 300) == (200, 300)
    with pytest.raises(InputError, match="31 x 21 pixels are too few"):
        pictures.scaled(Size(400, 600), 31)
    with pytest.raises(InputError, match="more than"):
        pictures.scaled(Size(400, 600), 100_000)


def test_masks_have_the_shape_of_the_content_in_any_size() -> None:
    mask = np.zeros((40, 60, 3), np.uint8)
    mask[:20] = 255
    found = pictures.read_mask(mask, Size(80, 120))
    assert found.shape == (80, 120, 1) and found[:30].min() > 0.99 and found[50:].max() < 0.01
    with pytest.raises(InputError, match="a mask of 60 x 40 does not fit a picture of 40 x 60"):
        pictures.read_mask(mask, Size(60, 40))
    with pytest.raises(InputError, match="black all over"):
        pictures.read_mask(np.zeros((40, 60, 3), np.uint8), Size(80, 120))


def test_colours_are_the_contents_and_luminance_the_paintings() -> None:
    """Against Pillow's YCbCr, which has the same luminance."""
    from PIL import Image

    random = np.random.default_rng(6)
    painted, content = random.uniform(0.4, 0.6, (2, 20, 30, 3)).astype(np.float32)
    mixed = pictures.to_pixels(pictures.with_colours(painted, content))
    y, cb, cr = (np.asarray(band, int) for band in Image.fromarray(mixed).convert("YCbCr").split())
    of_painted = np.asarray(Image.fromarray(pictures.to_pixels(painted)).convert("YCbCr"), int)
    of_content = np.asarray(Image.fromarray(pictures.to_pixels(content)).convert("YCbCr"), int)
    for mine, his in ((y, of_painted[..., 0]), (cb, of_content[..., 1]), (cr, of_content[..., 2])):
        assert np.abs(mine - his).max() <= 2  # each was rounded to 8 bits, twice


# --- paintings ------------------------------------------------------------------------------------------------


def finished(painting: Painting) -> tuple[Pixels, list[Progress]]:
    seen: list[Progress] = []
    painting.run(seen.append)
    return painting.pixels(), seen


def test_the_cost_falls_at_each_size_and_the_size_is_kept(painter: Painter, content: Pixels, style: Pixels) -> None:
    before = content.copy()
    painting = painter.begin(content, [style], settings=dataclasses.replace(FEW, iterations=8))
    pixels, seen = finished(painting)
    assert pixels.shape == content.shape and pixels.dtype == np.uint8
    assert [(one.level, one.step) for one in seen] == [(1, 1), (1, 2), *((2, step) for step in range(1, 9))]
    assert [one.size for one in seen] == [(32, 48)] * 2 + [(64, 96)] * 8
    assert painting.levels == [(32, 48), (64, 96)] and painting.most == 10
    for level in (seen[:2], seen[2:]):
        costs = [one.costs.total for one in level]
        assert costs == sorted(costs, reverse=True) and costs[-1] < costs[0]
    assert [one.total for one in seen] == list(range(1, 11)) and painting.ended == "iterations"
    shares = [one.share for one in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    np.testing.assert_array_equal(content, before)
    for one in seen:
        assert one.costs.total == pytest.approx(sum(one.costs[1:]), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_both_optimizers_come_closer_to_the_style(
    painter: Painter, content: Pixels, style: Pixels, optimizer: str
) -> None:
    settings = Settings(iterations=12, pyramid=1, tolerance=0, optimizer=optimizer)  # type: ignore[arg-type]
    _, seen = finished(painter.begin(content, [style], settings=settings))
    assert seen[-1].costs.style < 0.8 * seen[0].costs.style


@pytest.mark.parametrize(("cut", "optimizer"), [(1, "lbfgs"), (2, "lbfgs"), (4, "lbfgs"), (3, "adam")])
def test_what_is_resumed_ends_as_what_was_never_stopped(
    painter: Painter, content: Pixels, style: Pixels, tmp_path: Path, cut: int, optimizer: str
) -> None:
    settings = dataclasses.replace(FEW, optimizer=optimizer, init="noise", seed=9)
    whole, _ = finished(painter.begin(content, [style], settings=settings))
    stopped = painter.begin(content, [style], settings=settings)

    def stop(made: Progress) -> None:
        if made.total == cut:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.run(stop)
    path = tmp_path / "state"
    path.write_bytes(state.encode(stopped.saved()))
    later = painter.begin(content, [style], settings=settings, saved=state.decode(path))
    rest, seen = finished(later)
    np.testing.assert_array_equal(rest, whole)
    assert [one.total for one in seen] == list(range(cut + 1, later.most + 1))


def test_a_finished_painting_goes_on_with_more_steps(painter: Painter, content: Pixels, style: Pixels) -> None:
    first = painter.begin(content, [style], settings=FEW)
    first.run()
    more = dataclasses.replace(FEW, iterations=6)
    _, seen = finished(painter.begin(content, [style], settings=more, saved=first.saved()))
    assert [one.step for one in seen] == [5, 6]


def test_a_state_of_another_painting_is_refused(
    painter: Painter, content: Pixels, style: Pixels, other: Pixels, tmp_path: Path
) -> None:
    saved = painter.begin(content, [style], settings=FEW).saved()
    for settings, styles in ((FEW, [other]), (dataclasses.replace(FEW, tv_weight=2.0), [style])):
        with pytest.raises(UsageError, match="of another painting"):
            painter.begin(content, styles, settings=settings, saved=saved)
    with pytest.raises(UsageError, match="does not fit"):
        painter.begin(content, [style], settings=FEW, saved=saved._replace(level=7))
    with pytest.raises(UsageError, match="does not fit"):
        painter.begin(content, [style], settings=FEW, saved=saved._replace(values=saved.values[1:]))
    for memory_, values in (
        ((saved.values,), saved.values),
        ((), saved.values + 2),
        ((saved.values * 0,) * 2, saved.values),
    ):
        with pytest.raises(UsageError, match="that no painting comes to"):
            painter.begin(content, [style], settings=FEW, saved=saved._replace(memory=memory_, values=values))
    path = tmp_path / "state"
    path.write_bytes(state.encode(saved)[:200])
    with pytest.raises(ModelFileError, match="not a state of style-transfer"):
        state.decode(path)


def test_the_seed_decides(painter: Painter, content: Pixels, style: Pixels) -> None:
    def painted(seed: int) -> Pixels:
        settings = Settings(iterations=2, pyramid=1, init="noise", seed=seed)
        return painter.paint(content, [style], settings)

    np.testing.assert_array_equal(painted(1), painted(1))
    assert (painted(1) != painted(2)).any()


def test_where_a_painting_begins(painter: Painter, content: Pixels, style: Pixels) -> None:
    def first(init: str) -> Pixels:
        settings = Settings(pyramid=1, init=init)  # type: ignore[arg-type]
        return painter.begin(content, [style], settings=settings).pixels()

    np.testing.assert_array_equal(first("content"), content)
    cut = pictures.to_pixels(pictures.cover(pictures.to_floats(style), Size(ROWS, COLUMNS)))
    np.testing.assert_array_equal(first("style"), cut)
    noise = first("noise").astype(float)
    assert 120 < noise.mean() < 135 and noise.std() == pytest.approx(255 / 12**0.5, rel=0.05)  # of a uniform one


def test_a_flat_cost_ends_a_size_early(painter: Painter, content: Pixels, style: Pixels) -> None:
    patient = Settings(iterations=14, pyramid=1, tolerance=0.0)
    hasty = dataclasses.replace(patient, tolerance=1.0)
    painting = painter.begin(content, [style], settings=hasty)
    painting.run()
    assert (painting.ended, painting.total) == ("converged", 10)
    adam = dataclasses.replace(patient, optimizer="adam")
    for settings in (patient, adam):
        painting = painter.begin(content, [style], settings=settings)
        painting.run()
        assert (painting.ended, painting.total) == ("iterations", 14)


def test_shares_of_styles(painter: Painter, content: Pixels, style: Pixels, other: Pixels) -> None:
    one = painter.paint(content, [style], FEW)
    same = painter.paint(content, [style, other], dataclasses.replace(FEW, blend=(2.0, 0.0)))
    np.testing.assert_array_equal(one, same)
    both = painter.paint(content, [style, other], FEW)
    assert (both != one).any()
    np.testing.assert_array_equal(both, painter.paint(content, [style, other], dataclasses.replace(FEW, blend=(3, 3))))
    for blend, words in (((1.0,), "1 shares for 2 styles"), ((1, -1), "0 or more"), ((0, 0), "not all 0")):
        with pytest.raises(UsageError, match=words):
            painter.begin(content, [style, other], settings=dataclasses.replace(FEW, blend=blend))


def test_masks_keep_the_rest_of_the_content(painter: Painter, content: Pixels, style: Pixels, other: Pixels) -> None:
    left = np.zeros_like(content)
    left[:, : COLUMNS // 2] = 255
    painting = painter.begin(content, [style], masks=[left], settings=FEW)
    painting.run()
    changed = (painting.pixels() != content).any(axis=2)
    assert changed[:, : COLUMNS // 2 - 2].mean() > 0.9 and not changed[:, COLUMNS // 2 + 2 :].any()
    two = painter.begin(content, [style, other], masks=[left, 255 - left], settings=FEW)
    two.run()
    assert (two.pixels() != content).any(axis=2).mean() > 0.9
    # A style of red alone on the right makes it redder than the same style would on the left.
    swapped = painter.begin(content, [other, style], masks=[left, 255 - left], settings=FEW)
    swapped.run()
    right = [one.pixels()[:, COLUMNS // 2 :].astype(float) for one in (two, swapped)]
    redness = [float((side[..., 0] - side[..., 1:].mean(axis=2)).mean()) for side in right]
    assert redness[0] > redness[1]
    with pytest.raises(UsageError, match="2 masks for 3 styles"):
        painter.begin(content, [style, other, style], masks=[left, left], settings=FEW)


def test_colours_can_be_kept(painter: Painter, content: Pixels, other: Pixels) -> None:
    from PIL import Image

    settings = dataclasses.replace(FEW, preserve_colors=True)
    painted, plain = (painter.paint(content, [other], one) for one in (settings, FEW))

    def off(pixels: Pixels) -> float:
        chroma = [np.asarray(Image.fromarray(one).convert("YCbCr"), float)[..., 1:] for one in (pixels, content)]
        return float(np.abs(chroma[0] - chroma[1]).mean())

    assert (painted != content).any() and off(painted) < 3 < off(plain)


def test_grey_pictures_give_a_grey_painting(painter: Painter, content: Pixels, style: Pixels) -> None:
    grey = np.repeat(content[..., :1], 3, axis=2)
    assert pictures.is_grey(painter.paint(grey, [np.repeat(style[..., :1], 3, axis=2)], FEW))
    assert not pictures.is_grey(painter.paint(grey, [style], FEW))


def test_another_size(painter: Painter, content: Pixels, style: Pixels) -> None:
    settings = dataclasses.replace(FEW, size=120, iterations=1)
    assert painter.paint(content, [style], settings).shape == (80, 120, 3)


# --- what it takes --------------------------------------------------------------------------------------------


def test_a_painting_that_does_not_fit_is_refused_with_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 3 << 30)
    memory.demand("squeezenet", Size(384, 512), 16, 1.0)
    with pytest.raises(
        InputError, match=r"8000 x 6000 pixels with squeezenet take about .* GB .*: --size \d+"
    ) as caught:
        memory.demand("squeezenet", Size(6000, 8000), 16, 1.0)
    side = int(str(caught.value).split("--size ")[1].split()[0])
    memory.demand("squeezenet", pictures.scaled(Size(6000, 8000), side), 16, 1.0)
    with pytest.raises(InputError):
        memory.demand("squeezenet", pictures.scaled(Size(6000, 8000), side + 40), 16, 1.0)
    monkeypatch.setattr(memory, "available", lambda: 1 << 28)
    with pytest.raises(InputError, match="no size fits"):
        memory.demand("squeezenet", Size(384, 512), 16, 1.0)
    monkeypatch.setattr(memory, "available", lambda: None)
    memory.demand("squeezenet", Size(30_000, 40_000), 16, 1.0)


def test_what_is_free_is_the_least_that_anyone_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used, info = tmp_path / "max", tmp_path / "current", tmp_path / "meminfo"
    monkeypatch.setattr(memory, "_CGROUPS", ((limit, used),))
    monkeypatch.setattr(memory, "_MEMINFO", info)
    info.write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    assert memory.available() == 4000 * 1024
    limit.write_text("3000000\n")
    used.write_text("1000000\n")
    assert memory.available() == 2_000_000
    limit.write_text("max\n")
    assert memory.available() == 4000 * 1024


def test_backbones_are_found_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(None).name == "squeezenet" and find(None).origin == "embedded"
    with pytest.raises(MissingError, match="vgg19"):
        find("vgg19", offline=True)
    with pytest.raises(MissingError, match="dltools fetch style-transfer-vgg16"):
        find("vgg16", offline=True)
    assert find("vgg19", Path("mine.h5")) == ("vgg19", Path("mine.h5"), "given")
    monkeypatch.setattr(infer, "locate", lambda file: Path("there") if "hed" in file.name else None)
    assert find(None).name == "squeezenet" and find("vgg16") == ("vgg16", Path("there"), "cached")
    monkeypatch.setattr(infer, "locate", lambda _file: Path("there"))
    assert find(None) == ("vgg19", Path("there"), "cached")


def test_every_layer_of_the_table_is_the_backbones() -> None:
    from dltools.models.backbones import squeezenet, vgg

    for name, backbone in BACKBONES.items():
        model = squeezenet.features() if name == "squeezenet" else vgg.features(name)
        assert set(backbone.weights.layers) <= {layer.name for layer in model.layers}
        for shares in (backbone.weights.content, backbone.weights.style):
            assert sum(shares.values()) == pytest.approx(1)
