"""What the names in a student's code stand for, found by reading it: nothing of it is run or imported.

``Module`` follows the top-level statements of a notebook or a file in their order, so that a name means what it was
last bound to. A binding has ``nodes``, the code that the value depends on, and ``aliases``, what it may be another
name of.
"""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

MAX_SOURCE = 50_000
"""Characters of one cell or file that are read."""
TOO_LONG = f"it has more than {MAX_SOURCE} characters"
TOO_DEEP = "it is nested too deeply"
TOO_MUCH = "the submission has too much code, or too many magics"

MAGIC = re.compile(r"^[^\S\n]*[%!?/,;]|=[^\S\n]*[%!]|\?[^\S\n]*$", re.MULTILINE)
"""Within a line: over line ends, a cell of empty lines would take minutes."""

RUNS_ITS_TEXT = ("time", "prun", "capture")
"""Magics that run the code they are given in the notebook's namespace."""

Alias = ast.expr | str
Bound = tuple[str, list[ast.AST], list[Alias]]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Unreadable(Exception):
    """Source that Python may be able to run and this module does not read; the message says why."""


@dataclass(frozen=True)
class Source:
    """One cell or file.

    Attributes:
        label: how people find it.
        text: its code.
        given: it is the course's own, not the student's.
    """

    label: str
    text: str
    given: bool = False

    @property
    def cost(self) -> int:
        """What reading it takes, in characters. IPython's transformer reads a cell anew for every magic."""
        return len(self.text) * (1 + len(MAGIC.findall(self.text)))

    def line(self, number: int) -> str:
        """One line, for people."""
        lines = self.text.splitlines()
        return lines[number - 1].strip()[:200] if 0 < number <= len(lines) else ""


@dataclass(eq=False)
class Binding:
    """A top-level name and what it was bound to.

    Attributes:
        name, statement, source, module: which name, and where it is bound.
        time: when it was bound; the names in ``nodes`` mean what they meant then, those in function bodies what they
            mean at the end.
        nodes: the code its value depends on; none for an import.
        aliases: expressions or dotted names that the value may be.
        older: what the name was bound to before, if that may still be so.
    """

    name: str
    statement: ast.stmt
    source: Source
    module: Module
    time: int
    nodes: list[ast.AST]
    aliases: list[Alias]
    older: Binding | None = None


@dataclass
class Module:
    """The names of a notebook or a file.

    Attributes:
        libraries: modules whose public names may be looked up, for star imports.
        history: every binding of each name, oldest first.
        stars: modules of the other star imports.
        statements: the top-level statements, with the time after them and their source.
        unreadable: (source, reason).
        clock: counts bindings.
        clock_after: the clock after each source.
    """

    libraries: set[str] = field(default_factory=set)
    history: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    stars: list[str] = field(default_factory=list)
    statements: list[tuple[int, Source, ast.stmt]] = field(default_factory=list)
    unreadable: list[tuple[Source, str]] = field(default_factory=list)
    clock: int = 0
    clock_after: list[int] = field(default_factory=list)

    def lookup(self, name: str, before: int | None = None) -> Binding | None:
        """The binding of a name at the end, or as the statement of that time sees it."""
        bindings = self.history.get(name)
        if not bindings:
            return None
        if before is None:
            return bindings[-1]
        place = bisect_left(bindings, before, key=lambda b: b.time)
        return bindings[place - 1] if place else None

    def add(self, source: Source) -> None:
        """Follow the statements of one more cell."""
        self._follow_all(source)
        self.clock_after.append(self.clock)

    def leave_out(self, source: Source, reason: str) -> None:
        """Do not read a cell."""
        self.unreadable.append((source, reason))
        self.clock_after.append(self.clock)

    def _follow_all(self, source: Source) -> None:
        """Follow a cell's statements. What Python cannot compile does not run either, and is left out."""
        try:
            statements = parse(source.text)
        except SyntaxError:
            return
        except Unreadable as reason:
            self.unreadable.append((source, str(reason)))
            return
        for statement in statements:
            try:
                self._follow(statement, source, may=False)
                if "global" in source.text:
                    self._follow_globals(statement, source)
            except RecursionError:
                self.unreadable.append((source, TOO_DEEP))
            self.statements.append((self.clock, source, statement))

    def _follow(self, node: ast.stmt, source: Source, may: bool) -> None:
        """Bind what a statement binds. ``may``: it need not run, so the older meaning stays possible."""
        for name, nodes, aliases in bound_by(node):
            self._bind(name, node, source, nodes, aliases, may or isinstance(node, ast.AugAssign))
        for name, value in changed_by(node):
            known = self.lookup(name)
            if known and (known.nodes or not isinstance(node, ast.Expr)):  # plt.plot(…) does not change an imported plt
                self._bind(name, node, source, [value], [], may=True)
        if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name == "*":
            if node.module in self.libraries:
                for name in public_names(node.module):
                    self._bind(name, node, source, [], [f"{node.module}.{name}"], may)
            else:
                self.stars.append(node.module)
        for body, always in bodies_of(node):
            for each in body:
                self._follow(each, source, may or not always)

    def _follow_globals(self, node: ast.stmt, source: Source) -> None:
        """What a function declares global, calling the function may bind."""
        for part in ast.walk(node):
            if isinstance(part, ast.Global):
                for name in part.names:
                    self._bind(name, node, source, [node], [], may=True)

    def _bind(
        self, name: str, statement: ast.stmt, source: Source, nodes: list[ast.AST], aliases: list[Alias], may: bool
    ) -> None:
        older = self.lookup(name) if may else None
        self.history[name].append(Binding(name, statement, source, self, self.clock, nodes, aliases, older))
        self.clock += 1


