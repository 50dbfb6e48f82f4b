"""What the controller keeps of a reply, whatever the worker says."""

from __future__ import annotations

from course_lib.engine.proxy import Student


class Peer:
    """A worker that always says the same."""

    def __init__(self, reply):
        self.reply = reply

    def begin(self):
        pass

    def request(self, frame, answer_callback):
        return self.reply


def test_a_flood_of_warnings_and_changes_is_cut():
    """The calls of a property are kept: a right value with megabytes beside it must not add up."""
    student = Student(Peer(["value", 1.0, list(range(100_000)), ["w" * 10_000] * 10_000]))
    assert student.double(1.0, scale=2.0) == 1.0
    call = student.last_call
    assert call.changed == [0, 1]
    assert len(call.warnings) == 20
    assert {len(text) for text in call.warnings} == {1100}
