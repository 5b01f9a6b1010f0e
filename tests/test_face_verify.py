"""face-verify as its users have it: verdicts by exit status, databases, groups, measures, training."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dltools.models.faces.infer import FaceReader
from tests.conftest import FACE, OTHER_FACE, PHOTO, Run, on_a_terminal


def records(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode("utf-8").splitlines()]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of photographs: two people, one of them four times, both at once, nobody."""
    with Image.open(FACE) as photo, Image.open(OTHER_FACE) as other, Image.open(PHOTO) as cup:
        photo.save(tmp_path / "alice1.jpg")
        ImageEnhance.Brightness(photo.resize((400, 400)).rotate(8)).enhance(0.7).save(tmp_path / "alice2.jpg")
        photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("L").save(tmp_path / "alice3.png")
        other.save(tmp_path / "bob1.jpg")
        other.resize((330, 330)).crop((0, 0, 300, 280)).save(tmp_path / "bob2.jpg")
        both = Image.new("RGB", (600, 400), (90, 100, 110))
        both.paste(photo, (20, 60))
        both.paste(other, (300, 40))
        both.save(tmp_path / "both.jpg")
        cup.save(tmp_path / "cup.jpg")
        exif = Image.Exif()
        exif[0x0112] = 6
        photo.rotate(90).save(tmp_path / "phone.jpg", exif=exif)
    return tmp_path


@pytest.fixture
def people(photos: Path) -> Path:
    """A folder with a sub-folder for each person."""
    for name in ("alice1.jpg", "alice2.jpg", "bob1.jpg"):
        folder = photos / "people" / name[:-5].title()
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / name, folder)
    return photos / "people"


# --- verify ---------------------------------------------------------------------------------------------------


def test_the_exit_status_is_the_answer(run: Run, photos: Path) -> None:
    same = run("face-verify", "alice1.jpg", "alice2.jpg", cwd=photos)
    (record,) = records(same.stdout)
    assert (same.returncode, same.stderr) == (0, b"")
    assert record["same"] is True and record["distance"] < record["threshold"] == 0.6
    assert (record["a"], record["b"], record["model"]) == ("alice1.jpg", "alice2.jpg", "dlib-resnet")
    assert (record["a_face"], record["b_face"], record["a_faces"], record["b_faces"]) == (0, 0, 1, 1)
    different = run("face-verify", "verify", "alice1.jpg", "bob1.jpg", cwd=photos)
    (record,) = records(different.stdout)
    assert (different.returncode, different.stderr) == (1, b"")
    assert record["same"] is False and record["distance"] > 0.6


def test_the_distance_is_that_of_the_embeddings(run: Run, photos: Path) -> None:
    done = run("face-verify", "embed", "alice1.jpg", "bob1.jpg", cwd=photos)
    one, other = (np.array(record["items"][0]["embedding"]) for record in records(done.stdout))
    (record,) = records(run("face-verify", "alice1.jpg", "bob1.jpg", cwd=photos).stdout)
    assert record["distance"] == pytest.approx(np.linalg.norm(one - other), abs=1e-4)
    assert one.shape == (128,)


def test_no_face_is_a_failure_and_never_a_no(run: Run, photos: Path) -> None:
    for pair in (("alice1.jpg", "cup.jpg"), ("cup.jpg", "alice1.jpg")):
        done = run("face-verify", *pair, cwd=photos)
        (record,) = records(done.stdout)
        assert done.returncode == 3
        assert record["error"] == {"code": "no_face", "message": "no face found"}
        assert record["path"] == "cup.jpg" and (record["a"], record["b"]) == pair
        assert done.stderr.startswith(b"face-verify: cup.jpg: no face found\n")


