"""Workers that run functions elsewhere: processes of this machine, or those of a Dask scheduler.

Dask distributed (Rocklin 2015) brings a task that was on a lost worker to another one, and gives it up once it has
taken several workers down.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dltools.errors import DltoolsError, MissingError
from dltools.runtime.chunk import Outcome

if TYPE_CHECKING:
    from distributed import Client

#: What a chunk's outcome is when every worker that tried it was lost.
_LOST = Outcome(-9, "", "")
_CONNECT_SECONDS = 10


class Cluster:
    """The workers of one run."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def size(self) -> int:
        """How many tasks can run at once, now: at least 1."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, function: Callable[..., Outcome], *arguments: Any) -> Callable[[], Outcome]:
        """Start ``function(*arguments)`` on some worker; return what waits for its outcome."""
        from distributed import KilledWorker

        future = self._client.submit(function, *arguments, pure=False)

        def wait() -> Outcome:
            try:
                outcome: Outcome = future.result()
            except KilledWorker:
                return _LOST
            finally:
                future.release()
            return outcome

        return wait


@contextlib.contextmanager
def open_cluster(*, scheduler: str | None, workers: int) -> Iterator[Cluster]:
    """Give the workers of the Dask scheduler at the address ``scheduler``, or ``workers`` processes of this machine.

    Raise :class:`MissingError` without Dask, :class:`DltoolsError` if the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingError("Dask is not installed: pip install 'dltools[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # lost workers are told of where it matters
    with contextlib.ExitStack() as stack:
        try:
            address: Any = scheduler or stack.enter_context(_local(workers))
            client = stack.enter_context(distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False))
        except (OSError, ValueError, RuntimeError) as error:  # the last: a worker process that cannot start
            raise DltoolsError(f"{scheduler or 'this machine'}: no Dask scheduler answers ({error})") from error
        yield Cluster(client)


def _local(workers: int) -> Any:
    import distributed

    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
    )
