"""What the subcommands of image-classify share: which model, and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from dltools.commands import _options as options
from dltools.commands._boundary import Context
from dltools.commands._render import FetchProgress

if TYPE_CHECKING:
    from dltools.errors import InputError
    from dltools.io.report import Report
    from dltools.models.classify.infer import Classifier

KINDS = ("squeezenet", "resnet50", "vgg19")

MODEL = options.model_option(KINDS, f"{', '.join(KINDS)}, or the file of a model that 'train' made.")


def skipping(context: Context, report: Report) -> Callable[[str, InputError], None]:
    """Return what tells of a picture that cannot be read, and counts it in ``report``."""

    def failed(path: str, error: InputError) -> None:
        report.failed += 1
        context.say(f"{path}: {error} (skipped)")

    return failed


def load(context: Context, model: str) -> Classifier:
    """Return the classifier that ``--model`` means, fetched and converted if need be."""
    from dltools.models.classify.infer import Classifier

    with FetchProgress(context) as progress:
        return Classifier.load(
            model, threads=context.threads, offline=context.offline, progress=progress, notify=context.announce
        )
