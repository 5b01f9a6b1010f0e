"""face-verify with a database of known people: enroll and identify."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, Work, failed, image_batch, open_jobs, record_writer
from dltools.commands._boundary import Context, open_context
from dltools.commands._faces import (
    Wishes,
    all_faces,
    counted,
    load,
    looker,
    looking_options,
    main_face,
    mark,
    own_config,
    people_in,
    see,
    show_option,
    threshold_option,
    wishes_of,
    write_picture,
)
from dltools.commands._group import DefaultGroup
from dltools.errors import InputError, OutputError, UsageError
from dltools.io.inputs import Item, pictures_in
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.faces.database import FaceDatabase, Known

_DB = click.option("--db", required=True, type=options.FILE, metavar="FILE", help="The database.")


def register(cli: DefaultGroup) -> None:
    """Add the subcommands to the group."""
    cli.add_command(enroll)
    cli.add_command(identify)


def _enrolled(record: Record, paint: Callable[..., str]) -> str:
    if "faces" in record:
        return f"{record['faces']:6}  {printable(record['label'])}"
    word = paint(record["action"], fg="yellow" if record["action"] == "removed" else "green")
    return f"{word}  {printable(record['label'])}  {printable(record.get('path', ''))}"


@click.command(
    "enroll",
    short_help="Put people into a database.",
    epilog="Example: face-verify enroll --db friends.npz friends",
)
@click.argument("operands", metavar="[IMAGE|DIR]...", nargs=-1, type=options.FILE)
@_DB
@click.option("--name", metavar="NAME", help="Whose face it is, where the operands are no folders of people.")
@click.option("--remove", metavar="NAME", multiple=True, help="Take a person out.")
@click.option("--prune", is_flag=True, help="Take out what was made of files that are gone.")
@click.option("--list", "listing", is_flag=True, help="Write who is in the database, and how many faces of each.")
@looking_options
@click.option("--face", type=click.IntRange(0), metavar="N", help="Take face N of a photograph, the largest being 0.")
@options.format_options
@options.batch_options
@options.jobs_option
@options.runtime_options
@options.general_options
@click.pass_context
def enroll(
    ctx: click.Context,
    operands: tuple[str, ...],
    db: str,
    name: str | None,
    remove: tuple[str, ...],
    prune: bool,
    listing: bool,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    face: int | None,
) -> int:
    """Put the faces in photographs into a database, made if need be; what is in it and has not changed is kept.

    A DIR holds a sub-folder for each person, called by the name, or the photographs of one person. Of a photograph
    with several faces the one that it is about is taken. One record a photograph.
    """
    context = open_context(ctx)
    if not (operands or remove or prune or listing):
        raise UsageError("nothing to enroll: give photographs, or folders of them")
    target = Path(db)
    people = _checked(_people(operands, name))
    before = _stamp(target)
    known = _opened(target) if before else None
    wishes = wishes_of(model, min_face, min_score, jitter, default=_source(known))
    config = own_config(context, wishes)
    from dltools.models.faces.database import FaceDatabase

    database = known or FaceDatabase.empty(config.name, wishes.model, config.dimensions)
    _demand_model(database, config.name, db)
    report = Report()
    write = record_writer(context, View(("action", "label", "path", "faces", "bbox"), _enrolled))
    changed, gone = _without(database, remove, prune)
    for entry in gone:
        write({"action": "removed", "label": entry.name, "path": entry.path})
    added: list[Known] = []
    embeddings = []
    for record, new, embedding in _enrolling(context, wishes, changed, people, face, report):
        write(record)
        if new is not None:
            added.append(new)
            embeddings.append(embedding)
    if added:
        changed = changed.with_faces(added, embeddings)
    if added or gone:
        _save(target, changed, before)
    for label in changed.names if listing else ():
        write({"label": label, "faces": sum(entry.name == label for entry in changed.known)})
    if report.inputs > 1:
        context.note(report.summary())
    return report.exit_status()


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written anew, or None where there is none."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    return facts.st_mtime_ns, facts.st_size


def _opened(path: Path) -> FaceDatabase:
    from dltools.models.faces.database import FaceDatabase

    return FaceDatabase.open(path)


def _source(known: FaceDatabase | None) -> str:
    """Return the model that a database was made with, for where no other is asked for."""
    return known.source if known is not None else "dlib-resnet"


def _demand_model(database: FaceDatabase, model: str, path: str) -> None:
    if database.model != model:
        raise UsageError(
            f"{path}: was made with {database.model}, and {model} gives other numbers; use another database"
        )


def _save(target: Path, database: FaceDatabase, before: tuple[int, int] | None) -> None:
    """Write the database, unless somebody else did so since it was read."""
    from dltools.io.outputs import atomic_write

    if _stamp(target) != before:
        raise OutputError(f"{target}: was changed by another run meanwhile; nothing was written, run it again")
    with atomic_write(target, force=before is not None) as stream:
        stream.write(database.encode())


def _without(database: FaceDatabase, names: tuple[str, ...], prune: bool) -> tuple[FaceDatabase, list[Known]]:
    """Return the database without the people ``names`` and, to ``prune``, files that are gone; and what went."""
    for name in names:
        if name not in database.names:
            near = f"; it has {', '.join(database.names[:10])}" if database.names else ""
            raise UsageError(f"nobody called {name!r} is in the database{near}")
    lost = {entry.path for entry in database.known if prune and not os.path.exists(entry.path)}
    gone = [entry for entry in database.known if entry.name in names or entry.path in lost]
    return (database.without(names, lost) if gone else database), gone


def _people(operands: tuple[str, ...], name: str | None) -> Iterator[tuple[str, str]]:
    """Yield a person's name and a photograph for each that the operands give; raise :class:`UsageError`."""
    for operand in operands:
        if not os.path.isdir(operand):
            if name is None:
                if not os.path.lexists(operand):
                    raise InputError(f"{operand}: no such file or folder", code="not_found")
                raise UsageError(
                    f"{operand}: whose face is it? Give --name, or a folder with a sub-folder for each person"
                )
            yield name, operand
            continue
        folders = people_in(operand)
        if name is not None or not folders:
            whose = name or os.path.basename(os.path.abspath(operand))
            yield from ((whose, path) for path in _pictures(operand, deep=name is not None))
        for folder in folders if name is None else ():
            yield from ((folder, path) for path in _pictures(os.path.join(operand, folder), deep=True))


