"""The service that is measured: `booktape serve` in a process of its own, with its own folders, seen from outside."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).parent.parent.parent
SAMPLE_SECONDS = 0.05
PATIENCE = 120.0
#: Where a program might write that should not: what it takes for its home, its folder, the system's temporary one.
ELSEWHERE = ("home", "here", "temporary")


class Service:
    """A running service."""

    def __init__(self, url: str, process: psutil.Process, folder: Path, seconds_to_ready: float) -> None:
        self.url = url
        self.seconds_to_ready = seconds_to_ready
        self._process = process
        self._folder = folder
        self._peak = 0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def get(self, path: str) -> Any:
        """The JSON of an answer."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON of an answer to a POST."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def sample(self, name: str) -> float:
        """The sum of a metric's samples."""
        with urllib.request.urlopen(self.url + "/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))

    def tape(self) -> dict[str, Any]:
        """The only tape."""
        (tape,) = self.get("/api/v1/tapes")
        return dict(tape)

    def cpu_seconds(self) -> float:
        """Time on processors so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Memory now."""
        return int(self._process.memory_info().rss)

    def open_files(self) -> int:
        """Descriptors, sockets among them."""
        return int(self._process.num_fds())

    def peak_bytes(self) -> int:
        """The most memory so far."""
        return max(self._peak, self.resident_bytes())

    def written_elsewhere(self) -> list[str]:
        """Files that were made outside the data folder."""
        return [
            str(path.relative_to(self._folder))
            for name in ELSEWHERE
            for path in (self._folder / name).rglob("*")
            if path.is_file()
        ]

    def data_bytes(self) -> int:
        """What is in the data folder."""
        return sum(path.stat().st_size for path in (self._folder / "data").rglob("*") if path.is_file())

    def end(self) -> None:
        """Stops watching."""
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            try:
                self._peak = max(self._peak, self.resident_bytes())
            except psutil.NoSuchProcess:
                return


def serving(file: Path) -> AbstractContextManager[Service]:
    """Serves a file until the block ends."""
    return _serving("booktape", "serve", str(file.resolve()), "--port=0")


def feeding(file: Path, rate: float, clients: int) -> AbstractContextManager[Service]:
    """Serves a live tape until the block ends, fed with a file's records once so many streams are open."""
    return _serving("benchmarks.load.growing", str(file.resolve()), f"--rate={rate:.0f}", f"--clients={clients}")


@contextmanager
def _serving(*module: str) -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="booktape-load-") as name:
        folder = Path(name)
        for part in ELSEWHERE:
            (folder / part).mkdir()
        process = _start(module, folder)
        began = time.monotonic()
        try:
            url = _address(process)
            ready = _until_ready(url, began)
            service = Service(url, psutil.Process(process.pid), folder, ready)
            yield service
            service.end()
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _start(module: tuple[str, ...], folder: Path) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BOOKTAPE_")}
    environment = inherited | {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "temporary"),
        "BOOKTAPE_DATA_DIR": str(folder / "data"),
        "BOOKTAPE_LOG_LEVEL": "warning",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", *module]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder / "here")


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    address = re.search(r"http://[\w.:]+", line)
    if address is None:
        raise SystemExit(f"the service did not start: {line!r}")
    return address[0]


def _until_ready(url: str, began: float) -> float:
    """Seconds until `/ready` says so."""
    while time.monotonic() - began < PATIENCE:
        try:
            with urllib.request.urlopen(url + "/ready", timeout=PATIENCE):
                return time.monotonic() - began
        except urllib.error.HTTPError:
            time.sleep(0.005)
    raise SystemExit("the service was never ready")