def test_several_are_compared_with_the_first_and_failures_stop_nothing(run: Run, photos: Path) -> None:
    (photos / "text.jpg").write_text("no picture")
    (photos / "empty.jpg").touch()
    names = ["alice2.jpg", "text.jpg", "missing.jpg", "empty.jpg", "bob1.jpg", "phone.jpg"]
    done = run("face-verify", "alice1.jpg", *names, cwd=photos)
    found = records(done.stdout)
    assert done.returncode == 3 and [record["b"] for record in found] == names
    assert ["error" in record or record["same"] for record in found] == [True, True, True, True, False, True]
    assert found[2]["error"]["code"] == "not_found"
    assert done.stderr.splitlines()[-1] == b"face-verify: 3 ok, 3 failed"
    stopped = run("face-verify", "--fail-fast", "alice1.jpg", *names, cwd=photos)
    assert len(records(stopped.stdout)) == 2 and stopped.returncode == 3
    assert run("face-verify", "alice1.jpg", "alice2.jpg", "bob1.jpg", cwd=photos).returncode == 1
    assert run("face-verify", "alice1.jpg", "alice2.jpg", "phone.jpg", cwd=photos).returncode == 0


def test_a_folder_stands_for_its_pictures_and_a_list_for_its_lines(run: Run, people: Path) -> None:
    done = run("face-verify", "people/Alice", cwd=people.parent)
    (record,) = records(done.stdout)
    assert (record["a"], record["b"]) == ("people/Alice/alice1.jpg", "people/Alice/alice2.jpg")
    (people.parent / "empty").mkdir()
    (record,) = records(run("face-verify", "alice1.jpg", "empty", cwd=people.parent).stdout)
    assert record["error"] == {"code": "not_found", "message": "a folder without pictures"}
    listed = run("face-verify", input=b"alice1.jpg\nbob1.jpg\nalice2.jpg\n", cwd=people.parent)
    assert [record["same"] for record in records(listed.stdout)] == [False, True] and listed.returncode == 1
    stream = (people.parent / "alice1.jpg").read_bytes() + (people.parent / "alice2.jpg").read_bytes()
    (record,) = records(run("face-verify", "-", input=stream).stdout)
    assert record["same"] and (record["a_frame"], record["b_frame"]) == (0, 1)


def test_the_face_can_be_chosen_and_the_record_says_which(run: Run, photos: Path) -> None:
    """Of the two people at once Alice is the larger."""
    for choice, number in (([], 0), (["--face", 0], 0), (["--face", 1], 1)):
        (record,) = records(run("face-verify", *choice, "both.jpg", "both.jpg", cwd=photos).stdout)
        assert (record["a_face"], record["b_face"], record["a_faces"], record["b_faces"]) == (number, number, 2, 2)
        assert (record["a_bbox"][0] > 300) == (number == 1)
    assert run("face-verify", "both.jpg", "alice1.jpg", cwd=photos).returncode == 0
    done = run("face-verify", "--face", "1", "both.jpg", "alice1.jpg", cwd=photos)
    (record,) = records(done.stdout)
    assert done.returncode == 3 and record["error"]["message"] == "no face 1: 1 found, numbered from 0"


def test_a_failure_further_up_the_pipe_stays_one(run: Run, photos: Path) -> None:
    """Else a run that compared nothing would say yes."""
    lost = {"path": "gone.jpg", "error": {"code": "not_found", "message": "no such file"}}
    lines = [{"path": "alice1.jpg"}, lost, {"path": "alice2.jpg", "who": "alice"}]
    given = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = run("face-verify", "--files-from", "-", input=given, cwd=photos)
    failure, verdict = records(done.stdout)
    assert done.returncode == 3 and failure["error"] == lost["error"]
    assert verdict["same"] and verdict["who"] == "alice"


def test_the_threshold_decides(run: Run, photos: Path) -> None:
    assert run("face-verify", "-t", "0.01", "alice1.jpg", "alice2.jpg", cwd=photos).returncode == 1
    assert run("face-verify", "--threshold", "2", "alice1.jpg", "bob1.jpg", cwd=photos).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alice1.jpg"], b"nothing to be compared with"),
        (["-m", "nosuch", "alice1.jpg", "bob1.jpg"], b"nosuch: no such model; give dlib-resnet or facenet"),
        (["-m", "alice1.jpg", "alice1.jpg", "bob1.jpg"], b"not a model file of this toolkit"),
        (["--min-face", "3", "alice1.jpg", "bob1.jpg"], b"min-face"),
        (["-t", "0", "alice1.jpg", "bob1.jpg"], b"threshold"),
    ],
)
def test_wrong_usage_is_one_line(run: Run, photos: Path, words: list[str], said: bytes) -> None:
    done = run("face-verify", *words, cwd=photos)
    assert done.returncode == 2 and done.stdout == b"" and said in done.stderr.splitlines()[0]


