"""Which cells of a notebook need not run when it is graded: figures and experiments as released that nothing uses.

Code is read here, and nothing of it is run.
"""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from nbformat import NotebookNode

from course_lib.engine.names import MAX_SOURCE

DYNAMIC = {"eval", "exec", "get_ipython", "globals", "locals", "vars"}
"""Code with one of these may use a name that stands in a text."""


def illustrations(submitted: NotebookNode, source: NotebookNode | None) -> set[int]:
    """Indices of the code cells that need not run.

    They are as released and neither graded, nor an answer, nor locked. What is graded does not depend on them (a test
    of this project's holds every notebook to it), but what a student writes may: those run that make or use a name
    which such cells make and the student's code reads. Those run too that use what a cell makes that was changed.
    """
    if source is None:
        return set()
    released = {cell.source for cell in source.cells if cell.cell_type == "code" and not grading(cell)}
    cells = {i: cell for i, cell in enumerate(submitted.cells) if cell.cell_type == "code" and cell.source.strip()}
    idle = {i for i, cell in cells.items() if not grading(cell) and cell.source in released}
    answers = [names_of(cell.source) for cell in cells.values() if grading(cell) and not grading(cell).get("locked")]
    own = [names_of(cell.source) for i, cell in cells.items() if not grading(cell) and i not in idle]
    names = {i: names_of(cells[i].source) for i in idle}
    gone = [names_of(source) for source in released - {cell.source for cell in cells.values()}]
    changed = bound_by(own) & bound_by(gone)
    made = bound_by(names.values())
    used = set().union(*(reads for reads, _ in answers + own))
    while needed := {i for i in idle if names[i][0] & changed or (names[i][0] | names[i][1]) & used & made}:
        idle -= needed
        used = used.union(*(names[i][0] for i in needed))
    return idle


def grading(cell: NotebookNode) -> dict[str, object]:
    """What nbgrader says of the cell; empty if it is none of nbgrader's."""
    return dict(cell.metadata.get("nbgrader", {}))


def names_of(code: str) -> tuple[set[str], set[str]]:
    """The notebook's names that a cell reads before it has bound them itself, and those that it binds.

    Too many where the code cannot be read exactly.
    """
    words = set(re.findall(r"\w+", code))
    if len(code) > MAX_SOURCE:
        return words, words
    reads: set[str] = set()
    binds: set[str] = set()
    certain: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes and the like in the student's code
            for statement in AsGenerators().visit(ast.parse(code)).body:
                top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
                reads |= {s.get_name() for t in tables(top) for s in t.get_symbols() if is_read(s, t is top)} - certain
                bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
                binds |= bound
                if isinstance(statement, ast.Assign | ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
                    certain |= bound
    except Exception:  # magics, or no Python
        return words, words
    return (words if reads & DYNAMIC else reads), binds


def bound_by(names: Iterable[tuple[set[str], set[str]]]) -> set[str]:
    """All names that some cells bind."""
    return set().union(*(binds for _, binds in names))


class AsGenerators(ast.NodeTransformer):
    """Comprehensions as generators: from Python 3.12 on the symbol tables give their names to what is around them."""

    def visit(self, node: Any) -> Any:
        if isinstance(node, ast.ListComp | ast.SetComp):
            node = ast.GeneratorExp(node.elt, node.generators)
        elif isinstance(node, ast.DictComp):
            node = ast.GeneratorExp(ast.Tuple([node.key, node.value]), node.generators)
        return self.generic_visit(node)


def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """A scope and those in it."""
    yield table
    for child in table.get_children():
        yield from tables(child)


def is_read(symbol: symtable.Symbol, top: bool) -> bool:
    """Whether a scope's symbol is a name of the notebook's namespace that the scope reads."""
    return bool(symbol.is_referenced() and (top or symbol.is_global()))
