"""Problems (RFC 9457): one table maps every `Reason` to its status and its words.

Types are stable. No problem repeats the request: it may hold a code.
"""
# ruff: noqa: E501 (the table has a row for each problem)

from http import HTTPStatus
from typing import Any, Final

import msgspec

from ledger.values.reasons import Reason, Refusal

CONTENT_TYPE: Final = b"application/problem+json"
RETRY_AFTER: Final = 1  # seconds, with every 503


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a problem. `reason` is the last part of `type`; programs look at it."""

    type: str
    title: str
    title_fr: str
    status: int
    reason: str
    retry: bool  # whether the same request, with the same id, may succeed later
    detail: str = ""
    redeemed_at: str = ""


class ProblemError(Exception):
    """A request that is answered with a problem."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.reason)
        self.problem = problem
        self.headers = headers or {}


def _table(rows: dict[str, tuple[int, str, str]]) -> dict[str, Problem]:
    return {
        reason: Problem(
            type=f"urn:souche:problem:{reason}",
            title=title,
            title_fr=title_fr,
            status=status,
            reason=reason,
            retry=status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS},
        )
        for reason, (status, title, title_fr) in rows.items()
    }


# Problems of the edge itself, before anything is decided.
_EDGE: Final = {
    "malformed": (400, "The request can't be read", "La requête est illisible"),
    "invalid": (422, "A field is missing, unknown or out of range", "Un champ est absent, inconnu ou hors limites"),
    "unauthenticated": (401, "The signature or token is missing or wrong", "Signature ou jeton absent ou faux"),
    "signature-expired": (401, "The signature is too old, or the device's clock is wrong", "Signature périmée, ou horloge de l'appareil déréglée"),
    "nonce-spent": (401, "The nonce is unknown, expired or used", "Nonce inconnu, expiré ou déjà utilisé"),
    "forbidden": (403, "This token may not do that", "Ce jeton ne permet pas cette action"),
    "not-found": (404, "There is nothing here", "Il n'y a rien ici"),
    "method-not-allowed": (405, "This address takes other methods", "Cette adresse attend une autre méthode"),
    "too-large": (413, "The request is larger than 1 MiB", "La requête dépasse 1 Mio"),
    "unsupported-media-type": (415, "Send application/json", "Envoyez application/json"),
    "too-many-requests": (429, "Too many requests; slow down", "Trop de requêtes ; ralentissez"),
    "failed": (500, "The service failed on this request", "Le service a échoué sur cette requête"),
    "unavailable": (503, "Not known to be done; retry with the same id", "Issue inconnue ; réessayez avec le même identifiant"),
    "overloaded": (503, "Too busy; nothing was done; retry with the same id", "Surcharge ; rien n'a été fait ; réessayez avec le même identifiant"),
    "stopped": (500, "The read model has stopped; the operator has to look", "La vue est arrêtée ; l'opérateur doit intervenir"),
    "lagging": (503, "The read model is not there yet; retry", "La vue n'est pas encore à jour ; réessayez"),
}  # fmt: skip

