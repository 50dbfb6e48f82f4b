"""nbgrader's configuration of the course. Used by every ``nbgrader`` command, by the formgrader and by ``course``."""

c = get_config()  # noqa: F821 (given by traitlets)

c.CourseDirectory.course_id = "deep-learning"
c.CourseDirectory.root = __import__("os").path.dirname(__import__("os").path.abspath(__file__))

# grading.json is ours and for staff: never take one from a submission, never give one to a student.
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    ".pytest_cache",
    "grading.json",
    "feedback",
]

c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "course_lib.engine.restoring.RestoreGrading",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Hidden tests judge a submission from outside its process; see docs/how-it-works.md.
c.Autograde.autograde_preprocessors = [
    "course_lib.engine.preprocessor.GradeNotebook",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.OverwriteCells.add_missing_cells = True
c.GradeNotebook.cell_seconds = 15

# What students wrote is shown in feedback and in the formgrader, and must not run there.
c.HTMLExporter.preprocessors = ["course_lib.report.safe.SafeNotebook", "course_lib.report.marking.MarkingScheme"]
c.HTMLExporter.filters = {"markdown2html": "course_lib.report.safe.markdown2html"}
c.GenerateFeedback.exporter_class = "course_lib.report.pages.FeedbackPage"
