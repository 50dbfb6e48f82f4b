"""Makes the sample class in ``examples/submissions/`` from the releases: ``python -m examples.make_submissions``.

Right solutions are the notebooks' own and the correct variants of the test suite, wrong ones are misconceptions, and
some submissions are what real classes hand in: unfinished, broken, late, hostile. The ids are invented.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_lib import assignments

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
TARGET = HERE / "submissions"
ASSIGNMENTS = ("backprop", "optimizers")

Notebook = dict[str, Any]


def read(folder: str, name: str) -> Notebook:
    """A notebook of ``source`` or ``release``."""
    notebook: Notebook = json.loads((REPOSITORY / folder / name / f"{name}.ipynb").read_text(encoding="utf-8"))
    return notebook


def cells(notebook: Notebook) -> dict[str, dict[str, Any]]:
    """The notebook's cells by grade id."""
    found = {c["metadata"].get("nbgrader", {}).get("grade_id", ""): c for c in notebook["cells"]}
    found.pop("", None)
    return found


def is_answer(cell: dict[str, Any]) -> bool:
    """Whether the cell takes an answer in code."""
    grading = cell["metadata"]["nbgrader"]
    return bool(grading["solution"] and not grading["grade"])


def source_with_dependencies(target: Any, entry_point: str) -> str:
    """Source of a function or class under the name ``entry_point``, with what it needs of its module."""
    module = inspect.getmodule(target)
    assert module is not None
    text = inspect.getsource(module)
    blocks: dict[str, str] = {}
    imports = []
    for node in ast.parse(text).body:
        segment = "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if "course_lib" not in segment and "__future__" not in segment:
                imports.append(segment)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            blocks[node.name] = segment
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            blocks[node.targets[0].id] = segment
    needed: list[str] = []

    def collect(name: str) -> None:
        used = {n.id for n in ast.walk(ast.parse(blocks[name])) if isinstance(n, ast.Name)}
        for other in sorted(used & set(blocks) - {name}):
            if other not in needed:
                collect(other)
        needed.append(name)

    collect(target.__name__)
    body = "\n\n\n".join(blocks[name] for name in needed).replace(target.__name__, entry_point)
    used_imports = [line for line in imports if any(word in body for word in imported_names(line))]
    return "\n".join([*used_imports, "", "", body]).strip()


def imported_names(line: str) -> list[str]:
    """The names that an import line binds."""
    node = ast.parse(line).body[0]
    assert isinstance(node, (ast.Import, ast.ImportFrom))
    return [alias.asname or alias.name.split(".")[0] for alias in node.names]


def solved(name: str, replacements: dict[str, str] | None = None) -> Notebook:
    """The release with the notebook's own solutions, or those of ``replacements`` (entry point: source) instead."""
    notebook, own = read("release", name), cells(read("source", name))
    for grade_id, cell in cells(notebook).items():
        if is_answer(cell):
            cell["source"] = unmarked(own[grade_id]["source"])
        elif cell["cell_type"] == "markdown" and cell["metadata"]["nbgrader"]["solution"]:
            cell["source"] = "My answer, in two sentences. It says what I think and why."
    for entry_point, source in (replacements or {}).items():
        question = next(q for q in assignments.load(name).questions if entry_point in q.entry_points)
        cell = cells(notebook)[f"{question.id}_solution"]
        cell["source"] = f"{without(definitions(source), cell['source'])}\n\n\n{source}".strip()
    return notebook


