"""image-classify: the embedded network against what its pictures show, and against Keras's own ResNet-50."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dltools.errors import UsageError
from dltools.io.images import decode_image
from dltools.models.classify.infer import Classifier
from tests.conftest import PHOTO, Run


def test_a_cup_of_espresso_is_one(run: Run) -> None:
    done = run("image-classify", "-n", "3", PHOTO)
    record = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert record["items"][0]["label"] == "espresso" and len(record["items"]) == 3
    scores = [item["score"] for item in record["items"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.9


def test_scores_of_all_classes_add_up_to_one() -> None:
    found = Classifier.load(threads=1).classify(decode_image(PHOTO.read_bytes()), top=1000, min_score=0)
    assert len(found) == 1000 == len({one.class_id for one in found})
    assert sum(one.score for one in found) == pytest.approx(1, abs=1e-4)


def test_a_picture_and_its_mirror_image_are_the_same_to_it() -> None:
    classifier = Classifier.load(threads=1)
    pixels = decode_image(PHOTO.read_bytes())
    one, other = (classifier.scores(classifier.prepare(view)) for view in (pixels, pixels[:, ::-1]))
    assert np.abs(one - other).max() < 1e-3  # sampling is not quite symmetric


def test_only_what_scores_enough_is_named(run: Run, tmp_path: Path) -> None:
    done = run("image-classify", "-s", "0.9", "-e", "-a", tmp_path / "named", PHOTO)
    record = json.loads(done.stdout)
    assert len(record["items"]) == 1
    assert Path(record["output"]).read_bytes()[:2] == b"\xff\xd8"
    assert run("image-classify", "-s", "1", "-e", PHOTO).returncode == 1


def test_a_model_that_is_not_here_says_how_to_get_it(run: Run) -> None:
    done = run("image-classify", "-m", "resnet50", PHOTO)
    assert done.returncode == 4 and b"dltools fetch resnet50" in done.stderr
    with pytest.raises(UsageError):
        Classifier.load("nosuch")


def test_resnet_50_has_the_parameters_of_keras_own() -> None:
    from dltools.models.classify import network

    assert network.resnet50().count_params() == 25_636_712
