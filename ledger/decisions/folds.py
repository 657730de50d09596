"""Which fold takes an event: one for each kind of stream that has a state of its own."""

from collections.abc import Callable
from typing import Any, Final, get_args

from ledger.decisions import carnets, clearing, funding, programmes, terminals
from ledger.facts import (
    CarnetFact,
    Event,
    Fact,
    FundingFact,
    ProgrammeFact,
    RunFact,
    TerminalFact,
)

Fold = Callable[[Any, Event, Any, int], Any]


def _by_class(*folds: tuple[Any, Fold]) -> dict[type[Fact], Fold]:
    return {fact: fold for union, fold in folds for fact in get_args(union)}


# Facts of holders, venues and transfers are missing: such a stream has no state beside what is
# reference data.
FOLDS: Final = _by_class(
    (CarnetFact, carnets.evolve),
    (ProgrammeFact, programmes.evolve),
    (FundingFact, funding.evolve),
    (RunFact, clearing.evolve),
    (TerminalFact, terminals.evolve),
)
