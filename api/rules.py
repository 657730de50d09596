"""A programme's rules as they are published. `ledger.facts.Rules` says what each means."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from api.bodies import Body
from api.fields import AREA_PATTERN, DayOfYear, FaceValue, Millesime, Name, ShortText, Size
from ledger.decisions.programmes import LARGEST_CLAIM, LONGEST_VOID
from ledger.facts import AcceptanceArea, Entitlement, Rules

Age = Annotated[int, Field(strict=True, ge=0, le=130)]
Tickets = Annotated[int, Field(strict=True, ge=0, le=1000)]
AreaCode = Annotated[str, Field(pattern=AREA_PATTERN)]


class AreaBody(Body):
    """Where tickets are taken: everywhere, or by INSEE code, or by SIRET."""

    kind: Literal["national", "regions", "departments", "venues"]
    codes: Annotated[tuple[AreaCode, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _codes_fit(self) -> "AreaBody":
        if (self.kind == "national") is bool(self.codes):
            raise ValueError("codes go with every kind but national")
        return self


class EntitlementBody(Body):
    """Who may be given how many tickets, and on what evidence."""

    category: ShortText
    tickets: Tickets
    supplement_tickets: Tickets = 0
    min_age: Age | None = None
    max_age: Age | None = None
    residence: ShortText | None = None
    evidence: Annotated[tuple[ShortText, ...], Field(max_length=4)] = ()


class RulesBody(Body):
    """One version of a programme's rules."""

    sizes: Annotated[tuple[Size, ...], Field(min_length=1, max_length=10)]
    face_value_cents: FaceValue
    millesimes: Annotated[tuple[Millesime, ...], Field(min_length=1, max_length=20)]
    first_day: DayOfYear = "01-01"
    last_day: DayOfYear = "01-31"
    distribution_last_day: DayOfYear | None = None
    activation_requires: Literal["commitment", "order", "cash"] = "cash"
    acceptance: AreaBody = AreaBody(kind="national")
    suspended_venues: Literal["unpaid", "refused"] = Field(
        "unpaid",
        description="While payments to a venue are frozen, it takes tickets and is paid once they"
        " go on, or its claims are refused as `venue-suspended`.",
    )
    max_tickets_per_claim: Annotated[int, Field(strict=True, ge=1, le=LARGEST_CLAIM)] = 2
    void_minutes: Annotated[int, Field(strict=True, ge=0, le=LONGEST_VOID)] = 30
    nominative: Annotated[bool, Field(strict=True)] = False
    surcharge_allowed: Annotated[bool, Field(strict=True)] = False
    entitlements: Annotated[tuple[EntitlementBody, ...], Field(max_length=12)] = ()
    services: Annotated[tuple[Name, ...], Field(max_length=200)] = ()

    def rules(self) -> Rules:
        """As the ledger keeps them."""
        area = self.acceptance
        return Rules(
            sizes=self.sizes,
            face_value_cents=self.face_value_cents,
            millesimes=self.millesimes,
            first_day=self.first_day,
            last_day=self.last_day,
            distribution_last_day=self.distribution_last_day,
            activation_requires=self.activation_requires,
            acceptance=AcceptanceArea(area.kind, area.codes),
            suspended_venues=self.suspended_venues,
            max_tickets_per_claim=self.max_tickets_per_claim,
            void_minutes=self.void_minutes,
            nominative=self.nominative,
            surcharge_allowed=self.surcharge_allowed,
            entitlements=tuple(
                Entitlement(
                    category=each.category,
                    tickets=each.tickets,
                    supplement_tickets=each.supplement_tickets,
                    min_age=each.min_age,
                    max_age=each.max_age,
                    residence=each.residence,
                    evidence=each.evidence,
                )
                for each in self.entitlements
            ),
            services=self.services,
        )
