"""`souche event`: one event of the log, as it stands there, whether or not it can be read."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import typer

from api.fields import LARGEST_POSITION
from scripts.common.ending import CommandError
from scripts.common.helping import examples
from scripts.common.numbers import whole
from scripts.common.options import Data, Json, new_app
from scripts.common.showing import moment, print_json, say
from scripts.common.working import Views, look

app = new_app()

_AT: Final = """
SELECT originator_id, originator_version, topic, state FROM events WHERE notification_id = %b
"""


class _Header(msgspec.Struct):
    """When and by whom; the rest is skipped, so that any fact will do."""

    recorded_at: datetime
    actor: str


class _Stored(msgspec.Struct, frozen=True):
    """A row of the log."""

    stream: str
    version: int
    type: str
    state: bytes

    @property
    def header(self) -> _Header | None:
        """None where the bytes are no event."""
        try:
            return msgspec.json.decode(self.state, type=_Header)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None


@app.command(epilog=examples("souche event 10", "souche event 10 --json"))
def event(
    position: Annotated[
        int,
        typer.Argument(
            metavar="POSITION", parser=whole(1, LARGEST_POSITION), help="In the log, from 1."
        ),
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Show an event of the log: where it stands, when it was recorded, by whom, and its bytes.

    Also one that no read model can take. Of codes and invitations the log has digests only.
    """

    async def read(views: Views) -> tuple[_Stored | None, int]:
        cursor = await views.connection.execute(_AT, [position], binary=True)
        row = await cursor.fetchone()
        return (_Stored(*row) if row else None), views.size

    found, size = look(data, [], read)
    if found is None:
        raise CommandError(f"There is no event {position:,}.", f"The log ends at {size:,}.")
    if json:
        print_json(_as_object(position, found))
    else:
        _tell(position, found)


def _as_object(position: int, found: _Stored) -> dict[str, Any]:
    header = found.header
    return {
        "position": position,
        "stream": found.stream,
        "version": found.version,
        "type": found.type,
        "recorded_at": header.recorded_at if header else None,
        "actor": header.actor if header else None,
        "event": msgspec.Raw(found.state) if header else None,
        "unreadable": None if header else _in_ascii(found.state),
    }


def _tell(position: int, found: _Stored) -> None:
    say(f"Event {position:,}: {found.type}, version {found.version} of {found.stream}")
    header = found.header
    if header is None:
        say("Its bytes are no event that this program can read:")
        say(_in_ascii(found.state))
        return
    say(f"Recorded {moment(header.recorded_at)} by {header.actor}:")
    say(msgspec.json.format(found.state, indent=2).decode())


def _in_ascii(state: bytes) -> str:
    return state.decode("ascii", errors="backslashreplace")
