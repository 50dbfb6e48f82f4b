"""Finds forbidden shortcuts in a student's source: which library names a question's own functions reach.

The rule: start at the question's entry points, as they stand when its grade cell runs, and follow every name that
their code reads, through helpers, other cells and the files beside the notebook. What is read on the way counts. What
stands elsewhere, such as a comparison with ``torch.optim`` in a cell of its own, does not, and neither does an unused
import at the top. Code that could hide a name from such a search (exec, getattr with a computed name, …) is noted for
the TA and not punished.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

from nbformat import NotebookNode

from course_lib.checking.model import Question
from course_lib.engine.names import (
    MAX_SOURCE,
    TOO_MUCH,
    Alias,
    Binding,
    Function,
    Module,
    Source,
    comprehension_names,
    local_names,
    walrus_in,
)

KINDS = ("1d", "2d", "3d")
SAME = {
    "torch.nn.Dropout": (
        *("torch.nn.modules.Dropout", "torch.nn.modules.dropout", "torch.nn.AlphaDropout"),
        *("torch.nn.FeatureAlphaDropout", *(f"torch.nn.Dropout{kind}" for kind in KINDS)),
    ),
    "torch.nn.functional.dropout": (
        *("torch.dropout", "torch.dropout_", "torch.native_dropout", "torch._VF.dropout", "torch.feature_dropout"),
        *("torch.alpha_dropout", "torch.nn.functional.alpha_dropout", "torch.nn.functional.feature_alpha_dropout"),
        *(f"torch.nn.functional.dropout{kind}" for kind in KINDS),
    ),
    "torch.optim": ("torch.distributed.optim",),
    "numpy.fft": ("np.fft", "pylab.fft", "matplotlib.pylab.fft"),  # np as another module has it
    "scipy.fft": ("scipy.fftpack",),
}
"""Other names of the same thing, or of its kind."""

DYNAMIC = (
    *("importlib", "sys.modules", "inspect", "runpy", "pkgutil", "ctypes", "gc", "code", "subprocess", "IPython"),
    *("marshal", "pickle", "dill", "cloudpickle", "types.FunctionType", "types.CodeType", "os.system", "os.popen"),
    *("operator.attrgetter", "operator.methodcaller", "torch._C", "torch.ops", "torch.hub", "torch.load"),
    *("builtins.exec", "builtins.eval", "builtins.compile", "builtins.globals", "builtins.vars", "builtins.getattr"),
    *("builtins.setattr", "builtins.__import__", "builtins.__builtins__", "builtins.__dict__", "builtins.get_ipython"),
)
"""What can find or run code by a computed name."""
DYNAMIC_ATTRIBUTES = (
    *(
        "__dict__",
        "__globals__",
        "__builtins__",
        "__code__",
        "__closure__",
        "__annotations__",
        "__loader__",
        "__spec__",
    ),
    *("__getattribute__", "__getattr__", "__subclasses__", "f_globals", "f_locals", "f_builtins"),
    *("run_cell", "run_line_magic", "run_cell_magic"),
)
HARMLESS = ("IPython.display",)
HARMLESS_MAGICS = ("matplotlib", "config", "timeit", "pinfo", "pinfo2", "who", "whos", "precision", "pip", "autoreload")

MAX_COST = 300_000
"""Characters that are read of a submission (about a second); what is left out is noted for the TA."""
MAX_STEPS = 200_000
"""A search is given up after so many steps (about a second), and the TA is told."""


class TooIntricate(Exception):
    """The code would take too long to follow."""


@dataclass(frozen=True)
class Shortcuts:
    """What came of a search.

    Attributes:
        found: what is used and where, as phrases for the student.
        notes: sentences for the TA.
    """

    found: list[str]
    notes: list[str]

    def message(self, question: Question) -> str:
        """What to tell the student."""
        without = " and ".join(question.forbidden)
        return (
            f"{self.found[0]}. This exercise is to be solved without {without}: write it yourself. "
            "To compare with, you may use it in another cell that your solution does not call."
        )


class Code:
    """A submission's code.

    Args:
        cells: of the notebook.
        files: those beside it, by module name.
        questions: of the assignment.
    """

    def __init__(self, cells: list[Source], files: dict[str, Source], questions: Sequence[Question]) -> None:
        self.cells = cells
        self.files = files
        self.entry_points = {name for question in questions for name in question.entry_points}
        forbidden = [name.split(".") for question in questions for name in question.forbidden]
        self.libraries = {".".join(parts[:i]) for parts in forbidden for i in range(1, len(parts) + 1)}
        self._modules: dict[str, Module] = {}
        self._room = MAX_COST

    @cached_property
    def notebook(self) -> Module:
        """The names of the notebook."""
        return self._read(self.cells)

    def file(self, name: str) -> Module | None:
        """The names of a file, if there is one of that module name."""
        if name in self.files and name not in self._modules:
            self._modules[name] = self._read([self.files[name]])
        return self._modules.get(name)

    def _read(self, sources: list[Source]) -> Module:
        module = Module(self.libraries)
        for source in sources:
            self._room -= source.cost
            if self._room >= 0 or source.given:
                module.add(source)
            else:
                module.leave_out(source, TOO_MUCH)
        return module

    def search(self, question: Question, end: int) -> Shortcuts:
        """What a question's functions reach, as things stand after the first ``end`` cells."""
        if not question.forbidden:
            return Shortcuts([], [])
        search = Search(question, self, end)
        try:
            search.follow_entry_points()
            search.read_top_level()
        except (TooIntricate, RecursionError):
            search.notes.append(f"the code is too intricate to be searched for {search.what}")
        return Shortcuts(search.found, list(dict.fromkeys(search.notes)))


