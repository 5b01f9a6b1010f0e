"""What the subcommands of face-verify share: options, the faces of an item, folders, pictures that are drawn."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from dltools.commands import _options as options
from dltools.commands._batch import asked_items, open_jobs
from dltools.commands._boundary import Context, one_blas_thread
from dltools.commands._render import FetchProgress, Progress
from dltools.errors import InputError
from dltools.io.inputs import Item, pictures_in
from dltools.io.records import Record
from dltools.runtime.assets import no_model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dltools.io.drawing import Mark
    from dltools.io.inputs import Picture
    from dltools.io.outputs import OutputFolder
    from dltools.models.faces.config import EmbedderConfig
    from dltools.models.faces.infer import Face, FaceReader

NAME = "face-verify"
KINDS = ("dlib-resnet", "facenet")

Function = TypeVar("Function", bound=Callable[..., object])
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Wishes:
    """How faces are looked for: the model, the smallest side in pixels, the least score, variations to average."""

    model: str
    min_face: float | None = None
    min_score: float | None = None
    jitter: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """A picture with its faces, the largest first, and the embeddings of those asked for, by their numbers."""

    picture: Picture
    faces: Sequence[Face]
    embeddings: dict[int, npt.NDArray[np.float32]]

    def bbox(self, number: int) -> list[float]:
        """Return a face's box in pixels of the whole picture, to a hundredth."""
        left, top = self.picture.left, self.picture.top
        return [
            round(side + move, 2) for side, move in zip(self.faces[number].bbox, (left, top, left, top), strict=True)
        ]

    def item(self, number: int) -> Record:
        """Return the keys that a face has in every record: its box, and how sure the detector is."""
        return {"bbox": self.bbox(number), "score": round(self.faces[number].score, 4)}

    def numbers(self, number: int) -> list[float]:
        """Return the embedding of a face, which is one of those asked for, as a record has it."""
        return [round(value, 6) for value in self.embeddings[number].tolist()]

    def points(self, number: int) -> list[list[float]]:
        """Return the five points of a face in pixels of the whole picture, to a hundredth."""
        left, top = self.picture.left, self.picture.top
        return [[round(x + left, 2), round(y + top, 2)] for x, y in self.faces[number].points.tolist()]


