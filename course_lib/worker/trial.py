"""Tries in a throwaway process whether a kernel could be walled in as a policy says. ``engine.sandbox`` starts it.

Takes the policy as JSON. Exits with 0 if every wall stands, else with 3 and words on standard output.
"""

from __future__ import annotations

import os
import sys

from course_lib.worker.linux import SandboxError
from course_lib.worker.sandbox import Policy, enter, fork, prepare

FAILED = 3


def main() -> int:
    """Prepare, fork, enter; nothing is run inside."""
    policy = Policy.from_json(sys.argv[1])
    try:
        prepare(policy)
        child = fork()
        if child:
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        enter(policy)
    except SandboxError as error:
        os.write(1, str(error).encode())
        os._exit(FAILED)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