def _checked(people: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the people with their photographs; raise :class:`UsageError` for a name that says nothing."""
    from dltools.models.faces.database import UNKNOWN

    found = list(people)
    for name, path in found:
        if not name.strip() or name == UNKNOWN:
            raise UsageError(f"{path}: nobody can be called {name!r}")
    return found


def _pictures(folder: str, *, deep: bool) -> list[str]:
    found = pictures_in(folder, deep=deep)
    if not found:
        raise InputError(f"{folder}: no pictures in it", code="not_found")
    return found


def _enrolling(
    context: Context,
    wishes: Wishes,
    database: FaceDatabase,
    people: list[tuple[str, str]],
    face: int | None,
    report: Report,
) -> Iterator[tuple[Record, Known | None, Any]]:
    """Yield a record for each photograph, with what is to be added for it, if anything is new."""
    import hashlib

    from dltools.models.faces.database import Known

    waiting: list[tuple[str, Item, str, bool]] = []
    for name, path in people:
        item = Item(path)
        try:
            digest = hashlib.sha256(item.read()).hexdigest()
        except InputError:  # told when the item is looked at
            digest = ""
        waiting.append((name, item, digest, bool(digest) and database.holds(name, os.path.abspath(path), digest)))
    new = [entry for entry in waiting if not entry[3]]
    for name, item, _, _ in (entry for entry in waiting if entry[3]):
        report.done += 1
        yield item.record(action="kept", label=name), None, None
    if not new:
        return
    with open_jobs(context, looker(wishes, main_face(face)), len(new)) as run:
        results = counted(context, run(entry[1] for entry in new), len(new), writing=True)
        for (name, item, digest, _), (_, seen) in zip(new, results, strict=True):
            if isinstance(seen, Exception):
                yield failed(context, item, seen, report), None, None
                if context.settings.fail_fast:
                    return
                continue
            report.done += 1
            ((number, embedding),) = seen.embeddings.items()
            left, top, right, bottom = seen.bbox(number)
            record = item.record(action="added", label=name, faces_found=len(seen.faces), **seen.item(number))
            yield record, Known(name, os.path.abspath(item.path or ""), digest, (left, top, right, bottom)), embedding


def _who(record: Record, paint: Callable[..., str]) -> str:
    rows = [paint(f"{printable(record.get('path', ''))}: {len(record['items'])} found", bold=True)]
    for item in record["items"]:
        known = item["label"] != "unknown"
        label = paint(printable(item["label"]), fg="green" if known else "yellow")
        margin = f", {item['margin']:.3f} before the second" if item["margin"] is not None else ""
        rows.append(f"  {label}  {item['distance']:.4f}{margin}")
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


@click.command(
    "identify",
    short_help="Name the faces in photographs.",
    epilog="Example: face-verify identify --db friends.npz party.jpg",
)
@options.file_inputs("IMAGE")
@_DB
@looking_options
@threshold_option
@show_option
@options.finding_options
@options.pictures_options
@image_batch(View(("path", "frame", "label", "distance", "margin", "nearest", "score", "bbox"), _who))
def identify(
    context: Context,
    db: str,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    threshold: float | None,
    show: str | None,
) -> Work:
    """Say whose face each face is: the name of the nearest person in the database, or "unknown"."""
    database = _opened(Path(db))
    wishes = wishes_of(model, min_face, min_score, jitter, default=_source(database))
    reader = load(context, wishes)
    _demand_model(database, reader.config.name, db)
    if not database.known:
        raise UsageError(f"{db}: nobody is in the database")
    limit = threshold or reader.config.threshold
    folder = context.output_folder(show)

    def work(item: Item) -> Record:
        seen = see(reader, item, wishes, all_faces)
        items, marks = [], []
        for number in range(len(seen.faces)):
            match = database.identify(seen.embeddings[number], limit)
            margin = None if match.margin is None else round(match.margin, 6)
            found = {"label": match.label, "distance": round(match.distance, 6), "margin": margin}
            items.append({**found, "nearest": match.nearest, **seen.item(number)})
            group = database.names.index(match.label) if match.label == match.nearest else len(database.names)
            marks.append(mark(seen, number, f"{match.label} {match.distance:.2f}", group))
        output = {} if folder is None else {"output": write_picture(folder, item, seen.picture, marks)}
        size = {"width": seen.picture.width, "height": seen.picture.height}
        return item.record(**size, threshold=limit, items=items, **output)

    return work
