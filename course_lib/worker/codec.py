"""The typed wire format: arrays and plain values as msgpack, never pickle.

Used on both sides of the boundary, so it imports only msgpack and numpy (torch is looked up lazily: the wire
works without it). Decoding trusts nothing: dtypes come from an allow-list, shapes must match the byte count,
sizes and nesting are bounded, and whatever is not on the list is a ``WireError``.
"""

from __future__ import annotations

import math
import struct
import sys
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

MAX_FRAME_BYTES = 64 * 2**20
MAX_ITEMS = 100_000
MAX_TEXT = 200_000
MAX_DEPTH = 12
MAX_ALL_ITEMS = 1_000_000
"""Of a whole message: an empty list takes one byte on the wire and sixty in memory."""

_DTYPES = {
    np.dtype(name).str: np.dtype(name)
    for name in (
        [
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "float16",
            "float32",
            "float64",
            "complex64",
            "complex128",
        ]
    )
}
_SCALAR_TYPES = {dtype.type: name for name, dtype in _DTYPES.items()}
_TENSOR_DTYPES = {"bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex128"}

_ARRAY, _TENSOR, _COMPLEX, _TUPLE, _BIG_INT, _SCALAR, _CALLABLE, _OBJECT, _OPAQUE, _SCALAR_TYPE = range(1, 11)


class WireError(ValueError):
    """A value that cannot cross the boundary, or bytes that are no well-formed message."""


@dataclass(frozen=True)
class CallableRef:
    """A function that stays on the controller's side and is called back over the wire."""

    number: int


@dataclass(frozen=True)
class ObjectRef:
    """An instance of a student's class that stays in the worker."""

    number: int
    type_name: str


@dataclass(frozen=True)
class Opaque:
    """What the controller sees of a value that cannot cross: a description, never the value."""

    description: str


def encode(value: Any) -> bytes:
    """Return ``value`` as bytes.

    Raises:
        WireError: a type that is not on the list, more than ``MAX_ITEMS`` items or ``MAX_DEPTH`` levels,
            or more than ``MAX_FRAME_BYTES`` bytes.
    """
    packed: bytes = msgpack.packb(_lower(value, 0), use_bin_type=True)
    if len(packed) > MAX_FRAME_BYTES:
        raise WireError(f"a value of {len(packed)} bytes, more than the {MAX_FRAME_BYTES} that are read")
    return packed


def decode(data: bytes | memoryview) -> Any:
    """Return the value that ``data`` encodes. Arrays are fresh and writable.

    Raises:
        WireError: anything but the output of ``encode`` within the limits.
    """
    try:
        return _Reader().unpack(data)
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"malformed message: {type(error).__name__}: {str(error)[:200]}") from None


def is_scalar_type(value: Any) -> bool:
    """Whether ``value`` is a NumPy scalar type such as ``np.float32``: it crosses as itself, though callable."""
    return type(value) is type and value in _SCALAR_TYPES


def _lower(value: Any, depth: int) -> Any:
    """Turn ``value`` into what msgpack packs natively. Of subclasses only tuples': another may lie about itself."""
    kind = type(value)
    if value is None or kind is bool or kind is float or kind is bytes:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**64 else _ext(_BIG_INT, _big_int_text(value))
    if kind is str:
        if len(value) > MAX_TEXT:
            raise WireError(f"a string of {len(value)} characters, more than the {MAX_TEXT} that are read")
        return value.encode("utf-8", "replace").decode("utf-8")
    if depth >= MAX_DEPTH:
        raise WireError(f"a value nested deeper than {MAX_DEPTH} levels")
    if kind is list:
        return _lower_items(value, depth)
    if issubclass(kind, tuple):  # a named tuple is its items, whatever else it may say
        return _ext(_TUPLE, msgpack.packb(_lower_items(list(tuple.__iter__(value)), depth), use_bin_type=True))
    if kind is dict:
        if len(value) > MAX_ITEMS or not all(type(key) is str for key in value):
            raise WireError(f"a dict with other keys than strings or more than {MAX_ITEMS} of them")
        return {key: _lower(item, depth + 1) for key, item in value.items()}
    return _lower_special(value)


def _lower_items(items: list[Any], depth: int) -> list[Any]:
    if len(items) > MAX_ITEMS:
        raise WireError(f"a list of {len(items)} items, more than the {MAX_ITEMS} that are read")
    return [_lower(item, depth + 1) for item in items]


