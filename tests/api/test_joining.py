"""What is written in one turn of the event loop is sent in one go."""

import asyncio
from unittest.mock import Mock, call

import pytest

from api.joining import Joining
from tests.api.ledgers import Served, serving
from tests.api.test_connections import WHOLE, silent


@pytest.fixture
def below() -> Mock:
    return Mock(spec=asyncio.Transport)


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

        assert below.mock_calls == [call.write(b"headbody"), call.close()]

    async def test_nothing_more_is_sent_after_an_abort(self, below: Mock) -> None:
        joining = await written(below, b"head", b"body")
        joining.abort()
        await asyncio.sleep(0)

        assert below.mock_calls == [call.abort()]

    async def test_much_is_not_kept_back(self, below: Mock) -> None:
        """Else nobody would notice that the other side does not read."""
        await written(below, b"head", bytes(100_000))
        below.write.assert_called_once_with(b"head" + bytes(100_000))


def test_an_answer_is_one_packet(shared: Served) -> None:
    with serving(shared.database, shared.data) as url, silent(url) as connection:
        for _ in range(20):
            connection.sendall(WHOLE)
            answer = connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert f"content-length: {len(body)}".encode() in head
            assert body
