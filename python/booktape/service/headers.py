"""Headers of every answer: what a browser may do with it."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import TypeAlias

from litestar.config.cors import CORSConfig

from booktape.settings import Settings

Header: TypeAlias = tuple[bytes, bytes]

REQUEST_ID = "X-Request-ID"

CACHE_CONTROL = b"cache-control"
NO_STORE: Header = (CACHE_CONTROL, b"no-store")
"""For answers that say nothing themselves: a cache must not keep for one caller what another had to have a key for."""

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def security_headers(page: bytes) -> list[Header]:
    """What goes with every answer, where `page` is the HTML whose inline scripts are known by their hashes.

    Scripts, data and workers come from the service alone, nothing may frame its pages, and no other site may embed what
    it serves. Styles may stand in the HTML: Svelte and Swagger UI write them there.
    """
    hashes = [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in _INLINE_SCRIPT.findall(page)]
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return [
        (b"content-security-policy", "; ".join(f"{name} {value}" for name, value in policy.items()).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


def cors(settings: Settings) -> CORSConfig | None:
    """What the pages of other origins may ask; nothing unless some are named."""
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "X-API-Key", "Last-Event-ID", "Content-Type", REQUEST_ID],
        expose_headers=[REQUEST_ID, "Retry-After"],
    )
