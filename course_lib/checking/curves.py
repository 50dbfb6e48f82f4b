"""Curves that a hidden test measured, kept for the feedback: a student's over the reference's. Draws nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from course_lib.engine.proxy import Student


@dataclass(frozen=True)
class Curves:
    """Two curves over the same places.

    Attributes:
        x: places, shape (n,), rising.
        yours, reference: values, shape (n,).
        xlabel, ylabel: with units.
        log: the values stand on a logarithmic axis.
    """

    x: np.ndarray
    yours: np.ndarray
    reference: np.ndarray
    xlabel: str
    ylabel: str
    log: bool


def show_curves(
    student: Student,
    x: ArrayLike,
    yours: ArrayLike,
    reference: ArrayLike,
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
) -> None:
    """Have the feedback of the property that runs show these curves, whatever its verdict. All of shape (n,)."""
    places = np.asarray(x, float)
    order = np.argsort(places, kind="stable")
    mine, theirs = np.asarray(yours, float)[order], np.asarray(reference, float)[order]
    student.curves = Curves(places[order], mine, theirs, xlabel, ylabel, log)
