"""Measures, groups, the database and training of face-verify, against scikit-learn and by what must hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import roc_auc_score, roc_curve

from dltools.errors import InputError
from dltools.models.faces.cluster import cluster
from dltools.models.faces.database import FaceDatabase, Known
from dltools.models.faces.evaluate import accuracy, auc, best_threshold, eer, measure, roc, tar_at

distances_and_kinds = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=4, max_size=60).filter(
    lambda pairs: 2 <= sum(same for _, same in pairs) <= len(pairs) - 2
)


def pair(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([value / 4 for value, _ in pairs], float), np.array([same for _, same in pairs])


# --- measures -------------------------------------------------------------------------------------------------


@given(distances_and_kinds)
def test_auc_is_scikit_learns(pairs: list[tuple[int, bool]]) -> None:
    distances, same = pair(pairs)
    assert auc(distances, same) == pytest.approx(roc_auc_score(same, -distances), abs=1e-12)


@given(distances_and_kinds)
def test_true_accepts_are_scikit_learns(pairs: list[tuple[int, bool]]) -> None:
    distances, same = pair(pairs)
    far, tar, _ = roc_curve(same, -distances, drop_intermediate=False)
    for limit in (0, 0.01, 0.1, 0.5, 1):
        assert tar_at(distances, same, limit) == pytest.approx(tar[far <= limit + 1e-12].max(), abs=1e-12)
    assert roc(distances, same, 4) == [tar_at(distances, same, share / 4) for share in range(5)]


@given(distances_and_kinds)
def test_the_equal_error_rate_lies_where_the_curves_cross(pairs: list[tuple[int, bool]]) -> None:
    distances, same = pair(pairs)
    far, tar, _ = roc_curve(same, -distances, drop_intermediate=False)
    after = int((far >= 1 - tar - 1e-12).argmax())
    before = max(0, after - 1)
    low, high = min(far[before], 1 - tar[after]), max(far[after], 1 - tar[before])
    assert low - 1e-9 <= eer(distances, same) <= high + 1e-9


@given(distances_and_kinds)
def test_no_threshold_is_better_than_the_best(pairs: list[tuple[int, bool]]) -> None:
    distances, same = pair(pairs)
    best = accuracy(distances, same, best_threshold(distances, same))
    assert all(accuracy(distances, same, limit) <= best for limit in np.arange(-0.125, 4, 0.125))


def test_pairs_that_are_told_apart_without_a_mistake() -> None:
    distances = np.concatenate([np.linspace(0.1, 0.5, 50), np.linspace(0.7, 1.2, 50)])
    same = np.arange(100) < 50
    result = measure(distances, same)
    assert result.accuracy == 1 and result.deviation == 0 and 0.5 < result.threshold < 0.7
    assert (result.auc, result.eer, result.tar_1, result.tar_01) == (1, 0, 1, 1)


def test_a_threshold_is_never_chosen_on_the_pairs_that_it_is_measured_on() -> None:
    """Distances that say nothing: by chosen thresholds of their own, folds would look better than chance."""
    random = np.random.default_rng(0)
    results = [measure(random.random(40), np.arange(40) % 2 == 0).accuracy for _ in range(60)]
    assert np.mean(results) == pytest.approx(0.5, abs=0.04)


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="two pairs or more"):
        measure(np.array([0.1, 0.2, 0.3]), np.array([True, True, False]))


# --- groups ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0.3, 2))
def test_groups_are_scikit_learns(seed: int, count: int, threshold: float) -> None:
    """Average linkage; random numbers have no ties, where the order in which groups are joined would be open."""
    embeddings = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    theirs = AgglomerativeClustering(n_clusters=None, distance_threshold=threshold, linkage="average").fit(embeddings)
    both = np.array([cluster(embeddings, threshold), theirs.labels_])
    groups = [{tuple(np.flatnonzero(labels == label)) for label in labels} for labels in both]
    # The parts of the graph are cut first, which average linkage alone would do too: no average is below the least.
    assert groups[0] == groups[1]


def test_groups_are_numbered_by_size() -> None:
    points = np.array([[0, 0], [9, 9], [0, 0.1], [5, 5], [9, 9.1], [9.1, 9]], np.float32)
    assert cluster(points, 0.5) == [1, 0, 1, 2, 0, 0]
    assert cluster(points[:1], 0.5) == [0]
    assert cluster(points, 100) == [0] * 6


def test_a_chain_of_likenesses_does_not_join_everybody() -> None:
    """Each is like the next, the first not like the last."""
    line = np.array([[at * 0.5, 0] for at in range(12)], np.float32)
    assert len(set(cluster(line, 0.6))) > 3


# --- the database ---------------------------------------------------------------------------------------------


def entry(name: str, number: int) -> Known:
    return Known(name, f"/photos/{name}{number}.jpg", f"{number:064x}", (1.0, 2.0, 3.5, 4.0))


def filled() -> FaceDatabase:
    known = [entry("ada", 1), entry("ada", 2), entry("grace", 1)]
    return FaceDatabase.empty("m", "dlib-resnet", 2).with_faces(known, np.array([[0, 0], [1, 0], [5, 0]], np.float32))


def test_a_database_survives_its_file(tmp_path: Path) -> None:
    database = filled()
    (tmp_path / "db").write_bytes(database.encode())
    again = FaceDatabase.open(tmp_path / "db")
    assert again.known == database.known and np.array_equal(again.embeddings, database.embeddings)
    assert (again.model, again.source, again.names) == ("m", "dlib-resnet", ["ada", "grace"])
    assert again.encode() == database.encode()


def test_whoever_is_nearest_it_is() -> None:
    match = filled().identify(np.array([1.25, 0], np.float32), 0.5)
    assert match == ("ada", "ada", pytest.approx(0.25), pytest.approx(3.5))
    assert filled().identify(np.array([3, 0], np.float32), 0.5).label == "unknown"
    alone = filled().without(["grace"]).identify(np.array([0, 0], np.float32), 0.5)
    assert alone.margin is None and alone.label == "ada"
    with pytest.raises(InputError, match="nobody"):
        FaceDatabase.empty("m", "m", 2).identify(np.zeros(2, np.float32), 1)


def test_a_file_that_changed_takes_its_own_place() -> None:
    database = filled()
    new = Known("ada", "/photos/ada1.jpg", "f" * 64, (0.0, 0.0, 1.0, 1.0))
    changed = database.with_faces([new], [np.array([9, 9], np.float32)])
    assert len(changed.known) == 3 and changed.embeddings[-1].tolist() == [9, 9]
    assert changed.holds(*new[:3]) and not changed.holds("ada", "/photos/ada1.jpg", entry("ada", 1).sha256)
    assert database.holds("ada", "/photos/ada1.jpg", entry("ada", 1).sha256)  # as it was
    assert changed.without(paths=["/photos/grace1.jpg"]).names == ["ada"]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    good = filled().encode()
    for data in (b"", b"text", good[: len(good) // 2], good.replace(b'"faces"', b'"feces"')):
        (tmp_path / "db").write_bytes(data)
        with pytest.raises(InputError, match="not a database of faces"):
            FaceDatabase.open(tmp_path / "db")


# --- training -------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(
    arrays.arrays(np.float32, (6, 3), elements=st.floats(-1, 1, width=32, allow_subnormal=False)),
    st.lists(st.integers(0, 2), min_size=6, max_size=6).filter(lambda people: len(set(people)) > 1),
)
def test_the_loss_is_the_papers(vectors: np.ndarray, people: list[int]) -> None:
    """Anchor by anchor, with loops: the nearest negative beyond the positive, else the furthest of all."""
    from dltools.models.faces.training import semi_hard_loss

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    embeddings = np.where(lengths > 1e-3, vectors / np.maximum(lengths, 1e-3), [1, 0, 0]).astype(np.float32)
    squares = np.maximum(2 - 2 * embeddings.astype(np.float32) @ embeddings.T, 0)
    losses = []
    for anchor in range(6):
        negatives = [squares[anchor, other] for other in range(6) if people[other] != people[anchor]]
        for positive in range(6):
            if positive == anchor or people[positive] != people[anchor]:
                continue
            own = squares[anchor, positive]
            beyond = [value for value in negatives if value > own]
            chosen = min(beyond) if beyond else max(negatives)
            losses.append(max(0.0, own - chosen + 0.2))
    expected = np.mean(losses) if losses else 0
    assert float(semi_hard_loss(embeddings, np.array(people))) == pytest.approx(float(expected), abs=2e-3)


def drawn_people(people: int, faces: int, size: int) -> tuple[np.ndarray, list[str]]:
    """Faces as a child draws them: each person has a skin, eyes and a mouth of their own, each picture its light."""
    from PIL import Image, ImageDraw

    random = np.random.default_rng(4)
    chips, whose = [], []
    for person in range(people):
        skin, hair, eyes = (tuple(map(int, random.integers(60, 230, 3))) for _ in range(3))
        gap, mouth, brow = random.uniform(0.12, 0.28), random.uniform(0.1, 0.3), random.uniform(0.1, 0.35)
        for _ in range(faces):
            image = Image.new("RGB", (size, size), tuple(map(int, random.integers(0, 255, 3))))
            draw = ImageDraw.Draw(image)
            x, y = size * (0.5 + random.uniform(-0.05, 0.05, 2))
            draw.ellipse((x - size * 0.35, y - size * 0.42, x + size * 0.35, y + size * 0.42), fill=skin)
            draw.rectangle((x - size * 0.3, y - size * 0.42, x + size * 0.3, y - size * brow), fill=hair)
            for side in (-1, 1):
                draw.ellipse((x + side * gap * size - 3, y - 6, x + side * gap * size + 3, y), fill=eyes)
            draw.line((x - mouth * size, y + size * 0.2, x + mouth * size, y + size * 0.2), fill=(150, 20, 30), width=2)
            pixels = np.array(image) * random.uniform(0.6, 1.2) + random.normal(0, 8, (size, size, 3))
            chips.append(pixels.clip(0, 255).astype(np.uint8))
            whose.append(f"p{person}")
    return np.stack(chips), whose


def test_training_teaches_to_tell_apart_people_never_seen(tmp_path: Path) -> None:
    from dltools.models.faces.infer import FaceReader
    from dltools.models.faces.training import Recipe, train

    chips, whose = drawn_people(30, 6, 32)
    recipe = Recipe(1, epochs=10, steps=20, people=6, faces=4, learning_rate=1e-3, size=32, width=0.15, held_out=0.3)
    told: list[int] = []
    trained = train(chips, whose, recipe, lambda epoch, *_: told.append(epoch), name="drawn")
    assert told == list(range(1, 11)) and (trained.people, trained.held_out) == (21, 9)
    assert trained.auc > trained.untrained_auc + 0.15
    (tmp_path / "own.tflite").write_bytes(trained.model)
    reader = FaceReader.load(str(tmp_path / "own.tflite"), threads=1)
    embeddings = reader.embed_chips(list(chips))
    assert reader.config == trained.config and embeddings.shape == (180, 128)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-3)
    one, other = np.triu_indices(len(whose), 1)
    apart = np.linalg.norm(embeddings[one] - embeddings[other], axis=1)
    same = np.array([whose[a] == whose[b] for a, b in zip(one, other, strict=True)])
    assert auc(apart, same) > trained.auc - 0.02  # people that it learned from among them


def test_training_needs_four_people() -> None:
    from dltools.models.faces.training import Recipe, train

    chips, whose = drawn_people(3, 3, 32)
    with pytest.raises(InputError, match="training needs 4"):
        train(chips, whose, Recipe(seed=3))
