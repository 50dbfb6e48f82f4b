"""What people read: a student's feedback, a TA's class report, exports. Must not import the engine's internals."""
