"""What all sessions of a gateway have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booktape.gateway.choice import Choice
    from booktape.gateway.keys import GatewayKeys
    from booktape.gateway.metrics import GatewayFigures
    from booktape.gateway.options import GatewayOptions
    from booktape.gateway.playback import Playback
    from booktape.service.lifecycle import Lifecycle
    from booktape.service.streams.clock import Clock


@dataclass(frozen=True, slots=True)
class Common:
    """The parts that sessions share."""

    keys: GatewayKeys
    choice: Choice
    playback: Playback
    options: GatewayOptions
    figures: GatewayFigures
    clock: Clock
    lifecycle: Lifecycle
    patience: float
    """Seconds after which a client that takes nothing is given up."""
