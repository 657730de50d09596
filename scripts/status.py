"""`souche status`."""

import typer

from projections.lag import Lag, lag
from scripts.common.ending import Exit
from scripts.common.helping import examples
from scripts.common.options import Data, Json, existing, new_app
from scripts.common.showing import counted, print_json, print_table, say
from scripts.common.starting import origin_of
from scripts.common.working import Views, glance
from scripts.diagnosis.service import ADVICE, NONE
from scripts.service.notice import find_service

app = new_app()


@app.command(epilog=examples("souche status", "souche status --json"))
def status(data: Data = None, json: Json = False) -> None:
    """Show the log's size, where it is served, and how far behind it each read model is.

    Exits with 1 where a read model has stopped: it takes nothing more until somebody acts.
    """
    settings = existing(data)

    async def read(views: Views) -> tuple[list[Lag], int, bool]:
        origin = origin_of(views.database)
        models = await lag(views.connection, views.database)
        return models, views.size, origin is not None and origin.demo

    models, size, demo = glance(settings, read)
    authority = find_service(settings.data)
    if json:
        told = {"data": settings.data, "demo": demo, "events": size, "service": authority}
        print_json({**told, "read_models": models})
    else:
        say(f"{settings.data}: {counted(size, 'event')}{', of a demo' if demo else ''}.")
        say(f"Service: at {authority}." if authority else f"Service: {NONE}. {ADVICE}")
        _tell(models)
    if any(each.state == "stopped" for each in models):
        raise typer.Exit(Exit.FAILED)


def _tell(models: list[Lag]) -> None:
    rows = [
        [each.projection, f"{each.position:,}", f"{each.events_behind:,}", each.state]
        for each in models
    ]
    print_table("Read models", ["Name", ">Position", ">Behind", "State"], rows)
    if any(each.state == "stopped" for each in models):
        say("What has stopped takes nothing more: `souche doctor` says why, and what to do.")
