"""What a terminal asks: bodies, read strictly, and the commands that they mean."""

from typing import Final

import msgspec

from api.bodies import read_json
from api.contract import BatchRequest, CheckRequest, RedemptionRequest, VoidRequest
from api.problems import ProblemError, problem
from api.signatures import Signer
from ledger.decisions.redemption import (
    CheckTickets,
    RedeemTickets,
    SeveralCarnetsError,
    VoidRedemption,
    one_carnet,
)
from ledger.values.codes import MalformedCodeError, parse_code
from ledger.values.ids import ClaimId, StreamId
from ledger.values.reasons import Reason, Refusal

_redemption: Final = msgspec.json.Decoder(RedemptionRequest).decode
_batch: Final = msgspec.json.Decoder(BatchRequest).decode
_void: Final = msgspec.json.Decoder(VoidRequest).decode
_check: Final = msgspec.json.Decoder(CheckRequest).decode

_UNKNOWN_CODE: Final = Refusal(Reason.CODE_UNKNOWN)


def read_redemption(body: bytes) -> RedemptionRequest:
    """The body of `POST /v1/redemptions`.

    Raises:
        DecodeError, JSONDecodeError: it is none. The readers below raise the same.
    """
    request = _redemption(body)
    _refuse_repeated_names(body, _names(request))
    return request


def read_batch(body: bytes) -> list[RedemptionRequest]:
    """The claims of `POST /v1/redemptions/batch`."""
    claims = _batch(body).claims
    _refuse_repeated_names(body, 1 + sum(map(_names, claims)))
    return claims


def read_void(body: bytes) -> VoidRequest:
    """The body of `POST /v1/redemptions/{claim_id}/void`."""
    request = _void(body)
    _refuse_repeated_names(body, 2)
    return request


def read_check(body: bytes) -> CheckRequest:
    """The body of `POST /v1/checks`."""
    request = _check(body)
    _refuse_repeated_names(body, 1)
    return request


def redeem_command(signer: Signer, request: RedemptionRequest) -> RedeemTickets | Refusal:
    """The claim as a command; refused here where its codes can be no ticket's.

    Raises:
        ProblemError: the codes are of several carnets. The commands below raise the same.
    """
    shown = _shown(request.codes)
    if isinstance(shown, Refusal):
        return shown
    carnet, codes = shown
    return RedeemTickets(
        command_id=request.claim_id,
        actor="terminal:" + signer.terminal,
        terminal=signer.terminal,
        fingerprint=signer.fingerprint,
        stream=carnet,
        codes=codes,
        sequence=request.sequence,
        signed_at=signer.signed_at,
        service_code=request.service_code,
        workshop_id=request.workshop_id,
    )


def void_command(
    signer: Signer, request: VoidRequest, claim_id: ClaimId
) -> VoidRedemption | Refusal:
    """The void as a command."""
    shown = _shown(request.codes)
    if isinstance(shown, Refusal):
        return shown
    carnet, codes = shown
    return VoidRedemption(
        command_id=request.void_id,
        actor="terminal:" + signer.terminal,
        terminal=signer.terminal,
        fingerprint=signer.fingerprint,
        stream=carnet,
        codes=codes,
        claim_id=claim_id,
        signed_at=signer.signed_at,
    )


def check_command(signer: Signer, request: CheckRequest) -> CheckTickets | Refusal:
    """The question as a command that changes nothing."""
    shown = _shown(request.codes)
    if isinstance(shown, Refusal):
        return shown
    carnet, codes = shown
    return CheckTickets(
        command_id="",
        actor="terminal:" + signer.terminal,
        terminal=signer.terminal,
        fingerprint=signer.fingerprint,
        stream=carnet,
        codes=codes,
    )


def _shown(typed: list[str]) -> tuple[StreamId, dict[int, str]] | Refusal:
    """The carnet and tickets that codes name. What is malformed is told like what is unknown."""
    try:
        return one_carnet([parse_code(code) for code in typed])
    except MalformedCodeError:
        return _UNKNOWN_CODE
    except SeveralCarnetsError as e:
        raise ProblemError(problem("invalid", "codes: the tickets of one carnet, each once")) from e


def _names(claim: RedemptionRequest) -> int:
    """How many names its object has at least."""
    return 3 + (claim.service_code is not None) + (claim.workshop_id is not None)


def _refuse_repeated_names(body: bytes, names: int) -> None:
    """Refuse an object that says something twice: each reader might believe another one.

    Nearly always there are as many colons as names, so that each stands once.
    """
    if body.count(b":") != names:
        read_json(body)
