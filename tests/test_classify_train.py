"""image-classify train and evaluate: splits, resuming, models on disk, and what they have learned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.io.images import encode_image
from dltools.models.classify.data import folds, groups_of, list_folder, perceptual_hash
from dltools.models.classify.evaluate import class_number, score_of
from dltools.models.classify.infer import Classifier
from tests.conftest import PHOTO, Run

Tree = Path


def _picture(random: np.random.Generator, red: bool, size: int = 40) -> np.ndarray:
    """Return noise that is a little redder or a little bluer: easy, but not at a glance of one pixel."""
    pixels = random.integers(40, 200, (size, size, 3))
    pixels[..., 0 if red else 2] += 40
    return pixels.astype(np.uint8)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a folder with 14 red and 10 blue pictures."""
    random = np.random.default_rng(1)
    for label, count in (("red", 14), ("blue", 10)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(count):
            path = tmp_path / "set" / label / f"{number}.png"
            path.write_bytes(encode_image(_picture(random, label == "red"), ".png"))
    return tmp_path / "set"


def _train(run: Run, tree: Tree, out: Path, *options: object) -> dict[str, object]:
    done = run("image-classify", "train", tree, "-o", out, "--seed", 3, "--json", *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    record: dict[str, object] = json.loads(done.stdout)
    return record


@pytest.mark.parametrize(
    ("arch", "options"),
    [
        ("logistic", ("--epochs", 15)),
        ("logistic", ("--weights", "none")),
        ("mlp", ("--weights", "none", "--epochs", 30)),
        ("convnet", ("--epochs", 2, "--members", 1, "--size", 48)),
        ("convnet", ("--weights", "none", "--epochs", 8, "--members", 2, "--size", 16, "--width", 8)),
    ],
)
def test_what_is_learned_is_told_again(
    run: Run, tree: Tree, tmp_path: Path, arch: str, options: tuple[object, ...]
) -> None:
    out = tmp_path / "model"
    record = _train(run, tree, out, "--arch", arch, *options)
    assert record["pictures"] == 24 and record["classes"] == ["blue", "red"]
    done = run("image-classify", "evaluate", tree, "-m", out, "--json")
    score = json.loads(done.stdout)
    assert score["accuracy"] >= 0.9, record
    assert sum(map(sum, score["confusion"])) == 24
    config = Classifier.open(out).config
    assert config.classes == ("blue", "red") and config.preparation.mirror
    tree_of_one = next((tree / "red").iterdir())
    item = json.loads(run("image-classify", "-m", out, "-n", 1, tree_of_one).stdout)["items"][0]
    assert item["label"] == "red"


def test_resnet50_trains_small(run: Run, tree: Tree, tmp_path: Path) -> None:
    options = ("--arch", "resnet50", "--size", 32, "--width", 4, "--epochs", 1)
    record = _train(run, tree, tmp_path / "net.tflite", *options)
    assert record["epochs"] == 1 and record["held_out"] in range(4, 7)
    assert Classifier.open(tmp_path / "net.tflite").config.arch == "resnet50"


def test_one_seed_gives_one_file(run: Run, tree: Tree, tmp_path: Path) -> None:
    for name in ("a", "b"):
        _train(run, tree, tmp_path / name, "--arch", "mlp", "--weights", "none", "--epochs", 3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("arch", ["mlp", "convnet"])
def test_a_resumed_training_ends_as_one_that_never_stopped(tree: Tree, tmp_path: Path, arch: str) -> None:
    from dltools.models.classify.data import read_pictures
    from dltools.models.classify.fit import preparation_of, train
    from dltools.models.classify.recipe import Recipe

    small = {"width": 4} if arch == "convnet" else {}
    recipe = Recipe.of(arch, 5, weights="none", epochs=3, members=2, size=16, **small)  # type: ignore[arg-type]
    listed = list_folder(tree)
    pictures = read_pictures(listed, ("blue", "red"), preparation_of(recipe), lambda path, error: None)
    states: list[bytes] = []
    whole = train(pictures, ("blue", "red"), recipe, name="x", save=states.append)
    assert len(states) == 6
    for state in (states[1], states[2], states[4]):
        (tmp_path / "state").write_bytes(state)
        again = train(pictures, ("blue", "red"), recipe, name="x", resume=tmp_path / "state")
        np.testing.assert_allclose(again.held_losses, whole.held_losses, atol=1e-5)
        np.testing.assert_allclose(again.scores, whole.scores, atol=1e-5)


def test_a_damaged_picture_is_named_and_skipped(run: Run, tree: Tree, tmp_path: Path) -> None:
    (tree / "red" / "bad.jpg").write_bytes(PHOTO.read_bytes()[:4000])
    done = run(
        "image-classify", "train", tree, "-o", tmp_path / "m", "--arch", "logistic", "--weights", "none", "--json"
    )
    assert done.returncode == 3
    assert done.stderr.decode().splitlines() == [
        f"image-classify: {tree / 'red' / 'bad.jpg'}: not an image (truncated JPEG) (skipped)"
    ]
    assert json.loads(done.stdout)["skipped"] == 1 and (tmp_path / "m").exists()


def test_curve_and_confusion_are_pictures(run: Run, tree: Tree, tmp_path: Path) -> None:
    _train(
        run,
        tree,
        tmp_path / "m",
        "--arch",
        "logistic",
        "--weights",
        "none",
        "--curve",
        tmp_path / "c.png",
        "--confusion",
        tmp_path / "x.png",
    )
    assert (tmp_path / "c.png").read_bytes()[:4] == (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("content", ["nothing", "one class", "no folder"])
def test_a_folder_that_cannot_be_learned_is_told_in_one_line(run: Run, tmp_path: Path, content: str) -> None:
    folder = tmp_path / "set"
    if content != "no folder":
        folder.mkdir()
    if content == "one class":
        (folder / "a").mkdir()
        (folder / "a" / "x.jpg").write_bytes(PHOTO.read_bytes())
    done = run("image-classify", "train", folder, "-o", tmp_path / "m")
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1 and not (tmp_path / "m").exists()


def test_train_and_val_folders_are_kept_apart(tree: Tree) -> None:
    (tree / "train").mkdir()
    (tree / "val").mkdir()
    for label in ("red", "blue"):
        (tree / label).rename(tree / "train" / label)
        (tree / "val" / label).mkdir()
        (tree / "val" / label / "photo.jpg").write_bytes(PHOTO.read_bytes())
    listed = list_folder(tree)
    assert listed.held is not None and set(listed.labels) == {"blue", "red"}
    assert [path.name for path, held in zip(listed.paths, listed.held, strict=True) if held] == ["photo.jpg"] * 2
    assert [path.name for path in list_folder(tree, measure=True).paths] == ["photo.jpg"] * 2
    (tree / "val").rename(tree / "test")
    listed = list_folder(tree)
    assert listed.held is None and len(listed.paths) == 24
    assert [path.parts[-3] for path in list_folder(tree, measure=True).paths] == ["test"] * 2


def test_near_duplicates_share_a_group(photo: Path) -> None:
    from PIL import Image

    image = Image.open(photo)
    near = [image, image.resize((300, 200)), image.point(lambda value: min(255, value + 12))]
    other = Image.fromarray(_picture(np.random.default_rng(0), True))
    hashes = np.array([perceptual_hash(np.asarray(each)) for each in (*near, other)], np.uint64)
    groups = groups_of(hashes)
    assert len(set(groups[:3].tolist())) == 1 and groups[3] != groups[0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30), st.data())
def test_hashes_that_differ_in_three_bits_share_a_group(hashes: list[int], data: st.DataObject) -> None:
    bits = data.draw(st.sets(st.integers(0, 63), max_size=3))
    near = hashes[0]
    for bit in bits:
        near ^= 1 << bit
    groups = groups_of(np.array([*hashes, near], np.uint64))
    assert groups[0] == groups[-1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=6, max_size=60), st.integers(2, 5))
def test_folds_keep_groups_whole(pairs: list[tuple[int, int]], count: int) -> None:
    targets, raw = (np.array(each, np.int64) for each in zip(*pairs, strict=True))
    groups = np.unique(raw, return_inverse=True)[1].astype(np.int64)
    result = folds(targets, groups, count, np.random.default_rng(0))
    assert all(len(set(result[groups == group].tolist())) == 1 for group in set(groups.tolist()))
    assert result.min() >= 0 and result.max() < count


def test_measures_are_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(2)
    scores, targets = random.random((60, 7)).astype(np.float32), random.integers(0, 7, 60)
    score = score_of(scores, targets, [str(number) for number in range(7)])
    given_classes = scores.argmax(axis=1)
    np.testing.assert_array_equal(score.confusion, metrics.confusion_matrix(targets, given_classes))
    assert score.accuracy == pytest.approx(metrics.accuracy_score(targets, given_classes))
    assert score.top5 == pytest.approx(metrics.top_k_accuracy_score(targets, scores, k=5))
    recalls = metrics.recall_score(targets, given_classes, average=None)
    assert [one.recall for one in score.per_class.values()] == pytest.approx(recalls.tolist())


def test_folders_are_found_by_name_or_number() -> None:
    classes = ("Tabby Cat", "dog")
    assert [class_number(label, classes) for label in ("tabby_cat", "DOG", "1", "bird")] == [0, 1, 1, None]
