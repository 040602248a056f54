"""Downloads from a server that may be anyone's: bounded in bytes and in time, and with credentials for their own host.

An answer may lead elsewhere, but never from https to something less. What goes wrong is told as a `TargetError` in
which addresses stand without credentials and without what follows a `?`, which may be one.
"""

from __future__ import annotations

import contextlib
import netrc
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from pitviper import __version__
from pitviper.errors import TargetError
from pitviper.model.place import escape

if TYPE_CHECKING:
    import httpx

CONNECT, SILENCE = 10.0, 30.0
"""Seconds to reach a server, and between two pieces of what it sends."""
_PATIENCE, _SLOWEST = 60.0, 1000
"""Seconds from which on fewer bytes per second are too few: a server could hold us for ever, a byte at a time."""
_REDIRECTS = 5
_FOUND, _REFUSED = range(200, 300), (401, 403)
_MOVED = (301, 302, 303, 307, 308)
_CHUNK = 1 << 16


class NotFound(TargetError):  # noqa: N818 - an answer as any other
    """The server says that there is no such thing."""


class Answer:
    """What a server sends: the `url` it came from, and the type it says it has."""

    def __init__(self, response: httpx.Response) -> None:
        self.url = str(response.url)
        self.shown = shown(response.url)
        self.type = response.headers.get("content-type", "text/html")
        self._response = response

    def pieces(self, most: int, *, decoded: bool = False) -> Iterator[bytes]:
        """The body; `decoded` undoes what was compressed for the way only. Raises `TargetError`."""
        started = time.monotonic()
        count = 0
        response = self._response
        for piece in response.iter_bytes() if decoded else response.iter_raw(_CHUNK):
            count += len(piece)
            if count > most:
                raise TargetError(f"{self.shown} sends more than {most:,} bytes")
            seconds = time.monotonic() - started
            if seconds > _PATIENCE and count < seconds * _SLOWEST:
                raise TargetError(f"{self.shown} sends too slowly: {count:,} bytes in {seconds:.0f} s")
            if piece:
                yield piece


class Client:
    """Gets from the server at `url`, and from those that it names. Credentials in `url` are for that server alone."""

    def __init__(self, url: str) -> None:
        import httpx  # noqa: PLC0415 - 100 ms that only who uses the network pays

        self._httpx = httpx
        try:
            self.url = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError, TypeError, ValueError):
            self.url = httpx.URL("")
        if self.url.scheme not in ("http", "https") or not self.url.host:
            raise TargetError("the address of the index is no http or https URL", hint="Check --index-url.")
        timeout = httpx.Timeout(SILENCE, connect=CONNECT)
        headers = {"User-Agent": f"pitviper/{__version__}"}
        self._client = httpx.Client(timeout=timeout, headers=headers, follow_redirects=False)

    @property
    def shown(self) -> str:
        """The address as anybody may read it."""
        return shown(self.url)

    @contextlib.contextmanager
    def get(self, url: str, accept: str = "*/*") -> Iterator[Answer]:
        """The answer to a request for `url`, wherever it leads. Raises `TargetError`."""
        with contextlib.ExitStack() as stack:
            try:
                yield Answer(self._follow(url, accept, stack))
            except self._httpx.TimeoutException:
                raise TargetError(f"{_host(url)} does not answer in time", hint=_TRY_AGAIN) from None
            except self._httpx.ConnectError as error:
                raise TargetError(f"{_host(url)} cannot be reached: {escape(str(error))}", hint=_CHECK) from None
            except (self._httpx.HTTPError, self._httpx.InvalidURL, self._httpx.StreamError) as error:
                raise TargetError(f"{_host(url)} breaks off: {type(error).__name__}", hint=_TRY_AGAIN) from None

    def _follow(self, url: str, accept: str, stack: contextlib.ExitStack) -> httpx.Response:
        at = self._httpx.URL(url)
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept": accept} | ({} if accept != "*/*" else {"Accept-Encoding": "identity"})
            plain = at.copy_with(username=None, password=None)
            response = stack.enter_context(self._client.stream("GET", plain, headers=headers, auth=self._auth(at)))
            if response.status_code not in _MOVED:
                _check(response)
                return response
            at = self._next(plain, response.headers.get("location", ""))
        raise TargetError(f"{shown(at)} redirects in circles")

    def _next(self, at: httpx.URL, location: str) -> httpx.URL:
        """Where a redirect leads; not to another protocol, unless that is https."""
        following = at.join(location)
        if following.scheme not in ("https", at.scheme) or not following.host:
            raise TargetError(f"{shown(at)} redirects to {shown(following)}, which is not https", hint=_CHECK)
        return following

    def _auth(self, url: httpx.URL) -> tuple[str, str] | None:
        """The credentials for `url`: those of the index, else of `.netrc`, and never in clear text to somebody else."""
        own = (url.scheme, url.host, url.port) == (self.url.scheme, self.url.host, self.url.port)
        if own and self.url.username:
            return self.url.username, self.url.password
        return _from_netrc(url.host) if own or url.scheme == "https" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()


_TRY_AGAIN = "Try again later, or name another index with --index-url."
_CHECK = "Check the network and --index-url."


def shown(url: httpx.URL) -> str:
    """`url` without credentials, and without what may be one."""
    return escape(str(url.copy_with(username=None, password=None, query=None, fragment=None)))


def _host(url: str) -> str:
    import httpx  # noqa: PLC0415 - see Client

    try:
        return escape(httpx.URL(url).host) or "the server"
    except httpx.InvalidURL:
        return "the server"


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in _FOUND:
        return
    where = shown(response.url)
    if status in (404, 410):
        raise NotFound(f"{where} does not exist")
    if status in _REFUSED:
        hint = "Put the credentials into the index URL, or into .netrc."
        raise TargetError(f"{where} is not for everyone (HTTP {status})", hint=hint)
    raise TargetError(f"{where} answers with HTTP {status}", hint=_TRY_AGAIN)


def _from_netrc(host: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeError):
        return None
    return (found[0], found[2] or "") if found else None
