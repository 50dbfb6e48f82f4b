"""Instructor-only half of the course: references, hidden tests, grading engine and reports.

Nothing in this package is ever given to students. Importing it costs nothing; import the submodule you need.
"""
