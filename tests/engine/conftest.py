"""Notebooks and a toy assignment for the engine's tests, which use real kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.checking import as_array, as_tuple, assert_arguments_unchanged, assert_close, check
from course_lib.checking.groups import Group
from course_lib.checking.model import Assignment, Question
from course_lib.engine.notebook import NotebookRunner


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., NotebookRunner]:
    """``run(*cells)``: a runner of a notebook with these code cells; executes them all on entry."""

    class Running(NotebookRunner):
        def __enter__(self) -> NotebookRunner:
            super().__enter__()
            for index in range(len(self.notebook.cells)):
                self.execute(index)
            return self

    def make(
        *cells: str, cell_seconds: float = 20, total_seconds: float = 100, files: Path = tmp_path
    ) -> NotebookRunner:
        notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
        return Running(notebook, files, cell_seconds, total_seconds)

    return make


def text_of(cell: nbformat.NotebookNode) -> str:
    """All text of a cell's outputs."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append(f"{output.ename}: {output.evalue}")
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts)


class TestDouble:
    """A group for a function that returns twice its argument and its sum."""

    __test__ = False

    @check("the form", points=1, examples=5)
    @given(x=st.lists(st.floats(-5, 5), min_size=1, max_size=3).map(np.array))
    def test_form(self, student: Any, x: np.ndarray) -> None:
        twice, total = as_tuple(student.double(x), "twice", "total")
        as_array(twice, x.shape, name="twice")
        as_array(total, (), name="total")
        assert_arguments_unchanged(student)

    @check("twice the argument", points=2, examples=10)
    @given(x=st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=3).map(np.array))
    def test_twice(self, student: Any, x: np.ndarray) -> None:
        assert_close(as_tuple(student.double(x), "twice", "total")[0], 2 * x, rtol=1e-12, name="twice")

    @check("the sum", points=3)
    def test_sum(self, student: Any) -> None:
        assert_close(as_tuple(student.double(np.arange(4.0)), "twice", "total")[1], 6.0, rtol=1e-12, name="total")


@pytest.fixture
def double() -> tuple[Question, Group, Assignment]:
    question = Question("double", "twice and sum", ("double",), call_seconds=1.0)
    group = Group("double", TestDouble, {"double": ["x"]})
    return question, group, NoMisconceptions("toy", "Toy", (question,))


class NoMisconceptions(Assignment):
    """An assignment without files of its own."""

    def misconceptions(self) -> list[Any]:
        return []