def test_facenet_is_missing_until_it_is_fetched(run: Run, photos: Path) -> None:
    done = run("face-verify", "-m", "facenet", "alice1.jpg", "bob1.jpg", cwd=photos)
    assert done.returncode == 4 and b"dltools fetch facenet" in done.stderr and done.stdout == b""


def test_what_was_compared_can_be_seen(run: Run, photos: Path) -> None:
    done = run("face-verify", "--show", "seen", "alice1.jpg", "both.jpg", cwd=photos)
    (record,) = records(done.stdout)
    with Image.open(photos / record["output"]) as picture:
        assert picture.height == 256 and picture.width == 256 + round(600 * 256 / 400)
    again = run("face-verify", "--show", "seen", "alice1.jpg", "both.jpg", cwd=photos)
    assert again.returncode == 3 and records(again.stdout)[0]["error"]["code"] == "exists"


def test_people_read_a_line_and_spreadsheets_a_row(run: Run, photos: Path) -> None:
    line = run("face-verify", "--format", "human", "alice1.jpg", "bob1.jpg", cwd=photos).stdout.decode()
    assert line.startswith("different  0.") and line.endswith(" >= 0.6  alice1.jpg  bob1.jpg\n")
    header, row = run("face-verify", "--format", "tsv", "alice1.jpg", "alice2.jpg", cwd=photos).stdout.splitlines()
    cells = dict(zip(header.split(b"\t"), row.split(b"\t"), strict=True))
    assert cells[b"same"] == b"true" and cells[b"b_face"] == b"0"
    status, screen = on_a_terminal("face-verify", photos / "alice1.jpg", photos / "alice2.jpg")
    assert status == 0 and "same" in screen and "\x1b[" in screen


# --- embed ----------------------------------------------------------------------------------------------------


def test_every_face_has_its_numbers(run: Run, photos: Path) -> None:
    done = run("face-verify", "embed", "--show", "seen", "both.jpg", cwd=photos)
    (record,) = records(done.stdout)
    assert done.returncode == 0 and record["width"] == 600 and len(record["items"]) == 2
    sides = [item["bbox"][2] - item["bbox"][0] for item in record["items"]]
    assert sides[0] > sides[1]
    for item in record["items"]:
        x_min, y_min, x_max, y_max = item["bbox"]
        assert len(item["embedding"]) == 128 and len(item["landmarks"]) == 5
        assert all(x_min < x < x_max and y_min < y < y_max for x, y in item["landmarks"][:3])
    assert (photos / "seen" / "both.jpg").stat().st_size > 1000
    each = records(run("face-verify", "embed", "--each", "both.jpg", cwd=photos).stdout)
    assert [one["bbox"] for one in each] == [item["bbox"] for item in record["items"]]


def test_a_region_is_searched_and_its_faces_lie_in_the_whole_picture(run: Run, photos: Path) -> None:
    line = json.dumps({"path": "both.jpg", "bbox": [20, 60, 276, 316], "who": "alice"}).encode()
    (record,) = records(run("face-verify", "embed", "--files-from", "-", input=line, cwd=photos).stdout)
    (item,) = record["items"]
    assert record["who"] == "alice" and 20 + 70 < item["bbox"][0] < 20 + 95 and 60 + 50 < item["bbox"][1] < 60 + 80


def test_the_upright_picture_counts(run: Run, photos: Path) -> None:
    done = run("face-verify", "embed", "alice1.jpg", "phone.jpg", cwd=photos)
    one, other = (record["items"][0]["bbox"] for record in records(done.stdout))
    assert np.abs(np.array(one) - other).max() < 4


def test_jitter_and_jobs_and_python_agree(run: Run, photos: Path) -> None:
    names = ["alice1.jpg", "bob1.jpg", "both.jpg", "alice2.jpg"]
    plain = run("face-verify", "embed", *names, cwd=photos).stdout
    assert run("face-verify", "embed", "--jobs", "1", *names, cwd=photos).stdout == plain
    jittered = records(run("face-verify", "embed", "--jitter", "3", "alice1.jpg", cwd=photos).stdout)
    from dltools.io.images import decode_image

    pixels = decode_image((photos / "alice1.jpg").read_bytes())
    reader = FaceReader.load(threads=1)
    expected = reader.embed(pixels, reader.find(pixels), jitter=3)[0]
    assert np.allclose(jittered[0]["items"][0]["embedding"], expected, atol=1e-4)


