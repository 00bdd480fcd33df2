"""A gateway that speaks Databento's Live protocol, so that its official clients follow the tapes that are here."""

from booktape.gateway.options import GatewayOptions
from booktape.gateway.server import Gateway

__all__ = ["Gateway", "GatewayOptions"]
