"""Running the command on a terminal, as people do."""

import os
import pty
import subprocess
import sys

from booktape.cli.exits import Exit


def on_a_terminal(*arguments: object, **environment: str) -> str:
    """What the command writes to a terminal, standard output and error together."""
    controller, terminal = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    command = [sys.executable, "-m", "booktape", *map(str, arguments)]
    running = subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=variables | {"TERM": "xterm-256color"} | environment,
    )
    os.close(terminal)
    said = b""
    try:
        while piece := os.read(controller, 65_536):
            said += piece
    except OSError:
        pass  # Linux says that the other side has closed with an error
    os.close(controller)
    assert running.wait(timeout=60) == Exit.OK
    return said.decode()
