"""What the subcommands of nn-train share: the group, how a network is described and trained, and reading the data."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

import click

from dltools.commands import _options as options
from dltools.commands._batch import demand_pipe, open_source
from dltools.commands._boundary import Context, raw_stdin
from dltools.commands._group import DefaultGroup
from dltools.commands._render import EpochProgress
from dltools.errors import InputError, UsageError
from dltools.io.inputs import STDIN

if TYPE_CHECKING:
    from dltools.io.images import Pixels
    from dltools.io.report import Report
    from dltools.models.nn.examples import Examples
    from dltools.models.nn.fit import Recipe
    from dltools.models.nn.training import Design, Trained

NAME = "nn-train"
ACTIVATIONS = ("relu", "leaky-relu", "tanh", "sigmoid")
INITS = ("zeros", "random", "xavier", "he")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")

TABLE_LAYERS = "64,32"
IMAGE_LAYERS = "conv:8x3,pool:2,conv:16x3,pool:2,dense:64"
_EPOCHS, _IMAGE_EPOCHS = 100, 20
_FOLDER_SIZE = (32, 32)

Function = TypeVar("Function", bound=Callable[..., Any])

cli = DefaultGroup(
    NAME,
    default="train",
    help="""Train neural networks written from scratch in NumPy, on tables and on images.

    DATA is a CSV or TSV file ('-': standard input), an .npz of images and labels, or a folder with a sub-folder of
    images for each class.""",
)


class Size(click.ParamType[tuple[int, int]]):
    """The rows and columns of an image: ``32`` or ``24x32``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read ``ROWSxCOLUMNS``, or one number for both."""
        if isinstance(value, tuple):
            return value
        sides = str(value).split("x")
        if len(sides) > 2 or not all(side.isdecimal() and 0 < int(side) <= 4096 for side in sides):
            self.fail(f"{value!r} is not a size such as 32 or 24x32", param, ctx)
        return int(sides[0]), int(sides[-1])


def layers_option(function: Function) -> Function:
    """Add the description of a network."""
    return click.option(
        "--layers",
        metavar="SPEC",
        help=f"Sizes (20,7,5) or layers (conv:8x3,pool:2,dense:64); the output layer is added if the last one is not "
        f"of its size (default: {TABLE_LAYERS}; images: {IMAGE_LAYERS}).",
    )(function)


def activation_option(function: Function) -> Function:
    """Add the choice of the activation."""
    return click.option(
        "--activation",
        type=click.Choice(ACTIVATIONS),
        default="relu",
        show_default=True,
        help="Behind each dense and convolution layer but the last.",
    )(function)


def seed_option(function: Function) -> Function:
    """Add the seed."""
    return click.option(
        "--seed", type=click.IntRange(0, 2**31 - 1), help="Makes the run repeatable; drawn if not given."
    )(function)


def header_option(function: Function) -> Function:
    """Add whether a table's first row names its columns."""
    return click.option(
        "--header/--no-header", default=None, help="Whether the first row names the columns (default: it shows)."
    )(function)


