"""The read models that there are."""

from typing import Final

from projections.balances import BALANCES
from projections.payouts import PAYOUTS
from projections.programmes import PROGRAMMES
from projections.projection import AnyProjection
from projections.redemptions import REDEMPTIONS

READ_MODELS: Final[tuple[AnyProjection, ...]] = (BALANCES, PAYOUTS, PROGRAMMES, REDEMPTIONS)