def parse(text: str, depth: int = 0) -> list[ast.stmt]:
    """The statements of a cell, with IPython's magics as calls, or replaced by the code they run.

    Raises:
        SyntaxError: it is no code.
        Unreadable: it is too long or nested too deeply.
    """
    if len(text) > MAX_SOURCE:
        raise Unreadable(TOO_LONG)
    try:
        try:
            return compile_tree(text)
        except SyntaxError:
            return [s for each in compile_tree(transform(text)) for s in expand(each, depth)]
    except (RecursionError, MemoryError):
        raise Unreadable(TOO_DEEP) from None
    except ValueError:
        raise SyntaxError("null characters") from None
    except RuntimeError:
        raise Unreadable(TOO_MUCH) from None


def transform(text: str) -> str:
    """A cell as Python: magics and the like become calls."""
    return str(TransformerManager().transform_cell(text))  # type: ignore[no-untyped-call]


def compile_tree(text: str) -> list[ast.stmt]:
    """The statements of Python code. Raises SyntaxError."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes and the like in the student's code
        tree = compile(text, "<cell>", "exec", flags=flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree.body


def expand(statement: ast.stmt, depth: int) -> list[ast.stmt]:
    """A magic that runs code, as that code; any other statement as it is."""
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(attr="run_cell_magic"),
                args=[ast.Constant(value=name), _, ast.Constant(value=str(text))],
            )
        ):
            shift = 1
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(attr="run_line_magic"),
                args=[ast.Constant(value=name), ast.Constant(value=str(text))],
            )
        ):
            shift = statement.lineno - 1
        case _:
            return [statement]
    if name not in RUNS_ITS_TEXT or depth > 3:
        return [statement]
    try:
        inner = parse(text, depth + 1)
    except SyntaxError:  # a magic's options, which are not read
        return [statement]
    for each in inner:
        ast.increment_lineno(each, shift)
    return inner


def public_names(module: str) -> list[str]:
    """What ``from module import *`` gives."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return []
    return list(getattr(found, "__all__", None) or [name for name in dir(found) if not name.startswith("_")])


def bodies_of(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], bool]]:
    """The blocks of a compound statement that share its scope, and whether they always run."""
    match node:
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
            yield node.body, False
            yield node.orelse, False
        case ast.With() | ast.AsyncWith():
            yield node.body, True
        case ast.Try() | ast.TryStar():
            yield node.body, False
            for handler in node.handlers:
                yield handler.body, False
            yield node.orelse, False
            yield node.finalbody, True
        case ast.Match():
            for case in node.cases:
                yield case.body, False


