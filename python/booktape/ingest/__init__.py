"""From Databento's live feed onto a live tape: what is asked, one session, and what keeps it going."""

from booktape.ingest.keeper import Event, Progress, Recorder, open_or_create
from booktape.ingest.session import RefusedError, SessionError
from booktape.ingest.subscription import Subscription, Upstream

__all__ = [
    "Event",
    "Progress",
    "Recorder",
    "RefusedError",
    "SessionError",
    "Subscription",
    "Upstream",
    "open_or_create",
]
