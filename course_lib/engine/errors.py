"""What can go wrong with a submission, and between the controller and a student's code. Imports nothing."""

from __future__ import annotations


class NeedsAttention(Exception):
    """A submission that cannot be graded, with the reason in words for the TA. It is not a zero."""


class StudentError(Exception):
    """The student's code raised.

    Attributes:
        type_name: name of the exception's class.
        message: its text, at most 1000 characters.
        traceback: the student's frames, newest last.
    """

    def __init__(self, type_name: str, message: str, traceback: str = "") -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name = type_name
        self.message = message
        self.traceback = traceback


class Stop(BaseException):
    """Ends a property at once. A BaseException, so that Hypothesis does not shrink a hang or a dead kernel."""


class Missing(Stop):
    """The submission does not define the name that is asked for."""


class NotAttempted(Stop):
    """The student's function is still the stub: it raises NotImplementedError."""


class TimeLimit(Stop):
    """A call took longer than allowed. The worker may still be of use."""


class MemoryLimit(Stop):
    """The student's code ran out of the memory it may use."""


class WorkerDied(Stop):
    """The worker is gone: it exited, was killed, or sent something that is no message."""
