"""Valid inputs for the exercises of backprop."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from course_lib.checking.strategies import numbers


@st.composite
def toy_networks(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``toy_backward``. Every unit is alive in some networks and dead in others."""
    source = draw(numbers())
    x, y = (float(v) for v in source.nonzero(2))
    return x, y, source.array(4), source.nonzero(4)
