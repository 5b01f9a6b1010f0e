"""style-transfer: a photograph, painted as another picture is."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import EXIT_INTERRUPTED, Context, entry_point, open_context
from dltools.commands._group import DefaultGroup
from dltools.commands._render import FetchProgress
from dltools.errors import UsageError
from dltools.io.records import Record, path_fields
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.style.config import BackboneName, Settings
    from dltools.models.style.infer import Painter
    from dltools.models.style.painting import Painting

NAME = "style-transfer"

cli = DefaultGroup(
    NAME,
    default="paint",
    help="""Paint a photograph as another picture is painted.

    CONTENT is the photograph, each STYLE a picture whose manner it takes; one of them may be '-', standard input.""",
)
main = entry_point(cli)


def _lines(record: Record, paint: Callable[..., str]) -> str:
    size = f"{record['width']} x {record['height']}"
    steps = f"{record['backbone']}, {record['iterations']} steps ({record['ended']})"
    costs = f"content {record['content_cost']:.4f}, style {record['style_cost']:.4f}, tv {record['tv_cost']:.4f}"
    return f"{paint(printable(record['output']), bold=True)}: {size}, {steps}\n  cost {record['cost']:.4f}: {costs}"


_COSTS = ("cost", "content_cost", "style_cost", "tv_cost")
_VIEW = View(
    ("path", "output", "width", "height", "backbone", "iterations", "ended", *_COSTS, "seed"),
    _lines,
    rows=lambda record: [record],
)


@cli.command(
    "paint",
    short_help="Paint a photograph in the style of a picture.",
    epilog="Example: style-transfer photo.jpg starry_night.jpg -o painted.png",
)
@click.argument("content", type=options.FILE, metavar="CONTENT")
@click.argument("styles", type=options.FILE, metavar="STYLE...", nargs=-1, required=True)
@click.option("-o", "--out", type=options.FILE, metavar="FILE", required=True, help="The file to write ('-': output).")
@click.option(
    "--output-format",
    type=click.Choice(["png", "jpg", "webp", "tif"]),
    help="Format of the result (default: by the file's name; png for '-').",
)
@click.option(
    "--size",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="Longer side of the result (default: the content's).",
)
@click.option(
    "--iterations",
    type=click.IntRange(1, 100_000),
    default=None,
    metavar="N",
    help="Steps at the last size, at most; smaller ones have 0.15 of them (default: 100).",
)
@click.option(
    "--backbone",
    type=click.Choice(["auto", "vgg19", "vgg16", "squeezenet"]),
    default="auto",
    show_default=True,
    help="Network that looks at the pictures; auto is the best of those that are here.",
)
@click.option("--weights", type=options.FILE, metavar="FILE", help="Keras weights of the backbone, of your own.")
@click.option(
    "--optimizer",
    type=click.Choice(["adam", "lbfgs"]),
    default="lbfgs",
    show_default=True,
    help="How the picture is changed.",
)
@click.option("--content-weight", type=options.FloatRange(0), metavar="NUMBER", help="Weight of the content's cost.")
@click.option("--style-weight", type=options.FloatRange(0), metavar="NUMBER", help="Weight of the style's cost.")
@click.option("--tv-weight", type=options.FloatRange(0), metavar="NUMBER", help="Weight of smoothness.")
@click.option("--style-blend", metavar="W,W", help="Share of each style (default: equal).")
@click.option(
    "--style-scale",
    type=options.FloatRange(0.1, 4),
    default=1.0,
    show_default=True,
    metavar="NUMBER",
    help="Size of the strokes, against those of the style seen at the size of the result.",
)
@click.option(
    "--init",
    type=click.Choice(["content", "noise", "style"]),
    default="content",
    show_default=True,
    help="The picture to begin with.",
)
@click.option("--preserve-colors", is_flag=True, help="Keep the content's colours; take the style's strokes only.")
@click.option(
    "--mask",
    "masks",
    type=options.FILE,
    metavar="FILE",
    multiple=True,
    help="Paint only where this picture is white; once, or once for each style.",
)
@click.option(
    "--pyramid",
    type=click.IntRange(1, 16),
    metavar="N",
    help="Sizes to paint at, each twice the one before (default: as many as make sense).",
)
@click.option(
    "--tolerance",
    type=options.FloatRange(0, 1),
    metavar="SHARE",
    help="A size is done when 10 steps take less than this share off the cost; 0 never ends early.",
)
@click.option("--preview", type=options.FILE, metavar="DIR", help="Write pictures of the work into this folder.")
@click.option(
    "--preview-every", type=click.IntRange(1), default=25, show_default=True, metavar="N", help="Steps between them."
)
@click.option("--loss-log", type=options.FILE, metavar="FILE", help="Write the costs of each step, one record a line.")
@click.option("--save-state", type=options.FILE, metavar="FILE", help="Write, at the end, what --resume goes on from.")
@click.option("--resume", type=options.FILE, metavar="FILE", help="Go on from a saved state of the same painting.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Makes --init noise repeatable.")
@options.writing_options
@options.format_options
@options.runtime_options
@options.general_options
@click.pass_context
def paint(
    ctx: click.Context,
    /,
    content: str,
    styles: tuple[str, ...],
    out: str,
    output_format: str | None,
    backbone: str,
    weights: str | None,
    style_blend: str | None,
    masks: tuple[str, ...],
    preview: str | None,
    preview_every: int,
    loss_log: str | None,
    save_state: str | None,
    resume: str | None,
    seed: int | None,
    **wishes: Any,
) -> int:
    """Paint CONTENT in the manner of STYLE, or of several, and write one record.

    An interrupt (Ctrl-C) writes the painting as it is after the step at work; a second one, as it is then.
    """
    context = open_context(ctx)
    from dltools.commands import _style
    from dltools.io.outputs import atomic_write
    from dltools.models.style import state
    from dltools.models.style.painting import result_size

    if (content, *styles, *masks).count("-") > 1:
        raise UsageError("standard input can be one picture only")
    suffix = _style.result_suffix(out, output_format, (content, *styles, *masks))
    saved = state.decode(Path(resume)) if resume else None
    if seed is None:
        seed = saved.seed if saved else secrets.randbelow(2**31)
    settings = _settings(seed, style_blend, wishes)
    pixels, opacity = _style.read_layers(content)
    pictures = [_style.read_layers(style)[0] for style in styles]
    size = result_size(pixels, settings)
    painter = _painter(context, backbone, weights)
    painting = painter.begin(pixels, pictures, masks=_style.read_masks(masks, size), settings=settings, saved=saved)
    stem = Path(content).stem if content != "-" else "painting"
    previews = (
        _style.Previews(preview, preview_every, stem, painting.most, force=context.settings.force) if preview else None
    )
    status, ended = 0, ""
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(_style.open_result(context, out, suffix))
        keep = stack.enter_context(atomic_write(Path(save_state), force=context.settings.force)) if save_state else None
        with _style.watching(context, painting, previews, loss_log) as watch:
            try:
                painting.run(watch)
                ended = str(painting.ended)
            except (KeyboardInterrupt, SystemExit) as stop:
                if painting.costs is None:
                    raise  # there is nothing yet
                status, ended = _status(stop), "interrupted"
        write(painting.pixels(), _style.fitted(opacity, painting.size))
        if keep is not None:
            keep.write(state.encode(painting.saved()))
    if out != _style.STDOUT:
        write_one(context, _record((content, *styles), out, painter, painting, ended), _VIEW)
    return status


def _settings(seed: int, blend: str | None, wishes: Mapping[str, Any]) -> Settings:
    """Return what the options say; raise :class:`UsageError` where --style-blend is no list of numbers."""
    from dltools.models.style.config import Settings

    try:
        shares = tuple(float(share) for share in blend.split(",")) if blend else ()
    except ValueError as error:
        raise UsageError(f"--style-blend {blend}: not numbers with commas between them") from error
    given = {name: value for name, value in wishes.items() if value is not None}
    return Settings(seed=seed, blend=shares, **given)


def _painter(context: Context, backbone: str, weights: str | None) -> Painter:
    """Find the backbone and say which it is, to who waits; the record says it in any case."""
    from dltools.models.style.infer import Painter, find

    if weights is not None and backbone == "auto":
        raise UsageError("--weights needs --backbone: it does not say whose weights they are")
    name = None if backbone == "auto" else cast("BackboneName", backbone)
    with FetchProgress(context) as progress:
        found = find(name, Path(weights) if weights else None, offline=context.offline, progress=progress)
    context.announce(f"backbone {found.name} ({found.origin})")
    return Painter(found, threads=context.threads)


def _status(stop: BaseException) -> int:
    """Return the exit status of a run that was stopped: by a polite kill, or by Ctrl-C."""
    return stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else EXIT_INTERRUPTED


def _record(pictures: Sequence[str], out: str, painter: Painter, painting: Painting, ended: str) -> Record:
    costs = painting.costs
    content, *styles = (path_fields(path) for path in pictures)
    return {
        **content,
        "styles": [style["path"] for style in styles],
        "output": out,
        "width": painting.size.columns,
        "height": painting.size.rows,
        "backbone": painter.backbone,
        "iterations": painting.total,
        "ended": ended,
        **({name: round(value, 6) for name, value in zip(_COSTS, costs, strict=True)} if costs else {}),
        "seed": painting.settings.seed,
    }