def code_of(
    notebook: NotebookNode, source: NotebookNode | None, files: Path, provided: set[str], questions: Sequence[Question]
) -> Code:
    """A submission's code.

    Args:
        source: the instructor's notebook; cells that are as released are the course's own.
        files: the directory of the notebook.
        provided: paths in it of the course's own files.
        questions: of the assignment.
    """
    released = {cell.source for cell in source.cells if not is_answer(cell)} if source else set()
    cells = []
    for number, cell in enumerate(notebook.cells, 1):
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        given = not is_answer(cell) and cell.source in released
        text = cell.source if cell.cell_type == "code" else ""
        cells.append(Source(f"the cell {name!r}" if name else f"cell {number}", text, given))
    found = {}
    for path in sorted(files.rglob("*.py")):
        place = path.relative_to(files)
        parts = place.parent.parts if place.name == "__init__.py" else place.with_suffix("").parts
        if parts and path.is_file() and not path.is_symlink():
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_SOURCE + 1)
            found[".".join(parts)] = Source(f"the file {place}", text, str(place) in provided)
    return Code(cells, found, questions)


def is_answer(cell: NotebookNode) -> bool:
    """A cell that the student is asked to write."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


@dataclass(frozen=True)
class Scope:
    """The names of a function, class or comprehension."""

    names: dict[str, list[Alias]]
    is_class: bool


@dataclass(frozen=True)
class Context:
    """Where a piece of code stands.

    Attributes:
        module, source: of the code.
        time, end: the top-level names mean what they meant then (None: in the end), and in the bodies of functions.
        function: the name of what the code belongs to.
        scopes: enclosing functions, classes and comprehensions, outermost first.
    """

    module: Module
    source: Source
    time: int | None
    end: int | None
    function: str = ""
    scopes: tuple[Scope, ...] = ()

    def inside(self, names: dict[str, list[Alias]], *, is_class: bool = False) -> Context:
        """The context in a scope within this one, where a class's names do not count."""
        outer = self.scopes[:-1] if self.scopes and self.scopes[-1].is_class else self.scopes
        return replace(self, scopes=(*outer, Scope(names, is_class)))

    def later(self, function: str) -> Context:
        """The context of a function's body: it runs later, when all top-level names are bound."""
        return replace(self, time=self.end, function=function)


