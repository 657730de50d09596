"""Who plays: invented places and organisations, in a region that exists.

SIRETs have right check digits and a SIREN that is nobody's.
"""

from dataclasses import dataclass
from typing import Final

from stdnum import luhn

from ledger.values.ids import HolderId, VenueId

REGION: Final = "27"  # Bourgogne-Franche-Comté
STOCK: Final = HolderId("region-bfc")
TERMINALS_A_VENUE: Final = 2


def _siret(number: int) -> VenueId:
    siren = f"999{number:05d}"
    siren += luhn.calc_check_digit(siren)
    establishment = siren + "0001"
    return VenueId(establishment + luhn.calc_check_digit(establishment))


@dataclass(frozen=True, slots=True)
class Venue:
    """A place where tickets are taken."""

    id: VenueId
    name: str
    department: str


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """A place where carnets are handed out, and its share of them."""

    id: HolderId
    name: str
    carnets: int
    handed_out: int


VENUES: Final = tuple(
    Venue(_siret(number), name, department)
    for number, (name, department) in enumerate(
        (
            ("Médiathèque de Montsauvy", "21"),
            ("Médiathèque de Clairvigne", "21"),
            ("Fablab de Pontarvel", "25"),
            ("Espace public numérique de Belrive", "25"),
            ("Maison France services de Lurebois", "39"),
            ("Bibliothèque de Saint-Aubrin", "58"),
            ("Centre social de Vauxmière", "70"),
            ("Tiers-lieu de Hautecombelle", "71"),
            ("Espace public numérique de Noirval", "89"),
            ("Cyberbase de Valdombre", "90"),
        ),
        start=1,
    )
)
REVOKED_AT: Final = VENUES[8]  # one of its terminals is stolen in the afternoon
WITHDRAWN: Final = VENUES[9]  # no longer qualified from the day of the demo on

DISTRIBUTION_POINTS: Final = (
    DistributionPoint(HolderId("ml-montsauvy"), "Mission locale de Montsauvy", 2_500, 1_500),
    DistributionPoint(HolderId("ml-pontarvel"), "Mission locale de Pontarvel", 2_500, 1_500),
    DistributionPoint(HolderId("ml-vauxmiere"), "Mission locale de Vauxmière", 2_000, 1_200),
    DistributionPoint(HolderId("cfa-noirval"), "CFA de Noirval", 1_000, 600),
    DistributionPoint(HolderId("antenne-lurebois"), "Antenne régionale de Lurebois", 500, 400),
)
