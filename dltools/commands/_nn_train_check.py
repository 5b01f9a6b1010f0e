"""nn-train check: analytic gradients against numerical ones."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import open_context
from dltools.commands._nn_train_options import activation_option, seed_option
from dltools.errors import UsageError
from dltools.io.records import Record
from dltools.io.report import EXIT_NO, EXIT_OK

_SHOWN_DIGITS = 3


def _human(record: Record, paint: Callable[..., str]) -> str:
    width = max(len(item["label"]) for item in record["items"])
    rows = [
        f"  {item['label']:<{width}}  "
        + paint(f"{item['difference']:.1e}", fg="green" if item["difference"] <= record["tolerance"] else "red")
        for item in record["items"]
    ]
    verdict = "all gradients agree" if record["agrees"] else "gradients do not agree"
    rows.append(f"{verdict}: the largest relative difference is {record['difference']:.1e}, seed {record['seed']}")
    return "\n".join(rows)


@click.command(
    "check",
    short_help="Hold every gradient against a numerical one; exit 0 or 1.",
    epilog="Example: nn-train check --layers conv:4x3,pool:2,lstm:5",
)
@click.option("--layers", metavar="SPEC", help="The network to check (default: small ones with every kind of layer).")
@click.option("--conv", is_flag=True, help="Check a small convolutional network.")
@activation_option
@seed_option
@options.format_options
@options.general_options
@click.pass_context
def check(ctx: click.Context, layers: str | None, conv: bool, activation: str, seed: int | None) -> int:
    """Print the relative difference between each parameter's gradient and a numerical one, on small random data.

    The status is 0 if all are at most 1e-7, in float64, else 1.
    """
    context = open_context(ctx)
    if conv and layers is not None:
        raise UsageError("--conv has layers of its own: give it or --layers")
    from dltools.models.nn.gradient_check import TOLERANCE
    from dltools.models.nn.trial import EVERY, check_spec

    seed = secrets.randbelow(2**31) if seed is None else seed
    specs = (
        {"": layers}
        if layers is not None
        else {"conv/": EVERY["conv"]}
        if conv
        else {f"{name}/": spec for name, spec in EVERY.items()}
    )
    items: list[Record] = [
        {"label": prefix + name, "difference": float(f"{difference:.{_SHOWN_DIGITS}g}")}
        for prefix, spec in specs.items()
        for name, difference in check_spec(spec, activation=activation, seed=seed).items()
    ]
    largest = max(item["difference"] for item in items)
    agrees = largest <= TOLERANCE
    record = {"items": items, "difference": largest, "tolerance": TOLERANCE, "agrees": agrees, "seed": seed}
    write_one(context, record, View(("label", "difference"), _human))
    return EXIT_OK if agrees else EXIT_NO
