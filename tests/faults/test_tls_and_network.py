"""FAULTS 24 and the ways to a server: TLS refuses by default and says why, proxies, wrong names and ports."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from clients.kubernetes.access import ClusterAccess
from clients.kubernetes.cluster import Cluster
from clients.kubernetes.first_page import read_first_page
from domain.errors import ConfigError, OutsideError, UnreachableError
from domain.facts import Listed
from domain.streams import Source
from tests.faults.api_server import ApiServer, pod, serving
from tests.faults.following import QUICK, following, until
from tests.faults.relays import relaying

CA = trustme.CA(key_type=trustme.KeyType.ECDSA)
OTHER_CA = trustme.CA(key_type=trustme.KeyType.ECDSA)
CA_PEM = CA.cert_pem.bytes().decode()
OTHER_PEM = OTHER_CA.cert_pem.bytes().decode()
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def tls_server(context: ssl.SSLContext) -> AsyncIterator[ApiServer]:
    server = ApiServer()
    server.put(pod("web-0"))
    async with serving(server, ssl_context=context) as running:
        yield running


async def listed(access: ClusterAccess) -> Listed:
    cluster = Cluster(access, limits=QUICK)
    facts = cluster.watch(Source.PODS, "shop")
    try:
        fact = await anext(facts)
    finally:
        await facts.aclose()
        await cluster.close()
    assert isinstance(fact, Listed)
    return fact


RIGHT = CA.issue_cert("127.0.0.1")
EXPIRED = CA.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + datetime.timedelta(days=1))
WRONG_NAME = CA.issue_cert("kubernetes")


@pytest.mark.parametrize(
    ("certificate", "trusted", "words", "hint"),
    [
        pytest.param(EXPIRED, CA_PEM, "has expired", "this host's clock", id="expired"),
        pytest.param(WRONG_NAME, CA_PEM, "for another name than '127.0.0.1'", "tls-server-name", id="wrong name"),
        pytest.param(RIGHT, OTHER_PEM, "not known here", "may have been rotated", id="another authority"),
        pytest.param(RIGHT, "", "authority", "kubeconfig", id="no authority named"),
    ],
)
async def test_a_certificate_that_is_not_right_is_refused_and_told_apart(
    certificate: trustme.LeafCert, trusted: str, words: str, hint: str
) -> None:
    async with tls_server(served(certificate)) as server:
        with pytest.raises(UnreachableError) as caught:
            await listed(server.access(ca_pem=trusted))
        assert await asyncio.to_thread(read_first_page, server.access(ca_pem=trusted), Source.PODS, "shop") is None
    assert words in caught.value.message and hint in caught.value.hint
    assert not server.requests


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"ca_pem": CA_PEM, "tls_server_name": "kubernetes"}, id="the name it has"),
        pytest.param({"is_tls_unverified": True}, id="unverified, as the kubeconfig says"),
    ],
)
async def test_a_certificate_for_another_name_can_be_used_on_purpose(more: dict[str, Any]) -> None:
    async with tls_server(served(WRONG_NAME)) as server:
        assert len((await listed(server.access(**more))).values) == 1
        assert await asyncio.to_thread(read_first_page, server.access(**more), Source.PODS, "shop")


async def test_a_rotated_authority_is_read_again_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text(OTHER_PEM)
    async with tls_server(served(RIGHT)) as server, following(server, ca_file=file) as shown:
        await until(lambda: shown.errors)
        file.write_text(CA_PEM)
        await until(lambda: shown.shows(server))


async def test_a_client_certificate_is_shown_to_the_server(tmp_path: Path) -> None:
    context = served(RIGHT)
    CA.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = CA.issue_cert(common_name="oncall")
    pem, key = ours.cert_chain_pems[0].bytes().decode(), ours.private_key_pem.bytes().decode()
    (tmp_path / "c.crt").write_text(pem)
    (tmp_path / "c.key").write_text(key)
    async with tls_server(context) as server:
        by_text = server.access(ca_pem=CA_PEM, client_cert_pem=pem, client_key_pem=key)
        by_file = server.access(ca_pem=CA_PEM, client_cert_file=tmp_path / "c.crt", client_key_file=tmp_path / "c.key")
        for access in (by_text, by_file):
            assert (await listed(access)).values
            assert await asyncio.to_thread(read_first_page, access, Source.PODS, "shop")
        with pytest.raises(OutsideError):
            await listed(server.access(ca_pem=CA_PEM))
    assert key not in repr(by_text)


@pytest.mark.parametrize("more", [{"ca_pem": "no PEM"}, {"client_cert_pem": "no PEM", "client_key_pem": "no PEM"}])
async def test_a_certificate_in_the_kubeconfig_that_is_none_is_a_fault_of_the_kubeconfig(
    server: ApiServer, more: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        await listed(server.access(server=server.url.replace("http:", "https:"), file="/etc/kubeconfig", **more))
    assert caught.value.file == "/etc/kubeconfig"


async def test_an_old_tls_is_not_spoken() -> None:
    context = served(RIGHT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with tls_server(context) as server:
        with pytest.raises(UnreachableError, match=r"No TLS|cuts new connections off"):
            await listed(server.access(ca_pem=CA_PEM))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("server_url", "words", "hint"),
    [
        pytest.param("https://127.0.0.1:{port}", "refuses connections", "the port is wrong", id="refused"),
        pytest.param("https://no-such-host.invalid:6443", "is not known (DNS)", "kubeconfig", id="name"),
        pytest.param("https://127.0.0.1:{http}", "No TLS with", "https address", id="http where https is expected"),
    ],
)
async def test_a_server_that_is_not_there_is_told_with_where_to_look(
    server: ApiServer, server_url: str, words: str, hint: str
) -> None:
    url = server_url.format(port=free_port(), http=server.url.rpartition(":")[2])
    with pytest.raises(UnreachableError) as caught:
        await listed(server.access(server=url))
    assert words in caught.value.message and hint in caught.value.hint


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_is_dialled_and_resolves_the_name_itself(scheme: str) -> None:
    """The certificate is for `kubernetes`, the server is only known beyond the bastion, and still it is verified."""
    async with tls_server(served(WRONG_NAME)) as server:
        port = int(server.url.rpartition(":")[2])
        async with relaying(scheme, ("127.0.0.1", port)) as relay:
            access = server.access(
                server="https://api.internal.invalid:6443",
                ca_pem=CA_PEM,
                tls_server_name="kubernetes",
                proxy_url=relay.url,
            )
            assert (await listed(access)).values
            assert set(relay.asked) == {"api.internal.invalid:6443"}
            assert await asyncio.to_thread(read_first_page, access, Source.PODS, "shop") is None
            with pytest.raises(UnreachableError, match="another name than 'other'"):
                await listed(server.access(**{**values(access), "tls_server_name": "other"}))


def values(access: ClusterAccess) -> dict[str, Any]:
    return {name: getattr(access, name) for name in ("server", "ca_pem", "proxy_url")}


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_that_refuses_is_named_without_its_password(server: ApiServer, scheme: str) -> None:
    async with relaying(scheme, ("127.0.0.1", 1)) as relay:
        relay.refuses = True
        url = relay.url.replace("://", "://user:hunter2@")
        with pytest.raises(UnreachableError) as caught:
            await listed(server.access(server="https://api.internal.invalid:6443", proxy_url=url))
    assert "The proxy" in caught.value.message and relay.url.rpartition(":")[2] in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_that_is_away_is_named(server: ApiServer, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        await listed(server.access(server="https://api.internal.invalid:6443", proxy_url=url))
    assert url in caught.value.message
