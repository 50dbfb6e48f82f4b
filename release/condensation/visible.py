"""What the visible checks of all notebooks share: they assert, and say in one message what to look at.

Students get this file. It holds no solution, and the score does not depend on it.
"""

import symtable
import sys

import numpy as np


class CheckFailed(AssertionError):
    """A visible check found something. Jupyter shows the message alone, without the frames of the check."""

    def _render_traceback_(self):
        return [f"✗ {self}"]


def expect(condition, message):
    """Fail with this message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def expect_tuple(value, *names, call):
    """The value must be a tuple or list with these parts."""
    wanted = f"({', '.join(names)})"
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    expect(isinstance(value, (tuple, list)), f"{call} must return {wanted}, but returned {_kind(value)}.")
    expect(len(value) == len(names), f"{call} must return {wanted}, but returned {len(value)} values.")
    return tuple(value)


def expect_close(name, got, expected, *, call, rtol=1e-7, atol=1e-9, why=""):
    """Shape and every element must agree.

    ``name`` is the part of the result that is compared, ``call`` the call that made it, ``why`` says where the
    expected value comes from.
    """
    expected = np.asarray(expected)
    expect(got is not None, f"{call}: {name} is None. Is a return statement missing?")
    expect(not _is_tensor(got), f"{call}: {name} is a torch.Tensor; this exercise wants NumPy arrays.")
    try:
        array = np.asarray(got, dtype=complex if expected.dtype.kind == "c" else float)
    except (TypeError, ValueError, OverflowError):
        raise CheckFailed(f"{call}: {name} must hold numbers, but is {_kind(got)}.") from None
    expect(array.shape == expected.shape, f"{call}: {name} has shape {array.shape}, expected {expected.shape}.")
    with np.errstate(invalid="ignore"):
        near = (np.abs(array - expected) <= atol + rtol * np.abs(expected)) | (array == expected)
    if near.all():
        return
    where = tuple(int(i) for i in np.argwhere(~near)[0])
    at = f" at index {where[0] if len(where) == 1 else where}" if where else ""
    raise CheckFailed(
        f"{call}: {name} is off{at}.\n  got      {array[where]:.8g}\n  expected {expected[where]:.8g}"
        + (f"  ({why})" if why else "")
        + f"\n  largest deviation {np.nanmax(np.abs(array - expected)):.3g}; allowed about {rtol:g} relative"
    )


def passed(name, checked, not_checked):
    """Say what was checked, and honestly what was not: the hidden tests look there too."""
    print(f"✓ {name}: {checked}.\n  Not checked here: {not_checked}.")


def _kind(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"


def _is_tensor(value):
    return type(value).__module__.split(".")[0] == "torch"


_waiting = {}  # names that a cell would have made, had it not stopped at an exercise that is still to be solved


def _say_what_is_not_written(shell, kind, error, trace, tb_offset=None):
    """In a notebook an exercise that is still to be solved is no crash: say so in one line, without frames.

    Nor is it one in the cells below, which use what that cell would have made.
    """
    if kind is NotImplementedError:
        while trace.tb_next:
            trace = trace.tb_next
        missing = trace.tb_frame.f_code.co_qualname
        lines = [f"○ {missing} is not written yet. This cell works when it is."]
    elif (name := getattr(error, "name", None)) in _waiting:
        missing = _waiting[name]
        lines = [f"○ {name} comes from a cell above, which stopped at {missing}. When that is written, run both again."]
    else:
        lines = shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
        shell._showtraceback(kind, error, lines)
        return lines
    _waiting.update(dict.fromkeys(_names_made_by(shell.user_ns["In"][-1]), missing))
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")  # the figure that the cell had begun
    shell._showtraceback(kind, error, lines)
    return lines


def _names_made_by(cell):
    names = symtable.symtable(cell, "a cell", "exec").get_symbols()
    return {name.get_name() for name in names if name.is_assigned() or name.is_imported()}


if "IPython" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()):
    _shell.set_custom_exc((NotImplementedError, NameError), _say_what_is_not_written)
