"""The untrusted side of the boundary: what runs in the same process as a student's code.

Nothing here may import any other part of ``course_lib``, hold a secret, or be believed by the controller.
"""