_REFUSALS: Final = {
    Reason.COMMAND_ID_REUSED: (409, "This id was used for something else", "Cet identifiant a servi à autre chose"),
    Reason.LEDGER_HAS_STARTED: (409, "The ledger has started", "Le registre est déjà ouvert"),
    Reason.TERMINAL_UNKNOWN: (401, "This terminal is not enrolled", "Ce terminal n'est pas enrôlé"),
    Reason.TERMINAL_REVOKED: (403, "This terminal was revoked", "Ce terminal a été révoqué"),
    Reason.SESSION_ENDED: (401, "The session is over; open another", "La session est terminée ; ouvrez-en une autre"),
    Reason.SAME_PERSON: (403, "Another person has to approve", "L'approbation revient à une autre personne"),
    Reason.VENUE_UNKNOWN: (404, "There is no such venue", "Ce lieu est inconnu"),
    Reason.INVITATION_UNKNOWN: (404, "There is no such invitation", "Cette invitation est inconnue"),
    Reason.INVITATION_USED: (409, "The invitation was used", "L'invitation a déjà servi"),
    Reason.INVITATION_EXPIRED: (410, "The invitation has expired; ask for another", "L'invitation a expiré ; demandez-en une autre"),
    Reason.KEY_USED: (409, "This terminal has had this key before; make another", "Ce terminal a déjà eu cette clé ; créez-en une autre"),
    Reason.TOO_MANY_ROLLS: (409, "This terminal's key was replaced three times within a day; wait", "La clé de ce terminal a été remplacée trois fois en un jour ; attendez"),
    Reason.CODE_UNKNOWN: (404, "There is no such ticket", "Ce ticket n'existe pas"),
    Reason.CLAIM_UNKNOWN: (404, "There is no such redemption of exactly these tickets; show all that it took", "Cet encaissement est inconnu pour ces tickets exactement ; présentez tous ceux qu'il a pris"),
    Reason.CLAIM_VOIDED: (409, "The redemption was voided already", "L'encaissement est déjà annulé"),
    Reason.PROGRAMME_UNKNOWN: (404, "There is no such programme", "Ce programme est inconnu"),
    Reason.PROGRAMME_EXISTS: (409, "The programme exists", "Le programme existe déjà"),
    Reason.PARENT_UNKNOWN: (404, "There is no such parent programme", "Le programme parent est inconnu"),
    Reason.ORDER_UNKNOWN: (404, "There is no such order", "Cette commande est inconnue"),
    Reason.ORDER_EXISTS: (409, "The order exists", "La commande existe déjà"),
    Reason.HOLDER_UNKNOWN: (404, "There is no such holder", "Ce détenteur est inconnu"),
    Reason.HOLDER_EXISTS: (409, "The holder exists", "Le détenteur existe déjà"),
    Reason.CARNET_UNKNOWN: (404, "There is no such carnet in this programme and millésime", "Ce carnet est inconnu dans ce programme et ce millésime"),
    Reason.TICKET_UNKNOWN: (404, "The carnet has no such ticket", "Ce carnet n'a pas ce ticket"),
    Reason.CARNET_EXISTS: (409, "These carnets were issued already", "Ces carnets sont déjà émis"),
    Reason.VENUE_EXISTS: (409, "The venue exists", "Le lieu existe déjà"),
    Reason.RUN_UNKNOWN: (404, "There is no such payment run", "Cette campagne de paiement est inconnue"),
    Reason.RUN_EXISTS: (409, "The payment run exists", "La campagne de paiement existe déjà"),
    Reason.FUNDING_RECORDED: (409, "This reference is recorded already at this stage of the millésime's funding", "Cette référence est déjà enregistrée à ce stade du financement du millésime"),
    Reason.FUNDER_UNKNOWN: (404, "This funder has no share in the programme", "Ce financeur n'a pas de part dans le programme"),
    Reason.RULES_UNPUBLISHED: (409, "No rules are published for this programme", "Aucune règle n'est publiée pour ce programme"),
    Reason.RULES_OUT_OF_ORDER: (409, "Rules are published one version after the other", "Les règles se publient une version après l'autre"),
    Reason.PROGRAMME_CLOSED: (409, "The programme is closed", "Le programme est clos"),
    Reason.SIZE_NOT_OFFERED: (409, "The rules offer no carnets of this size", "Les règles ne prévoient pas cette taille de carnet"),
    Reason.MILLESIME_NOT_OFFERED: (409, "The rules offer no carnets of this millésime", "Les règles ne prévoient pas ce millésime"),
    Reason.CAP_EXCEEDED: (409, "The order exceeds the programme's cap", "La commande dépasse le plafond du programme"),
    Reason.ORDER_EXCEEDED: (409, "These carnets are not the order's next ones", "Ces carnets ne sont pas les suivants de la commande"),
    Reason.FUNDING_INSUFFICIENT: (409, "The face value is not funded yet", "La valeur faciale n'est pas encore couverte"),
    Reason.TICKET_ALREADY_REDEEMED: (409, "The ticket was redeemed already", "Le ticket a déjà été encaissé"),
    Reason.CARNET_ALREADY_ACTIVATED: (409, "The carnet is activated already", "Le carnet est déjà activé"),
    Reason.CARNET_NOT_ACTIVATED: (409, "The carnet is not activated", "Le carnet n'est pas activé"),
    Reason.HOLDER_DIFFERS: (409, "Another holder has this carnet", "Ce carnet est chez un autre détenteur"),
    Reason.TICKET_ALREADY_ASSIGNED: (409, "The ticket was handed out already", "Le ticket a déjà été remis"),
    Reason.TICKET_NOT_ASSIGNED: (409, "The ticket was never handed out", "Le ticket n'a jamais été remis"),
    Reason.CARNET_EXPIRED: (410, "The ticket has expired", "Le ticket est périmé"),
    Reason.CARNET_NOT_YET_VALID: (409, "The ticket is not valid yet", "Le ticket n'est pas encore valable"),
    Reason.DISTRIBUTION_ENDED: (409, "These tickets are no longer handed out", "Ces tickets ne sont plus distribués"),
    Reason.TOO_MANY_TICKETS: (422, "More tickets than a workshop may take", "Plus de tickets que n'en prend un atelier"),
    Reason.VENUE_NOT_QUALIFIED: (403, "The venue is not qualified today; ask the clearing operator", "Le lieu n'est pas qualifié aujourd'hui ; adressez-vous à l'opérateur"),
    Reason.VENUE_SUSPENDED: (403, "The venue is suspended and may not take this programme's tickets; give the ticket back and ask the clearing operator", "Le lieu est suspendu et ne peut pas prendre les tickets de ce programme ; rendez le ticket et adressez-vous à l'opérateur"),
    Reason.VENUE_OUT_OF_AREA: (403, "This programme's tickets are not taken here; give the ticket back", "Ce programme n'est pas accepté ici ; rendez le ticket"),
    Reason.SERVICE_NOT_OFFERED: (422, "The programme's catalogue has no such service", "Le catalogue du programme n'offre pas ce service"),
    Reason.VENUE_DIFFERS: (403, "Another venue redeemed this ticket", "Un autre lieu a encaissé ce ticket"),
    Reason.VENUE_NOT_SUSPENDED: (409, "The venue's payments are not frozen", "Les paiements à ce lieu ne sont pas gelés"),
    Reason.VOID_TOO_LATE: (409, "Too late to void; report it to the clearing operator", "Trop tard pour annuler ; signalez-le à l'opérateur"),
    Reason.CUTOFF_PASSED: (409, "The redemption is in a payment run; report it to the clearing operator", "L'encaissement est déjà arrêté pour paiement ; signalez-le à l'opérateur"),
    Reason.TOO_MANY_VOIDS: (409, "Too many redemptions of this carnet were voided; report it to the clearing operator", "Trop d'encaissements de ce carnet ont été annulés ; signalez-le à l'opérateur"),
    Reason.RUN_OPEN: (409, "Another payment run is open", "Une autre campagne de paiement est ouverte"),
    Reason.RUN_IN_ANOTHER_STATE: (409, "The payment run is not at this step", "La campagne de paiement n'en est pas à cette étape"),
    Reason.RUN_DIGEST_DIFFERS: (409, "The payment run has changed; look at it again", "La campagne de paiement a changé ; relisez-la"),
}  # fmt: skip

PROBLEMS: Final = _table({**_EDGE, **{reason.value: row for reason, row in _REFUSALS.items()}})


def problem(reason: str, detail: str = "") -> Problem:
    """The problem of an edge reason or a `Reason`, with a detail of our own words."""
    found = PROBLEMS[reason]
    return msgspec.structs.replace(found, detail=detail) if detail else found


def problem_for(refusal: Refusal) -> Problem:
    """The problem that tells a refusal. Operators' details are numbers and ids, never codes."""
    found = PROBLEMS[refusal.reason]
    redeemed_at = refusal.detail.get("redeemed_at")
    if redeemed_at:
        return msgspec.structs.replace(found, redeemed_at=str(redeemed_at))
    return found


def headers_for(told: Problem) -> dict[str, str]:
    """Headers that belong to a problem by itself. A limit says when to come back, each time."""
    if told.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return {"retry-after": str(RETRY_AFTER)}
    return {}


def catalogue() -> list[dict[str, Any]]:
    """Every problem that there is, for the documentation."""
    return [msgspec.to_builtins(each) for each in PROBLEMS.values()]
