"""The wire format: everything on the list survives the way there and back, and nothing else gets through."""

from __future__ import annotations

import contextlib
import math
from collections import namedtuple
from typing import Any

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.worker import codec
from course_lib.worker.codec import CallableRef, ObjectRef, Opaque, WireError, decode, encode

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
dtypes = st.sampled_from(
    ["bool", "int8", "int32", "int64", "uint8", "uint64", "float16", "float32", "float64", "complex64", "complex128"]
)
arrays = dtypes.flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))


@given(plain)
def test_plain_values_survive(value):
    assert decode(encode(value)) == value
    assert type(decode(encode(value))) is type(value)


@given(arrays)
def test_arrays_survive(array):
    copy = decode(encode(array))
    assert copy.dtype == array.dtype
    assert copy.shape == array.shape
    np.testing.assert_array_equal(copy, array)
    assert copy.flags.writeable


def test_layout_and_byte_order_do_not_matter():
    matrix = np.arange(6.0).reshape(2, 3)
    for same in (np.asfortranarray(matrix), matrix.T.copy().T, matrix.astype(">f8")):
        np.testing.assert_array_equal(decode(encode(same)), matrix)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool])
def test_tensors_stay_tensors(dtype):
    tensor = torch.ones(2, 3, requires_grad=dtype.is_floating_point).to(dtype)
    copy = decode(encode(tensor))
    assert isinstance(copy, torch.Tensor)
    assert torch.equal(copy, tensor)


@pytest.mark.parametrize("value", [np.float32(0.5), np.int64(-3), np.bool_(True), 1 + 2j, CallableRef(3), Opaque("x")])
def test_special_values_survive(value):
    copy = decode(encode(value))
    assert copy == value
    assert type(copy) is type(value)


def test_a_named_tuple_is_a_tuple_of_its_items():
    class Liar(namedtuple("Pair", "f h")):
        def __iter__(self):
            return iter("lies")

        def __len__(self):
            return 0

    copy = decode(encode([Liar(1.0, (2.0,))]))
    assert copy == [(1.0, (2.0,))]
    assert type(copy[0]) is tuple


def test_references_and_nan_survive():
    assert decode(encode(ObjectRef(7, "AdamW"))) == ObjectRef(7, "AdamW")
    assert math.isnan(decode(encode(float("nan"))))


class Pretender(np.ndarray):
    pass


class Number(int):
    pass


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "object of type"),
        ((i for i in range(3)), "generator"),
        (np.array([None]), "dtype object"),
        (np.zeros(2, dtype="datetime64[s]"), "dtype datetime64"),
        (np.zeros(2).view(Pretender), "Pretender"),
        (Number(3), "Number"),
        ({1: 2}, "other keys than strings"),
        ([0] * (codec.MAX_ITEMS + 1), "list of 100001 items"),
        ("x" * (codec.MAX_TEXT + 1), "characters"),
        (10**2000, "bits"),
        (torch.zeros(2).to_sparse(), "layout"),
        (float, "type"),
    ],
)
def test_anything_else_is_named_and_refused(value, words):
    with pytest.raises(WireError, match=words):
        encode(value)


def test_nesting_is_bounded():
    value: Any = 0.0
    for _ in range(codec.MAX_DEPTH):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(WireError, match="nested deeper"):
        encode([value])


def test_a_list_that_holds_itself_is_refused():
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(WireError, match="nested deeper"):
        encode(endless)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_decode_or_raise_wire_error(data):
    with contextlib.suppress(WireError):
        decode(data)


@given(plain, st.data())
def test_damaged_messages_decode_or_raise_wire_error(value, data):
    packed = bytearray(encode([value, np.arange(3.0), (1, 2)]))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(packed))


def array_message(dtype: str, shape: list[Any], data: bytes) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(1, msgpack.packb([dtype, shape, data])))
    return packed


@pytest.mark.parametrize(
    "message",
    [
        array_message("<f8", [2], b"\0" * 8),
        array_message("<f8", [2**40, 2**40], b""),
        array_message("<f8", [-1], b"\0" * 8),
        array_message("|O", [1], b"\0" * 8),
        array_message("<f8", [1] * 40, b"\0" * 8),
        msgpack.packb(msgpack.ExtType(99, b"")),
        msgpack.packb(msgpack.ExtType(7, msgpack.packb(-1))),
        msgpack.packb(msgpack.ExtType(5, b"9" * 2000)),
        b"\xdc\x00\x10" + (b"\xdc\xff\xff" + b"\x90" * 65_535) * 16,  # a megabyte of empty lists takes sixty in memory
    ],
)
def test_forged_messages_are_refused(message):
    with pytest.raises(WireError):
        decode(message)


def test_nested_tuples_cannot_blow_the_stack():
    message = msgpack.packb(0)
    for _ in range(10_000):
        message = msgpack.packb(msgpack.ExtType(4, msgpack.packb([msgpack.ExtType(4, message[:50])])))
    with pytest.raises(WireError):
        decode(message)
