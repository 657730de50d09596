"""Finds the guards in the source of the decisions, and switches one off.

A guard is the condition under which a decision refuses. `X or Y` is switched off as a whole, and
then X and Y one by one. A requirement is what a command holds itself to when it is made; there
it is `X and Y` that is taken apart.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

import pytest

from ledger.decisions import (
    carnets,
    clearing,
    funding,
    programmes,
    redemption,
    stock,
    terminals,
    venues,
)
from ledger.values.reasons import Reason

MODULES = (carnets, programmes, funding, stock, venues, terminals, redemption, clearing)
REFUSERS = frozenset({"Refusal", "_refuse"})  # they are told the reason first

Branch = ast.If | ast.IfExp


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, and the code of its function without it."""

    where: str
    function: FunctionType
    without: CodeType

    def switch_off(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(self.function, "__code__", self.without)


@dataclass(frozen=True, slots=True)
class Guard:
    """What leads to a refusal, or a part of it."""

    reason: Reason
    condition: Condition
    whole: bool

    @property
    def where(self) -> str:
        return self.condition.where

    def switch_off(self, patch: pytest.MonkeyPatch) -> None:
        self.condition.switch_off(patch)


class Source:
    """A module of decisions, read."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.tree = ast.parse(inspect.getsource(module))
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        self.functions = [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]
        # A function that refuses whatever it is told: its callers have the guard.
        self.refusers: dict[str, Reason] = {}
        self.refusers = {
            function.name: reason
            for function in self.functions
            if not any(isinstance(node, Branch) for node in ast.walk(function))
            for reason, _ in self.refusals(function)
        }

    def refusals(self, scope: ast.AST) -> Iterator[tuple[Reason, ast.Call]]:
        """The calls that refuse, in the order of the source.

        Raises:
            AssertionError: a reason is not written out where it is given.
        """
        calls = [node for node in ast.walk(scope) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            match call:
                case ast.Call(ast.Name(name)) if name in self.refusers:
                    yield self.refusers[name], call
                case ast.Call(ast.Name(name), [ast.Attribute(ast.Name("Reason"), reason), *_]) if (
                    name in REFUSERS
                ):
                    yield Reason[reason], call
                case ast.Call(ast.Name(name)) if name in REFUSERS:
                    told = self.function_of(call)
                    assert told.name in REFUSERS, f"which reason? {ast.unparse(call)}"

    def guards(self) -> Iterator[Guard]:
        for function in self.functions:
            if function.name not in self.refusers:
                for reason, call in self.refusals(function):
                    yield from self.guards_of(reason, call)

    def guards_of(self, reason: Reason, call: ast.Call) -> Iterator[Guard]:
        branch, leads_there = self.branch_around(call)
        whole = branch.test
        for left_out, weaker in _weaker(whole, leads_there=leads_there):
            branch.test = weaker
            condition = self.lost(self.function_of(call), ast.unparse(left_out))
            yield Guard(reason, condition, whole=left_out is whole)
        branch.test = whole

    def requirements(self) -> Iterator[Condition]:
        """What the commands of the module hold themselves to."""
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(ast.Name("require"), [], [ast.keyword("holds") as holds, _]):
                    whole = holds.value
                    for left_out, looser in _looser(whole):
                        holds.value = looser
                        yield self.lost(self.function_of(node), ast.unparse(left_out))
                    holds.value = whole
                case _:
                    pass

    def lost(self, function: ast.FunctionDef, condition: str) -> Condition:
        """The condition that the tree, as it is now, is without."""
        owner = self.parents[function]
        path = [*([owner.name] if isinstance(owner, ast.ClassDef) else []), function.name]
        live: object = self.module
        code = compile(ast.fix_missing_locations(self.tree), inspect.getfile(self.module), "exec")
        for name in path:
            live = vars(live)[name]
            code = next(
                constant
                for constant in code.co_consts
                if isinstance(constant, CodeType) and constant.co_name == name
            )
        assert isinstance(live, FunctionType)
        where = f"{self.module.__name__.rpartition('.')[2]}.{'.'.join(path)}: {condition}"
        return Condition(where, live, code)

    def branch_around(self, call: ast.Call) -> tuple[Branch, bool]:
        """The nearest branch around a refusal, and the value of its test that leads there."""
        node: ast.AST = call
        while (parent := self.parents.get(node)) is not None:
            if isinstance(parent, ast.If):
                return parent, node in parent.body
            if isinstance(parent, ast.IfExp):
                return parent, node is parent.body
            node = parent
        raise AssertionError(f"nothing guards {ast.unparse(call)}, line {call.lineno}")

    def function_of(self, node: ast.AST) -> ast.FunctionDef:
        while not isinstance(node, ast.FunctionDef):
            node = self.parents[node]
        return node


def _weaker(test: ast.expr, *, leads_there: bool) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is switched off, and the test that is left."""
    yield test, ast.Constant(not leads_there)
    if leads_there:
        yield from _operands(test, ast.Or())


def _looser(test: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is switched off, and what is still required."""
    yield test, ast.Constant(value=True)
    yield from _operands(test, ast.And())


def _operands(test: ast.expr, operator: ast.boolop) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each operand of this operator, and the test without it."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, type(operator)):
        for left_out in test.values:
            rest = [operand for operand in test.values if operand is not left_out]
            yield left_out, rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)


SOURCES = tuple(map(Source, MODULES))
GUARDS = tuple(guard for source in SOURCES for guard in source.guards())
REQUIREMENTS = tuple(required for source in SOURCES for required in source.requirements())
