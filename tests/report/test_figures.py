"""Figures of the feedback: images in the page itself, the same bytes each time, whatever was measured."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from course_lib.checking.curves import Curves
from course_lib.report.figures import data_uri

X = np.array([1.0, 2.0, 3.0])


def curves(yours, *, log: bool = False) -> Curves:
    return Curves(X, np.array(yours, float), X**2, "width", "error", log)


def image(shown: Curves) -> bytes:
    kind, _, data = data_uri(shown).partition(",")
    assert kind == "data:image/png;base64"
    return base64.b64decode(data)


def test_the_same_curves_give_the_same_png():
    assert image(curves(X)) == image(curves(X))
    assert image(curves(X)).startswith(b"\x89PNG")


def test_other_curves_give_another():
    assert image(curves(X)) != image(curves(X + 1))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("yours", [[np.nan] * 3, [np.inf, -np.inf, 1], [0, -1, 2], [1e300, -1e300, 0]])
def test_what_is_no_number_or_has_no_place_on_the_axis_is_left_out(yours, log):
    assert image(curves(yours, log=log)).startswith(b"\x89PNG")
