"""What funding is held against before it is recorded: a fact that is wrong stays."""

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


def check_funding(ledger: Ledger, command: RecordFunding) -> None:
    """Refuse a millésime that no rules offer; warn where parts don't follow the shares.

    Raises:
        CommandError: rules are published, and none of them offers it.
    """
    entry = ledger.writer.reference.programmes.get(command.programme)
    if entry is None:
        return
    _check_millesime(entry, command)
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
    return error


def _check_millesime(entry: ProgrammeEntry, command: RecordFunding) -> None:
    offered = {year for rules in entry.rules for year in rules.millesimes}
    named = f"millésime {command.millesime} of {command.programme}"
    if not entry.rules:
        warn(f"Warning: no rules are published yet, so none offers {named}.")
    elif command.millesime not in offered:
        years = ", ".join(map(str, sorted(offered)))
        raise CommandError(
            f"No rules offer {named}, only {years}: nothing is recorded.",
            _RULES.format(command.programme),
        )


def _warn_of_other_shares(command: RecordFunding, shares: dict[str, int]) -> None:
    """Of those that pay here: one alone may well pay alone."""
    weights = {funder: shares[funder] for funder in command.cents}
    fair = allocate(sum(command.cents.values()), weights)
    if fair != command.cents:
        told = ", ".join(f"{funder} {euros(cents)}" for funder, cents in fair.items())
        warn(f"Warning: the parts don't follow the programme's shares, which would be {told}.")
