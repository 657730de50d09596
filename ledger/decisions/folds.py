"""Which fold takes an event: one for each kind of stream that has a state of its own."""

from collections.abc import Callable
from typing import Any, Final, get_args

from ledger.decisions import carnets, clearing, funding, programmes
from ledger.facts import CarnetFact, Event, Fact, FundingFact, ProgrammeFact, RunFact

Fold = Callable[[Any, Event, Any, int], Any]


def _by_class(*folds: tuple[Any, Fold]) -> dict[type[Fact], Fold]:
    return {fact: fold for union, fold in folds for fact in get_args(union)}


_FOLDS: Final = _by_class(
    (CarnetFact, carnets.evolve),
    (ProgrammeFact, programmes.evolve),
    (FundingFact, funding.evolve),
    (RunFact, clearing.evolve),
)


def fold(state: Any, event: Event, position: int) -> Any:
    """The state after `event`. Streams of reference data and transfers have no state but a version."""
    fact = event.fact
    evolve = _FOLDS.get(type(fact))
    return evolve(state, event, fact, position) if evolve else True