# --- enroll and identify --------------------------------------------------------------------------------------


def test_a_folder_of_people_becomes_a_database_and_names_faces(run: Run, people: Path) -> None:
    folder = people.parent
    done = run("face-verify", "enroll", "--db", "db.npz", "people", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"face-verify: 3 ok\n")
    assert [(record["action"], record["label"]) for record in records(done.stdout)] == [
        *(("added", "Alice"),) * 2,
        ("added", "Bob"),
    ]
    done = run("face-verify", "identify", "--db", "db.npz", "--show", "named", "both.jpg", "alice3.png", cwd=folder)
    both, alone = records(done.stdout)
    assert sorted(item["label"] for item in both["items"]) == ["Alice", "Bob"]
    (item,) = alone["items"]
    assert item["label"] == item["nearest"] == "Alice" and item["margin"] > 0.1 and item["distance"] < 0.6
    assert (folder / "named" / "alice3.png").exists()
    (strict,) = records(run("face-verify", "identify", "--db", "db.npz", "-t", "0.01", "bob2.jpg", cwd=folder).stdout)
    assert [(item["label"], item["nearest"]) for item in strict["items"]] == [("unknown", "Bob")]


def test_only_what_changed_is_done_again(run: Run, people: Path) -> None:
    folder = people.parent

    def enroll(*words: str) -> list[tuple[str, str]]:
        found = records(run("face-verify", "enroll", "--db", "db.npz", *words, cwd=folder).stdout)
        return [(record["action"], record["path"].rsplit("/")[-1]) for record in found]

    enroll("people")
    before = (folder / "db.npz").read_bytes()
    assert {action for action, _ in enroll("people")} == {"kept"}
    assert (folder / "db.npz").read_bytes() == before
    shutil.copy(folder / "alice3.png", people / "Alice" / "alice2.jpg")  # other content, the same name
    assert enroll("people") == [("kept", "alice1.jpg"), ("kept", "bob1.jpg"), ("added", "alice2.jpg")]
    (people / "Bob" / "bob1.jpg").unlink()
    assert enroll("--prune") == [("removed", "bob1.jpg")]
    listed = records(run("face-verify", "enroll", "--db", "db.npz", "--list", cwd=folder).stdout)
    assert listed == [{"label": "Alice", "faces": 2}]
    assert enroll("--name", "Bob", "bob2.jpg", "--remove", "Alice") == [
        *(("removed", name) for name in ("alice1.jpg", "alice2.jpg")),
        ("added", "bob2.jpg"),
    ]


