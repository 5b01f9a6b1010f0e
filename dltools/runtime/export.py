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
            if not keep_float:
                return flatbuffer
            return _with_float_layers(flatbuffer, _convert(model, "float32"), model, keep_float)
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


def _with_float_layers(flatbuffer: bytes, exact: bytes, model: Any, names: Collection[str]) -> bytes:
    """Put the float32 kernels of the layers ``names`` back into ``flatbuffer``, taken from ``exact``.

    LiteRT decides by a kernel's type whether an operation is computed in integers, so the kernel is all that changes.
    """
    from tensorflow.lite.tools import flatbuffer_utils

    mixed = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    source = flatbuffer_utils.convert_bytearray_to_object(bytearray(exact))
    kernels = {
        bytes(source.buffers[tensor.buffer].data): tensor
        for graph in source.subgraphs
        for tensor in graph.tensors
        if source.buffers[tensor.buffer].data is not None
    }
    targets = {tensor.name: tensor for graph in mixed.subgraphs for tensor in graph.tensors}
    for name in names:
        content = _litert_kernel(model, name)
        tensor = kernels.get(content)
        if tensor is None or tensor.name not in targets:
            raise ValueError(f"layer {name} has no kernel of its own in the converted model")
        target = targets[tensor.name]
        target.type, target.quantization = tensor.type, tensor.quantization
        mixed.buffers[target.buffer].data = np.frombuffer(content, dtype=np.uint8)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(mixed))


def _litert_kernel(model: Any, name: str) -> bytes:
    """The kernel of a layer in LiteRT's order: output channels first."""
    kernel = getattr(model.get_layer(name), "kernel", None)
    if kernel is None:
        raise ValueError(f"layer {name} has no kernel")
    return np.moveaxis(np.asarray(kernel, dtype=np.float32), -1, 0).tobytes()
