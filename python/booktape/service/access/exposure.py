"""Whether a server may listen where it was told to."""

import socket
from ipaddress import IPv6Address, ip_address

from booktape.parameters import bad_parameter
from booktape.settings import Settings

API_KEYS = "Make a key with `booktape keys new` and set BOOKTAPE_API_KEYS"
"""How a service gets keys."""
GATEWAY_KEYS = "Set BOOKTAPE_GATEWAY_KEYS"
"""How a gateway does."""


def require_keys_beyond_this_machine(
    listener: socket.socket, settings: Settings, *, has_keys: bool, how: str = API_KEYS
) -> None:
    """Lets a server without keys listen on this machine only, unless it was told that all may come.

    `how` says how it gets some.

    Raises:
        ParameterError: it would listen elsewhere.
    """
    address = listener.getsockname()[0]
    if has_keys or settings.allow_open or is_loopback(address):
        return
    raise bad_parameter(
        "host",
        address,
        f"without keys only this machine may reach it. {how}, or say with --insecure that whoever reaches it may do "
        "everything",
    )


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    >>> [is_loopback(address) for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::", "fe80::1%eth0")]
    [True, True, True, False, False, False]
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped.is_loopback
    return ip.is_loopback
