"""Mechanical mutants: a right solution with one small edit, to be held against the hidden tests.

``mutants`` edits the syntax tree of a solution cell: operators, comparisons, constants, indices, axes, arguments,
copies, statements, pairs of NumPy functions. ``run_mutants`` runs a test group against each, every one in a process of
its own, since a mutant may never end. A mutant is named by its function and the changed line, whatever its number.
"""

from __future__ import annotations

import ast
import multiprocessing
import resource
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any

from course_lib import verify
from course_lib.checking.groups import Group

OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
PAIRS = [
    *[("sum", "mean"), ("max", "min"), ("maximum", "minimum"), ("argmax", "argmin"), ("std", "var"), ("ceil", "floor")],
    *[("zeros", "ones"), ("zeros_like", "ones_like"), ("any", "all"), ("sin", "cos"), ("exp", "expm1")],
    *[("log", "log1p"), ("sqrt", "square"), ("tanh", "sin"), ("normal", "uniform")],
]
TWINS = dict(PAIRS) | {b: a for a, b in PAIRS}
TRANSPARENT = ("abs", "float", "int", "sqrt", "sign", "stack", "array", "asarray", "flip", "sorted", "list")
"""Functions of one argument that are also left out altogether, as are all methods without arguments (copies)."""

CPU_SECONDS = 2
"""Processor time of one mutant: ten times what the slowest test group takes, whatever else the machine does."""


@dataclass(frozen=True)
class Mutant:
    """A solution cell with one edit.

    Attributes:
        name: function, line before and after: the same for as long as the line stays the same.
        source: the whole cell.
    """

    name: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """What came of one mutant.

    Attributes:
        failed: names of the properties it fails; all of them if it does not end.
        fault: what went wrong in the hidden tests themselves, if anything did.
    """

    mutant: Mutant
    failed: frozenset[str]
    fault: str = ""


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a cell's functions and methods, no two with the same source."""
    tree = ast.parse(source)
    seen, names = {ast.unparse(tree)}, Counter[str]()
    for label, function in _functions(tree):
        before = ast.unparse(function).splitlines()
        for holder, key, edit in _edits(function):
            original, holder[key] = holder[key], edit
            mutated = ast.unparse(tree)
            if mutated not in seen:
                seen.add(mutated)
                line = next(
                    pair for pair in zip(before, ast.unparse(function).splitlines(), strict=False) if pair[0] != pair[1]
                )
                name = f"{label}: {line[0].strip()} → {line[1].strip()}"
                names[name] += 1
                yield Mutant(name if names[name] == 1 else f"{name} (number {names[name]})", mutated)
            holder[key] = original


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{part.name}", part) for part in node.body if isinstance(part, ast.FunctionDef))


def _edits(function: ast.FunctionDef) -> Iterator[tuple[Any, Any, ast.AST]]:
    """Places of the tree, ``holder[key]``, and what each may be replaced with."""
    parameters = {argument.arg for argument in function.args.args}
    bound = Counter(node.id for node in ast.walk(function) if isinstance(node, ast.Name) and _is_stored(node))
    again = parameters | {name for name, count in bound.items() if count > 1}
    for parent in _parts(function):
        for field, value in ast.iter_fields(parent):
            holder: Any = value if isinstance(value, list) else vars(parent)
            for key, child in list(enumerate(value)) if isinstance(value, list) else [(field, value)]:
                if isinstance(child, ast.stmt):
                    yield from ((holder, key, edit) for edit in _statements(child, parameters, again))
                elif isinstance(child, ast.AST):
                    yield from ((holder, key, edit) for edit in _expressions(child))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, but for texts: docstrings, annotations, messages."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.Raise, ast.JoinedStr)):
            yield from _parts(child)


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _statements(node: ast.stmt, parameters: set[str], again: set[str]) -> Iterator[ast.AST]:
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Return():
            return
        case ast.Assign(targets=[ast.Name(id=name)]):
            if name in again:
                yield ast.Pass()
            if name in parameters:  # the argument is changed in place
                place = ast.Subscript(ast.Name(name, ast.Load()), ast.Constant(...), ast.Store())
                yield ast.Assign([place], node.value, lineno=0)
        case ast.Assign(targets=[ast.Name() | ast.Tuple()]) | ast.FunctionDef():
            return  # names that are bound nowhere else
        case ast.If(test, body, orelse):
            yield ast.Pass()
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.AugAssign():
            yield ast.Pass()
            yield ast.Assign([node.target], node.value, lineno=0)
        case _:
            yield ast.Pass()