def unmarked(source: str | list[str]) -> str:
    """A solution cell without nbgrader's marks."""
    lines = "".join(source).splitlines()
    return "\n".join(line for line in lines if line.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION"))


def definitions(source: str) -> set[str]:
    """Names of the functions and classes that a cell defines."""
    return {node.name for node in ast.parse(source).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def without(names: set[str], source: str) -> str:
    """A cell without its definitions of these names."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in names:
            del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip()


def with_variants(name: str, pick: int) -> Notebook:
    """Right in another style: for each entry point the ``pick``-th of its variants."""
    variants = importlib.import_module(f"tests.assignments.{name}.variants").VARIANTS
    by_name: dict[str, list[Any]] = {}
    for _, functions in variants:
        for entry_point, target in functions.items():
            by_name.setdefault(entry_point, []).append(target)
    chosen = {n: targets[pick % len(targets)] for n, targets in by_name.items()}
    return solved(name, {n: source_with_dependencies(t, n) for n, t in chosen.items()})


def with_misconceptions(name: str, start: int, step: int) -> Notebook:
    """Wrong in every ``step``-th question, each time by another misconception."""
    wrong: dict[str, str] = {}
    for number, question in enumerate(assignments.load(name).questions):
        if number % step == start % step:
            found = [m for m in assignments.load(name).misconceptions() if question.id in m.fails]
            pick = found[start % len(found)]
            wrong[pick.entry_point] = source_with_dependencies(pick.solution, pick.entry_point)
    return solved(name, wrong)


def unfinished(name: str, done: int) -> Notebook:
    """The first ``done`` questions solved, the rest as released."""
    notebook, own = read("release", name), cells(read("source", name))
    for question in assignments.load(name).questions[:done]:
        cells(notebook)[f"{question.id}_solution"]["source"] = unmarked(own[f"{question.id}_solution"]["source"])
    return notebook


def change(name: str, number: int, edit: Callable[[str], str]) -> Notebook:
    """Solved, with the answer to one question edited."""
    notebook = solved(name)
    cell = cells(notebook)[f"{assignments.load(name).questions[number].id}_solution"]
    cell["source"] = edit(cell["source"])
    return notebook


def prints_scores(name: str) -> Notebook:
    """Unfinished, with every trick that a printed score could play."""
    notebook = unfinished(name, 1)
    for cell in cells(notebook).values():
        if is_answer(cell):
            cell["metadata"]["tags"] = ["skip-execution"]
            cell["source"] = "".join(cell["source"]) + "\nprint('10.0')\ndisplay(100.0)\n100.0"
    return notebook


def without_cells(name: str) -> Notebook:
    """Solved, but grade cells are deleted, doubled, and turned into text."""
    notebook = solved(name)
    graded = [
        c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade") and c["cell_type"] == "code"
    ]
    notebook["cells"].remove(graded[0])
    notebook["cells"].append(copy.deepcopy(graded[1]))
    graded[2].update(cell_type="markdown")
    for key in ("outputs", "execution_count"):
        graded[2].pop(key)
    return notebook


SHORTCUTS = {
    "backprop": (
        "toy_backward",
        """import torch


def toy_backward(x, y, beta, omega):
    beta, omega = (torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in (beta, omega))
    f = beta[0] + omega[0] * x
    for k in range(1, 4):
        f = beta[k] + omega[k] * torch.relu(f)
    ((f - y) ** 2).backward()
    return beta.grad.numpy(), omega.grad.numpy()""",
    ),
    "optimizers": (
        "AdamW",
        """from torch import optim, tensor


class AdamW:
    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.settings = {"lr": lr, "betas": (beta, gamma), "eps": eps, "weight_decay": weight_decay}
        self.tensors = None

    def step(self, params, grads):
        if self.tensors is None:
            self.tensors = [tensor(p, requires_grad=True) for p in params]
            self.optimizer = optim.AdamW(self.tensors, **self.settings)
        for t, p, g in zip(self.tensors, params, grads):
            t.data, t.grad = tensor(p), tensor(g)
        self.optimizer.step()
        return [t.detach().numpy().copy() for t in self.tensors]""",
    ),
}
"""Right results without the work. Only optimizers forbids it."""


def with_shortcut(name: str) -> Notebook:
    """Solved, one exercise by a library."""
    return solved(name, dict([SHORTCUTS[name]]))


LOOP = "\n\n\ndef {0}(*args):\n    while True:\n        pass\n"

CLASS: dict[str, Callable[[str], Notebook | bytes | None]] = {
    "student-01": solved,
    "student-02": lambda name: with_variants(name, 0),
    "student-03": lambda name: with_variants(name, 1),
    "student-04": lambda name: with_misconceptions(name, 0, 2),
    "student-05": lambda name: with_misconceptions(name, 1, 2),
    "student-06": lambda name: with_misconceptions(name, 0, 3),
    "student-07": lambda name: with_misconceptions(name, 3, 4),
    "student-08": lambda name: unfinished(name, 4),
    "student-09": lambda name: read("release", name),
    "student-10": lambda name: change(
        name, 2, lambda source: source + "\nraise RuntimeError('I forgot to remove this')"
    ),
    "student-11": lambda name: change(name, 6, lambda source: source + LOOP.format(entry_point(name, 6))),
    "student-12": lambda name: None,
    "student-13": lambda name: change(name, 1, lambda source: source.replace(entry_point(name, 1), "my_function")),
    "student-14": solved,
    "student-15": prints_scores,
    "student-16": lambda name: b"this is no notebook\n",
    "student-17": without_cells,
    "student-18": lambda name: change(name, 4, lambda source: source + "\nimport os\nos._exit(0)"),
    "student-19": with_shortcut,
}
"""Who hands in what: right in three styles, four sets of misconceptions (two share some), unfinished, untouched, a
cell that raises, an endless loop, a missing notebook, a missing function, late, hostile, broken, changed cells, a cell
that ends the kernel, a shortcut."""

LATE = "student-14"


def entry_point(name: str, number: int) -> str:
    """The first function of a question."""
    return assignments.load(name).questions[number].entry_points[0]


def write_class(target: Path) -> None:
    """Write every submission of the sample class below ``target``, which is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    for student, make in CLASS.items():
        for name in ASSIGNMENTS:
            folder = target / student / name
            folder.mkdir(parents=True)
            made = make(name)
            if made is None:
                (folder / "notes.txt").write_text("I could not upload my notebook. It is on my other machine.\n")
            elif isinstance(made, bytes):
                (folder / f"{name}.ipynb").write_bytes(made)
            else:
                text = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
                (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
            late = student == LATE
            (folder / "timestamp.txt").write_text(f"2026-11-{22 if late else 12} 12:00:00 UTC\n")


if __name__ == "__main__":
    write_class(TARGET)
