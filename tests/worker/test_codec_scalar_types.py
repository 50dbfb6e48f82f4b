"""NumPy's scalar types cross the boundary as themselves, so that an exercise can take a dtype."""

import msgpack
import numpy as np
import pytest

from course_lib.checking.rendering import describe, render
from course_lib.engine.proxy import LoopbackPeer, Student
from course_lib.worker import codec


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, np.bool_])
def test_scalar_types_survive_the_wire(kind):
    assert codec.decode(codec.encode(kind)) is kind
    assert Student(LoopbackPeer({"f": lambda dtype: dtype is kind})).f(kind) is True


@pytest.mark.parametrize("kind", [int, float, object, np.void, np.str_, type])
def test_other_types_do_not_cross(kind):
    with pytest.raises(codec.WireError):
        codec.encode(kind)


def test_an_invented_scalar_type_is_refused():
    with pytest.raises(codec.WireError, match="a scalar type"):
        codec.decode(msgpack.packb(msgpack.ExtType(10, b"<f16")))


def test_a_scalar_type_is_rendered_as_it_is_typed():
    assert render(np.float16) == "np.float16"
    assert describe(np.float16) == "the type np.float16"
