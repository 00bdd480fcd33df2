"""The compiled client, run beside the service."""

import json
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent.parent
PROGRAM = REPOSITORY / "target" / "release" / "booktape-load"

Report = dict[str, Any]


def _command(task: str, urls: tuple[str, ...], options: dict[str, object]) -> list[str]:
    named = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
    flags = [
        name if value is True else f"{name}={value}" for name, value in named.items() if value not in (None, False)
    ]
    return [str(PROGRAM), task, *flags, *urls]


def run(task: str, *urls: str, **options: object) -> Report:
    """What a client reports when it is done. Options are those of `booktape-load TASK`, flags are true."""
    done = subprocess.run(_command(task, urls, options), stdout=subprocess.PIPE, text=True, check=True)
    report: Report = json.loads(done.stdout)
    return report


class Beside:
    """A client that runs while something else is done."""

    def __init__(self, task: str, *urls: str, **options: object) -> None:
        self._process = subprocess.Popen(_command(task, urls, options), stdout=subprocess.PIPE, text=True)

    def line(self) -> str:
        """What it prints before it is done."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def report(self) -> Report:
        """What it reports when it is done."""
        printed, _ = self._process.communicate()
        if self._process.returncode:
            raise SystemExit("a client failed")
        report: Report = json.loads(printed)
        return report
