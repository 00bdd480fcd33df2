"""What a result depends on beside the code: the machine, what it was doing, and versions."""

import json
import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
OWN = ("booktape", "databento", "numpy", "uvicorn")
PEERS = ("databento", "databento-dbn", "sortedcontainers", "nautilus_trader", "hftbacktest", "numba", "numpy")


def said(*command: str) -> str:
    """What a program prints, run in the checkout."""
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """The machine, and its load before anything was measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def versions(peers: Path) -> dict[str, Any]:
    """What was measured, and with what it was built and run; `peers` is the interpreter of their environment."""
    code = (
        f"import json; from importlib.metadata import version; print(json.dumps({{p: version(p) for p in {PEERS!r}}}))"
    )
    return {
        "commit": said("git", "describe", "--always", "--dirty", "--abbrev=10"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rustc": said("rustc", "--version"),
        "python": sys.version.split()[0],
        "own": {package: version(package) for package in OWN},
        "peers_python": said(str(peers), "-c", "import sys; print(sys.version.split()[0])"),
        "peers": json.loads(said(str(peers), "-c", code)),
    }


def slug() -> str:
    """The machine's name in the name of a result."""
    words = re.sub(r"\(R\)|\(TM\)|CPU|@.*|Processor", " ", _processor()).split()
    return "-".join([*(re.sub(r"[^a-z0-9]+", "", word.lower()) for word in words), f"{os.cpu_count()}cores"])
