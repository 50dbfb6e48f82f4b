"""What students get: exactly the allowed files, generated from source, with no solution, output or bytecode in them."""

from __future__ import annotations

import ast
import hashlib
import shutil
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from course_lib import assignments
from course_lib.release import release_assignment

REPOSITORY = Path(__file__).parents[1]
SOURCE, RELEASE, KIT = REPOSITORY / "source", REPOSITORY / "release", REPOSITORY / "student_kit"

DATA = {".npz", ".json", ".csv", ".md", ".txt", ".png"}


def files(folder: Path) -> dict[str, str]:
    """Content hashes of the files below a folder, by relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
    }


def notebook(folder: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(folder / name / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """All assignments released anew in another place."""
    root = tmp_path_factory.mktemp("course")
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    for name in assignments.NAMES:
        ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(SOURCE / name, root / "source" / name, ignore=ignore)
        release_assignment(root, name)
    return root / "release"


@pytest.mark.parametrize("name", assignments.NAMES)
def test_the_committed_release_is_what_the_source_makes(released, name):
    assert files(RELEASE / name) == files(released / name), f"run 'course release {name}' and commit release/{name}"


def test_there_is_a_release_for_every_assignment_and_nothing_else():
    assert {p.name for p in RELEASE.iterdir()} == set(assignments.NAMES)


@pytest.mark.parametrize("name", assignments.NAMES)
def test_the_release_has_only_allowed_files(released, name):
    for path in files(released / name):
        allowed = path in {f"{name}.ipynb", "checks.py", "visible.py", "requirements.txt"}
        allowed = allowed or Path(path).suffix in DATA or (SOURCE / name / path).suffix == ".py"
        assert allowed, f"{path} is on no list: should students get it?"
        assert (SOURCE / name / path).exists(), f"{path} has no origin in source/{name}"


@pytest.mark.parametrize("name", assignments.NAMES)
def test_no_released_file_comes_from_course_lib_or_imports_it(released, name):
    package = set(files(REPOSITORY / "course_lib").values())
    shared = set(files(KIT).values())
    for path, digest in files(released / name).items():
        assert digest not in package - shared, f"{path} is a file of course_lib"
        assert b"course_lib" not in (released / name / path).read_bytes(), f"{path} mentions course_lib"
        assert Path(path).suffix not in {".pyc", ".pyo", ".so"}, f"{path} is bytecode"


@pytest.mark.parametrize("name", assignments.NAMES)
def test_links_of_source_are_released_as_plain_files(released, name):
    links = [path for path in (SOURCE / name).iterdir() if path.is_symlink()]
    assert links, "every assignment shares visible.py"
    for link in links:
        copy = released / name / link.name
        assert not copy.is_symlink()
        assert copy.read_bytes() == link.read_bytes()


def telling(lines: list[str]) -> set[str]:
    """What of some code could not stand elsewhere by chance: long lines, and pairs of lines that follow each other."""
    code = [line.strip() for line in lines if line.strip()]
    pairs = {f"{first} / {second}" for first, second in pairwise(code) if len(first + second) > 45}
    return pairs | {line for line in code if len(line) > 60}


def solution_lines(name: str) -> set[str]:
    """The telling lines inside the solution regions of the source notebook."""
    found = set()
    for cell in notebook(SOURCE, name).cells:
        for region in cell.source.split("### BEGIN SOLUTION")[1:]:
            found |= telling(region.split("### END SOLUTION")[0].splitlines())
    return found


@pytest.mark.parametrize("name", assignments.NAMES)
def test_no_part_of_a_solution_is_in_any_released_file(released, name):
    secret = solution_lines(name)
    assert len(secret) > 10, "the check finds no solutions: has the marker changed?"
    for path in (p for p in (released / name).rglob("*") if p.suffix in {".ipynb", ".py", ".md", ".txt"}):
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        else:
            text = path.read_text(encoding="utf-8")
        assert telling(text.splitlines()) & secret == set(), f"{path.name} gives a solution away"
        assert "BEGIN SOLUTION" not in text
        assert "Marking scheme" not in text
        assert "Model answer" not in text


@pytest.mark.parametrize("name", assignments.NAMES)
def test_no_reference_is_in_a_released_file(released, name):
    """No function body of the reference stands in what students get, under whatever name."""
    module = assignments.load(name).module("reference")
    bodies = {
        ast.dump(ast.Module(node.body[1:], []))
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and len(node.body) > 3
    }
    for path in (released / name).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert ast.dump(ast.Module(node.body[1:], [])) not in bodies, f"{path.name}: {node.name}"


@pytest.mark.parametrize("folder", [SOURCE, RELEASE], ids=["source", "release"])
@pytest.mark.parametrize("name", assignments.NAMES)
def test_notebooks_have_no_outputs_and_valid_metadata(folder, name):
    found = notebook(folder, name)
    nbformat.validate(found)
    ids = [cell.metadata.nbgrader.grade_id for cell in found.cells if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))
    for cell in found.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("name", assignments.NAMES)
def test_every_question_has_its_cells_and_the_points_of_its_group(name):
    cells = {c.metadata.nbgrader.grade_id: c for c in notebook(SOURCE, name).cells if "nbgrader" in c.metadata}
    for question in assignments.load(name).questions:
        grading = cells[question.id].metadata.nbgrader
        assert grading.grade
        assert grading.locked
        assert not grading.solution
        assert grading.points == assignments.groups(name)[question.id].points, question.id
        assert cells[f"{question.id}_solution"].metadata.nbgrader.solution
    graded = {i for i, c in cells.items() if c.metadata.nbgrader.grade and not c.metadata.nbgrader.solution}
    assert graded == {question.id for question in assignments.load(name).questions}


@pytest.mark.parametrize("name", assignments.NAMES)
def test_every_assignment_has_a_manual_question(name):
    cells = notebook(SOURCE, name).cells
    manual = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade") and c.metadata.nbgrader.solution]
    assert manual
    for cell in manual:
        assert "point" in cell.source.lower(), "the answer cell in source holds the model answer and its marking scheme"
    texts = [c.source for c in notebook(RELEASE, name).cells if c.metadata.get("nbgrader", {}).get("solution")]
    assert sum("YOUR ANSWER HERE" in text for text in texts) == len(manual)
