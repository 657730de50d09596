"""Whoever has yet to prove who they are: known by an address, and limited in their failures.

What is shown is looked at first, which costs one read by an index: with a good token or signature,
nobody is turned away for what others at their address got wrong.

Terminals' signed requests are not limited by it: their keys can't be guessed, and devices that
share an address with somebody who fails have to go on redeeming.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from fastapi import Request

from api.state import Service, ServiceDep


async def counted(request: Request, service: ServiceDep) -> AsyncIterator[None]:
    """Count a route's failures; to who fails too often, say no more than that."""
    with proving(request, service):
        yield


async def limited(request: Request, service: ServiceDep) -> None:
    """Refuse a route to addresses that failed too often, whatever they show.

    For a route where a look is dear: what is shown there is a real invitation or an invented one,
    and a real one that was used or is over is decided under the log's lock, and kept.
    """
    service.failures.require(address_of(request, service.settings.proxies))


def proving(request: Request, service: Service) -> AbstractContextManager[None]:
    """A block in which somebody proves who they are.

    Raises:
        ProblemError: they didn't, and too many at their address don't.
    """
    return service.failures.failures(address_of(request, service.settings.proxies))


def address_of(request: Request, proxies: int) -> str:
    """Whose failures are counted together: an IPv4 address, or 64 bits of an IPv6 address.

    `proxies` of ours stand in front. Each adds to X-Forwarded-For where its request came from, so
    that as many addresses at the end are true. What stands before them is the caller's own word.
    """
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    if 0 < proxies <= len(told) and (address := _read(told[-proxies].strip())):
        return _household(address)
    peer = _read(request.client.host) if request.client else None
    return _household(peer) if peer else ""


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _household(address: IPv4Address | IPv6Address) -> str:
    """All that one customer of a network has at hand: with IPv6, no less than 64 bits."""
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))
