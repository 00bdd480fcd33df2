"""Whether the service may listen where it was told to."""

import socket
from ipaddress import IPv6Address, ip_address

from booktape.keys import KeyRing
from booktape.parameters import bad_parameter
from booktape.settings import Settings


def require_keys_beyond_this_machine(listener: socket.socket, ring: KeyRing, settings: Settings) -> None:
    """Lets a service without keys listen on this machine only, unless it was told that all may come.

    Raises:
        ParameterError: it would listen elsewhere.
    """
    if ring or settings.allow_open or is_loopback(listener.getsockname()[0]):
        return
    raise bad_parameter(
        "host",
        settings.host,
        "without API keys only this machine may reach the service. Make a key with `booktape keys new` and set "
        "BOOKTAPE_API_KEYS, or say with --insecure that whoever reaches it may do everything",
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
