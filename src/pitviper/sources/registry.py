"""A client of container registries: documents and blobs of one repository, and only reading.

OCI distribution spec 1.1 ("Pull") over HTTPS; Docker token authentication (distribution, "Token authentication
specification", with OAuth 2.0 refresh tokens) and Basic (RFC 7617). The registry and all that it points to may be
hostile: what it sends is bounded, redirects (RFC 9110, 15.4) lead to public addresses, or those of blobs from one
private address to another (a registry and its storage), and never to this machine or to a link-local address;
credentials go to the registry and to the token service that it names, over nothing but HTTPS. A registry on this
machine is asked over plain HTTP first.

No text of a server, and no address with a query, gets into an error: both may hold secrets.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import os
import re
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Protocol, TypeVar
from urllib.request import getproxies

import httpx
import msgspec

from pitviper import __version__
from pitviper.engine.data import File, opened
from pitviper.model.place import escape
from pitviper.sources import address, docker_config
from pitviper.sources.image_reference import Reference, is_loopback

T = TypeVar("T")

TIMEOUT = httpx.Timeout(30, connect=10)
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try where a connection broke, or the registry is busy."""
LONGEST_WAIT = 30.0
"""Seconds that a registry may ask us to wait."""
PATIENCE = 60.0
SLOWEST = 16 * 1024
"""A body may take `PATIENCE` seconds, and one more for each `SLOWEST` bytes it should have."""
MAX_REDIRECTS = 5
_UNREACHED = (httpx.ConnectError, httpx.TimeoutException, httpx.ProxyError, httpx.UnsupportedProtocol)
MAX_TOKEN = 1 << 20
_MAX_ERROR = 64 * 1024
_MAX_CHALLENGE = 8 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DENIED = frozenset({401, 403})
_BUSY = frozenset({429, 502, 503, 504})
MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for JSON that is not what it should be, or nested too deep."""
_CHALLENGE = re.compile(r'([A-Za-z]+)(?:\s+(?=[A-Za-z_]+\s*=)|\s*$)|([A-Za-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))')
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_RANGE = re.compile(r"bytes (\d{1,19})-")
_MISSING = {
    "NAME_UNKNOWN": "the registry has no such repository",
    "MANIFEST_UNKNOWN": "the repository has no such tag or digest",
    "BLOB_UNKNOWN": "the registry does not have it",
}
"""Codes of the distribution spec ("Error codes") that say what is not there."""


class Refused(Exception):  # noqa: N818 - what it becomes depends on what was asked for
    """Something that the registry does not give, or that is not taken from it: why, and what to do."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


class _Broken(Exception):  # noqa: N818 - another try may help
    """The body ended too early."""


class Described(Protocol):
    """What a descriptor (OCI image spec 1.1) promises of some bytes."""

    @property
    def digest(self) -> str:
        """`sha256:…` or `sha512:…`."""

    @property
    def size(self) -> int:
        """How many."""