def training_options(function: Function) -> Function:
    """Add the data, and how a network is described and trained on it; what is given becomes a :class:`Plan`."""
    decorators = (
        click.argument("data", metavar="[DATA]", required=False, type=options.FILE),
        layers_option,
        activation_option,
        click.option("--init", type=click.Choice(INITS), default="he", show_default=True, help="How weights begin."),
        click.option(
            "--optimizer", type=click.Choice(OPTIMIZERS), default="adam", show_default=True, help="How weights move."
        ),
        click.option(
            "--learning-rate",
            type=click.FloatRange(0, min_open=True),
            help="Default: sgd 0.1, momentum and nesterov 0.02, rmsprop 0.002, adam 0.003.",
        ),
        click.option(
            "--decay",
            type=click.FloatRange(0),
            default=0.0,
            show_default=True,
            help="The rate of epoch t, from 0, is divided by 1 + DECAY t.",
        ),
        click.option(
            "--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Examples in a mini-batch."
        ),
        click.option(
            "--epochs",
            type=click.IntRange(1, 1_000_000),
            help=f"Passes over the examples (default: {_EPOCHS}; images: {_IMAGE_EPOCHS}).",
        ),
        click.option(
            "--l2", type=click.FloatRange(0), default=0.0, show_default=True, help="Strength of the L2 penalty."
        ),
        click.option(
            "--dropout",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="Share dropped behind each hidden dense or recurrent layer.",
        ),
        click.option(
            "--clip", type=click.FloatRange(0), default=0.0, show_default=True, help="Largest gradient norm; 0: any."
        ),
        click.option(
            "--patience",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            help="Stop after so many epochs without a better held-out loss, and keep the best; 0: never.",
        ),
        click.option(
            "--validation",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.2,
            show_default=True,
            help="Share of the examples that is held out.",
        ),
        click.option("--label", metavar="NAME", help="The label's column, by name or number (default: the last)."),
        header_option,
        click.option(
            "--task",
            type=click.Choice(["auto", "classification", "regression"]),
            default="auto",
            show_default=True,
            help="auto: labels with fractions, or more than 100 different numbers, are values; others are classes.",
        ),
        click.option(
            "--size",
            type=Size(),
            metavar="ROWSxCOLUMNS",
            help="Of images in a folder (default: 32x32), and what a table's rows are laid out as.",
        ),
        click.option(
            "--standardize/--no-standardize",
            default=True,
            show_default=True,
            help="Scale every feature or channel to mean 0 and variance 1.",
        ),
        seed_option,
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


class Plan(NamedTuple):
    """What the training options ask for: the examples, the network, and how it is trained."""

    path: str
    examples: Examples
    design: Design
    recipe: Recipe

    def train(self, design: Design, recipe: Recipe, progress: EpochProgress) -> Trained:
        """Train on the examples; raise :class:`InputError` that names the file."""
        from dltools.models.nn.training import train

        try:
            return train(self.examples, design, recipe, progress)
        except InputError as error:
            raise InputError(f"{self.path}: {error}", code=error.code) from error


def make_plan(ctx: click.Context, context: Context, report: Report, chosen: dict[str, Any]) -> Plan:
    """Read the data that the options name; pictures that cannot be read are told and counted in ``report``."""
    limit_threads(context)
    from dltools.models.nn.fit import Recipe
    from dltools.models.nn.spec import parse
    from dltools.models.nn.training import Design

    path = operand(ctx, chosen["data"])
    layers, size = chosen["layers"], chosen["size"]
    if layers is not None:
        parse(layers)  # a slip is told before the data is read
    examples = _read(context, report, path, chosen)
    features = examples.inputs.shape[1:]
    shape = _laid_out(features[0], size) if size is not None and len(features) == 1 else ()
    image = len(shape or features) == 3
    design = Design(
        layers=layers if layers is not None else IMAGE_LAYERS if image else TABLE_LAYERS,
        seed=secrets.randbelow(2**31) if chosen["seed"] is None else chosen["seed"],
        shape=shape,
        task=None if chosen["task"] == "auto" else chosen["task"],
        **{name: chosen[name] for name in ("activation", "init", "dropout", "validation", "standardize")},
    )
    names = ("optimizer", "learning_rate", "decay", "batch_size", "l2", "clip", "patience")
    epochs = chosen["epochs"] or (_IMAGE_EPOCHS if image else _EPOCHS)
    return Plan(path, examples, design, Recipe(epochs=epochs, **{name: chosen[name] for name in names}))


def limit_threads(context: Context) -> None:
    """Hand ``--threads`` to BLAS, which reads it when NumPy is first imported; one if it is not given.

    The products of small networks end so soon that threads wait for each other, on a busy machine thirty times longer
    than the work takes (measured); and with one, a model does not depend on the number of cores.
    """
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = str(context.settings.threads or 1)


def operand(ctx: click.Context, data: str | None) -> str:
    """Return the data's path, ``-`` where there is none and something is piped in, else end with short help."""
    if data is None:
        demand_pipe(ctx)
    return data or STDIN


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file, or of standard input; raise :class:`InputError` that names it."""
    from dltools.io.inputs import read_file

    if path == STDIN:
        with open_source(STDIN, raw_stdin()) as read:
            return b"".join(iter(lambda: read(1 << 20), b""))
    try:
        return read_file(path)
    except InputError as error:
        raise InputError(f"{path}: {error}", code=error.code) from error


def _read(context: Context, report: Report, path: str, chosen: dict[str, Any]) -> Examples:
    from dltools.models.nn.examples import Examples
    from dltools.models.nn.pictures import is_archive, read_archive, read_folder
    from dltools.models.nn.tables import labelled, read_table

    def failed(name: str, error: InputError) -> None:
        report.failed += 1
        context.say(f"{name}: {error}")

    label = chosen["label"]
    if path != STDIN and os.path.isdir(path):
        return read_folder(Path(path), chosen["size"] or _FOLDER_SIZE, failed)
    data = read_bytes(path)
    if is_archive(data):
        inputs, labels = read_archive(data, path)
        if labels is None:
            raise InputError(f"{path}: no labels in it")
        return Examples(inputs, labels)
    return labelled(read_table(data, path, header=chosen["header"], known=(label,) if label else ()), label)


def _laid_out(features: int, size: tuple[int, int]) -> tuple[int, int, int]:
    rows, columns = size
    if features % (rows * columns):
        raise UsageError(f"--size: {features} columns do not make images of {rows} x {columns}")
    return rows, columns, features // (rows * columns)


class Files:
    """The files that a run writes when it is through: none is begun too late to be refused, none is left half done."""

    def __init__(self, stack: ExitStack, *, force: bool) -> None:
        self._stack, self._force = stack, force

    def open(self, path: str | None) -> BinaryIO | None:
        """Return where to write the file ``path``, or None; raise :class:`OutputError` where it must be kept."""
        from dltools.io.outputs import atomic_write

        return self._stack.enter_context(atomic_write(Path(path), force=self._force)) if path is not None else None


def picture_bytes(pixels: Pixels, path: str) -> bytes:
    """Return a picture encoded as JPEG where its file is called so, else as PNG."""
    from dltools.io.images import encode_image

    jpeg = path.lower().endswith((".jpg", ".jpeg"))
    return encode_image(pixels, ".jpg" if jpeg else ".png")
