"""Leave as a program should that holds gigabytes: with nothing left behind, also when told to go.

A signal ends a Python program where it stands, so what its blocks opened stays: a database that
still runs, a scratch folder. As an exception it ends them one by one.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import active_children
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGHUP)  # Ctrl-C is an exception anyway


@contextmanager
def tidy_when_told_to_go() -> Iterator[None]:
    """Turn a first SIGTERM or SIGHUP within the block into `SystemExit`, and ignore more of them.

    What the caller ignores, as `nohup` does, stays ignored. For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in NUMBERS}
    heeded = [number for number in NUMBERS if before[number] is not signal.SIG_IGN]

    def leave(number: int, _: FrameType | None) -> None:
        for each in heeded:
            signal.signal(each, signal.SIG_IGN)  # what tidies up is not interrupted
        for worker in active_children():
            worker.terminate()  # a pool would wait until its workers are done
        sys.exit(128 + number)  # as a shell reports it

    for number in heeded:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
