"""Measure commands beside their peers, in one run: ``python benchmarks/run.py COMMAND|all``; see README.md."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType

from _harness import Absent, Case, Program, Result, measure, overview, table

README = Path(__file__).with_name("README.md")
#: Each has its cases in a module of its name.
COMMANDS = (
    "yolo-detect",
    "face-verify",
    "image-classify",
    "wordvec",
    "emojify",
    "date-translate",
    "trigger-detect",
    "nn-train",
    "dino-names",
)
#: What is measured besides, in the same way.
OTHERS = ("scaling",)

_PACKAGES = {"dltools": "dltools", "LiteRT": "ai-edge-litert", "TensorFlow": "tensorflow", "NumPy": "numpy"}


def main() -> int:
    modules = {name: importlib.import_module(name.replace("-", "_")) for name in (*COMMANDS, *OTHERS)}
    arguments = _arguments(modules)
    chosen = {name: modules[name] for name in (COMMANDS if arguments.command == "all" else [arguments.command])}
    for command, module in chosen.items():
        script = getattr(module, "SCRIPT", command)
        if not _script(script).exists():
            raise SystemExit(f"{script} is not in the environment of {sys.executable}: pip install . there")
    versions = {name: version for module in chosen.values() for name, version in module.versions().items()}
    head = _head({**_package_versions(), **versions}, arguments.runs)
    body, results = _overview(arguments, chosen) if arguments.command == "all" else _table(arguments, *chosen.values())
    text = f"{head}\n\n{body}\n"
    print(text, end="")
    if arguments.write:
        _write(arguments.command, text)
    if any(result.failed for result in results):
        return 1
    return 1 if arguments.check and any(result.missed for result in results) else 0


def _table(arguments: argparse.Namespace, module: ModuleType) -> tuple[str, list[Result]]:
    """Measure every case of a command; return its table, with its notes if it has any, and the results."""
    with tempfile.TemporaryDirectory() as folder:
        results = [_measured(case, arguments.runs) for case in module.cases(arguments, Path(folder))]
    notes = f"\n\n{module.notes(results)}" if hasattr(module, "notes") else ""
    return table(results) + notes, results


def _overview(arguments: argparse.Namespace, modules: Mapping[str, ModuleType]) -> tuple[str, list[Result]]:
    """Measure the cold start, the throughput and the help of each command; return one table and the results."""
    measured: dict[str, tuple[Result, Result | None, Result]] = {}
    for command, module in modules.items():
        with tempfile.TemporaryDirectory() as folder:
            shown = [case for case in module.cases(arguments, Path(folder)) if case.inputs is not None]
            cold, many = shown[0], (shown[-1] if len(shown) > 1 else None)
            first = _measured(cold, arguments.runs)
            last = _measured(many, arguments.runs) if many else None
            usage = Case(f"{command} --help", Program([str(_script(command)), "--help"]), "none", Absent("itself"))
            measured[command] = first, last, _measured(usage, arguments.runs)
    return overview(measured), [result for three in measured.values() for result in three if result is not None]


def _measured(case: Case, runs: int) -> Result:
    print(f"{case.title} beside {case.peer_name} ...", file=sys.stderr)
    return measure(case, runs)


def _script(command: str) -> Path:
    return Path(sys.executable).with_name(command)


def _arguments(modules: Mapping[str, ModuleType]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a command beside its peers, in one run.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    of_all = [modules[command] for command in COMMANDS]
    for command, chosen in [*((name, [module]) for name, module in modules.items()), ("all", of_all)]:
        own = commands.add_parser(command, help=f"measure {command}")
        own.add_argument("-n", "--runs", type=_positive, default=10, help="counted runs (default: %(default)s)")
        own.add_argument("--write", action="store_true", help="put the table into README.md beside this script")
        own.add_argument("--check", action="store_true", help="exit 1 where a target was missed")
        for module in chosen:
            module.add_arguments(own)
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _head(versions: Mapping[str, str | None], runs: int) -> str:
    present = [f"{name} {version or 'not installed'}" for name, version in versions.items()]
    load = os.getloadavg()[0]
    return (
        f"{dt.date.today().isoformat()}, {_processor()}, {_cores()} cores, {platform.system()}; "
        f"load average before: {load:.2f}; {runs} counted runs.  \n"
        f"Python {platform.python_version()}, {', '.join(present)}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _package_versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for title, package in _PACKAGES.items():
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            found[title] = None
            continue
        editable = '"editable": true' in (distribution.read_text("direct_url.json") or "")
        found[title] = distribution.version + (" (editable: starts slower)" if editable else "")
    return found


def _write(command: str, text: str) -> None:
    """Replace what stands between the command's two markers in the README."""
    begin, end = f"<!-- {command}: begin -->\n", f"<!-- {command}: end -->\n"
    page = README.read_text("utf-8")
    before, first, rest = page.partition(begin)
    _, second, after = rest.partition(end)
    if not first or not second:
        raise SystemExit(f"{README}: has not the lines {begin.strip()} and {end.strip()}")
    README.write_text(f"{before}{begin}{text}{end}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