def test_a_bad_photograph_is_told_and_the_rest_enrolled(run: Run, people: Path) -> None:
    folder = people.parent
    shutil.copy(folder / "cup.jpg", people / "Bob")
    (people / "Bob" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    done = run("face-verify", "enroll", "--db", "db.npz", "people", cwd=folder)
    errors = [record["error"]["code"] for record in records(done.stdout) if "error" in record]
    assert done.returncode == 3 and errors[1:] == ["no_face"]
    assert done.stderr.endswith(b"face-verify: 3 ok, 2 failed\n")
    assert len(records(run("face-verify", "enroll", "--db", "db.npz", "--list", cwd=folder).stdout)) == 2


def test_a_database_is_not_misread(run: Run, people: Path) -> None:
    folder = people.parent
    (folder / "text.npz").write_text("no database")
    (folder / "empty").mkdir()
    for words, status in (
        (["enroll", "--db", "text.npz", "people"], 3),
        (["identify", "--db", "text.npz", "alice1.jpg"], 3),
        (["identify", "--db", "missing.npz", "alice1.jpg"], 3),
        (["enroll", "--db", "db.npz", "alice1.jpg"], 2),
        (["enroll", "--db", "db.npz"], 2),
        (["enroll", "--db", "db.npz", "nowhere"], 3),
        (["enroll", "--db", "db.npz", "--name", " ", "alice1.jpg"], 2),
        (["enroll", "--db", "db.npz", "--name", "unknown", "alice1.jpg"], 2),
        (["enroll", "--db", "db.npz", "empty"], 3),
        (["enroll", "--db", "db.npz", "--remove", "Carol"], 2),
    ):
        done = run("face-verify", *words, cwd=folder)
        assert done.returncode == status and done.stdout == b"" and len(done.stderr.splitlines()) == 1, words
    assert (folder / "text.npz").read_text() == "no database" and not (folder / "db.npz").exists()


def test_a_database_of_another_model_is_refused(run: Run, people: Path) -> None:
    from dltools.models.faces.database import FaceDatabase

    (people.parent / "db.npz").write_bytes(FaceDatabase.empty("own-1", "own.tflite", 128).encode())
    done = run("face-verify", "enroll", "-m", "dlib-resnet", "--db", "db.npz", "people", cwd=people.parent)
    assert done.returncode == 2 and b"was made with own-1" in done.stderr


# --- cluster --------------------------------------------------------------------------------------------------


def test_people_are_told_apart_unasked(run: Run, photos: Path) -> None:
    names = ["alice1.jpg", "bob1.jpg", "alice2.jpg", "both.jpg", "bob2.jpg", "alice3.png"]
    done = run("face-verify", "cluster", "--out", "sorted", *names, cwd=photos)
    found = {record["path"]: sorted(item["cluster"] for item in record["items"]) for record in records(done.stdout)}
    assert found["both.jpg"] == [0, 1]
    assert found["alice1.jpg"] == found["alice2.jpg"] == found["alice3.png"] != found["bob1.jpg"] == found["bob2.jpg"]
    assert found["alice1.jpg"] == [0]
    assert sorted(path.name for path in (photos / "sorted" / "person-001").iterdir()) == sorted(
        ["bob1.jpg", "bob2.jpg", "both.jpg"]
    )
    assert (photos / "sorted" / "person-000" / "both.jpg").read_bytes() == (photos / "both.jpg").read_bytes()
    assert done.stderr == b"face-verify: 6 ok; 7 faces of 2 people\n"


def test_a_photograph_of_nobody_is_told_among_others(run: Run, photos: Path) -> None:
    done = run("face-verify", "cluster", "alice1.jpg", "cup.jpg", cwd=photos)
    one, none = records(done.stdout)
    assert done.returncode == 3 and one["items"][0]["cluster"] == 0 and none["error"]["code"] == "no_face"


# --- evaluate and train ---------------------------------------------------------------------------------------

PAIRS = [
    *(("alice1.jpg", "alice2.jpg", 1), ("alice1.jpg", "alice3.png", 1), ("bob1.jpg", "bob2.jpg", 1)),
    *(("alice1.jpg", "bob1.jpg", 0), ("alice2.jpg", "bob2.jpg", 0), ("bob1.jpg", "alice3.png", 0)),
]


def write_pairs(folder: Path, pairs: list[tuple[str, str, int]], head: str = "") -> None:
    (folder / "pairs.tsv").write_text(head + "".join(f"{a}\t{b}\t{same}\n" for a, b, same in pairs))


def test_pairs_are_measured(run: Run, photos: Path, tmp_path: Path) -> None:
    write_pairs(photos, [*PAIRS, ("alice1.jpg", "cup.jpg", 0)], head="path_a\tpath_b\tsame\n")
    done = run("face-verify", "evaluate", photos / "pairs.tsv", "--roc", tmp_path / "roc.png", cwd="/")
    (record,) = records(done.stdout)
    assert done.returncode == 3 and done.stderr.decode().count("no face found") == 1
    assert (record["pairs"], record["skipped"], record["no_face"], record["images"]) == (6, 1, 1, 6)
    assert record["accuracy"] == record["auc"] == record["default_accuracy"] == 1 and record["eer"] == 0
    assert record["default_threshold"] == 0.6
    with Image.open(tmp_path / "roc.png") as picture:
        assert picture.width > 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no pairs"),
        ("a.jpg\tb.jpg\n", "line 1: not two paths"),
        ("a.jpg\tb.jpg\t1\nc d 0\n", "line 2: not two paths"),
        ("a.jpg\tb.jpg\t2\nx\ty\t3\n", "line 2: not two paths"),
    ],
)
def test_a_file_that_has_no_pairs_is_refused(run: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "pairs.tsv").write_text(text)
    done = run("face-verify", "evaluate", tmp_path / "pairs.tsv")
    assert done.returncode == 3 and done.stdout == b"" and said in done.stderr.decode()


