"""Rebuild the man pages in ``man/``: ``python tools/build_man.py [--check]``.

Synopsis and options come from the click commands, the rest from ``man/parts/NAME.txt``, whose format
``man/parts/README.md`` describes. A page holds no date: it changes only when its command, its part or the version does.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from dltools import __version__
from dltools.commands import COMMANDS, Entry
from dltools.commands._group import DefaultGroup, load

MAN = Path(__file__).parent.parent / "man"
PARTS = MAN / "parts"
REBUILD = "python tools/build_man.py"

_UMBRELLA = "dltools"
_TAG_WIDTH = 14  # a list whose longest tag is wider takes man's own indent, with its text on the next line

Sections = dict[str, list[str]]


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    umbrella = Entry("dltools.commands.dltools:cli", "")
    return {f"{name}.1": page(name, entry) for name, entry in {**COMMANDS, _UMBRELLA: umbrella}.items()}


def page(name: str, entry: Entry) -> str:
    """Return the man page of one command as roff."""
    group = load(entry)
    summary = entry.summary or _paragraphs(group.help)[0]
    sections = part(name)
    with group.make_context(name, [], resilient_parsing=True) as ctx:
        others = [each for each in group.commands if each != group.default]
        blocks = [
            '.\\" Written by tools/build_man.py; do not edit.',
            f'.TH "{escape(name.upper())}" 1 "" "dltools {escape(__version__)}" "dltools"',
            ".nr HY 0\n.nh\n.ad l",  # HY: man sets hyphenation anew with every paragraph
            *_section("NAME", f"{escape(name)} \\- {escape(summary[:1].lower() + summary[1:].rstrip('.'))}"),
            *_section("SYNOPSIS", *_synopses(group, ctx)),
            *_section("DESCRIPTION", *render(sections.pop("DESCRIPTION"))),
            *_section("OPTIONS", *_main_options(group, ctx)),
        ]
        for other in others:
            own = sections.pop(other.upper(), [])
            blocks += _section(other.upper(), *_subcommand(group, ctx, other, own))
        if group.entries:
            blocks += _section("COMMANDS", *_entries(group.entries, sections.pop("COMMANDS", [])))
    for heading, lines in sections.items():
        blocks += _section(heading, *render(lines))
    return "\n".join(blocks) + "\n"


# --- roff


def escape(text: str) -> str:
    """Return ``text`` so that roff shows each character as it is, and a hyphen can be copied as one."""
    for plain, roff in _ESCAPES.items():
        text = text.replace(plain, roff)
    return "".join(one if ord(one) < 128 else f"\\[u{ord(one):04X}]" for one in text)


#: The backslash first: the others bring new ones.
_ESCAPES = {"\\": "\\(rs", "-": "\\-", "'": "\\(aq", "`": "\\(ga", '"': "\\(dq", "^": "\\(ha", "~": "\\(ti"}


def inline(text: str) -> str:
    """Return prose as roff: ```literal``` and option names in bold, ``_placeholder_`` in italics."""
    out, at = [], 0
    for match in _MARKED.finditer(text):
        literal, placeholder, option = match.groups()
        out.append(escape(text[at : match.start()]))
        out.append(f"\\fI{escape(placeholder)}\\fR" if placeholder else f"\\fB{escape(literal or option)}\\fR")
        at = match.end()
    return "".join(out) + escape(text[at:])


_MARKED = re.compile(r"`([^`]+)`|(?<!\w)_([^_]+)_(?!\w)|(?<![\w-])(--?[a-zA-Z0-9](?:[\w-]*\w)?)")


def _guarded(line: str) -> str:
    """Keep a line from being read as a request."""
    return "\\&" + line if line.startswith(".") else line


def _sentences(text: str) -> Iterator[str]:
    """Yield the lines of a paragraph, one a sentence, which is how roff learns where sentences end."""
    for sentence in re.split(r"(?<=[.?!]) +(?=[\"'`(A-Z_-])", " ".join(text.split())):
        yield _guarded(inline(sentence))


def _section(heading: str, *blocks: str) -> list[str]:
    return [f'.SH "{escape(heading)}"', "\n".join(blocks).removeprefix(".PP\n")]  # .PP there is a fault to linters


def _paragraph(text: str) -> str:
    return "\n".join([".PP", *_sentences(text)])


def _tagged(tag: str, body: Iterable[str], width: int | None = None) -> str:
    return "\n".join([f".TP {width}" if width else ".TP", _guarded(tag), *body])


# --- hand-written parts


def part(name: str) -> Sections:
    """Read ``man/parts/NAME.txt`` and return the lines under each of its headings, includes put in."""
    sections: Sections = {}
    current: list[str] = []
    for line in _lines(PARTS / f"{name}.txt", name):
        if line.startswith("# "):
            current = sections.setdefault(line[2:].strip(), [])
        else:
            current.append(line)
    missing = {"DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"} - sections.keys()
    if missing:
        raise SystemExit(f"man/parts/{name}.txt: no section {', '.join(sorted(missing))}")
    return sections


def _lines(path: Path, name: str) -> Iterator[str]:
    if not path.is_file():
        raise SystemExit(f"{path}: not there; it is the hand-written part of a man page (see man/parts/README.md)")
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("@include "):
            yield from ["", *_lines(PARTS / f"_{line.split()[1]}.txt", name), ""]
        else:
            yield line.replace("%NAME%", name).replace("%VARIABLE%", name.replace("-", "_").upper())


def render(lines: Iterable[str]) -> list[str]:
    """Return the lines of a hand-written section as blocks of roff."""
    blocks: list[str] = []
    chunks = [chunk for chunk in re.split(r"\n(?:[ \t]*\n)+", "\n".join(lines).strip("\n")) if chunk.strip()]
    tags = [len(_tag(chunk)) for chunk in chunks if chunk.startswith("= ")]
    width = max(tags, default=0) + 2
    for chunk in chunks:
        if chunk.startswith("## "):
            blocks.append(f'.SS "{escape(chunk[3:].strip())}"')
        elif chunk.startswith("    "):
            example = "\n".join(_guarded(escape(line)) for line in textwrap.dedent(chunk).splitlines())
            blocks.append(f".PP\n.RS 4\n.EX\n{example}\n.EE\n.RE")
        elif chunk.startswith("= "):
            head, _, body = chunk.partition("\n")
            blocks.append(_tagged(inline(head[2:]), _sentences(body), width if width <= _TAG_WIDTH else None))
        else:
            text = _paragraph(chunk)
            after_heading = blocks and blocks[-1].startswith(".SS")
            blocks.append(text.removeprefix(".PP\n") if after_heading else text)
    return blocks


def _tag(chunk: str) -> str:
    return chunk.partition("\n")[0][2:].replace("`", "")


# --- what click knows


def _paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a help text, without click's own marks."""
    cleaned = inspect.cleandoc(text or "").partition("\f")[0]
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n", cleaned.replace("\b\n", "")) if block.strip()]


