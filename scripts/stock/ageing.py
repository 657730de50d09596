"""Carnets whose time is over, or nearly: what the ledger will refuse is better known beforehand."""

from datetime import date, datetime, timedelta

from ledger.decisions.programmes import validity
from ledger.decisions.reference import ProgrammeEntry
from ledger.facts import CarnetsOrdered
from ledger.values.clock import end_of_day, local_day, real_now
from ledger.values.ids import ProgrammeId
from scripts.common.ledger import Ledger
from scripts.common.showing import warn


def warn_if_over(ledger: Ledger, ordered: CarnetsOrdered) -> None:
    """Tell on standard error where carnets of an order can't be handed out any more."""
    entry = ledger.writer.reference.programmes[ordered.programme]
    _warn(ledger, entry, ordered.millesime, ordered.valid_until)


def warn_if_offered_too_late(ledger: Ledger, programme: ProgrammeId, millesime: int) -> None:
    """The same before an order; what the rules don't offer is the ledger's to refuse."""
    entry = ledger.writer.reference.programmes.get(programme)
    if entry is not None and entry.rules and millesime in entry.rules[-1].millesimes:
        _, valid_until = validity(entry.rules[-1], millesime, entry.opened.zone)
        _warn(ledger, entry, millesime, valid_until)


def _warn(ledger: Ledger, entry: ProgrammeEntry, millesime: int, valid_until: datetime) -> None:
    now = real_now() + ledger.writer.reference.clock_offset
    told = _what_is_over(entry, millesime, valid_until, now)
    if told is None:
        return
    programme, zone = entry.opened.programme, entry.opened.zone
    warn(f"Warning: {told}")
    warn(
        f"For carnets that people can use, publish rules that offer {local_day(now, zone).year} "
        f"(`souche programme rules {programme} FILE`) and order that millésime. "
        "`souche programme example` prints such a file, for a programme of its own."
    )


def _what_is_over(
    entry: ProgrammeEntry, millesime: int, valid_until: datetime, now: datetime
) -> str | None:
    named, zone = f"Millésime {millesime} of {entry.opened.programme}", entry.opened.zone
    if now >= valid_until:
        last = local_day(valid_until - timedelta(seconds=1), zone)
        return f"{named} expired: its last day was {last}. Nobody can be given it, or redeem it."
    last_day = entry.rules[-1].distribution_last_day
    if last_day is None:
        return None
    last = date.fromisoformat(f"{millesime}-{last_day}")
    if now < end_of_day(last, zone):
        return None
    return f"{named} was handed out until {last}. Nobody can be given it any more."
