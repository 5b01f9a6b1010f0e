"""trigger-detect: when a word was said, in recordings or as it is spoken."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, Work, audio_batch, write_one
from dltools.commands._boundary import Context, entry_point, one_blas_thread, open_context, raw_stdin
from dltools.commands._group import DefaultGroup
from dltools.errors import UsageError
from dltools.io.inputs import STDIN
from dltools.io.records import Record, findings
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.audio import Sound
    from dltools.io.inputs import Item
    from dltools.io.outputs import OutputFolder
    from dltools.models.trigger.config import Kind
    from dltools.models.trigger.evaluate import Measures
    from dltools.models.trigger.events import Event
    from dltools.models.trigger.infer import TriggerDetector

NAME = "trigger-detect"
_MOST_DRAWN = 10.0  # false accepts an hour: with more nobody uses such a thing
_KINDS = ("embedding",)
_RAW = ("u8", "s8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be")

cli = DefaultGroup(
    NAME,
    default="detect",
    help="""Hear when "activate" is said, in recordings or as it is spoken.

    AUDIO is a sound file, or '-' for one on standard input, or for raw samples with --raw. Without AUDIO, paths or
    records are read from standard input, one a line.""",
)
main = entry_point(cli)

_MODEL = options.model_option(_KINDS, "embedding, or the file of a model that 'train' made.")


def _lines(record: Record, paint: Callable[..., str]) -> str:
    if "items" not in record:
        return _line(record, paint)
    title = f"{printable(record.get('path', ''))}: {len(record['items'])} heard in {record['duration']:.1f} s"
    rows = [paint(title, bold=True), *(_line(item, paint) for item in record["items"])]
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


def _line(item: Record, paint: Callable[..., str]) -> str:
    score = paint(f"{item['score']:.2f}", fg="green")
    written = f"  -> {printable(item['output'])}" if "output" in item else ""
    return f"  {score}  {item['start']:9.2f} {item['end']:9.2f} s  {printable(item['label'])}{written}"


def _rows(record: Record) -> list[Record]:
    return findings(record) if "items" in record else [record]


_VIEW = View(("path", "label", "start", "end", "score", "output"), _lines, rows=_rows)


@cli.command("detect", short_help="When the word was said.", epilog="Example: trigger-detect --json recording.wav")
@options.file_inputs("AUDIO")
@_MODEL
@click.option(
    "-t",
    "--threshold",
    type=options.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="NUMBER",
    help="Score that counts, 0 to 1 (default: the model's own, whose false accepts an hour -v tells).",
)
@click.option("--raw", type=click.Choice(_RAW), metavar="FORMAT", help="AUDIO is raw samples: s16le, f32le, u8, ...")
@click.option("--rate", type=click.IntRange(100, 768_000), default=16_000, show_default=True, help="Of --raw, in Hz.")
@click.option("--channels", type=click.IntRange(1, 64), default=1, show_default=True, help="Of --raw.")
@options.stream_option
@click.option("--chime", type=options.FILE, metavar="DIR", help="Write each recording with a chime after each event.")
@click.option("--save-hits", type=options.FILE, metavar="DIR", help="Write the sound of each event.")
@click.option("--plot", type=options.FILE, metavar="DIR", help="Write the scores over the spectrogram.")
@options.finding_options
@options.writing_options
@options.format_options
@options.batch_options
@options.jobs_option
@options.threads_option("all cores")
@options.general_options
@audio_batch(_VIEW)
def detect(
    context: Context,
    model: str,
    threshold: float | None,
    raw: str | None,
    rate: int,
    channels: int,
    chime: str | None,
    save_hits: str | None,
    plot: str | None,
) -> Work:
    """Hear the word in recordings, one record a recording."""
    one_blas_thread()
    from dltools.models.trigger.infer import TriggerDetector

    if context.settings.streamed and (chime or save_hits or plot):
        raise UsageError("--stream writes events as they come, and no files")
    detector = TriggerDetector.load(model, threads=context.threads)
    _tell_threshold(context, detector, threshold)
    folders = [context.output_folder(each) for each in (chime, save_hits, plot)]

    def work(item: Item) -> Record:
        return _heard(context, item, detector, threshold, _opened(item, raw, rate, channels), folders)

    return work


def _tell_threshold(context: Context, detector: TriggerDetector, threshold: float | None) -> None:
    chosen = detector.config.threshold if threshold is None else threshold
    above = [point for point in detector.config.curve if point.threshold >= chosen - 1e-9]
    if above:
        point = above[0]
        context.detail(
            f"threshold {chosen:g}: {point.false_accepts_an_hour:.2f} false accepts an hour and "
            f"{100 * point.miss_rate:.1f} % missed on held-out recordings ({detector.config.hours:.1f} hours)"
        )


def _opened(item: Item, raw: str | None, rate: int, channels: int) -> Sound:
    from dltools.io.audio import open_sound_file, open_sound_stream, raw_sound
    from dltools.io.inputs import open_file

    path = item.file()
    if raw is not None:
        return raw_sound(raw_stdin() if path == STDIN else open_file(path).read, raw, rate, channels)
    return open_sound_stream(raw_stdin()) if path == STDIN else open_sound_file(path)


def _heard(
    context: Context,
    item: Item,
    detector: TriggerDetector,
    threshold: float | None,
    sound: Sound,
    folders: Sequence[OutputFolder | None],
) -> Record:
    from dltools.commands._trigger import Files

    listener = detector.listen(threshold)
    items: list[Record] = []
    with contextlib.ExitStack() as stack:
        files = Files(stack, item, sound, detector, listener, *folders)
        for begun, ended in files.steps():
            items += [_event(event, detector) for event in ended]
            if context.settings.streamed and context.emit is not None:
                for event in begun:
                    context.emit(item.record(**_event(event, detector)))
        output = files.finish(items)
    return item.record(duration=round(sound.seconds, 3), items=items, **output)


def _event(event: Event, detector: TriggerDetector) -> Record:
    return {
        "label": detector.config.label,
        "start": round(event.start, 2),
        "end": round(event.end, 2),
        "score": round(event.score, 4),
    }


def _measured(measures: Measures, threshold: float, places: int = 1) -> Record:
    from dltools.models.trigger.evaluate import RATIOS, by_voice

    def share(value: tuple[float, float, float]) -> list[float]:
        return [round(number, 4) for number in value]

    return {
        "threshold": threshold,
        "utterances": len(measures.trials) // len(RATIOS) // places,
        "hours": measures.hours,
        "false_accepts_an_hour": share(measures.false_accepts(threshold)),
        "other_words": share(measures.words(threshold)),
        "miss_rate": {f"{ratio} dB": share(measures.misses(threshold, ratio)) for ratio in RATIOS},
        "by_voice": {
            voice: share(measures.misses(threshold, voice=voice)) for voice in sorted(by_voice(measures.trials))
        },
        "curve": [point._asdict() for point in measures.curve(threshold)],
    }


def _curves(measures: Measures) -> dict[str, list[tuple[float, float]]]:
    """Return misses in per cent over false accepts an hour, for each signal-to-noise ratio, where these are few."""
    from dltools.models.trigger.evaluate import RATIOS

    few = [point for point in measures.curve() if point.false_accepts_an_hour <= _MOST_DRAWN]
    return {
        f"{ratio} dB": [
            (point.false_accepts_an_hour, 100 * measures.misses(point.threshold, ratio).value) for point in few
        ]
        for ratio in RATIOS
    }


def _table(record: Record, paint: Callable[..., str]) -> str:
    def shown(value: list[float], unit: float = 100.0) -> str:
        return f"{unit * value[0]:7.2f}  ({unit * value[1]:.2f} to {unit * value[2]:.2f})"

    rows = [paint("threshold  false accepts/h  missed % (at 5, 10 and 20 dB)", bold=True)]
    rows += [
        f"{point['threshold']:9.3f}  {point['false_accepts_an_hour']:15.2f}  {100 * point['miss_rate']:8.2f}"
        for point in record["curve"]
    ]
    rows.append(paint(f"at {record['threshold']:g}, with 95 % intervals:", bold=True))
    rows.append(f"  false accepts an hour, {record['hours']:.2f} hours  {shown(record['false_accepts_an_hour'], 1.0)}")
    rows.append(f"  other words taken for it, %  {shown(record['other_words'])}")
    rows += [f"  missed at {ratio}, %  {shown(value)}" for ratio, value in record["miss_rate"].items()]
    rows += [f"  missed of {printable(voice)}, %  {shown(value)}" for voice, value in record["by_voice"].items()]
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


_MEASURES = View(
    ("output", "threshold", "utterances", "hours", "false_accepts_an_hour", "other_words", "miss_rate"),
    _table,
    rows=lambda record: [record],
)


def _folders(function: Callable[..., None]) -> Callable[..., None]:
    for name, text in (
        ("backgrounds", "Long recordings without the word: speech, music, noise."),
        ("negatives", "Recordings of other words."),
        ("positives", "Recordings of the word, each cut to it."),
    ):
        function = click.option(f"--{name}", required=True, type=options.FILE, metavar="DIR", help=text)(function)
    return function


@cli.command(
    "train",
    short_help="Learn a word from recordings.",
    epilog="Example: trigger-detect train --positives yes/ --negatives no/ --backgrounds hours/ -o yes.npz",
)
@_folders
@click.option("--held-out", type=options.FILE, metavar="DIR", help="Folders of these three names, to measure on.")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option("--word", default="activate", show_default=True, help="What the word is called.")
@click.option(
    "--arch", type=click.Choice(["embedding", "course"]), default="embedding", show_default=True, help="The network."
)
@click.option("--resume", type=options.FILE, metavar="MODEL", help="Go on from this model, of the same network.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Makes training repeatable.")
@click.option("--examples", type=click.IntRange(1), help="Examples of ten seconds to mix (default: 8000).")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the examples (default: 8).")
@click.option("--rounds", type=click.IntRange(1), help="Rounds: all but the last look for false accepts (default: 3).")
@click.option(
    "--members", type=click.IntRange(1, 64), help="How many networks are averaged (default: 4; the course's: 1)."
)
@options.writing_options
@options.threads_option("all cores")
@options.format_options
@options.general_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    positives: str,
    negatives: str,
    backgrounds: str,
    held_out: str | None,
    out: str,
    word: str,
    arch: Kind,
    resume: str | None,
    seed: int | None,
    **chosen: int | None,
) -> None:
    """Learn a word; in each folder, a sub-folder is a voice or a source.

    Without --held-out, a tenth of the voices and sources is kept from training. Misses and false accepts on what was
    held out are printed and kept in the model, whose default threshold follows from them.
    """
    import secrets

    one_blas_thread()
    from dltools.io.outputs import atomic_write
    from dltools.models.trigger.infer import TriggerDetector
    from dltools.models.trigger.material import read_material, split
    from dltools.models.trigger.store import encode
    from dltools.models.trigger.training import Recipe
    from dltools.models.trigger.training import train as fit

    context = open_context(ctx)
    earlier = None if resume is None else TriggerDetector.load(resume)
    if earlier is not None and earlier.config.kind != arch:
        raise UsageError(f"{resume}: is a network of the kind {earlier.config.kind}, not {arch}")
    if earlier is not None and chosen["members"] is not None:
        raise UsageError("--members: --resume goes on with as many networks as it has")
    material = read_material(Path(positives), Path(negatives), Path(backgrounds))
    if held_out is None:
        material, apart = split(material, 0.1)
    else:
        folder = Path(held_out)
        apart = read_material(folder / "positives", folder / "negatives", folder / "backgrounds")
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    recipe = Recipe(seed=secrets.randbelow(2**31) if seed is None else seed, **given)

    def progress(what: str, done: int, total: int) -> None:
        if done == total or done % 100 == 0:
            context.announce(f"{what}: {done} of {total}")

    with atomic_write(Path(out), force=context.settings.force) as stream:
        trained = fit(
            material,
            apart,
            arch,
            word,
            recipe,
            threads=context.threads,
            progress=progress,
            resume=earlier.weights if earlier else None,
        )
        stream.write(encode(trained.config, trained.weights))
    measured = _measured(trained.held_out, trained.config.threshold)
    write_one(context, {"output": out, "seed": recipe.seed, **measured}, _MEASURES)


@cli.command(
    "evaluate",
    short_help="Misses and false accepts on held-out recordings.",
    epilog="Example: trigger-detect evaluate --positives yes/ --negatives no/ --backgrounds hours/",
)
@_folders
@_MODEL
@click.option(
    "-t",
    "--threshold",
    type=options.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="NUMBER",
    help="Score that counts.",
)
@click.option(
    "--false-accepts",
    type=options.FloatRange(0),
    metavar="NUMBER",
    help="Take the lowest threshold with at most so many false accepts an hour.",
)
@click.option(
    "-o", "--out", type=options.FILE, metavar="MODEL", help="Write the model with this threshold as its default."
)
@click.option(
    "--places",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Of the backgrounds, that each utterance is heard in at each ratio.",
)
@click.option("--plot", type=options.FILE, metavar="PNG", help="Draw misses over false accepts an hour.")
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, metavar="N", help="Of the mixtures."
)
@options.writing_options
@options.threads_option("all cores")
@options.format_options
@options.general_options
@click.pass_context
def evaluate(
    ctx: click.Context,
    /,
    positives: str,
    negatives: str,
    backgrounds: str,
    model: str,
    threshold: float | None,
    false_accepts: float | None,
    out: str | None,
    places: int,
    plot: str | None,
    seed: int,
) -> None:
    """Measure misses, by signal-to-noise ratio and voice, and false accepts an hour, with 95 % intervals.

    Each utterance is set over a recording as it is, half a second to a minute after the sound began. With --out the
    model is written again, with what was measured and the threshold as its default: fitted to your own recordings.
    """
    one_blas_thread()
    from dltools.commands._files import Files
    from dltools.models.trigger.evaluate import measure
    from dltools.models.trigger.infer import TriggerDetector
    from dltools.models.trigger.material import read_material
    from dltools.models.trigger.store import encode

    context = open_context(ctx)
    if threshold is not None and false_accepts is not None:
        raise UsageError("--threshold and --false-accepts: only one of them")
    if out is not None and out == plot:
        raise UsageError(f"--out and --plot: both {out}")
    detector = TriggerDetector.load(model, threads=context.threads)
    material = read_material(Path(positives), Path(negatives), Path(backgrounds))
    config = detector.config
    with contextlib.ExitStack() as stack:
        picture_file, model_file = map(Files(stack, force=context.settings.force).open, (plot, out))
        measures = measure(
            detector.weights, config.kind, config.stride, material, seed, places=places, threads=context.threads
        )
        if false_accepts is not None:
            threshold = measures.lowest_threshold(false_accepts)
        elif threshold is None:
            threshold = config.threshold
        record = _measured(measures, threshold, places)
        if picture_file is not None:
            title = f"{config.label}: {measures.hours:.1f} hours, {len(material.positives)} utterances"
            picture_file.write(_picture(measures, title))
            record["output"] = plot
        if model_file is not None:
            model_file.write(encode(measures.calibrated(config, threshold), detector.weights))
            record["output"] = out
    write_one(context, record, _MEASURES)


def _picture(measures: Measures, title: str) -> bytes:
    """Return a PNG of misses over false accepts an hour."""
    from dltools.io.charts import curve_chart
    from dltools.io.images import encode_image

    picture = curve_chart(_curves(measures), title=title, x_label="false accepts an hour", y_label="missed, %")
    return encode_image(picture, ".png")
