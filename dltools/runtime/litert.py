"""The LiteRT adapter: opens a ``.tflite`` file, memory-mapped, and runs it with XNNPACK."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dltools.errors import ModelFileError
from dltools.runtime.predictor import Floats


class LiteRtPredictor:
    """A network in LiteRT's form. Not safe to call from two threads at once: each thread opens its own."""

    def __init__(self, path: Path, *, threads: int, shape: Sequence[int] | None = None) -> None:
        """Open ``path``; ``shape``: of its input, where the file leaves more than the batch open."""
        with _quiet_stderr() as told:
            from ai_edge_litert.interpreter import Interpreter

            try:
                self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
                if shape is not None:
                    self._interpreter.resize_tensor_input(self._interpreter.get_input_details()[0]["index"], shape)
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise ModelFileError(f"{path}: LiteRT cannot open it ({_first_line(error, told())})") from error
        self._path = path
        self._inputs = self._interpreter.get_input_details()
        # LiteRT numbers outputs by their order in the converter, the signature names them by ours.
        self._outputs = sorted(self._interpreter.get_output_details(), key=lambda detail: str(detail["name"]))
        self._shapes = [tuple(int(size) for size in detail["shape"]) for detail in self._inputs]

    def predict(self, *inputs: Floats) -> Sequence[Floats]:
        """Run one batch; see :class:`dltools.runtime.predictor.Predictor`."""
        shapes = [values.shape for values in inputs]
        if shapes != self._shapes:
            self._resize(shapes)
        for detail, values in zip(self._inputs, inputs, strict=True):
            self._interpreter.set_tensor(detail["index"], values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(detail["index"]) for detail in self._outputs]

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        with _quiet_stderr() as told:
            try:
                for detail, shape in zip(self._inputs, shapes, strict=True):
                    self._interpreter.resize_tensor_input(detail["index"], shape)
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                reason = _first_line(error, told())
                raise ModelFileError(f"{self._path}: takes no input of {shapes} ({reason})") from error
        self._shapes = shapes


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
