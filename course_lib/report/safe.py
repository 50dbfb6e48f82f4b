"""Makes what comes from a student safe to look at: no scripts, no requests, nothing that covers the page.

Three readers show a graded notebook: nbgrader's feedback page, the formgrader, JupyterLab. Grading already stores
outputs that are safe (``make_safe``). nbgrader's two readers turn Markdown into HTML without any check, so
``nbgrader_config.py`` gives them ``markdown2html`` and ``SafeNotebook`` of this module, and feedback pages a
Content-Security-Policy (``FeedbackExporter``).
"""

from __future__ import annotations

import re
from contextlib import suppress
from html import escape
from typing import Any

import nbformat
import nh3
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

TAGS = nh3.ALLOWED_TAGS - {"area", "map"}
ATTRIBUTES = {
    **{tag: {"align", "colspan", "rowspan", "style"} for tag in ("td", "th")},
    **{tag: {"style"} for tag in ("div", "p", "pre", "table", "strong")},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "*": {"class"},
}
STYLES = frozenset(
    {
        *("border", "border-bottom", "border-collapse", "border-left", "border-right", "border-top", "color"),
        *(
            "background-color",
            "font-family",
            "font-size",
            "font-style",
            "font-weight",
            "line-height",
            "max-width",
            "width",
        ),
        *("margin", "padding", "text-align", "vertical-align", "white-space"),
    }
)
"""What the tables of verdicts need. None of these loads anything or moves an element out of its place."""

MOVES_OR_LOADS = re.compile(r"[(\\]|[\s:]-\s*[\d.]")
"""Functions such as url(…), escapes, and negative lengths."""
CLASSES = re.compile(r"highlight|dataframe|[a-z][a-z0-9]{0,2}")
"""Highlighted code (Pygments' classes have at most three letters) and pandas' tables."""
LINK = re.compile(r"(https?://|mailto:|#)\S*", re.IGNORECASE)
IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
IMAGE_WITHOUT_TEXT = re.compile(r"<img (?![^>]*\balt=)")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif")
TEXT_TYPES = ("text/plain", "text/latex", "image/svg+xml")
"""Readers escape these, and show an SVG as an image."""
NOT_SHOWN = "[an output of a kind that is not shown here]"
MAX_TAGS = 5000
"""Of one text; a table of pandas has at most 3000. A tree of tags that are never closed takes the square of that."""
MAX_TAGS_TOGETHER = 50_000
"""Of a notebook's outputs."""
MAX_MARKDOWN = 50_000
"""Characters of one cell, images apart; more is shown as text. Markdown's parser takes the square of some texts."""
MATH = re.compile(r"\\\\[(\[]|\\begin\{")
MAX_FORMULAS = 300
"""For each beginning the parser looks for an end, if need be to the end of the cell."""
CELL_METADATA = ("nbgrader", "tags", "editable", "deletable")
GRADE_ID = re.compile(r"""[^<>"'&`\s]+""")

MATHJAX = "https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/"
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; "
    f"font-src data: {MATHJAX}; script-src 'unsafe-eval' {MATHJAX}"
)
"""No script but MathJax, which evaluates its configuration from the page."""