def test_a_trained_model_is_used_like_any_other(run: Run, photos: Path) -> None:
    for person in range(4):
        folder = photos / "learn" / f"p{person}"
        folder.mkdir(parents=True)
        for number in range(2):  # tinted, so that four people come of one face
            with Image.open(FACE) as photo:
                tint = np.roll(np.array([1.0, 0.75, 0.55]), person) if person < 3 else np.array([0.6, 0.6, 1.0])
                pixels = (np.array(photo) * tint * (1 - number * 0.15)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    recipe = ["--seed", "1", "--epochs", "1", "--steps", "1", "--size", "32", "--width", "0.1"]
    done = run("face-verify", "train", "learn", "--out", "own.tflite", *recipe, cwd=photos)
    (record,) = records(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (record["people"], record["faces"], record["held_out"], record["seed"]) == (4, 8, 2, 1)
    assert record["output"] == "own.tflite" and 0 <= record["auc"] <= 1 and record["threshold"] > 0
    done = run("face-verify", "-m", "own.tflite", "alice1.jpg", "alice1.jpg", cwd=photos)
    (verdict,) = records(done.stdout)
    assert done.returncode == 0 and verdict["model"] == record["model"].replace("\\", "/")
    assert verdict["threshold"] == pytest.approx(record["threshold"], abs=1e-5)
    assert run("face-verify", "enroll", "-m", "own.tflite", "--db", "own.npz", "--name", "A", "alice1.jpg",
               cwd=photos).returncode == 0  # fmt: skip
    (named,) = records(run("face-verify", "identify", "--db", "own.npz", "alice1.jpg", cwd=photos).stdout)
    assert named["items"][0]["label"] == "A"
    kept = run("face-verify", "train", "learn", "--out", "own.tflite", *recipe, cwd=photos)
    assert kept.returncode == 3 and b"exists already" in kept.stderr
    run("face-verify", "train", "learn", "--out", "again/own.tflite", *recipe, cwd=photos)
    assert not (photos / "again").exists()  # a folder that is not there is not made
    (photos / "again").mkdir()
    run("face-verify", "train", "learn", "--out", "again/own.tflite", *recipe, cwd=photos)
    assert (photos / "again" / "own.tflite").read_bytes() == (photos / "own.tflite").read_bytes()


def test_training_needs_people(run: Run, people: Path) -> None:
    done = run("face-verify", "train", "people", "--out", "own.tflite", cwd=people.parent)
    assert done.returncode == 3 and b"training needs 4" in done.stderr and not (people.parent / "own.tflite").exists()
    done = run("face-verify", "train", "missing", "--out", "own.tflite", cwd=people.parent)
    assert done.returncode == 3 and done.stderr == b"face-verify: missing: cannot be read (no such file or directory)\n"


# --- the development photographs ------------------------------------------------------------------------------


def test_people_of_the_development_photographs_are_told_apart(run: Run, shared: Path, tmp_path: Path) -> None:
    lines = (shared / "faces" / "labels.tsv").read_text().splitlines()
    known = [line.split("\t") for line in lines if "GROUP" not in line]
    names = {name: label.split(" ")[0] for name, label in known}
    pairs = [
        (str(shared / "faces" / a), str(shared / "faces" / b), int(names[a] == names[b]))
        for at, a in enumerate(names)
        for b in list(names)[at + 1 :]
    ]
    write_pairs(tmp_path, pairs)
    (record,) = records(run("face-verify", "evaluate", tmp_path / "pairs.tsv").stdout)
    assert (record["pairs"], record["skipped"]) == (len(pairs), 0)
    assert record["default_accuracy"] == record["auc"] == 1
    assert os.listdir(tmp_path) == ["pairs.tsv"]
