"""The LiteRT adapter: opens a ``.tflite`` file, memory-mapped, and runs it with XNNPACK."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dltools.errors import ModelFileError
from dltools.runtime.predictor import Floats


class LiteRtPredictor:
    """A network in LiteRT's form. Not safe to call from two threads at once: each thread opens its own.

    ``shape``: of its one input, where that is not the one in the file.
    """

    def __init__(self, path: Path, *, threads: int, shape: Sequence[int] | None = None) -> None:
        with _quiet_stderr() as told:
            from ai_edge_litert.interpreter import Interpreter

            try:
                self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
                if shape is not None:
                    self._interpreter.resize_tensor_input(self._interpreter.get_input_details()[0]["index"], shape)
                self._interpreter.allocate_tensors()
                self._inputs = self._interpreter.get_input_details()
                outputs = self._interpreter.get_output_details()
                self._shapes = [tuple(map(int, detail["shape"])) for detail in self._inputs]
            except (ValueError, RuntimeError, IndexError, MemoryError) as error:  # IndexError: no input, or a number
                raise ModelFileError(f"{path}: LiteRT cannot open it ({_first_line(error, told())})") from error
        self._path = path
        # LiteRT numbers outputs by their order in the converter, the signature names them by ours.
        self._outputs = sorted(outputs, key=lambda detail: str(detail["name"]))

    def predict(self, *inputs: Floats) -> Sequence[Floats]:
        """Run one batch; see :class:`dltools.runtime.predictor.Predictor`."""
        shapes = [values.shape for values in inputs]
        if shapes != self._shapes:
            self._resize(shapes)
        try:
            for detail, values in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(detail["index"], values)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]
        except (ValueError, RuntimeError) as error:  # the file was opened, but its network does not run
            raise ModelFileError(f"{self._path}: LiteRT cannot run it ({_first_line(error, '')})") from error

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        try:  # quiet of itself, and perhaps not the only thread that could write: standard error stays as it is
            for detail, shape in zip(self._inputs, shapes, strict=True):
                self._interpreter.resize_tensor_input(detail["index"], shape)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            self._shapes = []
            wanted = ", ".join(" x ".join(map(str, shape)) for shape in shapes)
            raise ModelFileError(f"{self._path}: takes no input of {wanted} ({_first_line(error, '')})") from error
        self._shapes = shapes


def constants(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights that a ``.tflite`` file holds, by the names that its converter gave them, as they are stored.

    Raise :class:`ModelFileError` where LiteRT cannot open the file.
    """
    with _quiet_stderr() as told:
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreter = Interpreter(model_path=str(path))
        except (ValueError, RuntimeError, MemoryError) as error:
            raise ModelFileError(f"{path}: LiteRT cannot open it ({_first_line(error, told())})") from error
    found = {}
    for detail in interpreter.get_tensor_details():
        with contextlib.suppress(ValueError):  # not a constant, so there is nothing in it yet
            found[str(detail["name"])] = interpreter.get_tensor(detail["index"])
    return found


def _first_line(error: Exception, told: str) -> str:
    lines = [*str(error).splitlines(), *told.splitlines()]
    return next((line.strip() for line in lines if line.strip()), type(error).__name__)


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[Callable[[], str]]:
    """Keep what LiteRT's library writes to file descriptor 2 from the user; yield what returns it.

    The library announces its delegate there whenever a model is opened, and has no switch for it.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # standard error is closed: there is nobody to disturb
        yield lambda: ""
        return
    sink = os.memfd_create("litert") if hasattr(os, "memfd_create") else os.open(os.devnull, os.O_RDWR)

    def told() -> str:
        os.lseek(sink, 0, os.SEEK_SET)
        return os.read(sink, 1 << 16).decode("utf-8", "replace")

    os.dup2(sink, 2)
    try:
        yield told
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)
