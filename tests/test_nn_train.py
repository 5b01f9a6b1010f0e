"""nn-train: tables and images in, models, records and pictures out; errors that name line and column."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dltools.commands import _nn_train_options as shared_options
from dltools.commands._boundary import run as run_group
from dltools.commands.nn_train import cli
from dltools.errors import InputError, ModelFileError
from dltools.io.charts import line_chart, region_chart, series_colour
from dltools.models.nn.activations import ACTIVATIONS
from dltools.models.nn.compare import variants
from dltools.models.nn.dense import Dense
from dltools.models.nn.examples import split, targets_of
from dltools.models.nn.fit import RATES, Recipe
from dltools.models.nn.infer import Model
from dltools.models.nn.initializers import INITIALIZERS
from dltools.models.nn.layer import Array
from dltools.models.nn.optimizers import OPTIMIZERS
from dltools.models.nn.store import decode, encode
from dltools.models.nn.tables import labelled, read_table
from dltools.models.nn.training import Design, train
from tests.conftest import PHOTO, Run


def _blobs(rows: int = 90, *, seed: int = 0) -> str:
    """Return CSV rows of three well separated classes in a plane."""
    random = np.random.default_rng(seed)
    centres, names = np.array([[0, 0], [4, 0], [0, 4]]), ("red", "green", "blue")
    lines = []
    for number in range(rows):
        x, y = centres[number % 3] + random.normal(0, 0.5, 2)
        lines.append(f"{x:.3f},{y:.3f},{names[number % 3]}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    path = tmp_path / "blobs.csv"
    path.write_text("x,y,colour\n" + _blobs())
    return path


@pytest.fixture
def model(tmp_path: Path, blobs: Path) -> Path:
    """Return the file of a trained model of the three classes."""
    examples = labelled(read_table(blobs.read_bytes(), "blobs"), None)
    path = tmp_path / "blobs.npz"
    path.write_bytes(encode(train(examples, Design("8", seed=1), Recipe(epochs=60, learning_rate=0.02)).model))
    return path


def _record(output: bytes) -> dict[str, Any]:
    (line,) = output.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def _errors(done: Any) -> list[str]:
    lines: list[str] = done.stderr.decode().splitlines()
    return lines


# --- training


def test_train_writes_a_model_pictures_and_a_record(run: Run, blobs: Path, tmp_path: Path) -> None:
    out, curve, boundary = tmp_path / "m.npz", tmp_path / "c.png", tmp_path / "b.png"
    arguments = ("--layers", "16,8", "--seed", "1", "--epochs", "40", "--learning-rate", "0.02")
    files = ("--out", out, "--curve", curve, "--boundary", boundary)
    done = run("nn-train", blobs, *arguments, *files)
    record = _record(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert record["classes"] == ["blue", "green", "red"] and record["layers"][-1] == "dense:3"
    assert (record["examples"], record["held_out"], record["epochs"], record["seed"]) == (72, 18, 40, 1)
    assert record["accuracy"] > 0.95 and record["validation_accuracy"] > 0.9 and record["loss"] < 0.3
    assert (record["output"], record["curve"], record["boundary"]) == (str(out), str(curve), str(boundary))
    for picture in (curve, boundary):
        with Image.open(picture) as image:
            assert image.format == "PNG" and len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 10
    again = run("nn-train", "train", blobs, *arguments, "--out", tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == out.read_bytes()
    assert _record(again.stdout)["validation_loss"] == record["validation_loss"]
    kept = run("nn-train", blobs, *files)
    assert kept.returncode == 3 and _errors(kept) == [f"nn-train: {out}: exists already (--force overwrites it)"]


def test_a_table_comes_through_a_pipe_with_or_without_a_header(run: Run, blobs: Path) -> None:
    arguments = ("--epochs", "3", "--seed", "1", "--layers", "4")
    plain = _record(run("nn-train", blobs, *arguments).stdout)
    rows = blobs.read_bytes()
    semicolons = rows.replace(b",", b";")
    for data in (rows, rows.partition(b"\n")[2], rows.replace(b",", b"\t"), semicolons, b"\xef\xbb\xbf" + rows):
        record = _record(run("nn-train", "-", *arguments, input=data).stdout)
        assert record.pop("path") == "-" and record == {key: plain[key] for key in record}
    assert _record(run("nn-train", *arguments, input=rows).stdout)["loss"] == plain["loss"]


def test_another_column_is_the_label(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "first.csv"
    rows = [line.split(",") for line in _blobs().splitlines()]
    path.write_text("colour,x,y\n" + "\n".join(f"{name},{x},{y}" for x, y, name in rows))
    for label in ("colour", "1"):
        record = _record(run("nn-train", path, "--label", label, "--epochs", "2", "--layers", "4").stdout)
        assert record["classes"] == ["blue", "green", "red"]
    done = run("nn-train", path, "--label", "color")
    assert done.returncode == 3
    assert _errors(done) == [f"nn-train: {path}: no column is called 'color'; its columns are colour, x, y"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a,b,c\n1,2,x\n3,,y\n", "line 3, column 2 (b): missing value"),
        ("1,2,x\n3,NA,y\n", "line 2, column 2: missing value"),
        ("a\tb\tc\n1\tabc\tx\n", "line 2, column 2 (b): not a number: 'abc'"),
        ("a,b,c\n1,2,x\n\n3,inf,y\n", "line 4, column 2 (b): not a number: 'inf'"),
        ("1,1_000,x\n", "line 1, column 2: not a number: '1_000'"),
        ("?,2,x\n3,4,y\n", "line 1, column 1: missing value"),
        ("a,b,c\n1,2,x\n1,2\n", "line 3: 2 columns, not 3"),
        ("a,b,c\n1,2,\n", "line 2, column 3 (c): missing label"),
        ("a,b,c\n", "no rows below the header"),
        ("", "no rows in it"),
        ("a,a,c\n1,2,x\n", "two columns are called 'a'"),
        ("label\n1\n2\n", "only one column (columns are separated by commas, semicolons or tabs)"),
        ("a,b\n1,x\n2,x\n", "all examples have the label 'x': a classifier needs two classes"),
        ('a,b\n1,"x\n', "not CSV (unexpected end of data)"),
    ],
)
def test_a_bad_table_is_refused_with_line_and_column(run: Run, tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(table)
    done = run("nn-train", path)
    assert (done.returncode, done.stdout, _errors(done)) == (3, b"", [f"nn-train: {path}: {message}"])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("missing.csv",), 3, "missing.csv: no such file"),
        (("blobs.csv", "--layers", "convv:8x3"), 2, "layers: no layer is called 'convv' (did you mean conv?)"),
        (("blobs.csv", "--size", "3x2"), 2, "--size: 2 columns do not make images of 3 x 2"),
        (("blobs.csv", "--task", "regression"), 3, "blobs.csv: a regression needs numbers as labels"),
        (("blobs.csv", "--patience", "3", "--validation", "0"), 2, "early stopping needs held-out examples: a larger"),
        (("blobs.csv", "--layers", "embedding:5x2"), 3, "blobs.csv: embedding has the numbers 0 to 4, not"),
        (("blobs.csv", "--optimizer", "adagrad"), 2, "invalid value for '--optimizer'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    run: Run, blobs: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    done = run("nn-train", *arguments, cwd=blobs.parent)
    assert done.returncode == status and done.stdout == b""
    assert _errors(done)[0].startswith(f"nn-train: {message}")


def test_training_that_diverges_says_so(run: Run, blobs: Path) -> None:
    done = run("nn-train", blobs, "--optimizer", "sgd", "--learning-rate", "1e20", "--task", "classification")
    assert done.returncode == 3 and b"training diverged in epoch" in done.stderr


def test_boundary_wants_two_features_and_says_so_before_training(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "three.csv"
    path.write_text("1,2,3,x\n4,5,6,y\n")
    done = run("nn-train", path, "--boundary", tmp_path / "b.png")
    assert done.returncode == 2 and not (tmp_path / "b.png").exists()
    assert _errors(done) == ["nn-train: --boundary draws two features, and the data has 3"]


def test_regression(run: Run, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(120, 2))
    path, out = tmp_path / "line.csv", tmp_path / "line.npz"
    np.savetxt(path, np.c_[inputs, 100 + inputs @ [30, -10]], delimiter=",")
    done = run("nn-train", path, "--layers", "1", "--seed", "2", "--learning-rate", "0.05", "--out", out)
    record = _record(done.stdout)
    assert record["task"] == "regression" and record["validation_r2"] > 0.999 and record["rmse"] < 1
    answers = run("nn-train", "predict", out, input=b"0,0\n1,0\n").stdout.splitlines()
    assert [json.loads(line)["value"] for line in answers] == pytest.approx([100, 130], abs=1)


def test_early_stopping_keeps_the_best_epoch(blobs: Path) -> None:
    examples = labelled(read_table(blobs.read_bytes(), "blobs"), None)
    recipe = Recipe(epochs=500, learning_rate=0.3, patience=5)
    trained = train(examples, Design("8", seed=3), recipe)
    losses = trained.history.validation_losses
    assert len(losses) < 500 and trained.history.best_epoch == int(np.argmin(losses)) + 1
    assert trained.validation is not None
    assert trained.validation.scores["loss"] == pytest.approx(min(losses), rel=1e-6)


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (("b", "a", "b"), "classification", ("a", "b")),
        (("10", "9", "9.0"), "classification", ("9", "10")),
        (("1.5", "2", "3"), "regression", ()),
        (tuple(map(str, range(101))), "regression", ()),
    ],
)
def test_what_labels_mean(labels: tuple[str, ...], task: str, classes: tuple[str, ...]) -> None:
    numbers = None if "a" in labels else np.array(list(map(float, labels)))
    targets = targets_of(labels, numbers, None)
    assert (targets.task, targets.classes) == (task, classes)


def test_a_split_takes_its_share_of_each_class_and_leaves_one() -> None:
    targets = targets_of(("a",) * 50 + ("b",) * 10 + ("c",), None, None)
    seen, held = split(targets, 0.2, np.random.default_rng(0))
    assert sorted([*seen, *held]) == list(range(61))
    assert np.bincount(targets.values[held], minlength=3).tolist() == [10, 2, 0]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("0,1,2,label\n5,6,7,1\n", ("0", "1", "2", "label")),
        ("1,2,3,x\n1,2,4,y\n", ()),
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", ()),
        ("a,b,c\n1,2,x\n", ("a", "b", "c")),
        ("1,2,0\n3,4,1\n", ()),
    ],
)
def test_a_header_is_found(table: str, columns: tuple[str, ...]) -> None:
    assert read_table(table.encode(), "t").columns == columns


def test_a_header_is_told(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    path.write_text("2001,2002,2003\n1,2,0\n3,4,1\n5,6,1\n")
    few = ("--epochs", "1", "--layers", "2", "--validation", "0")
    assert _record(run("nn-train", path, "--header", *few).stdout)["examples"] == 3
    assert _record(run("nn-train", path, "--no-header", *few).stdout)["examples"] == 4


# --- models


def test_a_model_comes_back_as_it_was(model: Path) -> None:
    first = decode(model)
    assert encode(first) == model.read_bytes()
    assert first.config.columns == ("x", "y") and first.config.label == "colour"
    found = Model.load(model).probabilities(np.array([[0, 0], [4, 0], [0, 4.0]]))
    assert [first.config.classes[best] for best in found.argmax(axis=1)] == ["red", "green", "blue"]
    assert np.allclose(found.sum(axis=1), 1, atol=1e-6)


def test_a_damaged_model_is_refused(run: Run, model: Path, tmp_path: Path) -> None:
    with np.load(model) as file:
        arrays = {name: file[name] for name in file.files}
    damaged = {**arrays, "0.kernel": arrays["0.kernel"][:1]}
    np.savez(tmp_path / "shape.npz", **damaged)
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    (tmp_path / "cut.npz").write_bytes(model.read_bytes()[:500])
    (tmp_path / "text.npz").write_text("no")
    for name in ("shape", "foreign", "cut", "text", "missing"):
        with pytest.raises(ModelFileError):
            decode(tmp_path / f"{name}.npz")
    done = run("nn-train", "predict", tmp_path / "cut.npz", input=b"1,2\n")
    assert done.returncode == 2 and _errors(done) == [f"nn-train: {tmp_path / 'cut.npz'}: not a network's file"]


# --- predict


def test_predict_finds_its_columns_by_name(run: Run, model: Path) -> None:
    table = b"id,y,colour,x\n7,0,red,4\n8,4,red,0\n"
    records = [json.loads(line) for line in run("nn-train", "predict", model, "-", input=table).stdout.splitlines()]
    assert [(record["path"], record["row"], record["label"]) for record in records] == [
        ("-", 1, "green"),
        ("-", 2, "blue"),
    ]
    for record in records:
        assert set(record["probabilities"]) == {"red", "green", "blue"}
        assert record["score"] == max(record["probabilities"].values())
    with_label = run("nn-train", "predict", model, input=b"4,0,red\n0,4,red\n")
    assert [json.loads(line)["label"] for line in with_label.stdout.splitlines()] == ["green", "blue"]


def test_predict_goes_on_after_a_bad_row(run: Run, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text("0,0\n1,x\n4,0\n")
    done = run("nn-train", "predict", model, path)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [record.get("label") for record in records] == ["red", None, "green"]
    assert records[1]["error"]["message"] == "line 2, column 2: not a number: 'x'"
    assert _errors(done) == [
        f"nn-train: {path}: line 2, column 2: not a number: 'x'",
        "nn-train: 2 ok, 1 failed",
    ]
    assert len(run("nn-train", "predict", "--fail-fast", model, path).stdout.splitlines()) == 2


def test_predict_in_other_formats(run: Run, model: Path) -> None:
    tsv = run("nn-train", "predict", model, "--format", "tsv", input=b"0,0\n").stdout.decode().splitlines()
    assert tsv[0].split("\t") == ["path", "row", "label", "score", "value", "probabilities", "error"]
    assert tsv[1].split("\t")[:3] == ["-", "1", "red"]
    human = run("nn-train", "predict", model, "--format", "human", input=b"0,0\n").stdout.decode()
    assert human.startswith("-: row 1: ") and human.endswith("  red\n")


def test_predict_refuses_another_table(run: Run, model: Path) -> None:
    done = run("nn-train", "predict", model, input=b"1,2,3,4\n")
    assert done.returncode == 3 and _errors(done) == ["nn-train: -: 4 columns, but the model takes 2"]


# --- images


def _pictures(count: int = 24, side: int = 8) -> tuple[Array, list[str]]:
    """Return grey images with a bright row or a bright column, and which it is."""
    random = np.random.default_rng(0)
    images = random.integers(0, 60, (count, side, side), np.uint8)
    labels = []
    for number, image in enumerate(images):
        at = 1 + number % (side - 2)
        (image if number % 2 else image.T)[at] = 250
        labels.append("row" if number % 2 else "column")
    return images, labels


def test_an_archive_of_images(run: Run, tmp_path: Path) -> None:
    images, labels = _pictures(60)
    np.savez(tmp_path / "i.npz", images=images, labels=np.array(labels))
    out = tmp_path / "m.npz"
    layers = "conv:4x3,pool:2,dense:8,dense:2"
    done = run("nn-train", tmp_path / "i.npz", "--layers", layers, "--seed", "1", "--epochs", "30", "--out", out)
    record = _record(done.stdout)
    assert record["classes"] == ["column", "row"] and record["layers"][-1] == "dense:2"
    assert record["validation_accuracy"] >= 0.9
    answers = run("nn-train", "predict", out, tmp_path / "i.npz").stdout.splitlines()
    found = [json.loads(line)["label"] for line in answers]
    assert np.mean([one == other for one, other in zip(found, labels, strict=True)]) > 0.9


def test_a_folder_of_images(run: Run, tmp_path: Path) -> None:
    images, labels = _pictures()
    folder = tmp_path / "pictures"
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{number}.png")
    (folder / "row" / "notes.txt").write_text("not a picture")
    out = tmp_path / "m.npz"
    done = run(
        "nn-train", folder, "--size", "8", "--layers", "conv:4x3,pool:2,8", "--seed", "1", "--epochs", "2", "--out", out
    )
    assert done.returncode == 3  # one picture could not be read; the rest was done
    assert _errors(done) == [f"nn-train: {folder / 'row' / 'notes.txt'}: not an image (unknown format)"]
    assert _record(done.stdout)["examples"] + _record(done.stdout)["held_out"] == 24
    assert decode(out).config.shape == (8, 8, 3)
    predicted = run("nn-train", "predict", out, folder / "row" / "1.png")
    assert _record(predicted.stdout)["path"].endswith("1.png")
    assert _record(run("nn-train", "predict", out, PHOTO).stdout)["label"] in ("row", "column")
    assert _record(run("nn-train", "predict", out, input=PHOTO.read_bytes()).stdout)["path"] == "-"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((3, 4, 4))}, "no labels in it"),
        ({"images": np.zeros((3, 4, 4)), "labels": np.zeros(2)}, "3 images, but 2 labels"),
        ({"other": np.zeros(3)}, "no array is called images"),
        ({"images": np.full((2, 4, 4), np.nan), "labels": np.arange(2)}, "numbers in it are missing or not finite"),
        ({"images": np.array([{}]), "labels": np.arange(1)}, "not an .npz file of plain arrays"),
    ],
)
def test_a_bad_archive_is_refused(run: Run, tmp_path: Path, arrays: dict[str, Array], message: str) -> None:
    np.savez(tmp_path / "i.npz", **arrays)
    done = run("nn-train", tmp_path / "i.npz")
    assert done.returncode == 3 and _errors(done)[0].startswith(f"nn-train: {tmp_path / 'i.npz'}: {message}")


def test_a_table_laid_out_as_images(blobs: Path) -> None:
    images, labels = _pictures(30)
    rows = "\n".join(",".join(map(str, [*image.ravel(), label])) for image, label in zip(images, labels, strict=True))
    examples = labelled(read_table(rows.encode(), "t"), None)
    model = train(examples, Design("conv:2x3,pool:2", seed=0), Recipe(epochs=1)).model
    assert model.config.layers[0] == "reshape:8x8x1" and model.mean.shape == (64,) and np.ptp(model.mean) == 0


# --- check


def test_check_says_yes(run: Run) -> None:
    done = run("nn-train", "check", "--seed", "1")
    record = _record(done.stdout)
    assert done.returncode == 0 and record["agrees"] is True and record["difference"] <= 1e-7
    kinds = {item["label"].split(".")[1] for item in record["items"]}
    assert kinds == {"dense", "conv", "batchnorm", "lstm", "gru", "rnn", "embedding"}


@pytest.mark.parametrize("arguments", [("--conv",), ("--layers", "5,4,3"), ("--layers", "conv:2x3,pool:2,lstm:3")])
def test_check_of_a_network_of_ones_own(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("nn-train", "check", "--seed", "1", "--activation", "tanh", *arguments)
    if "lstm" in arguments[-1]:  # an image has no steps once it is pooled
        assert done.returncode == 2 and b"lstm needs inputs of steps and features" in done.stderr
    else:
        assert done.returncode == 0


def test_check_says_no_of_a_broken_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Dense.backward

    def wrong(self: Dense, gradient: Array) -> Array:
        through = right(self, gradient)
        self.gradients["kernel"] = self.gradients["kernel"].copy()
        self.gradients["kernel"][0, 0] *= 1.01
        return through

    monkeypatch.setattr(Dense, "backward", wrong)

    @click.command()
    def outer() -> None:
        raise SystemExit(run_group(cli, ["check", "--layers", "5,3", "--seed", "1"]))

    result = CliRunner().invoke(outer)
    assert result.exit_code == 1 and json.loads(result.stdout)["agrees"] is False


# --- compare


@pytest.mark.parametrize("vary", ["optimizer", "init", "regularization", "learning-rate"])
def test_compare(run: Run, blobs: Path, tmp_path: Path, vary: str) -> None:
    curve = tmp_path / "c.png"
    line = ("nn-train", "compare", blobs, "--vary", vary, "--seed", "1", "--epochs", "4", "--layers", "4")
    record = _record(run(*line, "--curve", curve).stdout)
    names = [variant.name for variant in variants(vary, Design("4", 1), Recipe())]  # type: ignore[arg-type]
    assert [item["label"] for item in record["items"]] == names and len(names) >= 4
    assert all(math.isfinite(item["validation_loss"]) for item in record["items"] if "diverged" not in item)
    assert curve.read_bytes().startswith(b"\x89PNG")
    tsv = run(*line, "--format", "tsv").stdout.decode().splitlines()
    assert len(tsv) == len(names) + 1 and tsv[0].startswith("path\tvary\tlabel\tloss\taccuracy")


def test_zeros_learn_nothing_where_others_do(run: Run, blobs: Path) -> None:
    line = ("--vary", "init", "--seed", "1", "--layers", "8,8", "--epochs", "30")
    items = _record(run("nn-train", "compare", blobs, *line).stdout)["items"]
    accuracy = {item["label"]: item["accuracy"] for item in items}
    assert accuracy["zeros"] < 0.4 and accuracy["he"] > 0.9


# --- the rest


def test_choices_are_those_of_the_library() -> None:
    assert set(shared_options.ACTIVATIONS) == set(ACTIVATIONS) - {"softmax"}
    assert set(shared_options.INITS) == set(INITIALIZERS) - {"orthogonal"}
    assert shared_options.OPTIMIZERS == tuple(OPTIMIZERS) == tuple(RATES)


def test_a_chart_draws_every_series_in_its_colour() -> None:
    series = {"one": [3.0, 2.0, 1.0], "two": [1.0, math.nan, 1.5], "point": [2.5]}
    pixels = line_chart(series, title="a title", x_label="epoch", y_label="loss", width=480, height=320)
    assert pixels.shape == (320, 480, 3) and pixels.dtype == np.uint8
    for number in range(3):
        near = np.abs(pixels.astype(int) - series_colour(number)).sum(axis=2) < 12
        assert near[:, :350].any() and near[:, 350:].any()  # the line, and the legend beside it


@pytest.mark.parametrize("values", [[], [1.0], [0.0, 0.0], [1e-9, 1e9], [math.inf, math.nan], [-5.0, 5.0]])
@pytest.mark.parametrize("log_y", [False, True])
def test_a_chart_of_anything(values: list[float], log_y: bool) -> None:
    assert line_chart({"x\n\x1b": values}, title="", x_label="", y_label="", log_y=log_y).shape == (600, 960, 3)


def test_a_region_has_its_classes_colours() -> None:
    shares = np.zeros((4, 4, 2))
    shares[:2, :, 0] = 1  # the lower half
    shares[2:, :, 1] = 1
    pixels = region_chart(
        shares,
        np.array([[0.5, 0.5], [9, 9]]),
        [0, 1],
        ["low", "high"],
        x_range=(0, 1),
        y_range=(0, 1),
        title="t",
        x_label="x",
        y_label="y",
    ).astype(int)
    low, high = (255 - 0.38 * (255 - np.array(series_colour(number))) for number in (0, 1))
    assert np.abs(pixels[540, 300] - low).max() <= 2 and np.abs(pixels[100, 300] - high).max() <= 2


def test_numbers_too_large_are_refused_row_by_row(run: Run, model: Path) -> None:
    with pytest.raises(InputError, match="too large for the model"):
        Model.load(model).probabilities(np.array([[1e308, 1e308]]))
    done = run("nn-train", "predict", model, input=b"0,0\n1e308,1e308\n4,0\n")
    assert [json.loads(line).get("label") for line in done.stdout.splitlines()] == ["red", None, "green"]
    assert done.returncode == 3
    assert _errors(done)[0] == "nn-train: -: row 2: its numbers are too large for the model"