def _inner(group: DefaultGroup, ctx: click.Context, name: str) -> tuple[click.Command, click.Context]:
    command = group.commands[name]
    return command, command.make_context(name, [], parent=ctx, resilient_parsing=True)


def _options(command: click.Command, ctx: click.Context) -> list[click.Option]:
    return [each for each in command.get_params(ctx) if isinstance(each, click.Option) and not each.hidden]


def _synopses(group: DefaultGroup, ctx: click.Context) -> list[str]:
    lines = []
    for name in group.commands:
        command, inner = _inner(group, ctx, name)
        word = f"\\fB{escape(name)}\\fR"
        pieces = [f"[{word}]" if name == group.default else word]
        pieces += [f"{_names(each, inner)}" for each in _options(command, inner) if each.required]
        pieces.append("[\\fIOPTION\\fR]...")
        for each in command.get_params(inner):
            if isinstance(each, click.Argument):
                pieces.append(re.sub(r"[A-Z]\w*", r"\\fI\g<0>\\fR", escape(each.make_metavar(inner))))
        lines.append(_usage(ctx.info_name or "", pieces))
    if group.entries:
        lines.append(_usage(ctx.info_name or "", ["\\fICOMMAND\\fR", "[\\fIARGUMENT\\fR]..."]))
    return [*lines, ".YS"]


def _usage(name: str, pieces: Iterable[str]) -> str:
    # \& keeps the dots of "..." from ending a sentence, \~ an option and its value on one line.
    return "\n".join([f'.SY "{escape(name)}"', *(piece.replace(" ", "\\~") + "\\&" for piece in pieces)])


def _main_options(group: DefaultGroup, ctx: click.Context) -> list[str]:
    command, inner = _inner(group, ctx, group.default)
    options = _options(command, inner)
    options[-1:-1] = [each for each in group.params if isinstance(each, click.Option)]  # --version, before --help
    return [_option(each, inner) for each in options]