def _lower_special(value: Any) -> msgpack.ExtType:
    kind = type(value)
    if kind is np.ndarray:
        return _ext(_ARRAY, _pack_array(value))
    if kind is complex:
        return _ext(_COMPLEX, struct.pack("<dd", value.real, value.imag))
    if isinstance(value, np.generic) and kind.__module__ == "numpy":
        return _ext(_SCALAR, _pack_array(np.asarray(value)))
    if is_scalar_type(value):
        return _ext(_SCALAR_TYPE, _SCALAR_TYPES[value].encode())
    if kind is CallableRef:
        return _ext(_CALLABLE, msgpack.packb(value.number))
    if kind is ObjectRef:
        return _ext(_OBJECT, msgpack.packb([value.number, value.type_name[:100]]))
    if kind is Opaque:
        return _ext(_OPAQUE, msgpack.packb(value.description[:300]))
    torch = sys.modules.get("torch")
    if torch is not None and kind in (torch.Tensor, torch.nn.Parameter):
        name = str(value.dtype).removeprefix("torch.")
        if name not in _TENSOR_DTYPES or value.layout is not torch.strided:
            raise WireError(f"a torch tensor of dtype {value.dtype} and layout {value.layout}")
        return _ext(_TENSOR, _pack_array(value.detach().cpu().resolve_conj().resolve_neg().contiguous().numpy()))
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    raise WireError(f"an object of type {module}{kind.__qualname__}")


def _ext(code: int, payload: bytes) -> msgpack.ExtType:
    return msgpack.ExtType(code, payload)


def _big_int_text(value: int) -> bytes:
    if value.bit_length() > 4096:
        raise WireError(f"an integer of {value.bit_length()} bits, more than the 4096 that are read")
    return str(value).encode()


def _pack_array(array: np.ndarray) -> bytes:
    dtype = array.dtype.newbyteorder("<") if array.dtype.byteorder == ">" else array.dtype
    if dtype.str not in _DTYPES:
        raise WireError(f"a NumPy array of dtype {array.dtype}")
    if array.nbytes > MAX_FRAME_BYTES:
        raise WireError(f"an array of {array.nbytes} bytes, more than the {MAX_FRAME_BYTES} that are read")
    packed: bytes = msgpack.packb([dtype.str, list(array.shape), array.astype(dtype, copy=False).tobytes()])
    return packed


class _Reader:
    """Reads one message, and is msgpack's hooks meanwhile. Bounds the nesting of tuples and the number of all items."""

    def __init__(self) -> None:
        self.depth = 0
        self.items = 0

    def unpack(self, data: bytes | bytearray | memoryview) -> Any:
        return msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            ext_hook=self,
            list_hook=self._count,
            object_hook=self._count,
            max_array_len=MAX_ITEMS,
            max_map_len=MAX_ITEMS,
            max_str_len=MAX_TEXT,
            max_ext_len=MAX_FRAME_BYTES,
        )

    def _count(self, container: Any) -> Any:
        self.items += 1 + len(container)
        if self.items > MAX_ALL_ITEMS:
            raise WireError(f"a message of more than {MAX_ALL_ITEMS} items")
        return container

    def __call__(self, code: int, payload: bytes) -> Any:  # noqa: PLR0912 (one branch a type)
        if self.depth >= MAX_DEPTH:
            raise WireError(f"a message nested deeper than {MAX_DEPTH} levels")
        if code == _ARRAY:
            return _unpack_array(payload)
        if code == _SCALAR:
            array = _unpack_array(payload)
            if array.shape != ():
                raise WireError(f"a scalar of shape {array.shape}")
            return array[()]
        if code == _TUPLE:
            self.depth += 1
            items = self.unpack(payload)
            self.depth -= 1
            if type(items) is not list:
                raise WireError("a tuple that is no list of items")
            return tuple(items)
        if code == _COMPLEX:
            return complex(*struct.unpack("<dd", payload))
        if code == _BIG_INT:
            if len(payload) > 1300:
                raise WireError(f"an integer of {len(payload)} digits")
            return int(payload)
        if code == _CALLABLE:
            return CallableRef(_number(msgpack.unpackb(payload)))
        if code == _OBJECT:
            number, type_name = msgpack.unpackb(payload)
            return ObjectRef(_number(number), str(type_name)[:100])
        if code == _OPAQUE:
            return Opaque(str(msgpack.unpackb(payload))[:300])
        if code == _TENSOR:
            return _unpack_tensor(payload)
        if code == _SCALAR_TYPE:
            name = bytes(payload).decode("ascii", "replace")
            if name not in _DTYPES:
                raise WireError(f"a scalar type {name[:50]!r}")
            return _DTYPES[name].type
        raise WireError(f"unknown type code {code}")


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**32:
        raise WireError(f"a reference number {value!r}")
    return value


def _unpack_array(payload: bytes) -> np.ndarray:
    name, shape, data = msgpack.unpackb(payload, max_array_len=64)
    dtype = _DTYPES.get(name)
    if dtype is None:
        raise WireError(f"an array of dtype {str(name)[:50]!r}")
    if len(shape) > 32 or not all(type(n) is int and n >= 0 for n in shape):
        raise WireError(f"an array of shape {str(shape)[:100]}")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise WireError(f"an array of shape {shape} and dtype {dtype} with {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape).copy()


def _unpack_tensor(payload: bytes) -> Any:
    import torch

    array = _unpack_array(payload)
    if array.dtype.name not in _TENSOR_DTYPES:
        raise WireError(f"a tensor of dtype {array.dtype}")
    return torch.from_numpy(array)
