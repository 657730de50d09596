"""What is written in one turn of the event loop is sent in one go."""

import asyncio
from unittest.mock import Mock, call

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.connections import Connection
from api.joining import Joining
from api.wire import Send, answer
from tests.api.test_connections import WHOLE


@pytest.fixture
def below() -> Mock:
    below = Mock(spec=asyncio.Transport)
    below.is_closing.return_value = False
    below.get_extra_info.return_value = None
    return below


async def written(below: Mock, *parts: bytes) -> Joining:
    joining = Joining(below, asyncio.get_running_loop())
    for part in parts:
        joining.write(part)
    return joining


@pytest.mark.anyio
class TestJoining:
    async def test_parts_are_sent_together(self, below: Mock) -> None:
        joining = await written(below, b"head", b"body")
        below.write.assert_not_called()
        await asyncio.sleep(0)
        joining.write(b"next")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert below.write.mock_calls == [call(b"headbody"), call(b"next")]

    async def test_nothing_is_left_behind_at_the_end(self, below: Mock) -> None:
        joining = await written(below, b"head", b"body")
        joining.close()
        await asyncio.sleep(0)

        assert below.write.mock_calls == [call(b"headbody")]
        below.close.assert_called_once()

    async def test_nothing_is_sent_to_who_has_left(self, below: Mock) -> None:
        await written(below, b"head")
        below.is_closing.return_value = True
        await asyncio.sleep(0)

        below.write.assert_not_called()

    async def test_nothing_more_is_sent_after_an_abort(self, below: Mock) -> None:
        joining = await written(below, b"head", b"body")
        joining.abort()
        await asyncio.sleep(0)

        below.write.assert_not_called()
        below.abort.assert_called_once()

    async def test_much_is_not_kept_back(self, below: Mock) -> None:
        """Else nobody would notice that the other side does not read."""
        await written(below, b"head", bytes(100_000))
        below.write.assert_called_once_with(b"head" + bytes(100_000))


@pytest.mark.anyio
async def test_an_answer_is_sent_in_one_go(below: Mock) -> None:
    connection = Connection(uvicorn.Config(hello), ServerState(), {})
    connection.connection_made(below)
    connection.data_received(WHOLE)
    for _ in range(10):
        await asyncio.sleep(0)
    connection.connection_lost(None)

    below.write.assert_called_once()
    (answer,) = below.write.call_args.args
    assert answer.endswith(b"\r\n\r\nhello")


async def hello(_: object, __: object, send: Send) -> None:
    await answer(send, 200, b"hello")
