"""The terminals' routes: redeem, redeem in batches, void, check.

Bare ASGI, because a framework's dispatch costs more than the whole of the work. The way of one
redemption: read the body, check the MAC, parse, submit, answer after the commit.
"""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from json import JSONDecodeError
from typing import Final

import msgspec

from api.bodies import read_json
from api.contract import (
    BatchAnswer,
    BatchRequest,
    CheckAnswer,
    CheckRequest,
    RedemptionReceipt,
    RedemptionRequest,
    Verdict,
    VoidReceipt,
    VoidRequest,
)
from api.limits import check_limit, guess_limit
from api.problems import Problem, ProblemError, problem, problem_for
from api.signatures import Session, Sessions
from api.wire import Receive, Scope, Send, answer, answer_problem, encode, headers_of, read_body
from ledger.batch import Outcome, Recorded
from ledger.decisions.redemption import (
    CheckTickets,
    RedeemTickets,
    SeveralCarnetsError,
    VoidRedemption,
    one_carnet,
)
from ledger.decisions.situation import Finding
from ledger.facts import RedemptionVoided, TicketsRedeemed
from ledger.values.codes import MalformedCodeError, parse_code
from ledger.values.ids import ClaimId, StreamId, is_uuid
from ledger.values.reasons import Reason, Refusal
from ledger.writer import (
    CommandFailedError,
    OutcomeUnknownError,
    OverloadedError,
    Writer,
    WriterError,
)

Handler = Callable[[Session, bytes], Awaitable[tuple[int, bytes]]]

_log = logging.getLogger(__name__)

_redemption: Final = msgspec.json.Decoder(RedemptionRequest).decode
_batch: Final = msgspec.json.Decoder(BatchRequest).decode
_void: Final = msgspec.json.Decoder(VoidRequest).decode
_check: Final = msgspec.json.Decoder(CheckRequest).decode

_VOID_PREFIX: Final = "/v1/redemptions/"
_VOID_SUFFIX: Final = "/void"
_NOT_KNOWN: Final = frozenset(
    {Reason.TERMINAL_UNKNOWN, Reason.TERMINAL_REVOKED, Reason.SESSION_ENDED}
)
_UNKNOWN_CODE: Final = Refusal(Reason.CODE_UNKNOWN)


