"""The terminals' routes: redeem, redeem in batches, void, check.

Bare ASGI, because a framework's dispatch costs more than the whole of the work. In this order:
check the MAC, read the body, parse, submit, answer after the commit. Nothing of a body is kept
for who has not proved who they are.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from json import JSONDecodeError
from typing import Final

import msgspec

from api.answers import problem_of, receipt, status_of, verdict, void_receipt
from api.claims import (
    check_command,
    read_batch,
    read_check,
    read_redemption,
    read_void,
    redeem_command,
    void_command,
)
from api.contract import BatchAnswer, RedemptionRequest, Verdict
from api.limits import Places, check_limit, guess_limit, refusal_limit
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
        self._guesses = guess_limit()
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
            self._places.take(signer.terminal)
            try:
                body = await read_body(receive)
                check_body(headers, body)
                status, answered = await handler(signer, body)
            finally:
                self._places.give_back(signer.terminal)
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
        self._guesses.require(signer.terminal)
        command = redeem_command(signer, request)
        if isinstance(command, Refusal):
            outcome: Outcome = self._malformed(signer, command)
        else:
            outcome = await self._writer.submit(command)
        if isinstance(outcome, Recorded):
            return status_of(outcome), encode(receipt(outcome))
        raise ProblemError(self._refused(signer, outcome))

    async def redeem_batch(self, signer: Signer, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/redemptions/batch`."""
        claims = read_batch(body)
        self._guesses.require(signer.terminal)
        others = len(claims) - 1  # one place is held by every request
        self._places.take(signer.terminal, others)
        try:
            verdicts = await self._verdicts(signer, claims)
        finally:
            self._places.give_back(signer.terminal, others)
        return HTTPStatus.OK, encode(BatchAnswer(verdicts))

    async def _verdicts(self, signer: Signer, claims: list[RedemptionRequest]) -> list[Verdict]:
        """Submit all claims at once, then tell what became of each."""
        waiting = [self._submit(signer, claim) for claim in claims]
        verdicts = []
        for claim, asked in zip(claims, waiting, strict=True):
            try:
                outcome = asked if isinstance(asked, (Refusal, Problem)) else await asked
            except WriterError as e:
                outcome = problem_of(e)
            if not isinstance(outcome, (Recorded, Problem)):
                outcome = self._refused(signer, outcome)
            verdicts.append(verdict(claim.claim_id, outcome))
        return verdicts

    async def void(self, signer: Signer, body: bytes, claim_id: ClaimId) -> tuple[int, bytes]:
        """`POST /v1/redemptions/{claim_id}/void`."""
        request = read_void(body)
        self._guesses.require(signer.terminal)
        command = void_command(signer, request, claim_id)
        if isinstance(command, Refusal):
            raise ProblemError(self._refused(signer, self._malformed(signer, command)))
        outcome = await self._writer.submit(command)
        if isinstance(outcome, Recorded):
            return status_of(outcome), encode(void_receipt(outcome))
        raise ProblemError(self._refused(signer, outcome))

    async def check(self, signer: Signer, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/checks`."""
        request = read_check(body)
        self._checks.take(signer.terminal)
        self._guesses.require(signer.terminal)
        command = check_command(signer, request)
        if isinstance(command, Refusal):
            command = self._malformed(signer, command)
            outcome: Outcome = Finding({"redeemable": False, "reason": command.reason.value})
        else:
            outcome = await self._writer.submit(command)
        if not isinstance(outcome, Finding):
            raise ProblemError(self._refused(signer, outcome))
        reason = outcome.answer.get("reason")
        if reason in _NOT_KNOWN:  # it is the device that isn't taken, whatever the tickets are
            raise ProblemError(problem(reason))
        if reason == Reason.CODE_UNKNOWN:
            self._guesses.charge(signer.terminal)
        return HTTPStatus.OK, encode(outcome.answer)

    def _submit(
        self, signer: Signer, claim: RedemptionRequest
    ) -> "Awaitable[Outcome] | Refusal | Problem":
        try:
            command = redeem_command(signer, claim)
            if isinstance(command, Refusal):
                return self._malformed(signer, command)
            return self._writer.submit(command)
        except ProblemError as e:
            return e.problem
        except OverloadedError as e:
            return problem_of(e)

    def _malformed(self, signer: Signer, refusal: Refusal) -> Refusal:
        """What to tell of a code that can be none: a revoked device is told that, as elsewhere.

        Reference data is as of the last batch, which may have come before a device was enrolled or
        had its new key; but who is revoked in it stays so.
        """
        terminal = self._writer.reference.terminals.get(signer.terminal)
        if terminal is not None and terminal.revoked:
            return Refusal(Reason.TERMINAL_REVOKED)
        return refusal

    def _refused(self, signer: Signer, outcome: Outcome) -> Problem:
        """The problem that tells a refusal, for which the device pays."""
        if not isinstance(outcome, Refusal):
            raise TypeError(f"unexpected outcome {type(outcome).__name__}")
        self._charge(signer, outcome)
        return problem_for(outcome)

    def _charge(self, signer: Signer, refusal: Refusal) -> None:
        """Let a refusal cost the device something, and an unknown code far more."""
        self._refusals.charge(signer.terminal)
        if refusal.reason is Reason.CODE_UNKNOWN:
            self._guesses.charge(signer.terminal)
