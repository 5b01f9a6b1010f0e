"""Turn a Keras model into LiteRT's flatbuffer.

The forms follow the LiteRT documentation, "Post-training quantization". In: a Keras model whose inputs begin with the
batch dimension. Out: the bytes of a ``.tflite`` file with a batch of 1, which an interpreter may resize.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Quantization = Literal["float32", "float16", "dynamic_int8"]

_CAPTURE_LIMIT = 1 << 16  # bytes of TensorFlow's own words that a failure quotes


def to_litert(model: keras.Model, *, quantize: Quantization, keep_float: Collection[str] = ()) -> bytes:
    """Return ``model`` as flatbuffer bytes, the same bytes for the same model.

    ``quantize``: how weights are stored: ``float32``; ``float16`` (half the size, unpacked when loaded);
    ``dynamic_int8`` (a quarter; one scale an output channel, activations quantized on the fly). Inputs and outputs
    stay float32, in the model's order. ``keep_float``, only with ``dynamic_int8``: names of convolution or dense
    layers that stay float32, for those that lose much.

    Raise ``ValueError`` where ``keep_float`` does not fit, ``RuntimeError`` where the conversion fails; what
    TensorFlow wrote meanwhile is part of its message and never reaches standard output or error.
    """
    if keep_float and quantize != "dynamic_int8":
        raise ValueError(f"keep_float has no meaning with {quantize}")
    with quiet_tensorflow() as captured:
        try:
            flatbuffer = _convert(model, quantize)
            return _with_float_layers(flatbuffer, model, keep_float) if keep_float else flatbuffer
        except ValueError:
            raise
        except Exception as error:
            raise RuntimeError(f"the conversion to LiteRT failed: {error}\n{captured()}") from error


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[Callable[[], str]]:
    """Silence TensorFlow in the block, its import included, and choose it as Keras' backend.

    File descriptors 1 and 2 go into a file, since TensorFlow's C++ code writes past ``sys.stderr``. Yield a function
    that returns what was written so far. Not for use in several threads at once: the descriptors are the process's.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # a user's own choice of another would break the conversion
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read once, when TensorFlow is first imported
    _flush()
    with tempfile.TemporaryFile() as sink:
        saved = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]

        def captured() -> str:
            _flush()
            return os.pread(sink.fileno(), _CAPTURE_LIMIT, 0).decode("utf-8", errors="replace")

        try:
            for descriptor, _ in saved:
                os.dup2(sink.fileno(), descriptor)
            yield captured
        finally:
            _flush()  # what Python code wrote meanwhile belongs to the sink as well
            for descriptor, copy in saved:
                os.dup2(copy, descriptor)
                os.close(copy)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a process started with closed streams has none
            stream.flush()


def _convert(model: Any, quantize: Quantization) -> bytes:
    import tensorflow as tf

    # A batch of unknown size keeps reshapes free of a fixed 1, so that an interpreter can resize it.
    specs = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype, tensor.name) for tensor in model.inputs]

    def call(*tensors: Any) -> Any:
        return model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)

    traced = tf.function(call, autograph=False).get_concrete_function(*specs)
    # Without the model beside it, the converter freezes variables and keeps the order of the outputs.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    if quantize != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _with_float_layers(flatbuffer: bytes, model: Any, names: Collection[str]) -> bytes:
    """Put the float32 kernels of the layers ``names`` back into an int8 ``flatbuffer``.

    LiteRT decides by a kernel's type whether an operation is computed in integers, so the kernel is all that changes.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    content = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    tensors = [tensor for graph in content.subgraphs for tensor in graph.tensors]
    for name in names:
        kernel = _litert_kernel(model, name)
        matches = [tensor for tensor in tensors if _holds(tensor, content.buffers[tensor.buffer].data, kernel)]
        if not matches:
            raise ValueError(f"layer {name} has no kernel of its own in the converted model")
        for tensor in matches:
            tensor.type, tensor.quantization = 0, None  # 0: FLOAT32 in LiteRT's schema
            content.buffers[tensor.buffer].data = np.frombuffer(kernel.tobytes(), dtype=np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(content))


def _litert_kernel(model: Any, name: str) -> NDArray[np.float32]:
    """The kernel of a layer in LiteRT's order: output channels first."""
    kernel = getattr(model.get_layer(name), "kernel", None)
    if kernel is None:
        raise ValueError(f"layer {name} has no kernel")
    return np.ascontiguousarray(np.moveaxis(np.asarray(kernel, dtype=np.float32), -1, 0))


def _holds(tensor: Any, data: Any, kernel: NDArray[np.float32]) -> bool:
    """Whether a constant of the flatbuffer is ``kernel``, as it is or rounded to int8 with a scale a channel.

    Compared by value: the converter's names carry scopes and counters, and an output takes its own name.
    """
    if data is None or tuple(tensor.shape) != kernel.shape:
        return False
    if len(data) == kernel.nbytes:
        return bool(np.array_equal(np.frombuffer(bytes(data), dtype="<f4"), kernel.ravel()))
    if len(data) != kernel.size or tensor.quantization is None or tensor.quantization.scale is None:
        return False
    scale = np.asarray(tensor.quantization.scale, dtype=np.float32)[:, None]
    values = np.frombuffer(bytes(data), dtype=np.int8).reshape(len(kernel), -1)
    return bool((np.abs(values * scale - kernel.reshape(len(kernel), -1)) <= 0.51 * scale).all())
