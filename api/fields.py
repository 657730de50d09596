"""What may stand in a field of a request: each kind of value, declared once."""

import re
from datetime import date
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from ledger.decisions.programmes import (
    FIRST_YEAR,
    LARGEST_CAP,
    LARGEST_SIZE,
    LARGEST_WEIGHT,
    LAST_YEAR,
)
from ledger.values.codes import LARGEST_NUMBER
from ledger.values.ids import (
    CARNET_PATTERN,
    NAME_PATTERN,
    PROGRAMME_PATTERN,
    RUN_PATTERN,
    SIRET_PATTERN,
    TERMINAL_PATTERN,
    UUID_PATTERN,
    BeneficiaryId,
    CarnetId,
    FunderId,
    HolderId,
    OrderId,
    ProgrammeId,
    RunId,
    TerminalId,
    VenueId,
    is_siret,
)
from ledger.values.money import LARGEST_AMOUNT, LARGEST_FACE_VALUE, Cents

LARGEST_POSITION: Final = 2**63 - 1
TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
AREA_PATTERN: Final = r"^[0-9AB]{2,14}$"
REGION_PATTERN: Final = r"^[0-9]{2}$"
DEPARTMENT_PATTERN: Final = r"^([0-9][0-9]|2[AB]|9[78][0-9])$"
DAY_OF_YEAR_PATTERN: Final = r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)

_iso_day = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


def _real_siret(siret: str) -> str:
    if not is_siret(siret):
        raise ValueError("the check digit is wrong")
    return siret


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError("no such time zone")
    return zone


def _written_day(day: object) -> object:
    """Only YYYY-MM-DD: pydantic alone would take seconds since 1970 for a day, too."""
    if not (isinstance(day, str) and _iso_day(day)):
        raise ValueError("a day is written YYYY-MM-DD")
    return day


def _day_of_any_year(day: str) -> str:
    date.fromisoformat(f"2001-{day}")
    return day


Uuid = Annotated[str, Field(pattern=UUID_PATTERN)]
Programme = Annotated[ProgrammeId, Field(pattern=PROGRAMME_PATTERN)]
Order = Annotated[OrderId, Field(pattern=NAME_PATTERN)]
Holder = Annotated[HolderId, Field(pattern=NAME_PATTERN)]
Funder = Annotated[FunderId, Field(pattern=NAME_PATTERN)]
Run = Annotated[RunId, Field(pattern=RUN_PATTERN)]
Terminal = Annotated[TerminalId, Field(pattern=TERMINAL_PATTERN)]
Carnet = Annotated[CarnetId, Field(pattern=CARNET_PATTERN)]
Beneficiary = Annotated[
    BeneficiaryId, Field(pattern=UUID_PATTERN, description="Random: the ledger learns no name.")
]
Venue = Annotated[
    VenueId, Field(pattern=SIRET_PATTERN, description="Its SIRET."), AfterValidator(_real_siret)
]
Siret = Annotated[str, Field(pattern=SIRET_PATTERN), AfterValidator(_real_siret)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=TEXT_PATTERN)]
ShortText = Annotated[str, Field(min_length=1, max_length=80, pattern=TEXT_PATTERN)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Region = Annotated[str, Field(pattern=REGION_PATTERN, description="INSEE code.")]
Department = Annotated[str, Field(pattern=DEPARTMENT_PATTERN, description="INSEE code.")]
Zone = Annotated[str, Field(max_length=64, description="IANA name."), AfterValidator(_known_zone)]
Day = Annotated[date, BeforeValidator(_written_day), Field(ge=FIRST_DAY, le=LAST_DAY)]
DayOfYear = Annotated[
    str,
    Field(pattern=DAY_OF_YEAR_PATTERN, description="MM-DD."),
    AfterValidator(_day_of_any_year),
]
Millesime = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Count = Annotated[int, Field(strict=True, ge=1, le=LARGEST_NUMBER)]
Size = Annotated[int, Field(strict=True, ge=1, le=LARGEST_SIZE, description="Tickets.")]
Cap = Annotated[int, Field(strict=True, ge=1, le=LARGEST_CAP)]
Weight = Annotated[int, Field(strict=True, ge=1, le=LARGEST_WEIGHT)]
Amount = Annotated[Cents, Field(strict=True, ge=1, le=LARGEST_AMOUNT)]
FaceValue = Annotated[Cents, Field(strict=True, ge=1, le=LARGEST_FACE_VALUE)]
Position = Annotated[int, Field(ge=1, le=LARGEST_POSITION)]
