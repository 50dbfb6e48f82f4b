"""Notebooks in real kernels: what they print, and what they do to the kernel."""

from __future__ import annotations

import pytest

from course_lib.engine import notebook
from course_lib.engine.errors import WorkerDied
from course_lib.engine.proxy import Student
from tests.engine.conftest import text_of


def test_cells_run_as_in_an_ordinary_kernel(run):
    with run(
        "import numpy as np\nnp.arange(3)",
        "print('out'); import sys; print('err', file=sys.stderr)",
        "1/0",
        "import matplotlib.pyplot as plt\nplt.plot([0, 1]);",
        "%time 1 + 1",
        "await __import__('asyncio').sleep(0); 'awaited'",
        "!echo shell",
        "import torch; w = torch.ones(2, requires_grad=True); (w ** 2).sum().backward(); w.grad",
    ) as runner:
        texts = [text_of(cell) for cell in runner.notebook.cells]
    assert texts[0] == "array([0, 1, 2])"
    assert texts[1] == "out\n\nerr\n"
    assert texts[2] == "ZeroDivisionError: division by zero"
    assert "image/png" in runner.notebook.cells[3].outputs[-1].data
    assert texts[4].endswith("2")
    assert texts[5] == "'awaited'"
    assert "shell" in texts[6]
    assert texts[7] == "tensor([2., 2.])"


def test_every_kernel_starts_afresh_and_with_the_same_generators(run):
    draws = []
    for _ in range(2):
        with run(
            "import numpy as np, random, torch\nprint(np.random.rand(), random.random(), torch.rand(1))", "x = 1"
        ) as r:
            draws.append(text_of(r.notebook.cells[0]))
    assert draws[0] == draws[1]
    with run("x") as r:
        assert "NameError" in text_of(r.notebook.cells[0])


def test_the_kernel_finds_the_files_but_no_notebook_and_writes_into_a_copy(run, tmp_path):
    (tmp_path / "data.txt").write_text("data")
    (tmp_path / "secret.ipynb").write_text("{}")
    with run(
        "print(open('data.txt').read(), [n for n in __import__('os').listdir() if n[0] != '.'])",
        "open('data.txt', 'w').write('x')",
    ) as r:
        assert text_of(r.notebook.cells[0]) == "data ['data.txt']\n"
    assert (tmp_path / "data.txt").read_text() == "data"


def test_the_course_is_not_there_for_the_kernel(run):
    with run(
        "import course_lib.assignments",
        "import os; print(sorted(k for k in os.environ if 'COURSE' in k or 'GRADEBOOK' in k))",
        "import sys; print([m for m in sys.modules if m.startswith('course_lib') and 'worker' not in m])",
    ) as r:
        assert "ModuleNotFoundError" in text_of(r.notebook.cells[0])
        assert text_of(r.notebook.cells[1]) == "[]\n"
        assert text_of(r.notebook.cells[2]) == "['course_lib']\n"


def test_an_endless_loop_is_interrupted_and_the_next_cells_run(run):
    with run("x = 1", "while True: pass", "x + 1", cell_seconds=1) as r:
        assert "TimeLimit: this cell ran longer than 1 s" in text_of(r.notebook.cells[1])
        assert r.notebook.cells[1].execution_count is None  # whether a number had arrived is chance
        assert text_of(r.notebook.cells[2]) == "2"


def test_a_cell_that_ignores_interrupts_costs_its_kernel_and_the_next_cells_run(run):
    stubborn = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    with run("x = 1", stubborn, "x + 1", cell_seconds=1) as r:
        assert "did not let itself be interrupted" in text_of(r.notebook.cells[1])
        assert text_of(r.notebook.cells[2]) == "2"


@pytest.mark.parametrize("end", ["import os; os._exit(0)", "import os; os.kill(os.getpid(), 9)"])
def test_a_cell_that_ends_the_kernel_does_not_end_the_notebook(run, end):
    with run("x = 1", end, "x + 1") as r:
        assert text_of(r.notebook.cells[2]) == "2"


@pytest.mark.parametrize("leave", ["quit()", "exit()", "exit", "import sys; sys.exit(1)"])
def test_a_cell_that_quits_ends_itself_only(run, leave):
    with run(leave, "import time; time.sleep(0.3); x = 1", "x + 1") as r:
        assert "SystemExit" in text_of(r.notebook.cells[0])
        assert text_of(r.notebook.cells[2]) == "2"
        assert r._revivals == 0


def test_a_notebook_that_keeps_killing_its_kernel_is_given_up(run, monkeypatch):
    monkeypatch.setattr(notebook, "MAX_REVIVALS", 3)
    with run(*["import os; os._exit(0)"] * 6) as r:
        assert "not run" in text_of(r.notebook.cells[5])
        with pytest.raises(WorkerDied):
            r.peer(1.0)


def test_a_flood_of_output_is_cut(run):
    with run("for _ in range(300): print('x' * 20_000)", "1") as r:
        assert len(text_of(r.notebook.cells[0])) < 3_000_000
        assert "the rest is dropped" in text_of(r.notebook.cells[0])
        assert text_of(r.notebook.cells[1]) == "1"


def test_all_cells_together_have_a_time_limit(run):
    with run("import time; time.sleep(1.2)", "1", total_seconds=1) as r:
        assert "NotRun" in text_of(r.notebook.cells[1])


def test_the_proxy_reaches_the_notebooks_functions_between_cells(run):
    with run("def f(x):\n    print('noise')\n    return x + offset", "offset = 1") as r:
        with r.peer(2.0) as peer:
            assert Student(peer).f(1.5) == 2.5
        r.notebook.cells.append(r.notebook.cells[0].__class__(r.notebook.cells[1]))
        r.notebook.cells[2].update(source="offset = 10", outputs=[])
        r.execute(2)
        with r.peer(2.0) as peer:
            assert Student(peer).f(1.5) == 11.5
        assert text_of(r.notebook.cells[2]) == "", "what a call prints is nobody's output"
