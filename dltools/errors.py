"""The errors that a user can cause and that a command turns into one line and an exit status."""

from __future__ import annotations

import errno

#: What a full disk, a quota or a limit on file sizes says.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def first_line(error: Exception) -> str:
    """Return the first line that a library's exception says, or its kind if it says nothing: a cause for a message."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class DltoolsError(Exception):
    """A failure whose message is written for the user: one line, the cause named.

    ``code`` is the stable, machine-readable name that stands in an ``error`` record;
    ``exit_status`` is what the process ends with when the error ends the run.
    """

    exit_status = 3
    code = "failed"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class InputError(DltoolsError):
    """One input cannot be read or used; the rest of a batch goes on."""

    code = "bad_input"


class OutputError(DltoolsError):
    """A result cannot be written."""

    code = "cannot_write"


class UsageError(DltoolsError):
    """The request itself makes no sense; nothing was done."""

    exit_status = 2
    code = "usage"


class ModelFileError(UsageError):
    """A model file given by the user is damaged, or does not fit its description."""

    code = "bad_model"


class MissingError(DltoolsError):
    """An asset or an optional package is missing; the message says how to get it."""

    exit_status = 4
    code = "missing"
