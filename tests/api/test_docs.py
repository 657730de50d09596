"""The page for people tells of every route, and loads nothing from anywhere."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, Final

import httpx
import pytest

from api.docs_fields import fields
from api.problems import PROBLEMS
from tests.api.ledgers import Served

VOID: Final = frozenset({"meta", "br"})


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/redemption"])
def test_an_address_where_nothing_is_leads_to_the_page(shared: Served, path: str) -> None:
    told = shared.auditor.http.get(path).json()

    assert (told["reason"], told["detail"]) == ("not-found", "GET /docs tells what there is")


class Page(HTMLParser):
    """What a page holds: its text, and what its tags point to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.style = "", ""
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
        else:
            self.text += data

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.attributes if found == name]


@pytest.fixture(scope="module")
def answer(client: httpx.Client) -> httpx.Response:
    return client.get("/docs")


@pytest.fixture(scope="module")
def page(answer: httpx.Response) -> Page:
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Page(answer.text)


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def test_it_loads_nothing(answer: httpx.Response, page: Page) -> None:
    policy = answer.headers["content-security-policy"]
    digest = b64encode(sha256(page.style.encode()).digest()).decode()

    assert not page.tags & {"script", "link", "img", "iframe", "form", "object", "base"}
    assert {"src", "style", "srcset"}.isdisjoint(name for name, _ in page.attributes)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")


def test_every_link_leads_somewhere(client: httpx.Client, page: Page) -> None:
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    for link in page.all("href"):
        assert link[1:] in ids if link[0] == "#" else client.get(link).status_code == 200


def test_every_route_is_told(page: Page, document: dict[str, Any]) -> None:
    words = " ".join(page.text.split())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert f"{method.upper()} {path} " in words
            assert f"#{operation['operationId']}" in page.all("href")
            assert operation["summary"] in words


def test_every_problem_is_told_in_both_languages(page: Page) -> None:
    for reason, problem in PROBLEMS.items():
        assert f"{reason}{problem.status}{problem.title}{problem.title_fr}" in page.text


def test_what_the_document_says_is_on_the_page(page: Page, document: dict[str, Any]) -> None:
    words = " ".join(page.text.split())
    told = [document["info"]["description"], *(each["description"] for each in document["tags"])]
    for paragraph in "\n\n".join(told).split("\n\n"):
        plain = paragraph.replace("`", "").replace("*", "")
        assert " ".join(plain.split()) in words


def test_what_a_retry_is_compared_by_is_on_the_page(page: Page) -> None:
    words = " ".join(page.text.split())

    assert "the terminal, the tickets, service_code and workshop_id. Where one differs" in words
    assert "Neither sequence nor the codes' secrets are compared." in words


def test_the_signature_base_is_set_as_it_is_signed(page: Page) -> None:
    """Line by line: whoever copies it copies no indentation."""
    assert '"@method": POST\n"@authority": AUTHORITY\n"@path": /v1/redemptions\n' in page.text


def test_every_part_of_a_problem_is_told(page: Page, document: dict[str, Any]) -> None:
    words = " ".join(page.text.split())
    for name, part in document["components"]["schemas"]["Problem"]["properties"].items():
        assert name in words
        assert part["description"].replace("`", "") in words


def test_it_moves_for_nobody_who_would_rather_it_did_not(page: Page) -> None:
    calm = "@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }"
    assert page.style.count("scroll-behavior") == page.style.count(calm) == 1


def test_a_body_is_told_field_by_field(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    told = {each.name: each for each in fields("", schemas["PublishRulesBody"], schemas)}

    assert told["rules.sizes"].kind == "1 to 10 × integer 1 to 99"
    assert told["rules.entitlements[].category"].kind == "text, 1 to 80 characters"
    assert told["rules.first_day"].required is False
    assert told["command_id"] == ("command_id", "UUID in lower case", True, "")
    opening = {each.name: each for each in fields("", schemas["OpenProgrammeBody"], schemas)}
    assert opening["shares"].kind.startswith("1 to 100 × ")
    assert opening["shares"].kind.endswith("→ integer 1 to 1000000000000")
    assert opening["cap_tickets"].kind == "integer 1 to 1000000000 or null"


def test_what_is_told_can_not_be_markup(page: Page) -> None:
    """Patterns and examples hold `<`, `&` and quotes."""
    assert 'souche=("@method" "@authority" "@path" "content-digest")' in page.text
