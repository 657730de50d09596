"""`souche`: the command line. Each word's module is loaded when the word is used."""

import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import typer
from typer._click import Command, Context
from typer._click.exceptions import ClickException

from scripts.common.ending import CommandError, Exit
from scripts.common.helping import App, Noun
from scripts.common.plain import in_plain_words

_RUN: Final = "Run a ledger"
_WORK: Final = "Work with it"
_LOOK: Final = "Look at it"

# Word → (module, its place in the help, one line). The line stands here so that `--help` loads
# none of the modules.
WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "init": ("scripts.init", _RUN, "Make a ledger: its database, its secrets, its first tokens."),
    "serve": ("scripts.serve", _RUN, "Serve the ledger to terminals and operators, over HTTP."),
    "token": ("scripts.tokens", _RUN, "Who may ask what over HTTP: make, list, withdraw."),
    "demo": ("scripts.demo", _RUN, "Play a day of a real programme, and stay up to be looked at."),
    "doctor": ("scripts.doctor", _RUN, "Say what will break: disk, clocks, roles, settings, lag."),
    "rebuild": ("scripts.rebuild", _RUN, "Make the read models anew from the log, or compare."),
    "programme": (
        "scripts.programme",
        _WORK,
        "Open one, publish its rules, fund it; where each stands.",
    ),
    "holder": ("scripts.holder", _WORK, "Who may have carnets in stock."),
    "order": ("scripts.order", _WORK, "Carnets: order, issue, activate, transfer, assign."),
    "venue": ("scripts.venue", _WORK, "Who takes tickets: register, qualify, withdraw, suspend."),
    "terminal": ("scripts.terminal", _WORK, "Devices of venues: invite, revoke, list."),
    "payouts": ("scripts.payouts", _WORK, "What venues are owed, and the runs that pay them."),
    "carnet": ("scripts.carnet", _LOOK, "What happened to a ticket: when, where, by whom."),
    "refusals": ("scripts.refusals", _LOOK, "Who was refused what, and why."),
    "event": ("scripts.event", _LOOK, "An event of the log by its position, as it stands there."),
    "balances": ("scripts.balances", _LOOK, "Account balances; they sum to zero."),
    "status": ("scripts.status", _LOOK, "The log's size, and how far behind the read models are."),
}


class Words(Noun):
    """A group whose commands are loaded when they are used."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **given: Any) -> Any:  # noqa: ANN401
        """As typer's, but that programs are told of usage errors in JSON."""
        words = list(sys.argv[1:] if args is None else args)
        if not _are_for_programs(words):
            return super().main(words, *rest, **given)
        try:
            code = super().main(words, *rest, **{**given, "standalone_mode": False})
        except ClickException as e:
            code = _ended(_usage(e), words).exit_code
        sys.exit(code)

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """The real command in place of the line that stands for it in the help."""
        name, stub, rest = super().resolve_command(ctx, args)
        if name is None:
            return name, stub, rest
        module = import_module(WORDS[name][0])
        return name, typer.main.get_command(module.app), rest

    def invoke(self, ctx: Context) -> object:
        """Tell people and programs what they can act on; let defects through."""
        words = [*ctx._protected_args, *ctx.args]  # noqa: SLF001 (the word, and what follows it)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as e:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it may be pressed twice
            try:
                from scripts.common.interrupting import interrupted  # noqa: PLC0415

                raise _ended(interrupted(words), words) from e
            finally:
                signal.signal(signal.SIGINT, before)
        except ClickException as e:
            e.message = in_plain_words(e.message)
            raise
        except Exception as e:
            from scripts.common.explaining import explain  # noqa: PLC0415 (loads nearly everything)

            told = explain(e)
            if told is None:
                raise
            raise _ended(told, words) from e


def _are_for_programs(words: Sequence[str]) -> bool:
    """Whether a command line asks for JSON; behind `--` stand names alone."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _ended(told: CommandError, words: Sequence[str]) -> typer.Exit:
    from scripts.common.telling import tell  # noqa: PLC0415

    tell(told, as_json=_are_for_programs(words))
    return typer.Exit(told.code)


def _usage(error: ClickException) -> CommandError:
    ctx = getattr(error, "ctx", None)
    advice = f"`{ctx.command_path} --help` has examples." if ctx else ""
    return CommandError(error.format_message(), advice, Exit(error.exit_code))


app = App(
    cls=Words,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command has an example in its help: `souche programme open --help`.\n"
    "Reads take --json, for programs.\n\n"
    "Exit codes: 0 done, 1 refused or a check failed, 2 usage, 3 unavailable,\n"
    "130 interrupted by Ctrl-C: it says what is left, and how to go on. A service\n"
    "that runs, the demo's too, is stopped by it, says so, and leaves with 0.\n"
    "With --json, what went wrong is a line of JSON on standard error.",
)


@app.callback()
def souche() -> None:
    """Souche clears prepaid social vouchers on a ledger that only grows.

    To look around first: `souche demo`. A ledger of your own: `souche serve`, then
    `souche programme example`; the README goes on from there.
    """


def _add(word: str, place: str, line: str) -> None:
    app.command(word, help=line, rich_help_panel=place)(lambda: None)


for _word, (_, _place, _line) in WORDS.items():
    _add(_word, _place, _line)


def main() -> None:
    """The console script."""
    sys.exit(app(prog_name="souche"))


if __name__ == "__main__":
    main()
