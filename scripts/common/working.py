"""One command on a ledger: open it, do the work in somebody's name, or look at what it says."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psycopg

from api.actors import Actor, Role
from ledger.postgres import Database, open_database
from ledger.settings import Settings
from projections.connecting import reader_conninfo
from projections.lag import lag
from projections.projection import AsyncConnection
from projections.schema import prepare_read_models
from projections.waiting import wait_for
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger, open_ledger
from scripts.common.options import existing
from scripts.common.reading import followed, log_size
from scripts.common.tokens import identify, token_of

T = TypeVar("T")
PATIENCE: Final = 60.0  # seconds that read models are given to catch up


@dataclass(frozen=True, slots=True)
class Views:
    """What a command reads: the log and the read models, and where they are."""

    settings: Settings
    database: Database
    connection: AsyncConnection
    size: int  # of the log; the read models that were asked for have seen all of it


def work(
    data: Path | None,
    who: Role | None,
    act: Callable[[Ledger], Awaitable[T]],
    *,
    role: Role = Role.OPERATOR,
    reads: bool = False,
) -> T:
    """Do something in the ledger, as the operator or as somebody else.

    What `reads` read models has them followed meanwhile.

    Raises:
        CommandError: there is no ledger or no token for it, or the token is of another role.
    """
    settings = existing(data)
    with opened(settings) as database:
        actor = identify(database, token_of(settings.data, who, role))
        if actor.role is not role:
            raise CommandError(
                f"This is for the {role.value}, and the token is of {actor.id}.",
                f"Use --as {role.value}, or set SOUCHE_TOKEN to a token of that role.",
            )
        with followed(database) if reads else nullcontext():
            return asyncio.run(_work(settings, database, actor, act))


def look(data: Path | None, models: Sequence[str], read: Callable[[Views], Awaitable[T]]) -> T:
    """Read read models, once they have seen all that is in the log now.

    Raises:
        CommandError: there is no ledger.
        NotReachedError: one of them has stopped, or is far behind.
    """
    settings = existing(data)
    with opened(settings) as database:
        if not asyncio.run(_look(settings, database, _are_there(models))):
            with followed(database):
                return asyncio.run(_look(settings, database, _once_there(models, read)))
        return asyncio.run(_look(settings, database, read))


def glance(settings: Settings, read: Callable[[Views], Awaitable[T]]) -> T:
    """Read the read models as they are, without waiting for them or helping them on."""
    with opened(settings) as database:
        return asyncio.run(_look(settings, database, read))


@contextmanager
def opened(settings: Settings, *, accept_losses: bool = False) -> Iterator[Database]:
    """The database of a ledger, with its read models' tables.

    One that may lose what it acknowledges is refused, unless the caller only looks and accepts it.
    """
    with open_database(
        settings.data, settings.database_url, progress=_wait, accept_losses=accept_losses
    ) as database:
        prepare_read_models(database)
        yield database


async def _work(
    settings: Settings, database: Database, actor: Actor, act: Callable[[Ledger], Awaitable[T]]
) -> T:
    async with open_ledger(settings, database, actor) as ledger:
        return await act(ledger)


async def _look(settings: Settings, database: Database, read: Callable[[Views], Awaitable[T]]) -> T:
    connecting = psycopg.AsyncConnection.connect(reader_conninfo(database), autocommit=True)
    async with await connecting as connection:
        return await read(Views(settings, database, connection, await log_size(connection)))


def _are_there(models: Sequence[str]) -> Callable[[Views], Awaitable[bool]]:
    """Whether these read models have seen the whole log."""

    async def there(views: Views) -> bool:
        behind = {
            each.projection
            for each in await lag(views.connection, views.database)
            if each.position < views.size
        }
        return behind.isdisjoint(models)

    return there


def _once_there(
    models: Sequence[str], read: Callable[[Views], Awaitable[T]]
) -> Callable[[Views], Awaitable[T]]:
    """Read as soon as these read models have."""

    async def wait(views: Views) -> T:
        for model in models:
            await wait_for(views.connection, model, views.size, PATIENCE)
        return await read(views)

    return wait


def _wait(doing: str) -> None:
    """What a long start is busy with, for whoever watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{doing}\n")
