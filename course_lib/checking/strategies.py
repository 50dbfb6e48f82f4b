"""Hypothesis strategies that the assignments share. Plural names; sizes and values shrink to what is easy to read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

STYLES = ("small integers", "quarters", "normal")


@dataclass(frozen=True)
class Numbers:
    """A source of arrays, drawn as one value: cheap to draw, and it shrinks to small whole numbers.

    Attributes:
        style: "small integers" from −3 to 3, "quarters" from −2 to 2 in steps of ¼, or "normal" (standard deviation 1).
        seed: of the generator behind it; the same seed and calls give the same arrays.
    """

    style: str
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rng", np.random.default_rng(self.seed))

    def array(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """Values of either sign, zeros included unless the style is "normal". Shape as given, float64."""
        rng: np.random.Generator = self._rng  # type: ignore[attr-defined]
        if self.style == "small integers":
            return scale * rng.integers(-3, 4, shape).astype(np.float64)
        if self.style == "quarters":
            return scale * rng.integers(-8, 9, shape) / 4.0
        return scale * rng.standard_normal(shape)

    def nonzero(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """As ``array``, with magnitudes of at least ¼ · scale and every size and sign."""
        rng: np.random.Generator = self._rng  # type: ignore[attr-defined]
        signs = rng.choice([-1.0, 1.0], shape)
        if self.style == "small integers":
            return scale * signs * rng.integers(1, 4, shape)
        if self.style == "quarters":
            return scale * signs * rng.integers(1, 9, shape) / 4.0
        return scale * signs * (0.25 + np.abs(rng.standard_normal(shape)))

    def positive(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        """As ``nonzero``, with positive signs."""
        return np.abs(self.nonzero(*shape, scale=scale))

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """Whole numbers low ≤ n < high, int64."""
        rng: np.random.Generator = self._rng  # type: ignore[attr-defined]
        return rng.integers(low, high, shape)


def numbers() -> st.SearchStrategy[Numbers]:
    """Sources of arrays. Shrinks to small integers from seed 0."""
    return st.builds(Numbers, st.sampled_from(STYLES), st.integers(0, 2**16))


def sizes(low: int = 1, high: int = 5) -> st.SearchStrategy[int]:
    """A number of rows, columns, units or samples. Shrinks to ``low``.

    Raises:
        ValueError: low > high or low < 0.
    """
    if not 0 <= low <= high:
        raise ValueError(f"sizes need 0 <= low <= high, got low={low}, high={high}")
    return st.integers(low, high)