class Search:
    """Follows names from a question's entry points.

    Attributes:
        what: the forbidden names, for people.
        found: the uses of forbidden names.
        notes: what the TA should see.
    """

    def __init__(self, question: Question, code: Code, end: int) -> None:
        self.what = " or ".join(question.forbidden)
        self.found: list[str] = []
        self.notes: list[str] = []
        self._question = question
        self._code = code
        self._end = code.notebook.clock_after[end - 1] if end else 0
        self._forbidden = {other: name for name in question.forbidden for other in (name, *SAME.get(name, ()))}
        parts = [name.split(".") for name in self._forbidden]
        self._packages = {".".join(each[:i]) for each in parts for i in range(1, len(each))}
        self._attributes = {part for each in parts for part in each[1:]}
        self._seen: set[Binding] = set()
        self._resolving: set[int] = set()
        self._steps = 0
        self._lost_package = False
        self._odd_attributes: list[tuple[ast.expr, Context]] = []
        self._note_unread(code.notebook, code.cells[:end])

    def follow_entry_points(self) -> None:
        """Read all that the question's functions reach."""
        for name in self._question.entry_points:
            self.follow(self._code.notebook.lookup(name, self._end))
        if self._lost_package:  # torch went where names do not show, and something's .optim is read
            for node, context in self._odd_attributes:
                self._note(node, context)

    def read_top_level(self) -> None:
        """Note what the student's top-level statements, and what they call, do that could hide a name."""
        blamed = list(self.found)
        notebook = self._code.notebook
        self._seen |= {binding for name in self._code.entry_points for binding in notebook.history[name]}
        for time, source, statement in notebook.statements:
            if time <= self._end and not source.given and not isinstance(statement, (ast.Import, ast.ImportFrom)):
                self.read(statement, Context(notebook, source, time, self._end), bodies=False)
        self.found = blamed

    def _note_unread(self, module: Module, sources: list[Source]) -> None:
        for source, why in module.unreadable:
            if not source.given and source in sources:
                self.notes.append(f"{source.label} was not searched: {why}")

    def follow(self, binding: Binding | None) -> None:
        """Read the code that a name depends on, and all that it reaches."""
        while binding is not None and binding not in self._seen:
            self._seen.add(binding)
            end = self._end if binding.module is self._code.notebook else None
            context = Context(binding.module, binding.source, binding.time, end, binding.name)
            for node in binding.nodes:
                self.read(node, context, is_base=bool(binding.aliases))
            for alias in binding.aliases:
                if isinstance(alias, str):
                    self._use(alias, binding.statement, context)
            binding = binding.older

    def read(  # noqa: PLR0912 (one case per kind of node)
        self, node: ast.AST, context: Context, *, is_base: bool = False, bodies: bool = True
    ) -> None:
        """Read a piece of code.

        Args:
            is_base: the value is followed by name from here, so a package in it is not lost.
            bodies: read the bodies of functions too.
        """
        self._step()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._read_function(node, context, bodies)
            case ast.ClassDef():
                for part in (*node.decorator_list, *node.bases, *node.keywords):
                    self.read(part, context)
                inner = context.inside(local_names(node), is_class=True)
                for part in node.body:
                    self.read(part, inner, bodies=bodies)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inner = context.inside(comprehension_names(node))
                for child in ast.iter_child_nodes(node):
                    self.read(child, inner)
            case ast.Import():
                for each in node.names:
                    self._use(each.name, node, context)
            case ast.ImportFrom():
                for each in node.names:
                    self._use(f"{node.module}.{each.name}" if node.module else each.name, node, context)
            case ast.Assign(targets=[ast.Name()], value=value):
                in_class = bool(context.scopes) and context.scopes[-1].is_class  # read as an attribute later
                self.read(value, context, is_base=not in_class, bodies=bodies)
            case ast.AnnAssign(target=target, value=value):  # an annotation uses nothing
                for each_part in (target, value):
                    if each_part is not None:
                        self.read(each_part, context, bodies=bodies)
            case ast.MatchClass(cls=kind, kwd_attrs=attributes):
                for attribute in attributes:
                    if attribute in self._attributes:
                        self._odd_attributes.append((kind, context))
                for child in ast.iter_child_nodes(node):
                    self.read(child, context, bodies=bodies)
            case ast.Name(ctx=ast.Load()) | ast.Attribute() | ast.Call() | ast.Subscript():
                self._read_name(node, context, is_base, bodies)
            case _:
                for child in ast.iter_child_nodes(node):
                    self.read(child, context, bodies=bodies)

    def _read_function(self, node: Function, context: Context, bodies: bool) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.read(default, context, is_base=True, bodies=bodies)
        if not isinstance(node, ast.Lambda):
            for outside in (*node.decorator_list, *walrus_in(node.args)):  # a := can stand in an annotation
                self.read(outside, context, bodies=bodies)
        if bodies:
            name = context.function if isinstance(node, ast.Lambda) else node.name
            inner = context.inside(local_names(node)).later(name)
            for part in [node.body] if isinstance(node, ast.Lambda) else node.body:
                self.read(part, inner)

    def _read_name(self, node: ast.expr, context: Context, is_base: bool, bodies: bool) -> None:
        """A name, attribute, call or item: the dotted name that it means is judged as a whole, then its parts."""
        names = self.names(node, context)
        uses = [self._use(name, node, context) for name in sorted(names)]
        if any(uses):
            return
        if names & self._packages and not is_base:
            self._lost_package = True
        match node:
            case ast.Name(id=name):
                if self._depth(name, context) is None:
                    self.follow(context.module.lookup(name, context.time))
            case ast.Attribute(value=value, attr=attribute, ctx=use):
                self._read_attribute(attribute, names, node, context)
                if names and isinstance(use, ast.Store):  # into a module, from where it can be read by another name
                    self._note(node, context)
                self.read(value, context, is_base=True, bodies=bodies)
            case ast.Call(func=function, args=args, keywords=keywords):
                attribute = self._attribute_got(node, context)
                self._read_attribute(attribute, names, node, context)
                if not names and not attribute and not is_harmless_magic(node):
                    self.read(function, context, is_base=True, bodies=bodies)
                for part in (*args, *keywords):
                    self.read(part, context, is_base=bool(names), bodies=bodies)
            case ast.Subscript(value=value, slice=index) if not names:
                self.read(value, context, bodies=bodies)
                self.read(index, context, bodies=bodies)

    def _read_attribute(self, attribute: str, names: set[str], node: ast.expr, context: Context) -> None:
        if attribute in DYNAMIC_ATTRIBUTES:
            self._note(node, context)
        if attribute in self._attributes and not names:
            self._odd_attributes.append((node, context))

    def _attribute_got(self, node: ast.Call, context: Context) -> str:
        """``name`` of ``getattr(x, "name")``, which is ``x.name``."""
        if len(node.args) < 2 or "builtins.getattr" not in self.names(node.func, context):
            return ""
        return text_of(node.args[1]) or ""

    def names(self, node: ast.AST, context: Context) -> set[str]:
        """The dotted names that an expression may stand for; empty if that is not known."""
        self._step()
        match node:
            case ast.Name(id=name):
                return self._names_of(name, context)
            case ast.Attribute(value=value, attr=attribute):
                return self._expand({f"{name}.{attribute}" for name in self.names(value, context)})
            case ast.NamedExpr(value=value):
                return self.names(value, context)
            case ast.IfExp(body=one, orelse=other):
                return self.names(one, context) | self.names(other, context)
            case ast.BoolOp(values=values):
                return set().union(*(self.names(value, context) for value in values))
            case ast.Subscript(value=value, slice=index) if (key := text_of(index)) is not None:
                bases = self.names(value, context)
                found = {f"{base.removesuffix('.__dict__')}.{key}" for base in bases if base.endswith(".__dict__")}
                return self._expand(found | ({key} if "sys.modules" in bases else set()))
            case ast.Call(func=function, args=args):
                return self._expand(self._result(self.names(function, context), args, context))
        return set()

    def _result(self, functions: set[str], args: Sequence[ast.expr], context: Context) -> set[str]:
        """What ``getattr``, ``vars``, ``import_module``, ``__import__`` return if their arguments are written out."""
        texts = [text_of(each) for each in args]
        name = texts[0] if texts else None
        if "builtins.getattr" in functions and len(args) >= 2 and texts[1] is not None:
            return {f"{base}.{texts[1]}" for base in self.names(args[0], context)}
        if "builtins.vars" in functions and len(args) == 1:
            return {f"{base}.__dict__" for base in self.names(args[0], context)}
        if "importlib.import_module" in functions and name is not None:
            return {f"{texts[1] if len(texts) > 1 else ''}{name}" if name.startswith(".") else name}
        if "builtins.__import__" in functions and name is not None:
            return {name, name.partition(".")[0]}
        return set()

    def _names_of(self, name: str, context: Context) -> set[str]:
        depth = self._depth(name, context)
        if depth is not None:
            outer = replace(context, scopes=context.scopes[: depth + 1])
            return self._any(context.scopes[depth].names[name], outer)
        binding = context.module.lookup(name, context.time)
        if binding is not None:
            return self._values(binding)
        if hasattr(builtins, name) or name in ("get_ipython", "__builtins__"):
            return {f"builtins.{name}"}
        return self._expand({f"{module}.{name}" for module in context.module.stars})

    def _depth(self, name: str, context: Context) -> int | None:
        """Index of the innermost scope that holds a name, or None for a top-level name."""
        return next((i for i in reversed(range(len(context.scopes))) if name in context.scopes[i].names), None)

    def _values(self, binding: Binding) -> set[str]:
        found: set[str] = set()
        latest: Binding | None = binding
        while latest is not None:
            found |= self._any(latest.aliases, Context(latest.module, latest.source, latest.time, None))
            latest = latest.older
        return found

    def _any(self, aliases: list[Alias], context: Context) -> set[str]:
        found: set[str] = set()
        for alias in aliases:
            self._step()
            if id(alias) in self._resolving:  # it is defined by itself
                continue
            self._resolving.add(id(alias))
            try:
                found |= self._expand({alias}) if isinstance(alias, str) else self.names(alias, context)
            finally:
                self._resolving.discard(id(alias))
        return found

    def _expand(self, names: set[str]) -> set[str]:
        """The names, and what they are other names of in the files beside the notebook."""
        found = set(names)
        for name in names:
            for binding, rest in self._in_files(name):
                found |= {f"{value}{rest}" for value in self._values(binding)}
        return found

    def _in_files(self, name: str) -> list[tuple[Binding, str]]:
        """The bindings in files that a dotted name may mean, and the rest of the name."""
        parts = name.split(".")
        found = []
        for cut in range(1, len(parts)):
            module = self._code.file(".".join(parts[:cut]))
            if module is None:
                continue
            self._note_unread(module, [source for source, _ in module.unreadable])
            binding = module.lookup(parts[cut])
            if binding is not None:
                found.append((binding, "".join(f".{part}" for part in parts[cut + 1 :])))
        return found

    def _use(self, name: str, node: ast.AST, context: Context) -> bool:
        """A name is read. True if it is forbidden."""
        for other, stated in self._forbidden.items():
            if f".{other}." in f".{name}.":
                line = context.source.line(getattr(node, "lineno", 0))
                same = "" if other == stated else f" (the same as {stated})"
                use = f"{context.function} uses {other}{same} in {context.source.label}: {line}"
                self.found += [use] if use not in self.found else []
                return True
        root = name.partition(".")[0]
        is_known = is_installed(root) or any(file.partition(".")[0] == root for file in self._code.files)
        if not is_known or (is_under(name, DYNAMIC) and not is_under(name, HARMLESS)):
            self._note(node, context)
        for binding, _ in self._in_files(name):
            self.follow(binding)
        return False

    def _note(self, node: ast.AST, context: Context) -> None:
        if not context.source.given:
            line = context.source.line(getattr(node, "lineno", 0))
            self.notes.append(f"{context.source.label} has code that could hide {self.what}: {line}")

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooIntricate


def is_under(name: str, modules: Iterable[str]) -> bool:
    """A dotted name is one of the modules or in one."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


@cache
def is_installed(module: str) -> bool:
    """There is such a top-level module here; finding it does not import it."""
    try:
        return module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None
    except (ValueError, ImportError):
        return True


def text_of(node: ast.AST) -> str | None:
    """The text of a literal, also one that is put together from literals."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = text_of(left), text_of(right)
            return one + other if one is not None and other is not None else None
    return None


def is_harmless_magic(node: ast.Call) -> bool:
    """A magic that shows something and defines nothing."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"))),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return name in HARMLESS_MAGICS
    return False
