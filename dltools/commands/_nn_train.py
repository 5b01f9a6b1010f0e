"""What the subcommands of nn-train share: the group, what the options ask for, and reading the data."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dltools.commands._batch import demand_pipe, read_bytes
from dltools.commands._boundary import Context
from dltools.commands._group import DefaultGroup
from dltools.commands._nn_train_options import EPOCHS, IMAGE_EPOCHS, IMAGE_LAYERS, TABLE_LAYERS
from dltools.commands._render import EpochProgress
from dltools.errors import InputError, UsageError
from dltools.io.inputs import STDIN

if TYPE_CHECKING:
    from dltools.io.report import Report
    from dltools.models.nn.examples import Examples
    from dltools.models.nn.fit import Recipe
    from dltools.models.nn.training import Design, Trained

NAME = "nn-train"
_FOLDER_SIZE = (32, 32)

cli = DefaultGroup(
    NAME,
    default="train",
    help="""Train neural networks written from scratch in NumPy, on tables and on images.

    DATA is a CSV or TSV file ('-': standard input), an .npz of images and labels, or a folder with a sub-folder of
    images for each class.""",
)


class Plan(NamedTuple):
    """What the training options ask for: the examples, the network, and how it is trained."""

    path: str
    examples: Examples
    design: Design
    recipe: Recipe

    @property
    def title(self) -> str:
        """What pictures are called."""
        return "standard input" if self.path == STDIN else os.path.basename(os.path.normpath(self.path))

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
    epochs = chosen["epochs"] or (IMAGE_EPOCHS if image else EPOCHS)
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
