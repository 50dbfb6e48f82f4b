"""The studies of the last three assignments, for instructors: the yardstick and the reference runs.

``trainer`` is the students' file (``student_kit/trainer.py``), which trains many small networks at once.
``one_at_a_time`` does the same work in the usual way, network after network with torch.nn and torch.optim: the oracle
of the trainer's tests and the baseline of ``benchmarks/studies.py``. Must not be imported by the engine.
"""
