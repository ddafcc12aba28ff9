"""Image registries: which digest a reference means now. The distribution API v2, with its bearer tokens and basic auth."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from clients.kubernetes.refusals import retry_after_s
from clients.registry_logins import DOCKER_HUB, Login, Logins, docker_login
from domain.errors import ConfigError, ForbiddenError, OutsideError, RateLimitedError, UnauthorizedError, UnreachableError
from domain.sanitise import sanitise
from domain.templates import image_name

if TYPE_CHECKING:
    import httpx

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = ", ".join(_MANIFESTS)
_UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
"""distribution spec, error codes; NOT_FOUND is Harbor's."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-fA-F:]+\](:[0-9]{1,5})?")
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_NAME = re.compile(f"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_PARAMETER = re.compile(r'([A-Za-z_]+)="([^"]*)"')
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_HUB_ADDRESS = "registry-1.docker.io"
_FORM = "application/x-www-form-urlencoded"
_CONNECT_S = 5.0
_WHOLE_S = 15.0
_MOST_REDIRECTS = 3
_MOST_BODY = 8 * 2**20


@dataclass(frozen=True, slots=True)
class ImageReference:
    """Whole: with the host, Docker Hub's `library/` and the tag that are left out where people write it."""

    host: str
    repository: str
    tag: str
    digest: str

    @property
    def address(self) -> str:
        return _HUB_ADDRESS if self.host == DOCKER_HUB else self.host

    @property
    def path(self) -> str:
        return f"/v2/{self.repository}/manifests/{quote(self.digest or self.tag, safe=':')}"

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def parse_reference(text: str) -> ImageReference:
    """As Docker reads it (distribution/reference). ConfigError where it is none."""
    name = image_name(text)
    first, slash, rest = name.repository.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, repository = (first, rest) if has_host else (DOCKER_HUB, name.repository)
    if host in ("index.docker.io", _HUB_ADDRESS):
        host = DOCKER_HUB
    if host == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    tag = name.tag or ("" if name.digest else "latest")
    is_good = (
        _HOST.fullmatch(host)
        and len(repository) <= 255
        and _NAME.fullmatch(repository)
        and (not tag or _TAG.fullmatch(tag))
        and (not name.digest or _DIGEST.fullmatch(name.digest))
    )
    if not is_good:
        raise ConfigError(
            f"{sanitise(text, 200)!r} is not an image", "Write it as REGISTRY/REPOSITORY:TAG or with @sha256:DIGEST."
        )
    return ImageReference(host, repository, tag, name.digest)


class ImageRegistry:
    """Implements `domain.operation_ports.Registry`. Every answer is fresh; close it when done."""

    def __init__(
        self,
        logins: Logins = docker_login,
        *,
        insecure_hosts: Iterable[str] = (),
        ca_file: str | None = None,
        timeout_s: float = _WHOLE_S,
    ) -> None:
        """`insecure_hosts` (and loopback) may be asked by plain HTTP where they have no TLS; certificates are always
        checked, against the system's authorities or `ca_file`."""
        self._logins = logins
        self._insecure = frozenset(insecure_hosts)
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def digest_of(self, reference: str) -> str | None:
        """None: the registry says that there is no such image. OutsideError: it cannot be asked, or does not say."""
        import httpx

        image = parse_reference(reference)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._digest_of(image)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _unreachable(image, error) from error

    async def _digest_of(self, image: ImageReference) -> str | None:
        base = await self._base_of(image)
        url, headers = base + image.path, {"accept": _ACCEPT}
        answer = await self._ask("HEAD", url, headers)
        if answer.status == 401:
            headers |= await self._proof(image, answer)
            answer = await self._ask("HEAD", url, headers)
        if answer.status == 200 and _DIGEST.fullmatch(told := answer.headers.get("docker-content-digest", "")):
            return told
        if answer.status in (200, 404, 405):
            return await self._digest_by_body(image, url, headers)
        raise _refusal(image, answer)

    async def _digest_by_body(self, image: ImageReference, url: str, headers: Mapping[str, str]) -> str | None:
        """A HEAD cannot tell "no such image" from "no registry at all", and some registries give it no digest."""
        answer = await self._ask("GET", url, headers)
        if answer.status == 200 and answer.headers.get("content-type", "").partition(";")[0] in _MANIFESTS:
            told = answer.headers.get("docker-content-digest", "")
            return told if _DIGEST.fullmatch(told) else f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        if answer.status == 404 and {error.code for error in _errors(answer.body)} & _UNKNOWN:
            return None
        raise _refusal(image, answer)

    async def _base_of(self, image: ImageReference) -> str:
        """Scheme and host; plain HTTP only where it is allowed and there is no TLS."""
        import httpx

        secure = f"https://{image.address}"
        if not self._is_insecure(image.address):
            return secure
        try:
            await self._ask("GET", f"{secure}/v2/", {})
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
            if "certificate" in str(error).lower():
                raise
            return f"http://{image.address}"
        return secure

    def _is_insecure(self, host: str) -> bool:
        name = urlsplit(f"//{host}").hostname or ""
        return name in _LOOPBACK or host in self._insecure or name in self._insecure

    async def _proof(self, image: ImageReference, refused: _Answer) -> dict[str, str]:
        """What a 401 asks for, as a header: a token for exactly this, or who we are."""
        scheme, _, rest = refused.headers.get("www-authenticate", "").partition(" ")
        login = await self._logins(image.host)
        if scheme.lower() == "basic" and login is not None and login.user:
            return {"authorization": _basic(login)}
        if scheme.lower() != "bearer":
            raise _refusal(image, refused)
        asked = {key.lower(): value for key, value in _PARAMETER.findall(rest)}
        token = await self._token(image, asked, login)
        return {"authorization": f"Bearer {token}"}

    async def _token(self, image: ImageReference, asked: Mapping[str, str], login: Login | None) -> str:
        """distribution spec, auth/token and auth/oauth."""
        realm = urlsplit(asked.get("realm", ""))
        if realm.scheme != "https" and not (realm.scheme == "http" and self._is_insecure(realm.netloc)):
            raise UnauthorizedError(
                f"{image.host} sends us to log in without TLS",
                "Nothing was sent; look at the registry's settings.",
                system=image.host,
            )
        wanted = {"service": asked.get("service", ""), "scope": asked.get("scope") or f"repository:{image.repository}:pull"}
        wanted["client_id"] = "quarterdeck"
        if login is not None and login.identity_token:
            form = {**wanted, "grant_type": "refresh_token", "refresh_token": login.identity_token}
            answer = await self._ask("POST", realm.geturl(), {"content-type": _FORM}, content=urlencode(form).encode())
        else:
            headers = {"authorization": _basic(login)} if login is not None else {}
            more = "&" if realm.query else "?"
            answer = await self._ask("GET", f"{realm.geturl()}{more}{urlencode(wanted)}", headers)
        if answer.status != 200:
            raise _refusal(image, answer)
        try:
            found = msgspec.json.decode(answer.body, type=_Token)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Without the cause: its traceback might show a token.
            raise OutsideError(
                f"{image.host} gives no token", "Log in again with docker login.", system=image.host
            ) from None
        return found.token or found.access_token

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], *, content: bytes = b"") -> _Answer:
        """Redirects are followed, our credential only within the host, and never from TLS to plain HTTP."""
        client = await self._opened()
        request = client.build_request(method, url, headers=dict(headers), content=content or None)
        for _ in range(_MOST_REDIRECTS):
            answer = await client.send(request, stream=True)
            try:
                body = await _body_of(answer)
            finally:
                await answer.aclose()
            following = answer.next_request
            if following is None or content or (request.url.scheme == "https" and following.url.scheme != "https"):
                return _Answer(answer.status_code, answer.headers, body)
            request = following
        host = urlsplit(url).netloc
        raise OutsideError(f"{host} sends us round in a circle", "Look at the registry with curl -IL.", system=host)

    async def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            context = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca_file)
            self._client = httpx.AsyncClient(
                verify=context,
                follow_redirects=False,
                timeout=httpx.Timeout(_WHOLE_S, connect=_CONNECT_S),
                headers={"user-agent": "quarterdeck", "accept-encoding": "identity"},
            )
        return self._client


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


