"""`/docs`: the OpenAPI document as one page for people.

No scripts, and nothing from elsewhere: whoever audits a ledger should not have to trust a third
party's server to read how it is asked.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from html import escape
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.docs_fields import Field, fields
from api.problems import PROBLEMS

router = APIRouter(include_in_schema=False)

Document = dict[str, Any]

_STYLE: Final = Path(__file__).with_name("docs.css").read_text("utf-8")
_STYLE_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}
_WHO: Final = {
    "HTTPBearer": "With an API token: <code>Authorization: Bearer …</code>",
    "TerminalSignature": "Signed by a terminal",
}
_CODE: Final = re.compile(r"`([^`]+)`")
_CODE_BLOCK: Final = "    "
_EMPHASIS: Final = re.compile(r"\*([^*\s][^*]*)\*")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(page(request.app.openapi()), headers=HEADERS)


def page(document: Document) -> str:
    """The whole page."""
    info = document["info"]
    tags = _by_tag(document)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}: HTTP</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(info["title"])}</h1>
<p>{escape(info["summary"])}. For programs: <a href="/openapi.json">/openapi.json</a>.</p>
{"".join(_paragraphs(info["description"]))}
</header>
<nav aria-label="Routes">{"".join(_contents(tag, found) for tag, found in tags.items())}
<p><a href="#problems">All problems</a></p>
</nav>
<main>{"".join(_section(tag, found, document) for tag, found in tags.items())}
{_problems(document["components"]["schemas"])}</main>
</body>
</html>
"""


def _by_tag(document: Document) -> dict[str, list[tuple[str, str, Document]]]:
    found: dict[str, list[tuple[str, str, Document]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return found


def _contents(tag: str, found: Iterable[tuple[str, str, Document]]) -> str:
    listed = "".join(
        f'<li><a href="#{escape(operation["operationId"])}">{escape(operation["summary"])}</a></li>'
        for _, _, operation in found
    )
    return f"\n<p>{escape(tag.capitalize())}</p>\n<ul>{listed}</ul>"


def _section(tag: str, found: Iterable[tuple[str, str, Document]], document: Document) -> str:
    routes = "".join(_route(*each, document["components"]["schemas"]) for each in found)
    about = next((each["description"] for each in document["tags"] if each["name"] == tag), "")
    told = "".join(_paragraphs(about))
    return f"\n<h2>{escape(tag.capitalize())}</h2>{told}{routes}"


def _route(method: str, path: str, operation: Document, schemas: Document) -> str:
    """One route, from its address to its answers."""
    return "\n".join(
        [
            f'\n<section id="{escape(operation["operationId"])}">',
            f"<h3>{escape(operation['summary'])}</h3>",
            f'<p class="address"><b>{method}</b> <code>{escape(path)}</code></p>',
            *_paragraphs(operation.get("description", "")),
            *(f'<p class="who">{_WHO[name]}.</p>' for name in _schemes(operation)),
            *_asked(operation, schemas),
            *_answers(operation, schemas),
            "</section>",
        ]
    )


def _schemes(operation: Document) -> Iterator[str]:
    for scheme in operation.get("security", ()):
        yield from scheme


def _asked(operation: Document, schemas: Document) -> Iterator[str]:
    parameters = operation.get("parameters", ())
    told = [field for each in parameters for field in fields(each["name"], each, schemas)]
    if told:
        yield _table("Parameters", told)
    if "requestBody" in operation:
        yield from _body("Request", operation["requestBody"], schemas)


def _answers(operation: Document, schemas: Document) -> Iterator[str]:
    """What it answers where all is well; problems are the same everywhere."""
    told: Document = {}
    for status, answer in operation["responses"].items():
        if status != "default":
            yield f"<h4>{escape(status)}</h4>"
            yield from _paragraphs(answer["description"])
            if answer["content"] != told:  # a replay looks like the first answer
                yield from _body("Answer", answer, schemas)
            told = answer["content"]


def _body(title: str, body: Document, schemas: Document) -> Iterator[str]:
    for kind, media in body["content"].items():
        if told := list(fields("", media, schemas)):
            yield _table(title, told)
        example = media["example"]
        if kind != "text/plain":
            example = json.dumps(example, indent=2, ensure_ascii=False)
        yield f"<pre>{escape(example)}</pre>"


def _table(title: str, told: Iterable[Field]) -> str:
    rows = "".join(map(_row, told))
    return f"<table><caption>{title}</caption><tbody>{rows}</tbody></table>"


def _row(field: Field) -> str:
    name = f"<code>{escape(field.name)}</code>"
    optional = "" if field.required else " <i>optional</i>"
    return (
        f'<tr><th scope="row">{name}{optional}</th><td>{escape(field.kind)}</td>'
        f"<td>{_marked(field.description)}</td></tr>"
    )


def _problems(schemas: Document) -> str:
    rows = "".join(
        f'<tr><th scope="row"><code>{reason}</code></th><td>{each.status}</td>'
        f'<td>{escape(each.title)}<br><span lang="fr">{escape(each.title_fr)}</span></td></tr>'
        for reason, each in PROBLEMS.items()
    )
    return f"""<section id="problems">
<h2>Problems</h2>
<p>What is refused is answered as <code>application/problem+json</code> (RFC 9457). Programs look at
<code>reason</code>. Where <code>retry</code> is true, it is not an answer: wait for the seconds of
<code>Retry-After</code> and send the same again.</p>
{_table("Fields", fields("", schemas["Problem"], schemas))}
<table class="reasons"><caption>Reasons</caption><tbody>{rows}</tbody></table>
</section>
"""


def _paragraphs(text: str) -> Iterator[str]:
    for each in text.split("\n\n"):
        if each.startswith(_CODE_BLOCK):
            yield f"<pre>{escape(dedent(each))}</pre>"
        elif each:
            yield f"<p>{_marked(each)}</p>"


def _marked(text: str) -> str:
    """Text with the marks of its docstring: `code` and *emphasis*."""
    return _EMPHASIS.sub(r"<em>\1</em>", _CODE.sub(r"<code>\1</code>", escape(text)))