def safe_html(text: str) -> str:
    """HTML without scripts, handlers, forms, frames and remote images."""
    return nh3.clean(
        text,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value to keep of an attribute, or None."""
    match name:
        case "href":
            return value if LINK.fullmatch(value) else None
        case "src":
            return value if IMAGE.fullmatch(value) else None
        case "class":
            return " ".join(word for word in value.split() if CLASSES.fullmatch(word)) or None
        case "style":
            return None if MOVES_OR_LOADS.search(value) else value
    return value


@pass_context
def markdown2html(context: Context, source: str) -> str:
    """nbconvert's filter of this name, made safe."""
    return safe_markdown(source, context.get("cell", {}).get("attachments", {}))


def safe_markdown(source: str, attachments: dict[str, Any]) -> str:
    """Markdown as safe HTML. What cannot be read is shown as text."""
    renderer = IPythonRenderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    html = as_text = f"<pre>{escape(source)}</pre>"
    if len(IMAGE.sub("", source)) <= MAX_MARKDOWN and len(MATH.findall(source)) <= MAX_FORMULAS:
        with suppress(Exception):  # attachments that are not there, nesting too deep
            html = MarkdownWithMath(renderer=renderer).render(source)
    return safe_html(html if html.count("<") <= MAX_TAGS else as_text)


def make_safe(notebook: NotebookNode, tags: int = MAX_TAGS_TOGETHER) -> None:
    """Keep of a notebook's outputs, attachments and metadata what readers show safely.

    Args:
        tags: how many HTML tags the outputs may have together; ten characters of Markdown count as one. From then on
            outputs are shown as text.
    """
    kept = {"kernelspec": notebook.metadata["kernelspec"]} if "kernelspec" in notebook.metadata else {}
    language = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata = nbformat.from_dict({**kept, "language_info": language})
    for cell in notebook.cells:
        cell.metadata = NotebookNode({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
        if not GRADE_ID.fullmatch(str(cell.metadata.get("nbgrader", {}).get("grade_id", "-"))):
            del cell.metadata["nbgrader"]
        if "attachments" in cell:
            bundles = {name: images_of(bundle) for name, bundle in cell.attachments.items()}
            cell.attachments = nbformat.from_dict({name: bundle for name, bundle in bundles.items() if bundle})
        for output in cell.get("outputs", []):
            if "data" in output:
                markdown = str(output.data.get("text/markdown", ""))
                tags -= str(output.data.get("text/html", "")).count("<") + len(markdown) // 10
                output.data = _safe_data(output.data, rich=tags >= 0)
                output.metadata = nbformat.from_dict(_sizes(output.get("metadata", {})))


def _safe_data(data: dict[str, Any], *, rich: bool) -> NotebookNode:
    found = {kind: text for kind, text in data.items() if kind in TEXT_TYPES and isinstance(text, str)}
    if rich and isinstance(html := data.get("text/html"), str) and html.count("<") <= MAX_TAGS:
        found["text/html"] = safe_html(html)
    elif rich and isinstance(markdown := data.get("text/markdown"), str):
        found["text/html"] = safe_markdown(markdown, {})
    return NotebookNode({**found, **images_of(data)} or {"text/plain": NOT_SHOWN})


def images_of(bundle: dict[str, Any]) -> dict[str, str]:
    """The images of a MIME bundle, if they are encoded as they should be."""
    return {
        kind: text
        for kind, text in bundle.items()
        if kind in IMAGE_TYPES and isinstance(text, str) and BASE64.fullmatch(text)
    }


def _sizes(metadata: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The size of an image where it is a plain number; as text it would stand in the page unquoted."""
    return {
        kind: {key: value for key, value in entry.items() if key in ("width", "height") and type(value) is int}
        for kind, entry in metadata.items()
        if kind in IMAGE_TYPES and isinstance(entry, dict)
    }


class SafeNotebook(Preprocessor):
    """``make_safe`` for notebooks that were graded by other means than this course's."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        make_safe(nb, tags=2 * MAX_TAGS_TOGETHER)  # the verdicts are among the outputs now
        return nb, resources


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page with a Content-Security-Policy, and with space between the columns of tables."""

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=self))
        # Past HTMLExporter: it parses the whole page anew, two thirds of the time, to give images a text as below and
        # JupyterLab's kind of cells, which this page has not, a tab stop.
        html, resources = super(HTMLExporter, self).from_notebook_node(nb, self._init_resources(resources), **kw)
        html = IMAGE_WITHOUT_TEXT.sub('<img alt="an image that this cell made" ', html)
        policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        style = "<style>.rendered_html td, .rendered_html th { padding: 2px 10px 2px 0 }</style>"
        return html.replace("<head>", f"<head>\n{policy}\n{style}", 1), resources