class Hotpath:
    """Answers the terminals' signed requests."""

    def __init__(self, sessions: Sessions, writer: Writer) -> None:
        self._sessions = sessions
        self._writer = writer
        self._checks = check_limit()
        self._guesses = guess_limit()
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
                return lambda session, body: self.void(session, body, ClaimId(claim_id))
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
            body = await read_body(headers, receive)
            session = self._sessions.authenticate("POST", scope["raw_path"], headers, body)
            status, answered = await handler(session, body)
        except ProblemError as e:
            await answer_problem(send, e.problem, e.headers)
        except (WriterError, msgspec.DecodeError, JSONDecodeError, UnicodeDecodeError) as e:
            await answer_problem(send, problem_of(e))
        except Exception:  # noqa: BLE001 (a defect of ours is answered, too)
            _log.exception("%s failed", handler.__name__)
            await answer_problem(send, problem("failed"))
        else:
            await answer(send, status, answered)

    async def redeem(self, session: Session, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/redemptions`."""
        request = _redemption(body)
        _refuse_repeated_names(body, _names(request))
        self._guesses.require(session.terminal)
        command = _redeem_command(session, request)
        if isinstance(command, Refusal):
            outcome: Outcome = command
        else:
            outcome = await self._writer.submit(command)
        if isinstance(outcome, Recorded):
            status = HTTPStatus.OK if outcome.replayed else HTTPStatus.CREATED
            return status, encode(_receipt(outcome))
        raise ProblemError(self._told(session, outcome))

    async def redeem_batch(self, session: Session, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/redemptions/batch`."""
        claims = _batch(body).claims
        _refuse_repeated_names(body, 1 + sum(map(_names, claims)))
        self._guesses.require(session.terminal)
        waiting = [self._submit(session, claim) for claim in claims]
        verdicts = []
        for claim, asked in zip(claims, waiting, strict=True):
            try:
                outcome = asked if isinstance(asked, (Refusal, Problem)) else await asked
            except WriterError as e:
                outcome = problem_of(e)
            verdicts.append(self._verdict(session, claim, outcome))
        return HTTPStatus.OK, encode(BatchAnswer(verdicts))

    async def void(self, session: Session, body: bytes, claim_id: ClaimId) -> tuple[int, bytes]:
        """`POST /v1/redemptions/{claim_id}/void`."""
        request = _void(body)
        _refuse_repeated_names(body, 2)
        self._guesses.require(session.terminal)
        shown = _shown(request.codes)
        if isinstance(shown, Refusal):
            raise ProblemError(self._told(session, shown))
        carnet, codes = shown
        outcome = await self._writer.submit(
            VoidRedemption(
                command_id=request.void_id,
                actor="terminal:" + session.terminal,
                terminal=session.terminal,
                fingerprint=session.fingerprint,
                stream=carnet,
                codes=codes,
                claim_id=claim_id,
            )
        )
        if not isinstance(outcome, Recorded):
            raise ProblemError(self._told(session, outcome))
        fact = outcome.event.fact
        if not isinstance(fact, RedemptionVoided):
            raise TypeError(f"a void led to {type(fact).__name__}")
        receipt = VoidReceipt(
            void_id=request.void_id,
            claim_id=fact.claim_id,
            position=outcome.position,
            tickets=fact.tickets,
            amount_cents=fact.amount_cents,
            replayed=outcome.replayed,
        )
        return HTTPStatus.OK if outcome.replayed else HTTPStatus.CREATED, encode(receipt)

    async def check(self, session: Session, body: bytes) -> tuple[int, bytes]:
        """`POST /v1/checks`."""
        request = _check(body)
        _refuse_repeated_names(body, 1)
        self._checks.take(session.terminal)
        self._guesses.require(session.terminal)
        shown = _shown(request.codes)
        if isinstance(shown, Refusal):
            self._told(session, shown)
            return HTTPStatus.OK, encode(CheckAnswer(redeemable=False, reason=shown.reason))
        carnet, codes = shown
        outcome = await self._writer.submit(
            CheckTickets(
                command_id="",
                actor="terminal:" + session.terminal,
                terminal=session.terminal,
                fingerprint=session.fingerprint,
                stream=carnet,
                codes=codes,
            )
        )
        if not isinstance(outcome, Finding):
            raise ProblemError(self._told(session, outcome))
        reason = outcome.answer.get("reason")
        if reason in _NOT_KNOWN:  # it is the device that isn't taken, whatever the tickets are
            raise ProblemError(problem(reason))
        if reason == Reason.CODE_UNKNOWN:
            self._guesses.charge(session.terminal)
        return HTTPStatus.OK, encode(outcome.answer)

    def _submit(
        self, session: Session, claim: RedemptionRequest
    ) -> "Awaitable[Outcome] | Refusal | Problem":
        try:
            command = _redeem_command(session, claim)
            return command if isinstance(command, Refusal) else self._writer.submit(command)
        except ProblemError as e:
            return e.problem
        except OverloadedError as e:
            return problem_of(e)

    def _verdict(
        self, session: Session, claim: RedemptionRequest, outcome: Outcome | Problem
    ) -> Verdict:
        if isinstance(outcome, Recorded):
            receipt = _receipt(outcome)
            return Verdict(
                claim_id=claim.claim_id,
                status=HTTPStatus.OK if outcome.replayed else HTTPStatus.CREATED,
                position=receipt.position,
                carnet=receipt.carnet,
                tickets=receipt.tickets,
                amount_cents=receipt.amount_cents,
                served_on=receipt.served_on,
                replayed=receipt.replayed,
            )
        told = outcome if isinstance(outcome, Problem) else self._told(session, outcome)
        return Verdict(
            claim_id=claim.claim_id,
            status=told.status,
            type=told.type,
            title=told.title,
            title_fr=told.title_fr,
            reason=told.reason,
            retry=told.retry,
        )

    def _told(self, session: Session, outcome: Outcome) -> Problem:
        """The problem that tells a refusal; an unknown code costs the device some of its trust."""
        if not isinstance(outcome, Refusal):
            raise TypeError(f"unexpected outcome {type(outcome).__name__}")
        if outcome.reason is Reason.CODE_UNKNOWN:
            self._guesses.charge(session.terminal)
        return problem_for(outcome)


def _names(claim: RedemptionRequest) -> int:
    """How many names its object has at least."""
    return 3 + (claim.service_code is not None) + (claim.workshop_id is not None)


def _refuse_repeated_names(body: bytes, names: int) -> None:
    """Refuse an object that says something twice: each reader might believe another one.

    Nearly always there are as many colons as names, so that each stands once.

    Raises:
        JSONDecodeError: a name stands twice.
    """
    if body.count(b":") != names:
        read_json(body)


def problem_of(error: Exception) -> Problem:
    """The problem that tells a failure of the writer or an unreadable body."""
    match error:
        case OverloadedError():
            return problem("overloaded")
        case OutcomeUnknownError():
            return problem("unavailable")
        case CommandFailedError():
            return problem("failed")
        case msgspec.ValidationError():
            return problem("invalid", _without_values(str(error)))
        case _:
            return problem("malformed")


def _without_values(message: str) -> str:
    """Msgspec's words on where and what; it quotes no values but unknown fields' names."""
    return message if "unknown field" not in message else "Object contains an unknown field"


def _shown(typed: list[str]) -> tuple[StreamId, dict[int, str]] | Refusal:
    """The carnet and tickets that codes name. What is malformed is told like what is unknown."""
    try:
        return one_carnet([parse_code(code) for code in typed])
    except MalformedCodeError:
        return _UNKNOWN_CODE
    except SeveralCarnetsError as e:
        raise ProblemError(problem("invalid", "codes: the tickets of one carnet, each once")) from e


def _redeem_command(session: Session, request: RedemptionRequest) -> RedeemTickets | Refusal:
    shown = _shown(request.codes)
    if isinstance(shown, Refusal):
        return shown
    carnet, codes = shown
    return RedeemTickets(
        command_id=request.claim_id,
        actor="terminal:" + session.terminal,
        terminal=session.terminal,
        fingerprint=session.fingerprint,
        stream=carnet,
        codes=codes,
        sequence=request.sequence,
        service_code=request.service_code,
        workshop_id=request.workshop_id,
    )


def _receipt(outcome: Recorded) -> RedemptionReceipt:
    event, fact = outcome.event, outcome.event.fact
    if not isinstance(fact, TicketsRedeemed):
        raise TypeError(f"a claim led to {type(fact).__name__}")
    return RedemptionReceipt(
        claim_id=event.command_id,
        position=outcome.position,
        carnet=event.stream[len("carnet:") :],
        tickets=fact.tickets,
        amount_cents=fact.amount_cents,
        venue=fact.venue,
        served_at=fact.served_at,
        served_on=fact.served_on,
        replayed=outcome.replayed,
    )
