"""Which digest a tag means, asked of a real registry in each of its ways to let people in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import trustme

from clients.registry import ImageRegistry
from clients.registry_logins import Login
from domain.errors import ConfigError, ForbiddenError, OutsideError, RateLimitedError, UnauthorizedError, UnreachableError
from tests import requirements
from tests.clients import image_registry
from tests.clients.http_stage import Stage, answer, never, staged
from tests.clients.image_registry import IDENTITY_TOKEN, PASSWORD, USER, Registry, TokenServer

REAL = pytest.mark.real("registry")
DIGEST = "sha256:" + "a" * 64
PLACE = "/v2/shop/backend/manifests/v1"


async def nobody(_host: str) -> Login | None:
    return None


def known(user: str = USER, password: str = PASSWORD, token: str = "") -> Callable[[str], object]:
    async def login(_host: str) -> Login | None:
        return Login(user, password, token)

    return login


@pytest.fixture
async def registries() -> AsyncIterator[Callable[..., ImageRegistry]]:
    opened: list[ImageRegistry] = []

    def make(logins: Callable[[str], object] = nobody, **options: object) -> ImageRegistry:
        opened.append(ImageRegistry(logins, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for registry in opened:
        await registry.close()


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    requirements.need("registry")
    with image_registry.running(tmp_path_factory.mktemp("open")) as host:
        yield Registry(host)


@pytest.fixture(scope="module")
def basic_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    requirements.need("registry")
    folder = tmp_path_factory.mktemp("basic")
    with image_registry.running(folder, auth=image_registry.basic_auth(folder)) as host:
        yield Registry(host, headers=image_registry.basic_header())


@pytest.fixture(scope="module")
def token_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Registry, TokenServer]]:
    requirements.need("registry")
    folder = tmp_path_factory.mktemp("token")
    with (
        image_registry.token_server(folder) as tokens,
        image_registry.running(folder, auth=tokens.auth(folder / "bundle.pem")) as host,
    ):
        everything = [f"repository:{name}:pull,push" for name in ("shop/backend", "secret/backend")]
        yield Registry(host, headers={"Authorization": f"Bearer {tokens.token(USER, everything)}"}), tokens


# A real registry


@REAL
async def test_a_tag_is_resolved_to_what_it_means_now(
    open_registry: Registry, registries: Callable[..., ImageRegistry]
) -> None:
    registry = registries()
    first = open_registry.push("shop/backend", "v1", "first")
    assert await registry.digest_of(f"{open_registry.host}/shop/backend:v1") == first
    second = open_registry.push("shop/backend", "v1", "second")
    assert second != first
    assert await registry.digest_of(f"{open_registry.host}/shop/backend:v1") == second
    assert await registry.digest_of(f"{open_registry.host}/shop/backend@{first}") == first
    assert await registry.digest_of(f"{open_registry.host}/shop/backend:v1@{first}") == first


@REAL
async def test_an_image_of_several_platforms_is_its_index(
    open_registry: Registry, registries: Callable[..., ImageRegistry]
) -> None:
    one = open_registry.push("shop/many", "amd64")
    whole = open_registry.push_index("shop/many", "v1", one, open_registry.size_of("shop/many", "amd64"))
    assert await registries().digest_of(f"{open_registry.host}/shop/many:v1") == whole != one


@REAL
@pytest.mark.parametrize("name", ["shop/backend:v9", "shop/nothing:v1", f"shop/backend@{DIGEST}"])
async def test_no_such_image_is_an_answer(
    open_registry: Registry, registries: Callable[..., ImageRegistry], name: str
) -> None:
    open_registry.push("shop/backend", "v1")
    assert await registries().digest_of(f"{open_registry.host}/{name}") is None


@REAL
async def test_a_name_and_a_password_let_in(basic_registry: Registry, registries: Callable[..., ImageRegistry]) -> None:
    digest = basic_registry.push("shop/backend", "v1")
    name = f"{basic_registry.host}/shop/backend"
    assert await registries(known()).digest_of(f"{name}:v1") == digest
    assert await registries(known()).digest_of(f"{name}:v9") is None
    for logins in (nobody, known(password="wrong")):
        with pytest.raises(UnauthorizedError, match="does not accept who we are") as caught:
            await registries(logins).digest_of(f"{name}:v1")
        assert f"docker login {basic_registry.host}" in caught.value.hint
        assert "wrong" not in f"{caught.value}{caught.value.hint}"


@REAL
@pytest.mark.parametrize(
    ("logins", "asked"),
    [
        (nobody, ("GET", "", "repository:shop/backend:pull")),
        (known(), ("GET", USER, "repository:shop/backend:pull")),
        (known("", "", IDENTITY_TOKEN), ("POST", USER, "repository:shop/backend:pull")),
    ],
    ids=["anonymous", "password", "identity token"],
)
async def test_a_token_lets_in(
    token_registry: tuple[Registry, TokenServer],
    registries: Callable[..., ImageRegistry],
    logins: Callable[[str], object],
    asked: tuple[str, str, str],
) -> None:
    registry, tokens = token_registry
    digest = registry.push("shop/backend", "v1")
    tokens.asked.clear()
    assert await registries(logins).digest_of(f"{registry.host}/shop/backend:v1") == digest
    assert tokens.asked == [asked]
    assert await registries(logins).digest_of(f"{registry.host}/shop/backend:v9") is None


@REAL
async def test_what_nobody_may_see_without_a_name_is_not_called_missing(
    token_registry: tuple[Registry, TokenServer], registries: Callable[..., ImageRegistry]
) -> None:
    registry, _ = token_registry
    digest = registry.push("secret/backend", "v1")
    assert await registries(known()).digest_of(f"{registry.host}/secret/backend:v1") == digest
    for logins in (nobody, known(password="wrong"), known("", "", "stale")):
        with pytest.raises(UnauthorizedError):
            await registries(logins).digest_of(f"{registry.host}/secret/backend:v1")


@REAL
async def test_a_certificate_is_checked(tmp_path: Path, registries: Callable[..., ImageRegistry]) -> None:
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1")
    server.private_key_pem.write_to_path(tmp_path / "key.pem")
    server.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = {"certificate": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")}
    with image_registry.running(tmp_path / "registry", tls=tls) as host:
        digest = Registry(host, ca_file=str(tmp_path / "ca.pem")).push("shop/backend", "v1")
        trusting = registries(ca_file=str(tmp_path / "ca.pem"))
        assert await trusting.digest_of(f"{host}/shop/backend:v1") == digest
        with pytest.raises(UnreachableError, match=r"certificate of 127\.0\.0\.1:\d+ cannot be verified"):
            await registries().digest_of(f"{host}/shop/backend:v1")


# Answers that a good registry does not give


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def host_of(stage: Stage) -> str:
    return stage.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("play", "error", "said"),
    [
        (answer(200, "x" * 20, {"Docker-Content-Digest": "sha256:short"}), OutsideError, "as a registry does"),
        (answer(404, "404 page not found"), OutsideError, "does not answer as a registry does"),
        (answer(404, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), None, ""),
        (answer(404, '{"errors":[{"code":"NAME_UNKNOWN"}]}'), None, ""),
        (answer(404, '{"errors":[{"code":"NOT_FOUND","message":"artifact not found"}]}'), None, ""),
        (answer(404, '{"errors":[]}'), OutsideError, "does not answer as a registry does"),
        (answer(200, "<html>Sign in</html>" * 10, {"Content-Type": "text/html"}), OutsideError, "as a registry does"),
        (answer(302, "", {"Location": "/elsewhere"}), OutsideError, "does not answer as a registry does"),
        (answer(302, "", {"Location": PLACE}), OutsideError, "round in a circle"),
        (answer(401, ""), UnauthorizedError, "does not accept who we are"),
        (answer(401, "", {"WWW-Authenticate": "Negotiate"}), UnauthorizedError, "does not accept who we are"),
        (answer(401, "", {"WWW-Authenticate": 'Bearer realm="http://10.0.0.1/t"'}), UnauthorizedError, "without TLS"),
        (answer(401, "", {"WWW-Authenticate": "Bearer"}), UnauthorizedError, "without TLS"),
        (answer(403, '{"errors":[{"code":"DENIED","message":"not \\u001byours"}]}'), ForbiddenError, "does not let us see"),
        (answer(429, "", {"Retry-After": "30"}), RateLimitedError, "slow down"),
        (answer(500, '{"errors":[{"code":"UNKNOWN","message":"disk"}]}'), UnreachableError, r"fails \(500\)"),
        (answer(503, ""), UnreachableError, r"fails \(503\)"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value))[:40],
)
async def test_what_cannot_be_told_is_never_taken_for_missing(
    stage: Stage, registries: Callable[..., ImageRegistry], play: object, error: type[Exception] | None, said: str
) -> None:
    stage.plays[PLACE] = play  # type: ignore[assignment]
    reference = f"{host_of(stage)}/shop/backend:v1"
    if error is None:
        assert await registries(known()).digest_of(reference) is None
        return
    with pytest.raises(error, match=said) as caught:
        await registries(known()).digest_of(reference)
    assert isinstance(caught.value, OutsideError)
    assert caught.value.hint and caught.value.system == host_of(stage)
    assert "\x1b" not in caught.value.hint and PASSWORD not in f"{caught.value} {caught.value.hint}"


async def test_a_registry_that_hangs_is_given_up(stage: Stage, registries: Callable[..., ImageRegistry]) -> None:
    stage.plays[PLACE] = never
    with pytest.raises(UnreachableError, match="does not answer"):
        await registries(timeout_s=0.3).digest_of(f"{host_of(stage)}/shop/backend:v1")


async def test_a_digest_that_a_registry_does_not_tell_is_made_from_the_manifest(
    stage: Stage, registries: Callable[..., ImageRegistry]
) -> None:
    stage.plays[PLACE] = answer(200, "{}", {"Content-Type": "application/vnd.oci.image.manifest.v1+json"})
    found = await registries().digest_of(f"{host_of(stage)}/shop/backend:v1")
    assert found == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


async def test_our_name_goes_to_whom_it_was_asked_for_and_no_further(
    stage: Stage, registries: Callable[..., ImageRegistry]
) -> None:
    with staged() as other:
        realm = f"{stage.url}/token"
        challenge = answer(401, "", {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'})
        stage.plays[PLACE] = lambda exchange: (
            answer(307, "", {"Location": f"http://localhost:{other.server_port}/blob"})
            if exchange.headers["Authorization"]
            else challenge
        )(exchange)
        stage.plays["/token"] = answer(200, json.dumps({"token": "token-canary"}))
        other.plays["/blob"] = answer(200, "", {"Docker-Content-Digest": DIGEST})
        assert await registries(known()).digest_of(f"{host_of(stage)}/shop/backend:v1") == DIGEST
        assert [headers.get("Authorization") for _, headers in other.seen] == [None]
    asked = [(path.partition("?")[0], headers.get("Authorization", "")) for path, headers in stage.seen if path != "/v2/"]
    assert [path for path, _ in asked] == [PLACE, "/token", PLACE]
    assert asked[0][1] == "" and asked[1][1].startswith("Basic ") and asked[2][1] == "Bearer token-canary"


@pytest.mark.parametrize("host", ["registry.invalid", "registry.invalid:5000", "127.0.0.1:1"])
async def test_a_registry_that_is_not_there_is_not_known(registries: Callable[..., ImageRegistry], host: str) -> None:
    with pytest.raises(UnreachableError, match=f"{re.escape(host)} cannot be reached") as caught:
        await registries().digest_of(f"{host}/shop/backend:v1")
    assert caught.value.hint


async def test_plain_http_only_where_it_is_allowed(stage: Stage, registries: Callable[..., ImageRegistry]) -> None:
    stage.plays[PLACE] = answer(200, "", {"Docker-Content-Digest": DIGEST})
    # A name that leads to this machine, but is not known as such.
    reference = f"localhost.localdomain:{stage.server_port}/shop/backend:v1"
    with pytest.raises(UnreachableError):
        await registries().digest_of(reference)
    assert stage.seen == []


async def test_what_is_no_image_is_said_before_anybody_is_asked(registries: Callable[..., ImageRegistry]) -> None:
    with pytest.raises(ConfigError, match="is not an image"):
        await registries().digest_of("http://x/y:z")
    await asyncio.sleep(0)
