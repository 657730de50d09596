"""Somebody on the way between a terminal and the service, who loses what a test tells them to."""

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


class Loses(Enum):
    """What gets lost. The connection breaks, too."""

    REQUEST = "before the service has it"
    ANSWER = "after the service has committed"


Fate = Loses | bytes  # bytes: this is the answer, and the service hears nothing


@dataclass
class Proxy:
    """Passes requests on one by one, but for those that have a fate."""

    url: str
    fates: dict[str, deque[Fate]] = field(default_factory=dict)  # by path
    passed: list[str] = field(default_factory=list)  # the paths that the service has answered

    def will(self, path: str, *fates: Fate) -> None:
        """The fates of the next requests to this path."""
        self.fates[path] = deque(fates)


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """Listen on a port of the loopback interface."""
    host, port = urlsplit(url).hostname, urlsplit(url).port

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with (
                suppress(ConnectionError),
                closing(socket.create_connection((host, port))) as service,
                service.makefile("rb") as answers,
            ):
                while request := _message(self.rfile):
                    path = request.split(b" ", 2)[1].decode()
                    waiting = proxy.fates.get(path)
                    fate = waiting.popleft() if waiting else None
                    if fate is Loses.REQUEST:
                        return
                    if isinstance(fate, bytes):
                        self.wfile.write(fate)
                        continue
                    service.sendall(request)
                    answer = _message(answers)
                    proxy.passed.append(path)
                    if fate is Loses.ANSWER:
                        return
                    self.wfile.write(answer)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield proxy
        server.shutdown()
        thread.join()


def answer(status: str, content_type: str, body: str, *headers: str) -> bytes:
    """A whole response."""
    head = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body.encode())}",
        *headers,
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def _message(stream: BufferedIOBase) -> bytes:
    """One request or response, or nothing at the end. Both sides tell the length."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    lengths = [
        int(line.partition(b":")[2])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length:")
    ]
    return head + stream.read(sum(lengths))