class Registry:
    """The registry of `reference`, asked about its repository. Not for two threads at once."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._host = reference.api
        self._bare = httpx.URL(f"https://{self._host}").host
        self._is_local = is_loopback(self._bare)
        self._is_private: bool | None = None
        self._base: httpx.URL | None = None if self._is_local else httpx.URL(f"https://{self._host}")
        self._authorization = ""
        self._problems: list[str] = []
        self._client: httpx.Client | None = None
        self._is_reached = False

    def close(self) -> None:
        """End the connections; the next request opens new ones."""
        if self._client:
            self._client.close()
            self._client = None

    def document(self, path: str, accept: str, longest: int) -> tuple[bytes, httpx.Headers]:
        """The JSON at `path` below the repository, as it is, and the headers that came with it. Raises `Refused`."""

        def ask() -> tuple[bytes, httpx.Headers]:
            with contextlib.closing(self._get(path, {"Accept": accept})) as response:
                return _collected(response, longest), response.headers

        return self._persistently(ask)

    def blob(self, described: Described) -> File:
        """The blob with the digest and size of `described`, in a temporary file. Raises `Refused`, and OSError.

        Where the connection breaks, the rest is asked for (RFC 9110, 14.2).
        """
        with tempfile.TemporaryFile(prefix="pitviper-") as file:
            download = _Download(file, described)
            self._persistently(partial(self._load, download))
            download.check()
            file.flush()
            return opened(os.dup(file.fileno()))

    def _persistently(self, step: Callable[[], T]) -> T:
        """What `step` gives, which is done again where the connection breaks. Raises `Refused`."""
        pauses = iter(BACKOFF)
        while True:
            try:
                return step()
            except (httpx.TransportError, _Broken) as error:
                pause = next(pauses, None)
                if pause is None or (not self._is_reached and isinstance(error, _UNREACHED)):
                    raise self._given_up(error) from None
            time.sleep(pause)

    def _load(self, download: _Download) -> None:
        """Load what is missing of `download`."""
        if download.is_complete:
            return
        headers = {"Range": f"bytes={download.count}-"} if download.count else {}
        with contextlib.closing(self._get(f"blobs/{download.digest}", headers)) as response:
            if response.status_code != httpx.codes.PARTIAL_CONTENT:
                download.restart()
            elif not _continues(response, download.count):
                raise Refused("the registry sent another range of bytes than was asked for")
            for piece in _pieces(response, download.size):
                download.add(piece)
        if not download.is_complete:
            raise _Broken(f"the connection ended after {download.count:,} of {download.size:,} bytes")

    def _get(self, path: str, headers: dict[str, str]) -> httpx.Response:
        """The answer to a request that succeeded, its body still to be read. Waits for a busy registry."""
        response = self._authorised(path, headers)
        for pause in BACKOFF:
            wait = _retry_after(response, pause) if response.status_code in _BUSY else None
            if wait is None or wait > LONGEST_WAIT:
                break
            response.close()
            time.sleep(wait)
            response = self._authorised(path, headers)
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            with contextlib.closing(response):
                raise self._refused(response)
        return response

    def _authorised(self, path: str, headers: dict[str, str]) -> httpx.Response:
        """The answer to a request; one that asks who we are is answered once."""
        response = self._followed(path, headers)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._is_own(response.url):
            response.close()
            self._authenticate(response.headers.get_list("www-authenticate"))
            response = self._followed(path, headers)
        return response

    def _followed(self, path: str, headers: dict[str, str]) -> httpx.Response:
        """The answer to a request, behind redirects."""
        url = self._root().join(f"/v2/{self._reference.repository}/{path}")
        is_blob = path.startswith("blobs/")
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send("GET", url, headers)
            if not self._is_own(url) and self._is_lured(response, is_blob=is_blob):
                response.close()
                raise Refused("the registry redirects to an address that is not public")
            if response.status_code not in _REDIRECTS:
                return response
            response.close()
            url = self._allowed(url, response.headers.get("location", ""), is_blob=is_blob)
        raise Refused(f"the registry redirects more than {MAX_REDIRECTS} times")

    def _send(self, method: str, url: httpx.URL, headers: dict[str, str]) -> httpx.Response:
        """The answer to one request; only the registry itself is told who we are."""
        if self._authorization and self._is_own(url):
            headers = {**headers, "Authorization": self._authorization}
        client = self._opened()
        response = client.send(client.build_request(method, url, headers=headers), stream=True)
        client.cookies.clear()
        self._is_reached = True
        return response

    def _opened(self) -> httpx.Client:
        if self._client is None:
            headers = {"User-Agent": f"pitviper/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
            literal = f"[{self._bare}]" if ":" in self._bare else self._bare
            mounts = {f"all://{literal}": None} if self._is_local else None  # no proxy can reach this machine
            try:
                self._client = httpx.Client(headers=headers, timeout=TIMEOUT, trust_env=True, mounts=mounts)
            except (OSError, ValueError, ImportError, httpx.InvalidURL):
                hint = "Check HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE."
                raise Refused("the proxy or the certificates in the environment cannot be used", hint) from None
        return self._client

    def _root(self) -> httpx.URL:
        """Where the API is; on this machine it speaks either HTTP or HTTPS, and says so to whoever asks."""
        if self._base is None:
            plain = httpx.URL(f"http://{self._host}")
            self._base = plain if self._speaks_plainly(plain) else plain.copy_with(scheme="https")
        return self._base

    def _speaks_plainly(self, plain: httpx.URL) -> bool:
        try:
            with self._opened().stream("GET", plain.join("/v2/")) as response:
                return response.status_code != httpx.codes.BAD_REQUEST  # Go: "HTTP request to an HTTPS server"
        except (httpx.ReadError, httpx.RemoteProtocolError):
            return False

    def _is_own(self, url: httpx.URL) -> bool:
        base = self._root()
        return (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)

    def _allowed(self, url: httpx.URL, location: str, *, is_blob: bool) -> httpx.URL:
        """Where `location` leads from `url`, if we go there."""
        try:
            target = url.join(location)
        except (httpx.InvalidURL, ValueError):
            raise Refused("the registry redirects to an address that is none") from None
        shown = escape(target.host)
        if not location or not shown or target.scheme not in ("http", "https") or target.userinfo:
            raise Refused("the registry redirects to an address that is none")
        if self._is_own(target):
            return target
        if target.scheme == "http" and not (self._is_local and is_loopback(target.host)):
            raise Refused(f"the registry redirects to {shown} over plain HTTP")
        if not self._is_local and not address.leads(target.host, self._suits(nearby=is_blob), unknown=True):
            raise Refused(f"the registry redirects to {shown}, an address that is not public")
        return target

    def _suits(self, *, nearby: bool) -> address.Test:
        """Which addresses the registry may lead us to. One in a private network may also to what is `nearby`."""
        if self._is_private is None:
            self._is_private = address.leads(self._bare, address.is_private, unknown=False)
        if nearby and self._is_private:
            return lambda one: address.is_public(one) or address.is_private(one)
        return address.is_public

    def _is_lured(self, response: httpx.Response, *, is_blob: bool) -> bool:
        """Whether the name of a host led to another address now than when it was checked."""
        stream = response.extensions.get("network_stream")
        if self._is_local or stream is None or getproxies():  # behind a proxy, only that has an address
            return False
        peer = stream.get_extra_info("server_addr")
        return bool(peer) and not self._suits(nearby=is_blob)(str(peer[0]))

    def _authenticate(self, challenges: list[str]) -> None:
        """Find out what to answer to `challenges` (RFC 9110, 11.6.1)."""
        known = _parsed(challenges)
        credential, self._problems = docker_config.find(self._reference.host, self._reference.repository)
        if bearer := known.get("bearer"):
            self._authorization = f"Bearer {self._token(bearer, credential)}"
        elif "basic" in known:
            if not credential or credential.is_identity:
                raise self._denied("the registry wants a user name and a password")
            self._authorization = _basic(credential)
        else:
            raise Refused("the registry asks who we are in a way that is neither Bearer nor Basic")

    def _token(self, challenge: dict[str, str], credential: docker_config.Credential | None) -> str:
        """A token from the service that `challenge` names: of the owner of `credential`, else for anybody."""
        url = self._realm(challenge.get("realm", ""))
        fields = {"scope": challenge.get("scope") or f"repository:{self._reference.repository}:pull"}
        if "service" in challenge:
            fields["service"] = challenge["service"]
        client = self._opened()
        if credential and credential.is_identity:
            form = {
                **fields,
                "grant_type": "refresh_token",
                "client_id": "pitviper",
                "refresh_token": credential.secret,
            }
            request = client.build_request("POST", url, data=form)
        else:
            headers = {"Authorization": _basic(credential)} if credential else {}
            request = client.build_request("GET", url.copy_merge_params(fields), headers=headers)
        with contextlib.closing(client.send(request, stream=True)) as response:
            client.cookies.clear()
            return self._granted(response)

    def _realm(self, realm: str) -> httpx.URL:
        """The token service, if credentials may go there."""
        try:
            url = httpx.URL(realm)
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL("")
        is_plain = url.scheme == "http" and self._is_local and is_loopback(url.host)
        if not url.host or url.userinfo or not (url.scheme == "https" or is_plain):
            raise Refused("the registry names a token service that is no HTTPS address")
        if not self._is_local and not address.leads(url.host, self._suits(nearby=True), unknown=True):
            raise Refused("the registry names a token service whose address is not public")
        return url

    def _granted(self, response: httpx.Response) -> str:
        """The token in the answer of a token service."""
        status = response.status_code
        if status in (httpx.codes.BAD_REQUEST, *_DENIED):
            raise self._denied(f"the token service of the registry denies access ({status})")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise self._busy()
        if status != httpx.codes.OK:
            raise Refused(f"the token service of the registry answered with status {status}")
        try:
            granted = msgspec.json.decode(_collected(response, MAX_TOKEN), type=_Granted)
        except MALFORMED:
            raise Refused("the token service of the registry sent no token") from None
        token = granted.token or granted.access_token or ""
        if not _TOKEN.fullmatch(token):
            raise Refused("the token service of the registry sent no token")
        return token

    def _refused(self, response: httpx.Response) -> Refused:
        """What an answer that is no success means."""
        status = response.status_code
        if not self._is_own(response.url):
            host = escape(response.url.host)
            return Refused(f"{host}, to which the registry redirected, answered with status {status}")
        if status in _DENIED:
            return self._denied(f"the registry denies access, or has no such repository ({status})")
        if status == httpx.codes.NOT_FOUND:
            return Refused(_missing(response), "Check the name, the tag and the digest.")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            return self._busy()
        return Refused(f"the registry answered with status {status}")

    def _denied(self, why: str) -> Refused:
        known = "".join(f"; {problem}" for problem in self._problems)
        return Refused(f"{why}{escape(known)}", f"Run `docker login {self._login}`, as somebody who may pull it.")

    def _busy(self) -> Refused:
        hint = f"Wait, or run `docker login {self._login}`: known users may ask more often."
        return Refused("the registry was asked too often (429)", hint)

    @property
    def _login(self) -> str:
        return self._reference.host

    def _given_up(self, error: httpx.TransportError | _Broken) -> Refused:
        """Why no further try is made."""
        if isinstance(error, _Broken):
            return Refused(str(error))
        if isinstance(error, _UNREACHED):
            return self._unreached(error)
        return Refused(f"the connection to the registry broke ({type(error).__name__})")

    def _unreached(self, error: httpx.TransportError) -> Refused:
        """Why there was no connection."""
        if isinstance(error, httpx.ProxyError):
            return Refused("the proxy does not let us through", "Check HTTPS_PROXY and NO_PROXY.")
        if isinstance(error, httpx.UnsupportedProtocol):
            return Refused("the registry names an address that is no HTTP")
        host = escape(error.request.url.netloc.decode())  # not always the registry: it names others
        if cause := _cause(error, ssl.SSLError):
            why = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "TLS failed"
            hint = "Name the authority that signed its certificate in SSL_CERT_FILE."
            return Refused(f"no safe connection to {host}: {escape(str(why))}", hint)
        return Refused(_unreachable(host, error), "Check the name, the network, and HTTPS_PROXY.")


class _Granted(msgspec.Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None


class _Error(msgspec.Struct, frozen=True):
    code: str = ""


class _Errors(msgspec.Struct, frozen=True):
    errors: list[_Error]


class _Download:
    """What there is of a blob so far, in `file`."""

    def __init__(self, file: IO[bytes], described: Described) -> None:
        self._file = file
        self.digest = described.digest
        self.size = described.size
        self.restart()

    @property
    def is_complete(self) -> bool:
        return self.count == self.size

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.new(self.digest.partition(":")[0])
        self.count = 0

    def add(self, piece: bytes) -> None:
        self.count += len(piece)
        if self.count > self.size:
            raise Refused(f"the registry sends more than the {self.size:,} bytes that the manifest tells of")
        self._hash.update(piece)
        self._file.write(piece)

    def check(self) -> None:
        if self._hash.hexdigest() != self.digest.partition(":")[2]:
            raise Refused(f"the registry sent other bytes than those of {self.digest}")


def _pieces(response: httpx.Response, size: int) -> Iterator[bytes]:
    """The body of `response` as it comes, which should have `size` bytes and may not take for ever."""
    end = time.monotonic() + PATIENCE + size / SLOWEST
    for piece in response.iter_raw():
        if time.monotonic() > end:
            raise Refused("the registry sends too slowly")
        yield piece


def _collected(response: httpx.Response, longest: int) -> bytes:
    """The whole body of `response`."""
    body = bytearray()
    for piece in _pieces(response, 0):
        body += piece
        if len(body) > longest:
            raise Refused(f"the registry sends a document of more than {longest:,} bytes")
    return bytes(body)


def _continues(response: httpx.Response, offset: int) -> bool:
    found = _RANGE.match(response.headers.get("content-range", ""))
    return found is not None and int(found[1]) == offset


def _unreachable(host: str, error: httpx.TransportError) -> str:
    """What kept us from connecting to `host`."""
    if _cause(error, socket.gaierror):
        return f"there is no host {host}, or its name cannot be looked up"
    if _cause(error, ConnectionRefusedError):
        return f"{host} refuses connections"
    if isinstance(error, httpx.TimeoutException):
        return f"{host} does not answer"
    cause = _cause(error, OSError)
    why = cause.strerror if isinstance(cause, OSError) else None
    return f"{host}: {why or 'the connection failed'}"


def _retry_after(response: httpx.Response, otherwise: float) -> float:
    """Seconds to wait, as `response` asks for (RFC 9110, 10.2.3)."""
    wanted = response.headers.get("retry-after", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return float(wanted[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(wanted).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return otherwise


def _missing(response: httpx.Response) -> str:
    """What it is that the registry does not have."""
    try:
        errors = msgspec.json.decode(_collected(response, _MAX_ERROR), type=_Errors).errors
    except (Refused, httpx.HTTPError, *MALFORMED):
        errors = []
    return next((_MISSING[error.code] for error in errors if error.code in _MISSING), "the registry does not have it")


def _parsed(challenges: list[str]) -> dict[str, dict[str, str]]:
    """Scheme → parameters, in lower case."""
    schemes: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for challenge in challenges:
        for found in _CHALLENGE.finditer(challenge[:_MAX_CHALLENGE]):
            scheme, name, quoted, bare = found.groups()
            if scheme:
                fields = schemes.setdefault(scheme.lower(), {})
            else:
                fields[name.lower()] = quoted if quoted is not None else bare
    return schemes


def _basic(credential: docker_config.Credential) -> str:
    """RFC 7617."""
    return "Basic " + base64.b64encode(f"{credential.user}:{credential.secret}".encode()).decode()


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """What of `kind` led to `error`."""
    for _ in range(8):
        if error is None or isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None
