"""A terminal's link to the service: a connection that is kept open, sessions, tries until answered.

A broken connection, a time-out, a 503 say nothing: what was asked may have happened. So whatever
goes through `until_answered` has to be safe to send twice.
"""

import json
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from time import monotonic, sleep, time  # noqa: TID251  # a device has a clock of its own
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from api import client_wire as wire

Answer = dict[str, Any]
OnWait = Callable[[str, float, float], None]  # why; the seconds of this wait, and of all to come

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
FIRST_PAUSE: Final = 0.1  # seconds between two tries; then twice as long, and so on
LONGEST_PAUSE: Final = 10.0
MARGIN: Final = 30  # seconds before its end at which a session is replaced
UNAUTHORIZED: Final = 401


class OutcomeUnknownError(Exception):
    """No answer: what was asked may have happened, or not. Says why, for people."""

    retry_after = 0.0


class ProblemError(Exception):
    """The service says no. `reason` is one of its stable words; `told` has titles for people."""

    def __init__(self, told: Answer, retry_after: float = 0.0) -> None:
        super().__init__(f"{told['reason']}: {told['title']}")
        self.told = told
        self.status: int = told["status"]
        self.reason: str = told["reason"]
        self.retry: bool = told["retry"]  # the same request may succeed later
        self.retry_after = retry_after  # seconds

    @property
    def is_about_us(self) -> bool:
        """We were not let in, so nothing is said about what was asked."""
        return self.status == UNAUTHORIZED or self.reason == "terminal-revoked"


class Session(NamedTuple):
    """Lasts a quarter of an hour at most. Its key signs requests, much faster than the device's."""

    id: str
    mac_key: bytes
    ends: float  # on our monotonic clock


class Link:
    """One connection and one session of a device. For one thread."""

    def __init__(self, url: str, patience: float, timeout: float) -> None:
        """A link to the service at `url`.

        `timeout` seconds for each try, `patience` seconds until a request is given up.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("only by https: a session's key comes over this connection")
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self.authority = parts.netloc.lower()  # signatures cover it
        self.on_wait: OnWait = _wait_in_silence
        self.skew = 0.0  # seconds by which the service's clock is ahead of ours
        self._http = connect(self.authority, timeout=timeout)
        self._url = url
        self._patience = patience
        self._session: Session | None = None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._http.close()

    def until_answered(self, ask: Callable[[], Answer]) -> Answer:
        """Try, wait longer each time, and try again.

        Raises:
            ProblemError: the answer is no, and stays so.
            OutcomeUnknownError: patience is over.
        """
        give_up, pause = monotonic() + self._patience, FIRST_PAUSE
        while True:
            try:
                return ask()
            except (OutcomeUnknownError, ProblemError) as e:
                if isinstance(e, ProblemError) and not e.retry:
                    raise
                wait, left = max(pause, e.retry_after), give_up - monotonic()
                if wait > left:
                    raise OutcomeUnknownError(str(e)) from e
                self.on_wait(str(e), wait, left)
            sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    def post_signed(self, path: str, body: bytes, terminal: str, key: wire.Key) -> Answer:
        """One try in our session; where that has ended, another in a new one."""
        session = self._session
        if session is not None and monotonic() < session.ends:
            try:
                return self._post_in(session, path, body)
            except ProblemError as e:
                if e.status != UNAUTHORIZED:
                    raise
        return self._post_in(self.open_session(terminal, key), path, body)

    def open_session(self, terminal: str, key: wire.Key) -> Session:
        """Sign a nonce. The answer's time tells how far our clock is off."""
        nonce = self.nonce(terminal)
        message = wire.device_message("session", self.authority, terminal, nonce)
        asked = {"terminal": terminal, "nonce": nonce, "signature": wire.sign(key, message)}
        before = time()
        opened = self.post("/v1/sessions", encode(asked))
        server_time = _unix(opened["server_time"])
        self.skew = server_time - (before + time()) / 2
        lasts = _unix(opened["expires_at"]) - server_time - MARGIN
        mac_key = wire.decode_base64url(opened["mac_key"])
        self._session = Session(opened["session"], mac_key, monotonic() + lasts)
        return self._session

    def nonce(self, terminal: str) -> str:
        """Something new to sign, good once and for two minutes."""
        nonce: str = self.post("/v1/challenges", encode({"terminal": terminal}))["nonce"]
        return nonce

    def post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
        """One request, one answer.

        Raises:
            ProblemError: the service says no.
            OutcomeUnknownError: the service itself didn't answer, or not to all of it.
        """
        headers = {"Content-Type": "application/json", **(headers or {})}
        try:
            self._http.request("POST", path, body, headers)
            response = self._http.getresponse()
            answer: Answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as e:
            self.close()
            raise OutcomeUnknownError(_in_words(e, self._url)) from e
        kind = response.headers.get_content_type()
        if kind == "application/problem+json" and "reason" in answer:
            raise ProblemError(answer, float(response.headers.get("retry-after", 0)))
        if kind != "application/json" or response.status >= 300:  # noqa: PLR2004
            raise OutcomeUnknownError(f"a {response.status} by somebody on the way")
        if any(verdict.get("retry") for verdict in answer.get("verdicts", ())):
            raise OutcomeUnknownError("not all claims of the batch have a verdict")
        return answer

    def _post_in(self, session: Session, path: str, body: bytes) -> Answer:
        headers = wire.signed_headers(
            self.authority,
            path,
            body,
            session=session.id,
            mac_key=session.mac_key,
            created=int(time() + self.skew),
        )
        return self.post(path, body, headers)


def _wait_in_silence(why: str, wait: float, left: float) -> None:
    """What a program does about it that tells nobody."""


def _in_words(error: Exception, url: str) -> str:
    """Why there was no answer: numbers of errors tell people nothing."""
    match error:
        case ConnectionRefusedError():
            return f"nothing listens at {url}"
        case TimeoutError():
            return f"{url} did not answer in time"
        case socket.gaierror():
            return f"the host in {url} is not known here"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {url} is not trusted here"
        case ValueError():
            return f"what {url} sent is no answer of the service"
        case ConnectionError() | HTTPException():
            return f"the connection to {url} broke"
        case _:
            return f"{url} can't be reached ({getattr(error, 'strerror', None) or error})"


def encode(asked: Answer) -> bytes:
    """JSON without spaces."""
    return json.dumps(asked, separators=(",", ":")).encode()


def _unix(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