def _expressions(node: ast.AST) -> Iterator[ast.AST]:  # noqa: PLR0912  # one case for each kind of node
    for twin in OPERATORS.get(type(node), ()):
        yield twin()
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(value=float(value)):
            yield from (ast.Constant(2 * value), ast.Constant(value / 2), ast.Constant(value + 1))
        case ast.BinOp(left, op, right):
            yield from (left, right)
            if isinstance(op, (ast.Sub, ast.Div, ast.Pow, ast.MatMult)):
                yield ast.BinOp(right, op, left)
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Compare(left, [op], [right]):
            yield ast.Constant(True)
            yield ast.Constant(False)
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Slice(lower, upper, step):
            if lower:
                yield ast.Slice(None, upper, step)
            if upper:
                yield ast.Slice(lower, None, step)
        case ast.Tuple(elts=elements, ctx=ast.Load()):
            yield from (ast.Tuple(swapped, ast.Load()) for swapped in _swaps(elements))
        case ast.Attribute(value=value, attr="T"):
            yield value
        case ast.Call(function, arguments, keywords):
            match function:
                case ast.Attribute(value=value, attr=name) if name in TWINS:
                    yield ast.Call(ast.Attribute(value, TWINS[name], ast.Load()), arguments, keywords)
                case ast.Name(name) if name in TWINS:
                    yield ast.Call(ast.Name(TWINS[name], ast.Load()), arguments, keywords)
            yield from (ast.Call(function, swapped, keywords) for swapped in _swaps(arguments))
            for i in range(len(keywords)):
                yield ast.Call(function, arguments, keywords[:i] + keywords[i + 1 :])
            yield from _without(node)


def _without(call: ast.Call) -> Iterator[ast.AST]:
    """A call left out: its object, or its only argument."""
    match call:
        case ast.Call(ast.Name(name) | ast.Attribute(ast.Name("np"), name), [argument, *_]) if name in TRANSPARENT:
            yield argument
        case ast.Call(ast.Attribute(value=value), []):
            yield value


def _swaps(parts: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """Neighbours exchanged."""
    for i, _ in enumerate(pairwise(parts)):
        yield [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]


def run_mutants(group: Group, source: str, namespace: dict[str, Any]) -> Iterator[Outcome]:
    """Hold a test group against every mutant of a cell, in an otherwise right namespace.

    Raises:
        RuntimeError: the group does not accept the cell as it is.
    """
    if failed := verify.failed_properties(
        group, _defined(source, namespace)
    ):  # also draws the examples, which the processes then share
        raise RuntimeError(f"{group.question_id}: the solution itself fails {', '.join(sorted(failed))}")
    fork = multiprocessing.get_context("fork")
    for mutant in mutants(source):
        mine, theirs = fork.Pipe(duplex=False)
        process = fork.Process(target=_report, args=(theirs, group, mutant.source, namespace))
        process.start()
        theirs.close()
        try:
            failed, fault = mine.recv()
        except EOFError:  # it ran out of time, or exited
            failed, fault = frozenset(p.name for p in group.properties), ""
        process.join()
        yield Outcome(mutant, failed, fault)


def _report(connection: Connection, group: Group, source: str, namespace: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    try:
        connection.send((verify.failed_properties(group, _defined(source, namespace)), ""))
    except Exception as error:
        connection.send((frozenset(), f"{type(error).__name__}: {error}"))


def _defined(source: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """The namespace with what the cell defines."""
    defined = dict(namespace)
    exec(compile(source, "solution", "exec"), defined)
    return defined
