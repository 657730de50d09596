"""People come to workshops: which tickets are taken where."""

import asyncio
import random
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from scripts.demonstration.afternoon import Answers, redeem
from scripts.demonstration.cast import WITHDRAWN
from scripts.demonstration.opening import Open
from scripts.demonstration.preparing import Watch
from scripts.demonstration.till import Claim

SEED: Final = 2022  # the same people go to the same places in every demo
LONG_WORKSHOP_EVERY: Final = 4  # carnets, of which one has a workshop for two tickets


async def take(tills: Sequence[Open], carnets: Sequence[tuple[str, ...]], watch: Watch) -> Answers:
    """Redeem all tickets of these carnets, each workshop at some venue that is qualified."""
    workshops = list(_workshops(carnets))
    chance = random.Random(SEED)  # noqa: S311 (who goes where is no secret)
    chance.shuffle(workshops)
    open_today = [each.till for each in tills if each.venue != WITHDRAWN.id]
    weights = [chance.randint(3, 6) for _ in open_today]
    work: list[deque[Claim]] = [deque() for _ in open_today]
    for codes in workshops:
        (at,) = chance.choices(range(len(open_today)), weights)
        work[at].append(open_today[at].claim(codes))
    with watch("redeem", len(workshops)) as advance:
        # On a thread: the ledger's own writer goes on meanwhile.
        return await asyncio.to_thread(redeem, zip(open_today, work, strict=True), advance)


def _workshops(carnets: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The tickets that go together: one each, or two of a carnet for a long workshop."""
    for number, codes in enumerate(carnets):
        single = codes
        if number % LONG_WORKSHOP_EVERY == 0:
            yield codes[:2]
            single = codes[2:]
        for code in single:
            yield (code,)
