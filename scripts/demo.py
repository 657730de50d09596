"""`souche demo`."""

import asyncio
import os
import socket
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Final

import typer

from ledger.postgres import open_database
from ledger.settings import Settings
from scripts.common.ending import CommandError
from scripts.common.helping import examples
from scripts.common.numbers import LARGEST_PORT, number_option
from scripts.common.options import Json, new_app
from scripts.common.progress import progress
from scripts.common.showing import console, print_json, say
from scripts.demonstration.clock import DemoClock
from scripts.demonstration.folder import demo_folder
from scripts.demonstration.playing import begin, play, prepare
from scripts.demonstration.telling import print_story
from scripts.service.serving import starting
from scripts.service.supervising import LOOK_EVERY, listen, stopping

app = new_app()

FOLDER: Final = Path("var/demo")
# A demo has a database of its own, whatever the machine's ledger uses.
OTHERS: Final = ("SOUCHE_DATABASE_URL", "SOUCHE_WRITER_URL", "SOUCHE_PROJECTOR_URL")


@app.command(
    epilog=examples(
        "souche demo", "souche demo --once --json", "souche demo --data /tmp/demo --port 9000"
    )
)
def demo(
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER", help="Emptied, and marked as a demo's.")
    ] = FOLDER,
    port: Annotated[
        int | None,
        number_option(
            "PORT",
            "Port; else SOUCHE_PORT, else 8080, or a free one where that is taken.",
            most=LARGEST_PORT,
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Leave when all has been told; the data stays.")
    ] = False,
    json: Json = False,
) -> None:
    """Play a day of a real programme: 45,000 tickets, twenty terminals, a payment run.

    Starts a database and the service on a folder of its own, opens the presets, issues
    Bourgogne-Franche-Comté's 9,000 carnets, hands some out, redeems over 20,000 tickets through
    HTTP as terminals do, refuses a few, pays the venues. Then it stays up, to be looked at.
    """
    began = monotonic()
    for name in OTHERS:
        os.environ.pop(name, None)
    settings = Settings(
        data=data.absolute(),
        database_url=None,
        host="127.0.0.1",
        port=port or Settings().port,
        authority=None,
        tls=False,
        proxies=0,
        followers=True,
    )
    clock = DemoClock()
    with (
        demo_folder(settings.data) as empty,
        closing(_listen(settings, or_free=port is None)) as listener,
    ):
        empty()  # not before the port is ours: whoever is refused it still has the last demo
        if not json:
            say(f"A day of March 2022, in {data} …")
        with open_database(settings.data) as database:
            settings = settings.model_copy(update={"port": listener.getsockname()[1]})
            begin(settings, database, clock)
            with starting(settings, demo=True, listener=listener) as wait:
                prepared = asyncio.run(prepare(settings, database, clock, progress))
                authority = wait()
                story = asyncio.run(play(settings, database, prepared, progress, began))
                if json:
                    print_json(story.as_json())
                else:
                    print_story(console(), story, None if once else authority)
                if not once:
                    _stay(authority, quiet=json)
        if not once and not json:
            say(f"Stopped. The data stays in {settings.data}; the next demo there removes it.")


def _listen(settings: Settings, *, or_free: bool) -> socket.socket:
    """The service's socket, had before all else: nobody can take its port meanwhile."""
    try:
        return listen(settings)
    except CommandError:
        if not or_free:
            raise
        return listen(settings, 0)


def _stay(authority: str, *, quiet: bool) -> None:
    with stopping() as stopped:
        if not quiet:
            say(f"The service stays up at http://{authority}/docs; Ctrl-C stops it.")
        while not stopped():
            sleep(LOOK_EVERY)
