"""Bad notebooks get a reason in words before anything of them runs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.engine import submission
from course_lib.engine.errors import NeedsAttention
from course_lib.engine.submission import course_directory, notebooks_to_grade, read_notebook


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("this is no notebook", "is not a notebook: Expecting value"),
        (b"\xff\xfe\x00", "is not a notebook"),
        ("[]", "has no 'nbformat'"),
        ('{"cells": []}', "has no 'nbformat'"),
        ('{"nbformat": "four"}', "has no 'nbformat'"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}', "is not a valid notebook"),
        ('{"nbformat": 99, "nbformat_minor": 0}', "is not a valid notebook"),
        ("[" * 100_000, "is n"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(tmp_path, content, words):
    with pytest.raises(NeedsAttention, match=r"work\.ipynb") as caught:
        read_notebook(write(tmp_path / "work.ipynb", content))
    assert words in str(caught.value)


def test_a_huge_file_is_not_even_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "MAX_NOTEBOOK_BYTES", 100)
    with pytest.raises(NeedsAttention, match="at most 0 MB"):
        read_notebook(write(tmp_path / "work.ipynb", "x" * 101))


CELL = {"cell_type": "code", "source": "", "metadata": {}, "outputs": [], "execution_count": None}
HEAVY = {
    "outputs": [{"output_type": "no output"}] * 100_000,
    "metadata": {"tags": [{"a": number} for number in range(100_000)], **dict.fromkeys(map(str, range(100_000)), 1)},
}
"""What nbformat takes hours to validate."""


def test_what_grading_does_not_read_is_dropped_before_it_is_validated(tmp_path):
    grading = {"grade_id": "a", "schema_version": 3}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**CELL, **HEAVY}, dict(CELL)]}
    content["cells"][1]["metadata"] = {"nbgrader": grading, "tags": ["a"]}
    content["cells"].append({"cell_type": "markdown", "source": "", "metadata": {}, "attachments": {}})
    content["cells"][2]["attachments"] = {str(number): {"image/png": ""} for number in range(1000)}
    cells = read_notebook(write(tmp_path / "work.ipynb", json.dumps(content))).cells
    assert [cell.metadata for cell in cells] == [{}, {"nbgrader": grading}, {}]
    assert cells[0].outputs == []
    assert len(cells[2].attachments) == 100


@pytest.mark.parametrize("version", [3, 4])
def test_cells_are_counted_however_they_are_written(tmp_path, version):
    cells = [CELL] * 2001
    content = {4: {"metadata": {}, "cells": cells}, 3: {"metadata": {}, "worksheets": [{"cells": cells}]}}[version]
    text = json.dumps({"nbformat": version, "nbformat_minor": 0, **content}).replace("cell_type", "cell\\u005ftype")
    with pytest.raises(NeedsAttention, match="2001 cells; at most 2000"):
        read_notebook(write(tmp_path / "work.ipynb", text))


def test_images_in_the_text_do_not_count_as_text(tmp_path):
    def content(text):
        return json.dumps(new_notebook(cells=[new_markdown_cell(text)]))

    read_notebook(write(tmp_path / "work.ipynb", content(f"![i](data:image/png;base64,{'A' * 1_000_000})")))
    with pytest.raises(NeedsAttention, match="1000000 characters in markdown cells"):
        read_notebook(write(tmp_path / "work.ipynb", content("A" * 1_000_000)))


def test_too_many_files(tmp_path):
    for number in range(2000):
        (tmp_path / str(number)).touch()
    submission.check_size(tmp_path)
    (tmp_path / "one more").mkdir()
    with pytest.raises(NeedsAttention, match="more than 2000 files"):
        submission.check_size(tmp_path)


def test_a_notebook_of_an_older_format_is_read(tmp_path):
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell(input="x = 1")])]
    )
    path = write(tmp_path / "old.ipynb", json.dumps(old))
    assert [cell.source for cell in read_notebook(path).cells] == ["x = 1"]


def test_a_byte_order_mark_is_passed_over(tmp_path):
    content = json.dumps(new_notebook(cells=[new_code_cell("x = 1")]))
    path = write(tmp_path / "mark.ipynb", b"\xef\xbb\xbf" + content.encode())
    assert [cell.source for cell in read_notebook(path).cells] == ["x = 1"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "the folder has no file"),
        (("backprop (1).ipynb", "notes.txt"), "the folder has backprop (1).ipynb, notes.txt."),
        (("backprop/backprop.ipynb",), "the folder has backprop/backprop.ipynb."),
        (("a.zip", "data/z.ipynb"), "the folder has data/z.ipynb, a.zip."),
        (tuple(f"{number}.txt" for number in range(9)), "4.txt and 4 more files."),
    ],
)
def test_a_missing_notebook_is_named_with_what_is_there_instead(tmp_path, names, words):
    write(tmp_path / "nbgrader_config.py", "c = get_config()\n")
    (tmp_path / "source" / "backprop").mkdir(parents=True)
    write(tmp_path / "source" / "backprop" / "backprop.ipynb", "{}")
    folder = tmp_path / "submitted" / "student-01" / "backprop"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, "{}")
    with pytest.raises(NeedsAttention, match=r"no backprop\.ipynb") as caught:
        notebooks_to_grade(folder, course_directory(str(tmp_path)), "backprop")
    assert words in str(caught.value)


def test_doubled_cell_ids_are_mended(tmp_path):
    notebook = new_notebook(cells=[new_code_cell("1", id="same")])
    notebook.cells.append(new_code_cell("2", id="same"))
    path = write(tmp_path / "twice.ipynb", json.dumps(notebook))
    ids = [cell.id for cell in read_notebook(path).cells]
    assert len(set(ids)) == 2


def test_digests_change_with_content_and_names_but_not_with_time(tmp_path):
    first = write(tmp_path / "a", "1")
    before = submission.files_digest([first])
    assert submission.files_digest([write(first, "1")]) == before
    assert submission.files_digest([write(first, "2")]) != before
    assert submission.files_digest([write(tmp_path / "b", "1")]) != before
