"""What people are told before funding is recorded, since it stays, and when it is refused."""

from typing import Final

from ledger.decisions.funding import RecordFunding
from ledger.decisions.reference import ProgrammeEntry
from ledger.values.money import allocate
from ledger.values.reasons import Reason
from scripts.common.ending import CommandError
from scripts.common.ledger import Ledger
from scripts.common.refusals import RefusedError
from scripts.common.showing import euros, warn

_RULES: Final = "`souche programme rules {}` shows what they offer."


def warn_of_funding(ledger: Ledger, command: RecordFunding) -> None:
    """Warn where there are no rules yet, or no more use, or where parts don't follow the shares."""
    entry = ledger.writer.reference.programmes.get(command.programme)
    if entry is None:
        return
    if not entry.rules:
        warn(f"Warning: no rules are published yet, so none offers {_named(command)}.")
    if entry.closed:
        warn(f"Warning: {command.programme} is closed: no carnet is activated any more.")
    shares = entry.opened.shares
    if command.cents.keys() <= shares.keys():
        _warn_of_other_shares(command, shares)


def explain_funding(ledger: Ledger, command: RecordFunding, error: RefusedError) -> CommandError:
    """A refusal, in the words of who books funding."""
    if error.refusal.reason is Reason.COMMAND_ID_REUSED:
        return CommandError(
            f"Reference {command.reference} is recorded already with other amounts.",
            "What is recorded stays. What is missing can be recorded under a reference of its own; "
            "what is too much can't be taken back.",
        )
    if error.refusal.reason is Reason.FUNDING_RECORDED:
        told = (
            f"It is recorded as {error.refusal.detail['reference']}. If this is another entry, "
            "add what tells them apart, such as a date."
        )
        return RefusedError(error.refusal, told)
    entry = ledger.writer.reference.programmes.get(command.programme)
    if error.refusal.reason is Reason.FUNDER_UNKNOWN and entry is not None:
        told = f"The funders of {command.programme}: {', '.join(entry.opened.shares)}."
        return RefusedError(error.refusal, told)
    if error.refusal.reason is Reason.MILLESIME_NOT_OFFERED and entry is not None:
        return CommandError(
            f"No rules offer {_named(command)}, only {_offered(entry)}: nothing is recorded.",
            _RULES.format(command.programme),
        )
    return error


def _named(command: RecordFunding) -> str:
    return f"millésime {command.millesime} of {command.programme}"


def _offered(entry: ProgrammeEntry) -> str:
    years = sorted({year for rules in entry.rules for year in rules.millesimes})
    return ", ".join(map(str, years)) or "none"


def _warn_of_other_shares(command: RecordFunding, shares: dict[str, int]) -> None:
    """Of those that pay here: one alone may well pay alone."""
    weights = {funder: shares[funder] for funder in command.cents}
    fair = allocate(sum(command.cents.values()), weights)
    if fair != command.cents:
        told = ", ".join(f"{funder} {euros(cents)}" for funder, cents in fair.items())
        warn(f"Warning: the parts don't follow the programme's shares, which would be {told}.")
