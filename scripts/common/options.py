"""Options that several commands have, and the settings that they make."""

from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from api.actors import Role
from ledger.settings import Settings
from scripts.common.ending import CommandError
from scripts.common.helping import App, Noun

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="The ledger's folder; else SOUCHE_DATA, else var/ledger.",
        show_default=False,
    ),
]
As = Annotated[
    Role | None,
    typer.Option(
        "--as",
        metavar="ROLE",
        help="operator or approver: whose token in the data folder to use; else SOUCHE_TOKEN, "
        "else that of who usually does it.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def new_app(description: str | None = None) -> App:
    """The commands of a module: words under a noun, where there is a description of it."""
    app = App(
        cls=Noun,
        help=description,
        add_completion=False,
        no_args_is_help=description is not None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    if description is not None:
        app.callback()(lambda: None)  # keeps a single word a word
    return app


def settings_from(data: Path | None, **given: str | int | bool | None) -> Settings:
    """The environment's settings, with what was given on the command line over them."""
    told: dict[str, Any] = {"data": data, **given}
    return Settings(**{name: value for name, value in told.items() if value is not None})


def existing(data: Path | None) -> Settings:
    """The settings of a ledger that is there: a mistyped folder must not make a new one.

    Raises:
        CommandError: there is none.
    """
    settings = settings_from(data)
    if not (settings.data / "secrets").is_dir():
        there = settings.data.absolute()
        raise CommandError(
            f"There is no ledger in {there}.",
            f"Make one with `souche init --data {quote(str(there))}`, or name another folder.",
        )
    return settings