def bound_by(node: ast.stmt) -> Iterator[Bound]:  # noqa: PLR0912 (one case per kind of statement)
    """(name, code it depends on, aliases) for each name that a statement binds itself, not in its blocks."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, [node], []
        case ast.Import(names=names):
            for each in names:
                root = each.name.partition(".")[0]
                yield each.asname or root, [], [each.name if each.asname else root]
        case ast.ImportFrom(names=names, module=module):
            for each in names:
                if each.name != "*":
                    yield each.asname or each.name, [], [f"{module}.{each.name}" if module else each.name]
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from targets_of(target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            yield from targets_of(target, value)
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield from targets_of(target, value, alias=False)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from targets_of(item.optional_vars, item.context_expr, alias=False)
        case ast.Match(subject=subject, cases=cases):
            for pattern in [part for case in cases for part in ast.walk(case.pattern)]:
                captured = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
                if captured:
                    yield captured, [subject], [subject]
        case _:
            pass
    for inner in walrus_in(node):
        yield inner.target.id, [inner.value], [inner.value]


def targets_of(target: ast.expr, value: ast.expr, alias: bool = True) -> Iterator[Bound]:
    """(name, code, aliases) of an assignment; tuples are taken apart where both sides are written out."""
    match target, value:
        case ast.Name(id=name), _:
            yield name, [value], [value] if alias else []
        case ast.Starred(value=inner), _:
            yield from targets_of(inner, value, alias=False)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), (ast.Tuple(elts=values) | ast.List(elts=values))) if (
            alias and len(names) == len(values) and not any(isinstance(e, ast.Starred) for e in (*names, *values))
        ):
            for one, other in zip(names, values, strict=True):
                yield from targets_of(one, other)
        case ((ast.Tuple(elts=names) | ast.List(elts=names)), _):
            for one in names:
                yield from targets_of(one, value, alias=False)


def changed_by(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """(name, value) where something is put into what a name stands for: ``x.a = v``, ``x[0] = v``, ``x.append(v)``."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for part in [part for target in targets for part in ast.walk(target)]:
                if isinstance(part, (ast.Attribute, ast.Subscript)) and (name := root_of(part)):
                    yield name, value
        case ast.AugAssign(target=ast.Attribute() | ast.Subscript() as target, value=value):
            if name := root_of(target):
                yield name, value
        case ast.Expr(value=ast.Call(func=ast.Attribute() as function) as call):
            if name := root_of(function):
                yield name, call


def root_of(node: ast.expr) -> str:
    """``x`` of ``x.a[0].b``, or nothing."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def walrus_in(node: ast.AST) -> Iterator[ast.NamedExpr]:
    """The ``:=`` of a statement's own expressions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case, ast.Lambda)):
            continue
        if isinstance(child, ast.NamedExpr):
            yield child
        yield from walrus_in(child)


def local_names(node: Function | ast.ClassDef) -> dict[str, list[Alias]]:
    """The names of a function's or class's own scope, each with what it may be another name of."""
    found: dict[str, list[Alias]] = defaultdict(list)
    if not isinstance(node, ast.ClassDef):
        found.update(parameters(node.args))
    elsewhere: set[str] = set()
    statements = [] if isinstance(node, ast.Lambda) else list(node.body)
    while statements:
        statement = statements.pop()
        if isinstance(statement, (ast.Global, ast.Nonlocal)):
            elsewhere |= set(statement.names)
        for name, _, aliases in bound_by(statement):
            found[name] += aliases
        if isinstance(statement, (ast.Try, ast.TryStar)):
            found.update({handler.name: [] for handler in statement.handlers if handler.name})
        for body, _ in bodies_of(statement):
            statements += body
    return {name: aliases for name, aliases in found.items() if name not in elsewhere}


def parameters(arguments: ast.arguments) -> dict[str, list[Alias]]:
    """A function's parameters, each with its default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    others = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
    found: dict[str, list[Alias]] = {a.arg: [] for a in (*positional, *arguments.kwonlyargs, *others)}
    for argument, default in zip(positional[::-1], arguments.defaults[::-1], strict=False):
        found[argument.arg].append(default)
    for argument, given in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if given is not None:
            found[argument.arg].append(given)
    return found


def comprehension_names(node: Comprehension) -> dict[str, list[Alias]]:
    """The loop variables of a comprehension."""
    return {name: [] for each in node.generators for name, *_ in targets_of(each.target, each.iter, alias=False)}