def _subcommand(group: DefaultGroup, ctx: click.Context, name: str, own: list[str]) -> list[str]:
    """Return the help of a further subcommand, its hand-written text, its options, and which it shares."""
    command, inner = _inner(group, ctx, name)
    main, main_ctx = _inner(group, ctx, group.default)
    known = {_option(each, main_ctx) for each in _options(main, main_ctx)}
    options = _options(command, inner)
    shared = [each for each in options if _option(each, inner) in known]
    blocks = [_paragraph(each) for each in _paragraphs(command.help)] + render(own)
    blocks += [_option(each, inner) for each in options if each not in shared]
    if shared:
        *names, last = [" or ".join(each.opts) for each in shared]
        names = [", ".join(names), last] if names else [last]
        blocks.append(_paragraph(f"It also takes {' and '.join(names)}, as described under OPTIONS."))
    return blocks


def _entries(entries: Mapping[str, Entry], own: list[str]) -> list[str]:
    blocks = render(own)
    for name, entry in entries.items():
        blocks.append(_tagged(f"\\fB{escape(name)}\\fR", _sentences(f"{entry.summary} See `{name}`(1).")))
    return blocks


def _option(option: click.Option, ctx: click.Context) -> str:
    facts = [*_paragraphs(option.help), *_facts(option, ctx)]
    return _tagged(_names(option, ctx, all_names=True), _sentences(" ".join(facts)))


def _names(option: click.Option, ctx: click.Context, *, all_names: bool = False) -> str:
    """Return the names of an option and its placeholder; for a usage line only the longest name."""
    names = [*option.opts, *option.secondary_opts] if all_names else [max(option.opts, key=len)]
    shown = ", ".join(f"\\fB{escape(name)}\\fR" for name in names)
    return shown if option.is_flag or option.count else f"{shown} {_placeholder(option, ctx)}"


def _placeholder(option: click.Option, ctx: click.Context) -> str:
    if isinstance(option.type, click.Choice) and not option.metavar:
        return "|".join(f"\\fB{escape(str(choice))}\\fR" for choice in option.type.choices)
    if isinstance(option.type, click.types.FloatParamType) and not option.metavar:
        return "\\fINUMBER\\fR"
    if isinstance(option.type, click.types.IntParamType) and not option.metavar:
        return "\\fIN\\fR"
    return f"\\fI{escape(option.make_metavar(ctx))}\\fR"


def _facts(option: click.Option, ctx: click.Context) -> Iterator[str]:
    """Yield what the help text need not say: range, repetition, default, need, environment variable."""
    if isinstance(option.type, (click.IntRange, click.FloatRange)):
        yield _range(option.type)
    if option.multiple:
        yield "May be given several times."
    default = option.get_default(ctx, call=False)
    if not option.is_flag and isinstance(default, (str, int, float)) and "default" not in (option.help or ""):
        yield f"Default: `{default}`."
    if option.required:
        yield "Required."
    if option.envvar:
        variables = [option.envvar] if isinstance(option.envvar, str) else option.envvar
        yield f"Environment: {', '.join(f'`{each}`' for each in variables)}."


def _range(bounds: click.IntRange | click.FloatRange) -> str:
    low, high = bounds.min, bounds.max
    above = f"above {low}" if bounds.min_open else f"at least {low}"
    below = f"below {high}" if bounds.max_open else f"at most {high}"
    if low is None or high is None:
        return f"{(above if high is None else below).capitalize()}."
    if bounds.min_open or bounds.max_open:
        return f"{above.capitalize()} and {below}."
    return f"From {low} to {high}."


# --- files


def stale() -> list[str]:
    """Return the names of the files in ``man/`` that are not what this script would write."""
    wanted = pages()
    there = {path.name: path.read_text("utf-8") for path in MAN.glob("*.1")}
    return sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them; return the exit status."""
    if arguments == ["--check"]:
        names = stale()
        for name in names:
            print(f"man/{name} is stale; rebuild it: {REBUILD}", file=sys.stderr)
        return 1 if names else 0
    if arguments:
        print(f"usage: {REBUILD} [--check]", file=sys.stderr)
        return 2
    wanted = pages()
    for old in MAN.glob("*.1"):
        if old.name not in wanted:
            old.unlink()
            print(f"man/{old.name}: removed")
    for name, text in wanted.items():
        path = MAN / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"man/{name}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
