"""wordvec as a process: pipes that line up, errors that name their line, exit statuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Run, command
from tests.test_words_import import WORDS, glove


def _lines(output: bytes) -> list[str]:
    return output.decode().splitlines()


def test_king_minus_man_plus_woman(run: Run) -> None:
    done = run("wordvec", "analogy", "man", "king", "woman")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"queen\n", b"")


def test_operands_are_one_query_with_a_neighbour_a_line(run: Run) -> None:
    done = run("wordvec", "-n", "3", "Cat")
    rows = [line.split("\t") for line in _lines(done.stdout)]
    assert len(rows) == 3 and rows[0][0] == "dog" and 0.8 < float(rows[0][1]) < 1
    both = run("wordvec", "nearest", "king", "queen", "-n", "1")
    assert _lines(both.stdout) == ["prince"]


def test_lines_stay_beside_their_queries(run: Run) -> None:
    queries = "man king woman\nman king womann\n\nparis france berlin\nking man\n"
    done = run("wordvec", "analogy", input=queries.encode())
    assert done.returncode == 3
    assert _lines(done.stdout) == ["queen", "", "", "germany", ""]
    errors = _lines(done.stderr)
    assert errors[0].startswith("wordvec: line 2: unknown word 'womann'; did you mean woman")
    assert [error.split(":")[1] for error in errors[1:4]] == [" line 3", " line 5", " 2 ok, 3 failed"]


def test_a_live_pipe_is_answered_line_by_line() -> None:
    with subprocess.Popen(command("wordvec", "analogy"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        for question, answer in ((b"man king woman\n", b"queen\n"), (b"rome italy paris\n", b"france\n")):
            process.stdin.write(question)
            process.stdin.flush()
            assert process.stdout.readline() == answer
        process.stdin.close()
        assert process.wait(30) == 0


def test_records_keep_what_they_carry(run: Run) -> None:
    lines = b'{"text": "cat", "id": 7}\n{"error": {"code": "x", "message": "y"}}\n'
    done = run("wordvec", "nearest", "--files-from", "-", "--json", "-n", "2", input=lines)
    first, second = map(json.loads, _lines(done.stdout))
    assert first["id"] == 7 and first["text"] == "cat" and next(item["word"] for item in first["items"]) == "dog"
    assert second == {"error": {"code": "x", "message": "y"}} and done.returncode == 0


def test_tsv_has_a_row_for_each_neighbour(run: Run) -> None:
    done = run("wordvec", "nearest", "cat", "-n", "2", "--format", "tsv")
    rows = [line.split("\t") for line in _lines(done.stdout)]
    assert rows[0] == ["text", "word", "score", "error"] and [row[0] for row in rows[1:]] == ["cat", "cat"]


def test_the_unrestricted_answer_stands_beside(run: Run) -> None:
    done = run("wordvec", "analogy", "--all", "man", "king", "woman")
    assert _lines(done.stdout) == ["queen\tking"]
    record = json.loads(run("wordvec", "analogy", "--all", "--json", "-n", "2", "man", "king", "woman").stdout)
    assert record["unrestricted"][0]["word"] == "king" and record["items"][0]["word"] == "queen"


def test_words_and_sentences_are_compared(run: Run) -> None:
    done = run("wordvec", "similarity", input=b"cat dog\nthe cat sat.\ta dog lay\ncat\n")
    one, sentence, failed = done.stdout.decode().split("\n")[:3]
    assert 0.8 < float(one) < 0.95 and 0.7 < float(sentence) < 1 and failed == ""
    assert float(run("wordvec", "similarity", "the cat sat", "a dog lay").stdout) > 0.7


def test_the_odd_one(run: Run) -> None:
    assert run("wordvec", "odd-one", "breakfast", "cereal", "dinner", "car").stdout == b"car\n"


def test_vectors_come_out_as_they_can_be_read_in(run: Run, tmp_path: Path) -> None:
    done = run("wordvec", "vector", input=b"king\nqueen\ncat\n")
    (tmp_path / "some.txt").write_bytes(done.stdout)
    nearest = run("wordvec", "king", "-n", "1", "--vectors", tmp_path / "some.txt")
    assert nearest.stdout == b"queen\n" and nearest.stderr == b""
    unit = json.loads(run("wordvec", "vector", "--unit", "--json", "king").stdout)["embedding"]
    assert np.linalg.norm(unit) == pytest.approx(1, abs=1e-5)


def test_bias_is_signed_towards_the_first_words(run: Run) -> None:
    done = run("wordvec", "bias", "--pairs", "she:he,woman:man", input=b"nurse\nengineer\nnurse engineer\n")
    nurse, engineer, both = _lines(done.stdout)
    assert float(nurse) > 0.1 and float(engineer) < -0.1 and both == f"{nurse}\t{engineer}"
    assert run("wordvec", "bias", "--pairs", "she", "nurse").returncode == 2


def test_debias_writes_vectors_that_every_subcommand_reads(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "neutral.vectors"
    done = run("wordvec", "debias", "-o", out)
    record = json.loads(done.stdout)
    assert done.returncode == 0 and record["output"] == str(out) and record["equalized"] > 40
    assert record["after"]["direct_bias"] < 0.001 < record["before"]["direct_bias"]
    assert record["after"]["neighbour_correlation"] > 0.4  # what Gonen and Goldberg warn of
    nurse = _lines(run("wordvec", "bias", "nurse", "--pairs", "she:he", "--vectors", out).stdout)[0]
    assert abs(float(nurse.split("\t")[1])) < 1e-4
    one, other = _lines(run("wordvec", "similarity", "--vectors", out, input=b"nurse he\nnurse she\n").stdout)
    assert one == other
    assert run("wordvec", "debias", "-o", out).returncode == 3  # it exists already
    assert run("wordvec", "debias", "-o", out, "--force").returncode == 0


def test_association_tests(run: Run, tmp_path: Path) -> None:
    done = run("wordvec", "weat", "math-arts", "flowers-insects", "--seed", "1", "--samples", "2000")
    exact, sampled = map(json.loads, _lines(done.stdout))
    assert exact["exact"] and exact["effect_size"] > 0.8 and exact["p"] < 0.05 and "seed" not in exact
    assert sampled["seed"] == 1 and "crocus" in sampled["missing"]
    path = tmp_path / "mine.json"
    path.write_text(
        '{"targets": {"a": ["cat", "dog"], "b": ["car", "bus"]}, "attributes": {"x": ["pet"], "y": ["road"]}}'
    )
    assert json.loads(run("wordvec", "weat", path).stdout)["name"] == "mine"
    assert run("wordvec", "weat", "no-such-test").returncode == 2
    path.write_text('{"targets": {"a": ["xqzzt"], "b": []}, "attributes": {"x": ["pet"], "y": ["road"]}}')
    assert run("wordvec", "weat", path).returncode == 3


def test_evaluate_tells_files_apart(run: Run, tmp_path: Path) -> None:
    questions, pairs, broken = tmp_path / "questions", tmp_path / "pairs", tmp_path / "broken"
    questions.write_text(": family\nman woman king queen\n: gram8-plural\ncar cars dog dogs\n")
    pairs.write_text("cat,dog,9\ncar,dog,2\ncat,idea,1\n")
    broken.write_text("cat,dog,9\ncar,dog\n")
    done = run("wordvec", "evaluate", questions, pairs, broken)
    first, second, third = map(json.loads, _lines(done.stdout))
    assert first["total"] == {"questions": 2, "covered": 2, "correct": 2, "accuracy": 1.0, "accuracy_covered": 1.0}
    assert second["spearman"] == 1 and "line 2" in third["error"]["message"] and done.returncode == 3


def test_a_plot_of_words(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "words.png"
    done = run("wordvec", "plot", "king", "queen", "xqzzt", "man", "-o", out)
    assert done.returncode == 3 and b"unknown word 'xqzzt'" in done.stderr
    with Image.open(out) as image:
        assert image.size == (1000, 800)
    assert [item["word"] for item in json.loads(done.stdout)["items"]] == ["king", "queen", "man"]
    assert run("wordvec", "plot", "-o", "-", input=b"king queen\nman\n").stdout.startswith(b"\x89PNG")
    assert run("wordvec", "plot", "king", "man", "-o", "a.gif").returncode == 2


def test_import_and_use(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "mine.txt", tmp_path / "mine.vectors"
    source.write_bytes(glove())
    done = run("wordvec", "import", source, "-o", out)
    assert json.loads(done.stdout)["words"] == len(WORDS) and done.stderr == b""
    assert len(_lines(run("wordvec", "the", "-n", "3", "--vectors", out).stdout)) == 3
    source.write_bytes(glove() + b"broken 1 2\n")
    done = run("wordvec", "import", source, "-o", tmp_path / "other")
    assert done.returncode == 3 and b"line 9: not a word and 5 numbers" in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("other", ".other"))] == []


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--vectors", "glove-51k", "cat"], 2, "did you mean glove-50k"),
        (["--vectors", "/no/such/file", "cat"], 2, "cannot be read"),
        (["--vectors", "glove-6b-100d", "--offline", "cat"], 4, "the network is off"),
        (["--vectors", "stanford-glove-6b-300d", "--offline", "cat"], 4, "the network is off"),
        (["xqzzt"], 3, "unknown word 'xqzzt'"),
        (["-n", "0", "cat"], 2, "0"),
        (["analogy", "a", "b"], 3, "three words, not 2"),
        (["import", "/no/such/file", "-o", "out"], 2, "cannot be read"),
    ],
)
def test_exit_statuses(run: Run, tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    done = run("wordvec", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (status, b"")
    assert message in done.stderr.decode().splitlines()[0]


def test_inference_loads_neither_tensorflow_nor_pillow() -> None:
    program = (
        "import sys; sys.argv = ['dltools', 'wordvec', 'cat']\n"
        "import atexit; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
        "from dltools.commands.dltools import main; main()\n"
    )
    done = subprocess.run([*command()[:1], "-c", program], capture_output=True, text=True, check=True)
    heavy = ("'tensorflow'", "'PIL'", "'rich'", "'requests'", "'scipy'", "'hashlib'")
    assert not [name for name in heavy if name in done.stderr]
