"""What an operator does by HTTP before a ticket can be taken, each step with an example."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

PROGRAMME = "BFC22"
MILLESIME = 2022
ORDER = "order-1"
REGION = "region-bfc"
TOWN_HALL = "mairie-de-lure"
VENUE = "21250056500016"
OTHER_VENUE = "21700310200019"
SEED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"  # 32 bytes, 0 to 31
RULES: dict[str, Any] = {"sizes": [5], "face_value_cents": 1000, "millesimes": [2022]}


def new_id() -> str:
    return str(uuid4())


class Desk:
    """Somebody with a token."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=20
        )

    def post(self, path: str, **body: object) -> httpx.Response:
        """Ask with a new command id, if none is given."""
        return self.http.post(path, json={"command_id": new_id(), **body})

    def done(self, path: str, **body: object) -> dict[str, Any]:
        """Ask for what has to succeed."""
        return answered(self.post(path, **body), 201)

    def got(self, path: str, **query: str | int) -> dict[str, Any]:
        return answered(self.http.get(path, params=query), 200)

    def close(self) -> None:
        self.http.close()


def answered(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    read: dict[str, Any] = response.json()
    return read


def refused(response: httpx.Response, status: int) -> str:
    """The reason of a problem, told as every problem is."""
    reason: str = answered(response, status)["reason"]
    assert response.headers["content-type"] == "application/problem+json"
    return reason


@dataclass
class Stock:
    """Carnets that exist, with their codes."""

    codes: dict[str, list[str]] = field(default_factory=dict)  # by serial

    @property
    def serials(self) -> list[str]:
        return list(self.codes)


def open_programme(desk: Desk, programme: str = PROGRAMME, **rules: object) -> None:
    """A programme with rules, two holders, and plenty of cash."""
    desk.done(
        "/v1/programmes",
        programme=programme,
        name="Pass numérique Bourgogne-Franche-Comté",
        cap_tickets=45_000,
        shares={"region": 60, "state": 40},
    )
    publish = f"/v1/programmes/{programme}/rules"
    desk.done(publish, rule_version=1, rules={**RULES, **rules})
    desk.done(
        f"/v1/programmes/{programme}/funding",
        millesime=MILLESIME,
        stage="cash",
        reference="BANK-0001",
        cents={"region": 60_000_000, "state": 40_000_000},
    )


def register_holders(desk: Desk) -> None:
    desk.done("/v1/holders", holder=REGION, name="Région")
    desk.done("/v1/holders", holder=TOWN_HALL, name="Mairie de Lure")


def make_stock(desk: Desk, carnets: int, programme: str = PROGRAMME, order: str = ORDER) -> Stock:
    """Carnets that are ordered and issued."""
    orders = f"/v1/programmes/{programme}/orders"
    ordered = desk.done(
        orders, order=order, millesime=MILLESIME, carnets=carnets, size=5, holder=REGION
    )
    listed = desk.got(orders, at_least=ordered["position"])["orders"]
    (first,) = [each["first_number"] for each in listed if each["order_id"] == order]
    chunk = {"seed": SEED, "first_number": first, "carnets": carnets}
    issued = answered(desk.http.post(f"{orders}/{order}/chunks", json=chunk), 201)
    return Stock({each["carnet"]: each["codes"] for each in issued["carnets"]})


def circulate(desk: Desk, stock: Stock, programme: str = PROGRAMME) -> None:
    """Activate carnets and hand each to a beneficiary."""
    desk.done(f"/v1/programmes/{programme}/activations", millesime=MILLESIME, carnets=stock.serials)
    for serial in stock.serials:
        assign = f"/v1/carnets/{serial}/assignments"
        desk.done(assign, holder=REGION, beneficiary=new_id())


def open_venue(desk: Desk, venue: str = VENUE, name: str = "Médiathèque de Besançon") -> None:
    """A venue that is qualified."""
    desk.done("/v1/venues", venue=venue, name=name, region="27", department="25")
    qualify = f"/v1/venues/{venue}/qualifications"
    desk.done(qualify, first_day="2022-01-01", authority="préfecture du Doubs")


def invite(desk: Desk, venue: str = VENUE) -> str:
    """A one-time code for a device."""
    code: str = desk.done("/v1/terminals", venue=venue, label="accueil")["invitation"]
    return code
