"""`souche serve`."""

from typing import Annotated

import typer

from ledger.settings import WORKERS, Settings
from scripts.common.helping import examples
from scripts.common.numbers import LARGEST_PORT, number_option
from scripts.common.options import Data, new_app, settings_from
from scripts.common.showing import say, warn
from scripts.common.starting import Started
from scripts.service.notice import find_service
from scripts.service.supervising import serve as serve_until_stopped

app = new_app()


@app.command(
    epilog=examples("souche serve", "souche serve --data /srv/souche --port 9000 --workers 1")
)
def serve(
    data: Data = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address; else SOUCHE_HOST, else 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        number_option("PORT", "Port; else SOUCHE_PORT, else 8080.", most=LARGEST_PORT),
    ] = None,
    workers: Annotated[int, number_option("COUNT", "Processes that answer.", most=64)] = WORKERS,
    no_followers: Annotated[
        bool, typer.Option("--no-followers", help="Leave the read models to another host.")
    ] = False,
) -> None:
    """Serve the ledger over HTTP until Ctrl-C or SIGTERM.

    Runs PostgreSQL on the data folder unless SOUCHE_DATABASE_URL names one. An address that
    other machines reach needs TLS in front, declared by SOUCHE_TLS=true.
    """
    settings = settings_from(data, host=host, port=port, followers=False if no_followers else None)
    other = find_service(settings.data)
    serve_until_stopped(
        settings, workers=workers, on_ready=lambda told: _tell(settings, told, other)
    )
    say(f"Stopped. The data stays in {settings.data}; the same command serves it again.")


def _tell(settings: Settings, started: Started, other: str | None) -> None:
    if other is not None:
        warn(f"Another service runs on this ledger, at {other}: both answer.")
    if started.is_new:
        say(f"A new ledger. Its tokens are in {settings.data / 'tokens'}.")
    address = f"http://{settings.address}"
    say(f"Souche serves {address} (docs: {address}/docs, data: {settings.data}); Ctrl-C stops it.")
