"""The terminals' routes: redeem, redeem in batches, void, check.

Bare ASGI, because a framework's dispatch costs more than the whole of the work. The way of one
redemption: check the MAC, read the body, parse, submit, answer after the commit. Nothing of a body
is kept for who has not proved who they are.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from json import JSONDecodeError
from typing import Final

import msgspec

from api.answers import problem_of, receipt, status_of, verdict, void_receipt
from api.claims import (
    UNKNOWN_CODE,
    check_command,
    read_batch,
    read_check,
    read_redemption,
    read_void,
    redeem_command,
    void_command,
)
from api.contract import BatchAnswer, CheckAnswer, RedemptionRequest, Verdict
from api.guesses import DeviceGuesses, Guesses
from api.limits import Places, check_limit, refusal_limit
from api.problems import Problem, ProblemError, problem, problem_for
from api.signatures import Sessions, Signer, check_body
from api.wire import (
    Receive,
    Scope,
    Send,
    answer,
    answer_problem,
    encode,
    headers_of,
    read_body,
    refuse_other_bodies,
)
from ledger.batch import Outcome, Recorded
from ledger.decisions.redemption import TerminalCommand
from ledger.decisions.situation import Finding
from ledger.values.ids import ClaimId, is_uuid
from ledger.values.reasons import Reason, Refusal
from ledger.writer import OverloadedError, Writer, WriterError

Handler = Callable[[Signer, bytes], Awaitable[tuple[int, bytes]]]

_log = logging.getLogger(__name__)

_VOID_PREFIX: Final = "/v1/redemptions/"
_VOID_SUFFIX: Final = "/void"
_NOT_KNOWN: Final = frozenset(
    {Reason.TERMINAL_UNKNOWN, Reason.TERMINAL_REVOKED, Reason.SESSION_ENDED}
)


class Hotpath:
    """Answers the terminals' signed requests."""

    def __init__(self, sessions: Sessions, writer: Writer) -> None:
        self._sessions = sessions
        self._writer = writer
        self._checks = check_limit()
        self._guesses = Guesses()
        self._refusals = refusal_limit()
        self._places = Places()
        self._routes: dict[str, Handler] = {
            "/v1/redemptions": self.redeem,
            "/v1/redemptions/batch": self.redeem_batch,
            "/v1/checks": self.check,
        }

    def handler(self, path: str) -> Handler | None:
        """The handler of a path, or None where the path is none of ours."""
        found = self._routes.get(path)
        if found is None and path.startswith(_VOID_PREFIX) and path.endswith(_VOID_SUFFIX):
            claim_id = path[len(_VOID_PREFIX) : -len(_VOID_SUFFIX)]
            if is_uuid(claim_id):
                return lambda signer, body: self.void(signer, body, ClaimId(claim_id))
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send, handler: Handler) -> None:
        """Serve one request of a terminal."""
        if scope["method"] != "POST":
            await answer_problem(send, problem("method-not-allowed"), {"allow": "POST"})
            return
        if scope["query_string"]:  # the signature would not cover it
            await answer_problem(send, problem("invalid", "query: none is taken here"))
            return
        try:
            headers = headers_of(scope)
            refuse_other_bodies(headers)
            signer = self._sessions.authenticate("POST", scope["raw_path"], headers)
            self._refusals.require(signer.terminal)
            with self._places.held(signer.terminal):
                body = await read_body(receive)
                check_body(headers, body)
                status, answered = await handler(signer, body)
        except ProblemError as e:
            await answer_problem(send, e.problem, e.headers)
        except (WriterError, msgspec.DecodeError, JSONDecodeError, UnicodeDecodeError) as e:
            await answer_problem(send, problem_of(e))
        except Exception:  # noqa: BLE001 (a defect of ours is answered, too)
            _log.exception("%s failed", handler.__name__)
            await answer_problem(send, problem("failed"))
        else:
            await answer(send, status, answered)

    async def redeem(self, signer: Signer, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/redemptions`."""
        request = read_redemption(body)
        command = redeem_command(signer, request)
        outcome = await self._outcome(signer, command, request.claim_id, request.codes)
        if isinstance(outcome, Recorded):
            return status_of(outcome), encode(receipt(outcome))
        raise ProblemError(problem_for(_refusal(outcome)))

    async def redeem_batch(self, signer: Signer, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/redemptions/batch`."""
        claims = read_batch(body)
        device = self._guesses.of(signer.terminal)
        device.require()  # of a batch that has begun, only verdicts could say so
        with self._places.held(signer.terminal, len(claims) - 1):  # one is held by every request
            verdicts = await self._verdicts(signer, device, claims)
        return HTTPStatus.OK, encode(BatchAnswer(verdicts))

    async def _verdicts(
        self, signer: Signer, device: DeviceGuesses, claims: list[RedemptionRequest]
    ) -> list[Verdict]:
        """Submit as many claims at once as the device may have under way: mostly all of them."""
        verdicts: list[Verdict] = []
        while left := claims[len(verdicts) :]:
            try:
                room = device.take(len(left)) or await device.wait(len(left))
            except ProblemError as e:
                return verdicts + [verdict(claim.claim_id, e.problem) for claim in left]
            try:
                told = await self._portion(signer, device, left[:room])
                device.note_granted([each.status for each in told].count(HTTPStatus.CREATED))
            finally:
                device.release(room)
            verdicts += told
        return verdicts

    async def _portion(
        self, signer: Signer, device: DeviceGuesses, claims: list[RedemptionRequest]
    ) -> list[Verdict]:
        """Submit all claims at once, then tell what became of each."""
        waiting = [self._submit(signer, device, claim) for claim in claims]
        verdicts = []
        for claim, asked in zip(claims, waiting, strict=True):
            try:
                outcome = asked if isinstance(asked, (Refusal, Problem)) else await asked
            except WriterError as e:
                outcome = problem_of(e)
            if not isinstance(outcome, (Recorded, Problem)):
                self._charge(signer, device, outcome, claim.claim_id, claim.codes)
                outcome = problem_for(_refusal(outcome))
            verdicts.append(verdict(claim.claim_id, outcome))
        return verdicts

    async def void(self, signer: Signer, body: bytes, claim_id: ClaimId) -> tuple[int, bytes]:
        """`POST /v1/redemptions/{claim_id}/void`."""
        request = read_void(body)
        command = void_command(signer, request, claim_id)
        outcome = await self._outcome(signer, command, request.void_id, request.codes)
        if isinstance(outcome, Recorded):
            return status_of(outcome), encode(void_receipt(outcome))
        raise ProblemError(problem_for(_refusal(outcome)))

    async def check(self, signer: Signer, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/checks`."""
        request = read_check(body)
        self._checks.take(signer.terminal)
        command = check_command(signer, request)
        outcome = await self._outcome(signer, command, "", request.codes)
        if isinstance(outcome, Finding):
            reason = outcome.answer.get("reason")
            if reason in _NOT_KNOWN:  # it is the device that isn't taken, whatever the tickets are
                raise ProblemError(problem(reason))
            return HTTPStatus.OK, encode(outcome.answer)
        reason = _refusal(outcome).reason
        return HTTPStatus.OK, encode(CheckAnswer(redeemable=False, reason=reason))

    async def _outcome(
        self, signer: Signer, command: TerminalCommand | Refusal, asked: str, codes: list[str]
    ) -> Outcome:
        """What is decided on codes that a device shows under the id `asked`."""
        device = self._guesses.of(signer.terminal)
        if device.is_repeated(asked, codes):
            return UNKNOWN_CODE
        room = device.take() or await device.wait()
        try:
            if isinstance(command, Refusal):
                outcome: Outcome = command
            else:
                outcome = await self._writer.submit(command)
            if isinstance(outcome, Recorded):
                device.note_granted(not outcome.replayed)
            else:
                self._charge(signer, device, outcome, asked, codes)
        finally:
            device.release(room)
        return outcome

    def _charge(
        self,
        signer: Signer,
        device: DeviceGuesses,
        outcome: Outcome,
        asked: str,
        codes: list[str],
    ) -> None:
        """A refusal costs its device something; an unknown code, a refusal or not, far more."""
        if isinstance(outcome, Refusal):
            self._refusals.charge(signer.terminal)
            if outcome.reason is Reason.CODE_UNKNOWN:
                device.note_unknown(asked, codes)
        elif isinstance(outcome, Finding) and outcome.answer.get("reason") == Reason.CODE_UNKNOWN:
            device.note_unknown(asked, codes)

    def _submit(
        self, signer: Signer, device: DeviceGuesses, claim: RedemptionRequest
    ) -> "Awaitable[Outcome] | Refusal | Problem":
        if device.is_repeated(claim.claim_id, claim.codes):
            return UNKNOWN_CODE
        try:
            command = redeem_command(signer, claim)
            return command if isinstance(command, Refusal) else self._writer.submit(command)
        except ProblemError as e:
            return e.problem
        except OverloadedError as e:
            return problem_of(e)


def _refusal(outcome: Outcome) -> Refusal:
    if not isinstance(outcome, Refusal):
        raise TypeError(f"unexpected outcome {type(outcome).__name__}")
    return outcome
