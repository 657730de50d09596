"""How an answer leaves: its head and its body together.

The HTTP server writes them apart, and its event loop sends at once what is written: two system
calls, two packets, and the other side awakened twice, for each redemption.
"""

from asyncio import AbstractEventLoop, BaseProtocol, Transport
from typing import Any, Final

_LARGEST: Final = 65_536  # bytes that may wait for more


class Joining(Transport):
    """A transport that sends what is written in one turn of the event loop in one go."""

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._written:
            self._loop.call_soon(self._send)
        self._written += data
        if len(self._written) > _LARGEST:
            self._send()

    def _send(self) -> None:
        if self._written:
            written, self._written = self._written, b""
            if not self._transport.is_closing():  # the other side may have left meanwhile
                self._transport.write(written)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def abort(self) -> None:
        self._written = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 (asyncio's)
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: BaseProtocol) -> None:
        self._transport.set_protocol(protocol)
