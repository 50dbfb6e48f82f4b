"""Figures of the feedback, as images that need no other file."""

from __future__ import annotations

import base64
import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.checking.curves import Curves


@np.errstate(over="ignore")  # in the margin of an axis that ends near the largest number
def data_uri(curves: Curves) -> str:
    """The two curves over each other as a PNG in a ``data:`` address. The same curves give the same bytes."""
    figure = Figure(figsize=(5.2, 2.8), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot(curves.x, curves.reference, "o-", color="0.6", linewidth=3, markersize=4, label="reference")
    axes.plot(curves.x, np.where(np.isfinite(curves.yours), curves.yours, np.nan), "kx--", linewidth=1.2, label="yours")
    if curves.log:
        axes.set_yscale("log", nonpositive="mask")
    axes.set(xlabel=curves.xlabel, ylabel=curves.ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(image.getvalue()).decode("ascii")
