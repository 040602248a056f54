"""Where on the network a server may send us: addresses that are public, and those of a neighbourhood.

A server that may be anyone's must not make us ask what only this machine, or this network, can reach. Source: the
registries of IANA for special addresses, as `ipaddress` has them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

_PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""RFC 1918 and 4193: of networks whose machines belong together. Not this machine, and nothing link-local."""
_METADATA = ipaddress.ip_network("fd00:ec2::/32")
"""Where a cloud hands out credentials to whoever asks from within; others do at link-local addresses, or 100.64/10."""

Test = Callable[[str], bool]


def is_public(address: str) -> bool:
    """Whether all the world reaches the same at `address`; what is no address counts as one that a proxy looks up."""
    known = _known(address)
    return known is None or (known.is_global and not known.is_multicast)


def is_private(address: str) -> bool:
    """Whether `address` is one in a private network."""
    known = _known(address)
    return known is not None and known not in _METADATA and any(known in network for network in _PRIVATE)


def leads(host: str, test: Test, *, unknown: bool) -> bool:
    """Whether all addresses of `host` pass `test`; `unknown` if it cannot be looked up."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return unknown
    return all(test(str(address[4][0])) for address in found)


def _known(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return mapped or known