def looking_options(function: Function) -> Function:
    """Add how faces are found and embedded; they reach the function as ``model`` and the fields of :class:`Wishes`."""
    decorators = (
        click.option(
            "-m",
            "--model",
            type=options.KindOrFile(KINDS),
            metavar="NAME|FILE",
            default=None,
            help="Embedding: dlib-resnet (the default), facenet (fetched), or the file of a trained one.",
        ),
        click.option(
            "--min-face",
            type=options.FloatRange(12),
            metavar="PIXELS",
            help="Smallest face to find (default: 20, or a hundredth of the longer side of the picture).",
        ),
        click.option(
            "--min-score",
            type=options.FloatRange(0, 1),
            metavar="NUMBER",
            help="Take for a face only what scores above it, 0 to 1 (default: 0.85, or 0.7 where nothing does).",
        ),
        click.option(
            "--jitter",
            type=click.IntRange(0, 1000),
            default=0,
            show_default=True,
            metavar="N",
            help="Average the embeddings of N variations of each face.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def threshold_option(function: Function) -> Function:
    """Add the distance that parts one person's faces from two's."""
    return click.option(
        "-t",
        "--threshold",
        type=options.FloatRange(0, min_open=True),
        metavar="NUMBER",
        help="Faces nearer than it are one person's (default: the model's own).",
    )(function)


def show_option(function: Function) -> Function:
    """Add the folder of pictures that show what was found."""
    return click.option(
        "--show", type=options.FILE, metavar="DIR", help="Write pictures with what was found drawn in."
    )(function)


def load(context: Context, wishes: Wishes) -> FaceReader:
    """Return the reader of faces that the options ask for."""
    one_blas_thread()
    from dltools.models.faces.infer import FaceReader

    with FetchProgress(context) as progress:
        return FaceReader.load(
            wishes.model, threads=context.threads, offline=context.offline, progress=progress, notify=context.announce
        )


def own_config(context: Context, wishes: Wishes) -> EmbedderConfig:
    """Return what the chosen model says about itself, fetched first if need be."""
    from dltools.models.faces.store import embedder_file, read_embedder_config

    with FetchProgress(context) as progress:
        path = embedder_file(wishes.model, offline=context.offline, progress=progress, notify=context.announce)
    return read_embedder_config(path)


def see(reader: FaceReader, item: Item, wishes: Wishes, which: Callable[[Seen], Sequence[int]]) -> Seen:
    """Return the faces of an item, embedded those that ``which`` names; raise :class:`NoFaceError` if there is none."""
    from dltools.models.faces.infer import NoFaceError

    picture = item.picture()
    faces = reader.find(picture.pixels, min_face=wishes.min_face, min_score=wishes.min_score)
    if not faces:
        raise NoFaceError("no face found")
    seen = Seen(picture, faces, {})
    numbers = which(seen)
    embeddings = reader.embed(picture.pixels, [faces[number] for number in numbers], jitter=wishes.jitter)
    seen.embeddings.update(zip(numbers, embeddings, strict=True))
    return seen


def all_faces(seen: Seen) -> Sequence[int]:
    """Return the numbers of all faces."""
    return range(len(seen.faces))


def main_face(wanted: int | None = None) -> Callable[[Seen], Sequence[int]]:
    """Return what picks the face of number ``wanted``, or the one that the picture is about."""

    def pick(seen: Seen) -> Sequence[int]:
        from dltools.models.faces.infer import NoFaceError, pick_face

        if wanted is None:
            height, width = seen.picture.pixels.shape[:2]
            return [pick_face(seen.faces, width, height)]
        if wanted >= len(seen.faces):
            raise NoFaceError(f"no face {wanted}: {len(seen.faces)} found, numbered from 0")
        return [wanted]

    return pick


def expanded(items: Iterable[Item], *, deep: bool) -> Iterator[Item]:
    """Yield the items, and in the place of a folder the pictures in it; ``deep``: those below it too."""
    for item in items:
        if item.path is None or item.carried or item.frame is not None or not os.path.isdir(item.path):
            yield item
            continue
        try:
            pictures = pictures_in(item.path, deep=deep)
            if not pictures:
                raise InputError("a folder without pictures", code="not_found")
        except InputError as error:  # told when the item is read
            yield Item(item.path, error=error)
        else:
            yield from map(Item, pictures)


def people_in(folder: str) -> list[str]:
    """Return the names of the sub-folders of ``folder``, but for hidden ones; raise :class:`InputError`."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({(error.strerror or str(error)).lower()})") from error


@contextlib.contextmanager
def watching(
    ctx: click.Context,
    context: Context,
    wishes: Wishes,
    which: Callable[[Seen], Sequence[int]],
    *,
    deep: bool = False,
    writing: bool = True,
) -> Iterator[Iterator[tuple[Item, Seen | Exception]]]:
    """Give the items that the command line asks for, folders as their pictures, each with its faces or what failed.

    ``deep``: pictures below the folders too. ``writing``: whether a record is written for each as it comes.
    """
    items, most = asked_items(ctx, context.settings)
    known = None if any(os.path.isdir(operand) for operand in context.settings.operands) else most
    with open_jobs(context, looker(wishes, which), known) as run:
        yield counted(context, run(expanded(items, deep=deep)), known, writing=writing)


def counted(context: Context, results: Iterable[Result], total: int | None, *, writing: bool) -> Iterator[Result]:
    """Yield ``results``, and show how far it is on a terminal; the arguments are those of :class:`Progress`."""
    with Progress(context, total, writing=writing) as progress:
        for result in results:
            yield result
            progress.advance()


def looker(wishes: Wishes, which: Callable[[Seen], Sequence[int]]) -> Callable[[Context], Callable[[Item], Seen]]:
    """Return what gives a job its function from an item to its faces, without their pixels."""

    def prepare(context: Context) -> Callable[[Item], Seen]:
        reader = load(context, wishes)

        def work(item: Item) -> Seen:
            if item.is_error:
                raise _passed_on(item)
            seen = see(reader, item, wishes, which)
            return dataclasses.replace(seen, picture=dataclasses.replace(seen.picture, pixels=seen.picture.pixels[:0]))

        return work

    return prepare


def _passed_on(item: Item) -> InputError:
    """Return the failure that a record from further up the pipe tells of."""
    told = item.carried["error"]
    code, message = (told.get("code"), told.get("message")) if isinstance(told, dict) else (None, None)
    return InputError(str(message or "failed before"), code=str(code or "failed"))


def wishes_of(
    model: str | None, min_face: float | None, min_score: float | None, jitter: int, *, default: str = KINDS[0]
) -> Wishes:
    """Return the options as one value; a mistyped model ends the run before anything is loaded."""
    chosen = default if model is None else model
    if chosen not in KINDS and not os.path.isfile(chosen):
        raise no_model(chosen, KINDS)
    return Wishes(chosen, min_face, min_score, jitter)


def write_picture(
    folder: OutputFolder, item: Item, picture: Picture, marks: Sequence[Mark], stem: str | None = None
) -> str:
    """Write a copy of a picture with ``marks`` drawn in; return its path."""
    from dltools.io.drawing import draw_marks
    from dltools.io.images import encode_image

    target = folder.reserve(stem or item.stem, item.picture_suffix, source=item.path)
    folder.write(target, encode_image(draw_marks(picture.pixels, marks), target.suffix))
    return str(target)


def mark(seen: Seen, number: int, text: str, group: int) -> Mark:
    """Return what is drawn of a face, in pixels of the part of the picture that was looked at."""
    from dltools.io.drawing import Mark

    face = seen.faces[number]
    points = [(x, y) for x, y in face.points.tolist()]
    return Mark(face.bbox, text, group, points)
