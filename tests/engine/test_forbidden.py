"""Shortcuts are found however they are named, comparisons are not blamed, and what could hide one is noted."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from course_lib import assignments
from course_lib.checking.groups import Verdict
from course_lib.checking.model import Question
from course_lib.engine.forbidden import Code, code_of
from course_lib.engine.grading import forbidden_result
from course_lib.engine.names import MAX_SOURCE, Source
from course_lib.engine.preprocessor import RECORD, GradeNotebook

SOURCE = Path(__file__).parents[2] / "source"
QUESTION = Question("f", "", ("f",), ("torch.optim",))
DROPOUT = Question("f", "", ("f",), ("torch.nn.Dropout", "torch.nn.functional.dropout"))
INIT = Question("f", "", ("f",), ("torch.nn.init",))
FOURIER = Question("f", "", ("f",), ("numpy.fft", "torch.fft", "scipy.fft"))
LEGENDRE = Question("f", "", ("f",), ("numpy.polynomial", "scipy.special"))


def search(*cells, question=QUESTION, given=(), files=None, end=None, others=()):
    sources = [Source(f"cell {i}", text, i in given) for i, text in enumerate(cells, 1)]
    modules = {name: Source(f"the file {name}.py", text) for name, text in (files or {}).items()}
    questions = [question, Question("others", "", tuple(others))]
    return Code(sources, modules, questions).search(question, len(cells) if end is None else end)


SHORTCUTS = {
    "plain": "import torch\ndef f(w): return torch.optim.SGD([w])",
    "module as a name": "import torch.optim as o\ndef f(w): return o.SGD([w])",
    "module from package": "from torch import optim\ndef f(w): return optim.SGD([w])",
    "class as a name": "from torch.optim import Adam as A\ndef f(w): return A([w])",
    "package as a name": "import torch as t\ndef f(w): return t.optim.Adam([w])",
    "submodule imported": "import torch.optim.lr_scheduler\ndef f(w): return torch.optim.lr_scheduler.StepLR",
    "submodule of it": "from torch.optim.lr_scheduler import StepLR\ndef f(w): return StepLR",
    "assigned": "import torch\no = torch.optim\ndef f(w): return o.SGD",
    "assigned twice over": "import torch\nt = torch\nu = t\ndef f(w): return u.optim",
    "assigned in a tuple": "import torch\no, x = torch.optim, 1\ndef f(w): return o.SGD",
    "unpacked": "import torch\n(o,) = [torch.optim]\ndef f(w): return o.SGD",
    "starred": "import torch\no, *r = torch.optim, 1, 2\ndef f(w): return r",
    "assigned inside": "import torch\ndef f(w):\n    t = torch\n    o = t.optim\n    return o.SGD",
    "its own name again": "import torch\ndef f(w):\n    m = torch\n    m = m.optim\n    return m.SGD",
    "getattr": "import torch\ndef f(w): return getattr(torch, 'optim').SGD",
    "getattr put together": "import torch\ndef f(w): return getattr(torch, 'op' + 'tim').SGD",
    "getattr renamed": "import torch\ng = getattr\ndef f(w): return g(torch, 'optim')",
    "vars": "import torch\ndef f(w): return vars(torch)['optim']",
    "dict": "import torch\ndef f(w): return torch.__dict__['optim']",
    "sys.modules": "import sys\ndef f(w): return sys.modules['torch.optim'].SGD",
    "torch of sys.modules": "import sys\ndef f(w): return sys.modules['torch'].optim",
    "import_module": "import importlib\ndef f(w): return importlib.import_module('torch.optim').SGD",
    "import_module imported": "from importlib import import_module as i\ndef f(w): return i('torch').optim",
    "import_module relative": "from importlib import import_module as i\ndef f(w): return i('.optim', 'torch').SGD",
    "__import__": "def f(w): return __import__('torch').optim.SGD",
    "__import__ of it": "def f(w): return __import__('torch.optim', fromlist=['x']).SGD",
    "imported inside": "def f(w):\n    import torch.optim as o\n    return o.SGD",
    "imported inside from": "def f(w):\n    from torch import optim\n    return optim.SGD",
    "star of it": "from torch.optim import *\ndef f(w): return SGD([w])",
    "star after a definition": "def f(w): return SGD\ndef SGD(w): return w\nfrom torch.optim import *",
    "default argument": "import torch\ndef f(w, o=torch.optim.SGD): return o([w])",
    "package as a default": "import torch\ndef f(w, t=torch): return t.optim.SGD",
    "keyword default": "import torch\ndef f(w, *, t=torch): return t.optim.SGD",
    "decorator": "import torch\ndef with_it(g): return lambda w: torch.optim\n@with_it\ndef f(w): return w",
    "lambda": "import torch\nf = lambda w: torch.optim.SGD([w])",
    "partial": "import functools, torch\nf = functools.partial(torch.optim.SGD, lr=1)",
    "the name itself": "from torch.optim import SGD as f",
    "assigned to the name": "import torch\nf = torch.optim.SGD",
    "one of two": "import torch\nf = torch.optim.SGD if torch else None",
    "or": "import torch\nf = None or torch.optim.SGD",
    "walrus": "import torch\ndef f(w): return (o := torch).optim",
    "walrus in an annotation": "import torch\ndef f(w: (o := torch.optim)): return o.SGD",
    "helper": "import torch\ndef h(w): return torch.optim.SGD\ndef f(w): return h(w)",
    "helper defined later": "import torch\ndef f(w): return h(w)\ndef h(w): return torch.optim.SGD",
    "helper of a helper": "import torch\ndef g(w): return torch.optim\ndef h(w): return g(w)\ndef f(w): return h(w)",
    "helper as a value": "import torch\ndef h(w): return torch.optim\ndef f(w): return list(map(h, [w]))",
    "nested function": "import torch\ndef f(w):\n    def g(): return torch.optim\n    return g()",
    "base class": "import torch\nclass f(torch.optim.SGD): pass",
    "base class of a helper": "import torch\nclass A(torch.optim.SGD): pass\nclass f(A): pass",
    "metaclass": "import torch\nclass f(metaclass=torch.optim.SGD): pass",
    "method": "import torch\nclass f:\n    def step(self, w): return torch.optim.SGD([w])",
    "class attribute": "import torch\nclass Box: o = torch.optim\ndef f(w): return Box.o.SGD",
    "instance attribute": "import torch\nclass f:\n    def __init__(self): self.o = torch.optim.SGD",
    "container": "import torch\nbox = {'o': torch.optim}\ndef f(w): return box['o'].SGD",
    "put in a container": "import torch\nbox = []\nbox.append(torch.optim)\ndef f(w): return box[0].SGD",
    "put in a dict": "import torch\nbox = {}\nbox['o'] = torch.optim\ndef f(w): return box['o'].SGD",
    "function attribute": "import torch\ndef f(w): return f.o.SGD\nf.o = torch.optim",
    "hung on numpy": "import torch, numpy as np\nnp.o = torch.optim.SGD\ndef f(w): return np.o([w])",
    "under a condition": "import torch\nif True:\n    o = torch.optim\ndef f(w): return o.SGD",
    "in a try": "try:\n    from torch import optim as o\nexcept ImportError:\n    o = None\ndef f(w): return o.SGD",
    "in a loop": "import torch\nfor o in [torch.optim]: pass\ndef f(w): return o.SGD",
    "in a with": "import torch, contextlib\nwith contextlib.nullcontext(torch.optim) as o: pass\n"
    "def f(w): return o.SGD",
    "in a match": "import torch\nmatch torch.optim:\n    case o: pass\ndef f(w): return o.SGD",
    "global": "import torch\ndef g():\n    global o\n    o = torch.optim\ng()\ndef f(w): return o.SGD",
    "comprehension": "import torch\ndef f(w): return [torch.optim.SGD for _ in w]",
    "captured before it is redefined": "import torch\ndef f(w): return torch.optim.SGD\ng = f\ndef f(w): return g(w)",
    "redefined only maybe": "import torch\ndef f(w): return torch.optim\nif False:\n    def f(w): return w",
    "async": "import torch\nasync def f(w): return torch.optim",
    "through numpy's checks": "import checks\ndef f(w): return checks.torch.optim.SGD",
    "from another module's torch": "from checks import torch as t\ndef f(w): return t.optim.SGD",
    "with magics around": "%matplotlib inline\nimport torch\n!ls\ndef f(w): return torch.optim.SGD",
    "in a timed cell": "%%time\nimport torch\ndef f(w): return torch.optim.SGD",
    "in a timed line": "import torch\n%time o = torch.optim\ndef f(w): return o.SGD",
    "top-level await": "import torch, asyncio\nawait asyncio.sleep(0)\ndef f(w): return torch.optim",
    "indented cell": "    import torch\n    def f(w): return torch.optim",
}

INNOCENT = {
    "own solution": "import numpy as np\ndef f(w, g): return w - 0.1 * g",
    "unused import": "import torch.optim\ndef f(w): return torch.zeros(3)",
    "unused name": "from torch.optim import Adam\ndef f(w): return w",
    "unused star": "from torch.optim import *\ndef f(w): return w",
    "comparison below": "import torch\ndef f(w): return w\nassert f(1) == torch.optim.SGD([1])",
    "comparison function": "import torch\ndef f(w): return w\ndef compare(w): return f(w) == torch.optim.SGD([w])\n"
    "compare(1)",
    "comparison with numpy's help": "import torch, numpy as np\ndef f(w): return np.exp(w)\n"
    "np.testing.assert_allclose(f(1), torch.optim.SGD([1]))",
    "comparison stored": "import torch\nresults = {}\ndef f(w): return w\nresults['torch'] = torch.optim.SGD([1])",
    "comparison appended": "import torch\nrows = []\nrows.append(torch.optim.SGD([1]))\ndef f(w): return w",
    "comparison plotted": "import torch, matplotlib.pyplot as plt\nplt.plot(torch.optim.SGD([1]))\ndef f(w):\n"
    "    plt.show()",
    "comparison class": "import torch\nclass Theirs(torch.optim.SGD): pass\nclass f:\n    def step(self, w): return w",
    "comparison with the same loop variable": "import torch\nfor w in [torch.optim.SGD]: pass\ndef f(w): return w",
    "same name inside": "import torch\no = torch.optim\ndef f(o): return o.SGD",
    "same local name": "import torch\no = torch.optim\ndef f(w):\n    o = w\n    return o",
    "same name of a comprehension": "import torch\no = torch.optim\ndef f(w): return [o.x for o in w]",
    "replaced later": "import torch\ndef f(w): return torch.optim\ndef f(w): return w",
    "name replaced later": "import torch\no = torch.optim\no = 1\ndef f(w): return o",
    "own function of that name": "def optim(w): return w\ndef f(w): return optim(w)",
    "own attribute of that name": "class f:\n    def __init__(self, optim): self.optim = optim\n"
    "    def step(self): return self.optim(1)",
    "own module of that name": "class torch_like:\n    optim = 1\ndef f(w): return torch_like.optim",
    "in a comment and a string": "def f(w):\n    'like torch.optim.SGD'\n    # torch.optim\n    return 'torch.optim'",
    "annotation": "import torch\ndef f(w: torch.optim.Optimizer) -> torch.optim.Optimizer:\n"
    "    x: torch.optim.SGD = w\n    return x",
    "torch itself": "import torch\ndef f(w): return torch.autograd.grad(w, w) + torch.nn.functional.relu(w)",
    "getattr of a constant": "import numpy as np\ndef f(w): return getattr(np, 'float64')(getattr(w, 'real', w))",
    "cell that is no Python": "import torch\ndef g(w) return torch.optim",
    "not defined": "x = 1",
    "own attributes": "class f: pass\nf.rate = 1\nx = f()\nx.optim = 2",
    "match of own things": "def f(w):\n    match w:\n        case complex(real=r): return r",
    "magics": "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'\n%timeit 1 + 1\ndef f(w): return w",
    "timed": "%%time\nimport numpy as np\ndef f(w): return np.exp(w)",
    "libraries": "import math, scipy.linalg, torch, matplotlib.pyplot as plt\n"
    "def f(w): return math.exp(scipy.linalg.norm(w))",
}

HIDDEN = {
    "exec": "def f(w): exec('import torch.optim')",
    "exec at the top": "exec('def f(w): pass')\ndef f(w): return w",
    "exec in a helper that runs": "def setup(): exec('def f(w): pass')\nsetup()",
    "eval": "def f(w): return eval('torch.opt' + 'im')",
    "eval renamed": "e = eval\ndef f(w): return e('x')",
    "eval passed on": "def f(w): return list(map(eval, ['x']))",
    "compile": "def f(w): return compile('x', 'y', 'eval')",
    "computed getattr": "import torch\ndef f(w): return getattr(torch, ''.join(['op', 'tim']))",
    "getattr passed on": "import torch\ndef f(w): return list(map(getattr, [torch], ['optim']))",
    "computed import": "import importlib\ndef f(w): return importlib.import_module('torch.%s' % 'optim')",
    "computed __import__": "def f(w): return __import__('torch.' + w)",
    "computed item of sys.modules": "import sys\ndef f(w): return sys.modules['torch.opt%s' % 'im']",
    "attrgetter": "import operator, torch\ndef f(w): return operator.attrgetter('op' + 'tim')(torch)",
    "globals": "def f(w): return globals()['o']",
    "builtins": "import builtins\ndef f(w): return builtins.eval('x')",
    "__builtins__": "def f(w): return __builtins__['eval']('x')",
    "__dict__": "import torch\ndef f(w): return torch.__dict__[w]",
    "__globals__": "def g(): pass\ndef f(w): return g.__globals__[w]",
    "subclasses": "def f(w): return object.__subclasses__()",
    "torch handed on": "import torch\ndef g(t): return t.optim.SGD\ndef f(w): return g(torch)",
    "torch in a list": "import torch\ndef f(w): return [torch][0].optim",
    "torch returned": "import torch\ndef lib(): return torch\ndef f(w): return lib().optim",
    "torch in self": "import torch\nclass f:\n    def __init__(self): self.t = torch\n"
    "    def step(self): return self.t.optim",
    "torch in a class": "import torch\nclass T: t = torch\ndef f(w): return T.t.optim",
    "torch in a loop": "import torch\ndef f(w):\n    for t in (torch,): return t.optim",
    "torch handed to a lambda": "import torch\ndef f(w): return (lambda t: t.optim)(torch)",
    "getattr of a parameter": "import torch\ndef g(t): return getattr(t, 'optim')\ndef f(w): return g(torch)",
    "torch in a match": "import torch\ndef f(w):\n    match torch:\n        case object(optim=o): return o.SGD",
    "setattr": "import torch\ndef f(w): return f.o.SGD\nsetattr(f, 'o', torch.optim)",
    "hung on builtins": "import torch, builtins\nbuiltins.o = torch.optim\ndef f(w): return o.SGD",
    "torch hung on numpy": "import torch, numpy as np\nnp.t = torch\ndef f(w): return np.t.optim.SGD",
    "torch of a with": "import torch, contextlib\ndef f(w):\n    with contextlib.nullcontext(torch) as t: t.optim",
    "base64": "import base64\ndef f(w): return eval(base64.b64decode('dG9yY2gub3B0aW0='))",
    "unknown module": "import made_at_run_time\ndef f(w): return made_at_run_time.g(w)",
    "file written by a magic": "%%writefile m.py\nimport torch.optim",
    "shell": "!echo > m.py\ndef f(w): return w",
    "run magic": "%run other.py\ndef f(w): return w",
    "get_ipython": "get_ipython().run_cell('x = 1')\ndef f(w): return w",
    "subprocess": "import subprocess\ndef f(w): return subprocess.run(['python'])",
    "pickle": "import pickle\ndef f(w): return pickle.loads(w)",
    "too long": f"def f(w): return w\n{'#' * MAX_SOURCE}",
    "too many magics": "def f(w): return w\n" + "!ls\n" * 2000,
    "too deep": "x = " + "-" * 5000 + "1\ndef f(w): return w",
    "too intricate": "import torch\nt0 = torch\n"
    + "".join(f"t{i + 1} = t{i}.a if t{i}.b else t{i}.c\n" for i in range(40))
    + "def f(w): return t40",
}


@pytest.mark.parametrize("case", SHORTCUTS)
def test_finds_a_shortcut(case):
    assert search(SHORTCUTS[case]).found


@pytest.mark.parametrize("case", INNOCENT)
def test_blames_nobody_for_what_the_solution_does_not_reach(case):
    assert search(INNOCENT[case]) == search("def f(w): return w"), "neither found nor noted"


@pytest.mark.parametrize("case", HIDDEN)
def test_notes_what_could_hide_a_shortcut_and_does_not_punish_it(case):
    result = search(HIDDEN[case])
    assert result.found == []
    assert result.notes


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (DROPOUT, "import torch.nn.functional as F\ndef f(x): return F.dropout(x)"),
        (DROPOUT, "from torch import nn\nf = nn.Dropout"),
        (DROPOUT, "from torch import nn\ndef f(x): return nn.functional.dropout(x)"),
        (DROPOUT, "from torch.nn.modules.dropout import Dropout as f"),
        (DROPOUT, "import torch\ndef f(x): return torch.dropout(x, 0.5, True)"),
        (DROPOUT, "def f(x): return Dropout()(x)\nfrom torch.nn import *"),
        (DROPOUT, "import torch.nn.functional as F\ndef f(x): return F.dropout1d(x[:, None])[:, 0]"),
        (DROPOUT, "import torch.nn.functional as F\ndef f(x): return F.alpha_dropout(x)"),
        (DROPOUT, "import torch\ndef f(x): return torch.feature_dropout(x, 0.5, True)"),
        (DROPOUT, "import torch.nn as nn\nf = nn.Dropout2d(0.5)"),
        (QUESTION, "import torch\ndef f(w): return torch.distributed.optim"),
        (FOURIER, "import matplotlib.mlab as m\ndef f(x): return m.np.fft.fft(x)"),
        (FOURIER, "import numpy\ndef f(x): return numpy.__dict__['fft'].fft(x)"),
        (INIT, "from torch.nn import init\ndef f(x): return init.orthogonal_(x)"),
        (INIT, "from torch.nn.init import kaiming_normal_\ndef f(x): return kaiming_normal_(x)"),
        (FOURIER, "import numpy as np\ndef f(x): return np.fft.fft(x)"),
        (FOURIER, "from scipy.fft import fft as f"),
        (FOURIER, "from scipy import fftpack\ndef f(x): return fftpack.fft(x)"),
        (FOURIER, "import numpy as np\ndef f(x): return x\ndef f(x): return np.fft.rfft(x)"),
        (FOURIER, "from numpy import *\ndef f(x): return fft.fft(x)"),
        (FOURIER, "from pylab import *\ndef f(x): return fft(x)"),
        (LEGENDRE, "import numpy as np\ndef f(x): return np.polynomial.legendre.legvander(x, 3)"),
        (LEGENDRE, "from scipy import special\ndef f(x): return special.eval_legendre(3, x)"),
    ],
)
def test_finds_the_shortcuts_of_every_exercise(question, code):
    assert search(code, question=question).found


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (DROPOUT, "class Dropout:\n    pass\nf = Dropout"),
        (DROPOUT, "import torch.nn.functional as F\ndef f(x, dropout): return F.relu(dropout(x))"),
        (INIT, "import torch\ndef f(x): return torch.nn.Linear(3, 3)"),
        (FOURIER, "import numpy as np\ndef fft(x): return np.exp(x)\ndef f(x): return fft(x)"),
        (LEGENDRE, "import numpy as np\ndef f(x): return np.polyfit(x, x, 3)"),
    ],
)
def test_what_only_sounds_like_a_shortcut_is_none(question, code):
    assert search(code, question=question) == search("def f(w): return w", question=question)


def test_a_question_without_forbidden_names_is_not_searched():
    assert search(SHORTCUTS["plain"], question=Question("f", "", ("f",))).found == []


def test_only_the_cells_before_the_grade_cell_count():
    cells = ("import torch\ndef f(w): return w", "f", "def f(w): return torch.optim.SGD")
    assert search(*cells, end=2).found == []
    assert search(*cells, end=3).found


def test_a_question_is_not_blamed_for_another_question():
    cells = ["import torch\ndef g(w): return torch.optim.SGD", "def f(w): return w", "f(1), g(1), exec('')"]
    assert search(*cells).found == []
    dynamic = "def g(w): exec('')\ng(1)\ndef f(w): return w"
    assert search(dynamic, others=["g"]).notes == []
    assert search(dynamic).notes != []


def test_names_of_the_courses_own_cells_are_known_and_not_blamed():
    given = "import torch as t\nexec('')\ndef helper(w): return eval('w')"
    assert search(given, "def f(w): return helper(w)", given=[1]).notes == []
    assert search(given, "def f(w): return t.optim", given=[1]).found


def test_a_students_own_file_is_searched_and_only_what_is_used_of_it():
    files = {
        "mine": "import torch.optim as o\ndef good(w): return w\ndef bad(w): return o.SGD\ndef calls(w): return bad(w)"
    }
    assert search("import mine\ndef f(w): return mine.good(w)", files=files).found == []
    for code in (
        "import mine\ndef f(w): return mine.bad(w)",
        "import mine\ndef f(w): return mine.calls(w)",
        "import mine\ndef f(w): return mine.o.SGD",
        "from mine import bad as f",
        "from mine import *\ndef f(w): return bad(w)",
        "def f(w):\n    from mine import bad\n    return bad(w)",
    ):
        assert search(code, files=files).found, code
    assert search("import torch\ndef f(w): return torch.optim.SGD", files={"torch": "optim = 1"}).found


def test_the_message_names_what_was_used_where_and_what_to_do():
    result = search("x = 1", "import torch\ndef step(w):\n    return torch.optim.SGD([w])\ndef f(w): return step(w)")
    message = result.message(QUESTION)
    assert "step uses torch.optim in cell 2: return torch.optim.SGD([w])" in message
    assert "without torch.optim: write it yourself" in message


def test_a_shortcut_costs_the_points_of_the_exercise(double):
    _, group, _ = double
    question = Question("double", "twice", ("double",), ("torch.optim",))
    shortcuts = search("import torch\ndef double(x): return torch.optim", question=question)
    result = forbidden_result(question, group, shortcuts)
    assert {p.verdict for p in result.properties} == {Verdict.FORBIDDEN}
    assert (result.score, result.points) == (0, 6)
    assert all("torch.optim" in p.message for p in result.properties)


def test_grading_a_notebook_with_a_shortcut_and_with_a_hiding_place(tmp_path):
    source = nbformat.read(SOURCE / "optimizers" / "optimizers.ipynb", as_version=4)
    ids = ("setup", "momentum_step_solution", "momentum_step", "rmsprop_step_solution", "rmsprop_step")
    cells = [c for c in source.cells if c.metadata.get("nbgrader", {}).get("grade_id") in ids]
    cells[1].source += "\neval('1')\n"
    cells[
        3
    ].source = "import torch\ndef rmsprop_step(w, g, v, lr, gamma, eps):\n    return torch.optim.RMSprop([w], lr), v"
    for path in (SOURCE / "optimizers").glob("*.py"):
        shutil.copy(path, tmp_path)
    resources = {
        "metadata": {"path": str(tmp_path)},
        "nbgrader": {"assignment": "optimizers", "notebook": "optimizers", "student": "s"},
    }
    config = Config(CourseDirectory={"root": str(SOURCE.parent)})
    notebook, resources = GradeNotebook(config=config)(new_notebook(cells=cells), resources)
    momentum, rmsprop = json.loads(resources["outputs"][RECORD])["questions"]
    assert momentum["score"] == momentum["points"]
    assert len(momentum["findings"]) == 1
    assert {p["verdict"] for p in rmsprop["properties"]} == {"forbidden"}
    score = notebook.cells[4].outputs[0].data
    assert score["text/plain"] == "0.0"
    assert "return torch.optim.RMSprop([w], lr), v" in score["text/html"]
    assert "could hide" not in json.dumps([cell.outputs for cell in notebook.cells]), "students do not see the notes"


def test_code_of_a_notebook(tmp_path):
    def cell(text, **nbgrader):
        return new_code_cell(text, metadata={"nbgrader": nbgrader} if nbgrader else {})

    source = new_notebook(
        cells=[cell("show()"), cell("SOLUTION", grade_id="a", solution=True), cell("y", grade_id="b", grade=True)]
    )
    submitted = new_notebook(
        cells=[
            cell("show()"),
            cell("mine()"),
            cell("x", grade_id="a", solution=True),
            cell("y", grade_id="b", grade=True),
        ]
    )
    (tmp_path / "checks.py").write_text("1")
    (tmp_path / "own.py").write_text("2")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "__init__.py").write_text("3")
    (tmp_path / "linked.py").symlink_to("/etc/hostname")
    code = code_of(submitted, source, tmp_path, {"checks.py"}, [])
    assert [c.given for c in code.cells] == [True, False, False, True]
    assert {name: s.given for name, s in code.files.items()} == {"checks": True, "own": False, "sub": False}


@pytest.mark.parametrize("name", assignments.NAMES)
def test_the_notebooks_own_solution_is_clean(name):
    notebook = nbformat.read(SOURCE / name / f"{name}.ipynb", as_version=4)
    provided = {path.name for path in (SOURCE / name).glob("*.py")}
    questions = assignments.load(name).questions
    code = code_of(notebook, notebook, SOURCE / name, provided, questions)
    for question in questions:
        result = code.search(question, len(code.cells))
        assert (result.found, result.notes) == ([], []), question.id


@pytest.mark.parametrize("name", assignments.NAMES)
def test_correct_variants_are_clean(name):
    variants = importlib.import_module(f"tests.assignments.{name}.variants")
    source = Source("the variants", Path(variants.__file__).read_text())
    for question in assignments.load(name).questions:
        used = [f for _, functions in variants.VARIANTS for e, f in functions.items() if e in question.entry_points]
        everything = Question("all", "", tuple(function.__name__ for function in used), question.forbidden)
        result = Code([source], {}, [everything]).search(everything, 1)
        assert result.found == [], question.id
        assert not [note for note in result.notes if "not searched" in note or "intricate" in note]
