"""Correct solutions of backprop in unusual shapes."""

VARIANTS: list = []