async def _body_of(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > _MOST_BODY:
            host = answer.url.host
            raise OutsideError(f"{host} sends no manifest, but much more", "Check the image's name.", system=host)
    return bytes(body)


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def _errors(body: bytes) -> list[_Error]:
    try:
        return msgspec.json.decode(body, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []


def _refusal(image: ImageReference, answer: _Answer) -> OutsideError:
    host, status = image.host, answer.status
    said = "; ".join(sanitise(error.message or error.code, 200) for error in _errors(answer.body)[:2])
    if status == 401:
        return UnauthorizedError(
            f"{host} does not accept who we are ({image.repository})", f"Log in again: docker login {host}", system=host
        )
    if status == 403:
        return ForbiddenError(
            f"{host} does not let us see {image.repository}",
            f"It says: {said}" if said else "Ask for the right to pull it.",
            system=host,
            verb="pull",
            resource=image.repository,
        )
    if status == 429:
        wait_s = retry_after_s(answer.headers.get("retry-after", ""), answer.headers.get("date", ""))
        when = "later" if wait_s is None else f"in {wait_s:g} s"
        return RateLimitedError(
            f"{host} asks us to slow down (429)", f"Try again {when}.", system=host, retry_after_s=wait_s
        )
    if status >= 500:
        return UnreachableError(f"{host} fails ({status})", f"It says: {said}" if said else "Try again.", system=host)
    return OutsideError(
        f"{host} does not answer as a registry does ({status})", "Check the image's name and the registry's.", system=host
    )


def _unreachable(image: ImageReference, error: Exception) -> OutsideError:
    host, text = image.host, str(error)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return UnreachableError(f"{host} does not answer", "It may be down, or a firewall drops the packets.", system=host)
    if "certificate" in text.lower():
        return UnreachableError(
            f"The certificate of {host} cannot be verified", "Have its authority's certificate installed here.", system=host
        )
    reason = sanitise(text, 160) or type(error).__name__
    return UnreachableError(
        f"{host} cannot be reached: {reason}", "Check its name, and this host's way there.", system=host
    )
