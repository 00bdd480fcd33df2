"""Starts `booktape demo` on a free port, sees the page, its health and prices that move, and stops it again.

Exits 0 if all of that happened, otherwise 1 with what was seen instead and the last lines that the demo wrote.
"""

import asyncio
import re
import signal
import sys
from collections import deque
from pathlib import Path

import httpx
from httpx_sse import aconnect_sse

LIMIT = 120.0  # seconds for all of it; a demo is ready in a few
CHANGES = 10  # best prices that differ from the ones before: a market, not a picture of one
BOOKTAPE = Path(sys.executable).with_name("booktape")


class CheckError(Exception):
    """What was expected of the demo and did not happen."""


async def ready_url(output: asyncio.StreamReader, tail: deque[str]) -> str:
    """The address that the demo prints when it is ready."""
    while line := (await output.readline()).decode(errors="replace"):
        tail.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise CheckError("the demo ended before it printed an address")


async def drain(output: asyncio.StreamReader, tail: deque[str]) -> None:
    """Keeps the demo from waiting for its reader."""
    while line := (await output.readline()).decode(errors="replace"):
        tail.append(line)


async def get(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """One answer, which has to be a good one."""
    response = await client.get(path)
    if response.status_code != httpx.codes.OK:
        raise CheckError(f"GET {path} answered {response.status_code}: {response.text[:200]}")
    return response


async def moving_prices(client: httpx.AsyncClient) -> str:
    """Follows the first instrument's depth until its best prices have changed often enough."""
    tape = (await get(client, "/api/v1/tapes")).json()[0]["id"]
    instrument = (await get(client, f"/api/v1/tapes/{tape}/instruments")).json()[0]
    symbol = instrument["symbol"]
    query = {"instrument": instrument["instrument_id"]}
    frames = changes = 0
    best: tuple[str, str] | None = None
    async with aconnect_sse(client, "GET", f"/api/v1/tapes/{tape}/depth", params=query) as source:
        source.response.raise_for_status()
        async for event in source.aiter_sse():
            if event.event != "message":
                continue
            frames += 1
            state = event.json()
            if not state["bids"] or not state["asks"]:
                continue
            now = (state["bids"][0][0], state["asks"][0][0])
            changes += best is not None and now != best
            best = now
            if changes >= CHANGES:
                bid, ask = (int(price) / 1e9 for price in now)
                return f"{symbol} moved {changes} times in {frames} frames, now {bid:g} / {ask:g}"
    raise CheckError(f"the depth of {symbol} ended after {frames} frames and {changes} changes")


async def check(url: str) -> None:
    """Everything a newcomer looks at first."""
    async with httpx.AsyncClient(base_url=url, timeout=LIMIT) as client:
        await get(client, "/health")
        await get(client, "/ready")
        print(f"demo-check: {url} is healthy and ready", flush=True)
        page = await get(client, "/")
        script = re.search(r'"(/_app/[^"]+\.js)"', page.text)
        if not script:
            raise CheckError(f"/ is not the built page: {page.text[:200]}")
        await get(client, script[1])
        print("demo-check: the page is served", flush=True)
        print(f"demo-check: {await moving_prices(client)}", flush=True)


async def main() -> int:
    """Runs the demo for as long as the check takes."""
    tail: deque[str] = deque(maxlen=20)
    demo = await asyncio.create_subprocess_exec(
        BOOKTAPE, "demo", "--port", "0", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert demo.stdout is not None
    try:
        async with asyncio.timeout(LIMIT):
            url = await ready_url(demo.stdout, tail)
            draining = asyncio.create_task(drain(demo.stdout, tail))
            await check(url)
            demo.send_signal(signal.SIGINT)
            await draining
            code = await demo.wait()
            if code not in (0, 128 + signal.SIGINT):
                raise CheckError(f"Ctrl-C ended the demo with {code}")
    except (CheckError, TimeoutError, httpx.HTTPError) as error:
        why = f"not done within {LIMIT:g} s" if isinstance(error, TimeoutError) else error
        print(f"demo-check: {why}\nThe demo's last lines:\n{''.join(tail)}", file=sys.stderr)
        return 1
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.wait()
    print("demo-check: stopped cleanly", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
