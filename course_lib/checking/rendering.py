"""Values and calls as short text for people. The same value gives the same text on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.worker.codec import Opaque, is_scalar_type

if TYPE_CHECKING:
    from course_lib.engine.proxy import Call

MAX_TEXT = 1_200


def render(value: Any) -> str:
    """``value`` as a student would type it, shortened where long."""
    text = _render(value)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 2] + " …"


def describe(value: Any) -> str:
    """What kind of thing ``value`` is, with an article: "None", "a float", "an array of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, Opaque):
        return value.description
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, np.generic):
        return f"a NumPy {value.dtype}"
    if is_scalar_type(value):
        return f"the type np.{value.__name__}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)} items"
    name = type(value).__name__
    if name == "Tensor":
        return f"a torch.Tensor of shape {tuple(value.shape)}, not a NumPy array"
    return {"str": "a string", "int": "an int", "dict": "a dict", "StudentObject": "an object of your class"}.get(
        name, f"a {name}"
    )


def render_call(call: Call, parameters: dict[str, list[str]]) -> str:
    """The call as a line of Python, with the names of its parameters where they are known."""
    names = parameters.get(call.name if call.target is None else f"{call.target.made_by.name}.{call.name}", [])
    parts = [f"{names[i]}={_typed(v)}" if i < len(names) else _typed(v) for i, v in enumerate(call.args)]
    parts += [f"{key}={_typed(value)}" for key, value in call.kwargs.items()]
    owner = "" if call.target is None else render_call(call.target.made_by, parameters) + "."
    one_line = f"{owner}{call.name}({', '.join(parts)})"
    if len(one_line) <= 88 and "\n" not in one_line:
        return one_line
    body = "".join(f"\n    {part.replace(chr(10), chr(10) + '    ')}," for part in parts)
    return f"{owner}{call.name}({body}\n)"


def _typed(value: Any) -> str:
    """An argument: an array without axes is told from a number, which behaves differently."""
    return f"array({render(value)})" if isinstance(value, np.ndarray) and value.ndim == 0 else render(value)


def _render(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value + 0.0 if value.dtype.kind == "f" else value  # no negative zeros: they only puzzle
        with np.printoptions(precision=6, threshold=40, edgeitems=2, linewidth=88, suppress=False, floatmode="maxprec"):
            text = np.array2string(value, separator=", ")
        if value.ndim == 0:
            return text
        note = f", dtype={value.dtype}" if value.dtype not in (np.float64, np.int64, np.bool_, np.complex128) else ""
        note += f", shape={value.shape}" if value.size == 0 or "..." in text else ""
        return f"array({text.replace(chr(10), chr(10) + '      ')}{note})"
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.10g}" if float(value) != int_or_nan(value) else f"{float(value):.1f}"
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, np.integer):
        return str(int(value))
    if isinstance(value, Opaque) or type(value).__name__ == "StudentObject":  # whose repr holds an address
        return f"<{describe(value)}>"
    if isinstance(value, (list, tuple)):
        shown = [_render(item) for item in value[:8]] + (["…"] if len(value) > 8 else [])
        inner = ", ".join(shown)
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_render(item)}" for key, item in list(value.items())[:8]) + "}"
    if is_scalar_type(value):
        return f"np.{value.__name__}"
    if callable(value):
        return f"<function {getattr(value, '__name__', '')}>".replace(" >", ">").replace(
            "<function <lambda>>", "<function>"
        )
    if type(value).__name__ == "Tensor":
        text = _render(value.detach().cpu().numpy()).removeprefix("array(").removesuffix(")")
        return f"torch.tensor({text})".replace("\n", "\n" + " " * len("torch."))
    return repr(value.item() if isinstance(value, np.complexfloating) else value)


def int_or_nan(value: Any) -> float:
    """The value rounded to an integer where that is short to write, else NaN."""
    number = float(value)
    return float(round(number)) if abs(number) < 1e6 else float("nan")
