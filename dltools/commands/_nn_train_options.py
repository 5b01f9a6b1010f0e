"""The options of nn-train: the data, the network, and how it is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from dltools.commands import _options as options

ACTIVATIONS = ("relu", "leaky-relu", "tanh", "sigmoid")
INITS = ("zeros", "random", "xavier", "he")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")

TABLE_LAYERS = "64,32"
IMAGE_LAYERS = "conv:8x3,pool:2,conv:16x3,pool:2,dense:64"
EPOCHS, IMAGE_EPOCHS = 100, 20

Function = TypeVar("Function", bound=Callable[..., Any])


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
            type=options.FloatRange(0, min_open=True),
            help="Default: sgd 0.1, momentum and nesterov 0.02, rmsprop 0.002, adam 0.005.",
        ),
        click.option(
            "--decay",
            type=options.FloatRange(0),
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
            help=f"Passes over the examples (default: {EPOCHS}; images: {IMAGE_EPOCHS}).",
        ),
        click.option(
            "--l2", type=options.FloatRange(0), default=0.0, show_default=True, help="Strength of the L2 penalty."
        ),
        click.option(
            "--dropout",
            type=options.FloatRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="Share dropped behind each hidden dense or recurrent layer.",
        ),
        click.option(
            "--clip", type=options.FloatRange(0), default=0.0, show_default=True, help="Largest gradient norm; 0: any."
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
            type=options.FloatRange(0, 1, max_open=True),
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
