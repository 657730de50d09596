"""The help of commands: plain text that fits 80 columns, breaks no word, and can be copied."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import typer
from typer._click import Command, Context, HelpFormatter
from typer.core import TyperArgument, TyperCommand, TyperGroup

F = TypeVar("F", bound=Callable[..., Any])
Rows = list[tuple[str, str]]

_BETWEEN: Final = re.compile(r"\b(\d+)<=x<=(\d+)\b")
_AT_LEAST: Final = re.compile(r"\bx>=(\d+)\b")


class Word(TyperCommand):
    """A command whose help calls its arguments and options what people call them."""

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """The usage line: `[OPTIONS] PROGRAMME [FILE]`."""
        arguments = [_usage(each) for each in self.params if isinstance(each, TyperArgument)]
        return [self.options_metavar or "", *arguments]

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """The help, without the types that typer would show."""
        _begin(self, ctx, formatter)
        arguments = [each for each in self.params if isinstance(each, TyperArgument)]
        _section(formatter, "Arguments", [(_name(each), each.help or "") for each in arguments])
        _write_options(self, ctx, formatter)
        _end(self, formatter)


class Noun(TyperGroup):
    """A word with words under it, listed with the whole first sentence of each."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Where no word follows, the help, as a usage error."""
        if not args and self.no_args_is_help:
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """The help: its words in their places, then its options."""
        _begin(self, ctx, formatter)
        places: dict[str, Rows] = {}
        for name, command in self.commands.items():
            place = getattr(command, "rich_help_panel", None) or "Commands"
            first, _, _ = inspect.cleandoc(command.help or "").partition("\n\n")
            places.setdefault(place, []).append((name, first))
        for place, rows in places.items():
            _section(formatter, place, rows)
        _write_options(self, ctx, formatter)
        _end(self, formatter)


class App(typer.Typer):
    """Commands with such a help."""

    def command(self, name: str | None = None, **given: Any) -> Callable[[F], F]:  # noqa: ANN401
        """As typer's."""
        return super().command(name, **{"cls": Word, **given})


def examples(*lines: str) -> str:
    """The end of a command's help: lines to copy. Break long ones with a backslash."""
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


def _begin(command: Command, ctx: Context, formatter: HelpFormatter) -> None:
    command.format_usage(ctx, formatter)
    formatter.write_paragraph()
    formatter.write_text(inspect.cleandoc(command.help or ""))


def _write_options(command: Command, ctx: Context, formatter: HelpFormatter) -> None:
    records = [
        each.get_help_record(ctx)
        for each in command.get_params(ctx)
        if not isinstance(each, TyperArgument)
    ]
    found = [(name, _in_words(told)) for name, told in filter(None, records)]
    _section(formatter, "Options", found)


def _end(command: Command, formatter: HelpFormatter) -> None:
    if command.epilog:  # as it stands: wrapped, an example could not be copied
        formatter.write(f"\n{command.epilog}\n")


def _in_words(told: str) -> str:
    """The same with its ranges as people say them."""
    return _AT_LEAST.sub(r"at least \1", _BETWEEN.sub(r"\1 to \2", told))


def _section(formatter: HelpFormatter, title: str, rows: Iterable[tuple[str, str]]) -> None:
    found = list(rows)
    if found:
        with formatter.section(title):
            formatter.write_dl(found)


def _name(argument: TyperArgument) -> str:
    return argument.metavar or argument.name


def _usage(argument: TyperArgument) -> str:
    return _name(argument) if argument.required else f"[{_name(argument)}]"
