"""How much the bench asks for, and the carnets set aside for each measurement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from itertools import islice

BATCH_CLAIMS = 100  # claims a request of the batch endpoint
CARNET_TICKETS = 5


@unique
class Part(StrEnum):
    """What a round consists of, and what `--only` names."""

    INSERT = "insert"
    WRITER = "writer"
    ONLINE = "online"
    FOLLOWED = "followed"
    BATCH = "batch"
    COMPARISONS = "comparisons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Carnets for each measurement of a round; it ends with them or with its time."""

    parts: Collection[Part] = frozenset(Part)
    rounds: int
    seconds: int
    pgbench: tuple[int, ...]  # clients
    pgbench_seconds: int  # which it begins by connecting the clients
    online: Mapping[int, int]  # connections → carnets
    followed: Mapping[int, int]
    batch: Mapping[int, int]
    comparisons: Mapping[str, int]  # name → carnets
    writer: Mapping[int, int]  # batch size → carnets
    whole: int  # carnets of which a round takes every ticket, one a claim
    fives: int  # carnets of which a round takes every ticket in one claim
    warm_up: int

    def only(self, parts: Collection[Part]) -> "Plan":
        """The same, without what belongs to other parts."""
        return replace(
            self,
            parts=frozenset(parts),
            online=self.online if Part.ONLINE in parts else {},
            followed=self.followed if Part.FOLLOWED in parts else {},
            batch=self.batch if Part.BATCH in parts else {},
            comparisons=self.comparisons if Part.COMPARISONS in parts else {},
            writer=self.writer if Part.WRITER in parts else {},
            whole=self.whole if Part.WRITER in parts else 0,
            fives=self.fives if Part.WRITER in parts else 0,
        )

    @property
    def reused(self) -> int:
        """Carnets of which each round takes another ticket."""
        parts = (self.online, self.followed, self.batch, self.writer)
        return sum(sum(part.values()) for part in parts) + 2 * self.warm_up

    @property
    def carnets(self) -> int:
        """All that the bench needs."""
        return self.reused + (self.whole + self.fives) * self.rounds


def full_plan(rounds: int) -> Plan:
    """What takes some three minutes with five rounds on two quiet cores."""
    return Plan(
        rounds=rounds,
        seconds=1,
        pgbench=(8, 32, 64),
        pgbench_seconds=2,
        online={1: 2_000, 8: 8_000, 32: 16_000, 64: 22_000, 128: 24_000},
        followed={64: 22_000},
        batch={4: 40_000},
        comparisons={"afternoon": 6_000, "textbook": 1_500},
        writer={1: 800, 10: 6_000, 100: 20_000},
        whole=6_000,
        fives=3_000,
        warm_up=1_000,
    )


def quick_plan(rounds: int) -> Plan:
    """Enough to see that everything runs; the figures mean little."""
    return replace(
        full_plan(rounds),
        online={1: 500, 8: 1_000, 32: 2_000, 64: 4_000, 128: 4_000},
        followed={64: 4_000},
        batch={4: 4_000},
        comparisons={"afternoon": 500, "textbook": 200},
        writer={1: 200, 10: 1_000, 100: 4_000},
        whole=1_000,
        fives=1_000,
        warm_up=500,
    )


class Blocks:
    """The seeded carnets, handed out once."""

    def __init__(self, carnets: list[str]) -> None:
        self._left = iter(carnets)

    def take(self, count: int) -> list[str]:
        """The next `count`.

        Raises:
            IndexError: there are not so many left.
        """
        block = list(islice(self._left, count))
        if len(block) < count:
            raise IndexError(f"{count} carnets wanted, {len(block)} left")
        return block

    def take_all(self, part: Mapping[int, int]) -> dict[int, list[str]]:
        """A block for each entry of a plan's part."""
        return {name: self.take(count) for name, count in part.items()}
