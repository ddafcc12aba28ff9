"""TLS as client-go does it: only the kubeconfig's authority is trusted where it names one, and no prompt ever."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from clients.kubernetes.access import ClusterAccess
from domain.errors import ConfigError

# OpenSSL's X509_V_ERR_*: what is wrong with a certificate, told apart because each needs something else done.
_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = (18, 19)
_UNKNOWN_ISSUER = (2, 20, 21)
_WRONG_NAME = (62, 64)


def ssl_context(access: ClusterAccess, certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
    """`certificate` is a plugin's (certificate, key) as PEM; it takes the place of the kubeconfig's."""
    context = _trusting(access)
    # Python 3.13 refuses authorities without key usage extensions, and an intermediate as a root; Go accepts both, and
    # many clusters have them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # http/2 would put every watch on one connection, which a proxy's reset then ends at once.
    context.set_alpn_protocols(["http/1.1"])
    if access.is_tls_unverified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_client_certificate(context, access, certificate)
    return context


def _trusting(access: ClusterAccess) -> ssl.SSLContext:
    try:
        if access.ca_file:
            return ssl.create_default_context(cafile=str(access.ca_file))
        return ssl.create_default_context(cadata=access.ca_pem or None)
    except (ssl.SSLError, OSError) as error:
        place = str(access.ca_file or access.file)
        raise ConfigError(
            f"The certificate authority of cluster {access.cluster!r} cannot be used ({place})",
            "Get the cluster's CA certificate again; it must be PEM.",
            file=place,
            key="certificate-authority" if access.ca_file else "certificate-authority-data",
        ) from error


def _load_client_certificate(context: ssl.SSLContext, access: ClusterAccess, certificate: tuple[str, str] | None) -> None:
    cert = certificate[0] if certificate else access.client_cert_pem
    key = certificate[1] if certificate else access.client_key_pem
    with contextlib.ExitStack() as files:
        cert_path = files.enter_context(_as_file(cert)) if cert else access.client_cert_file
        key_path = files.enter_context(_as_file(key)) if key else access.client_key_file
        if not cert_path or not key_path:
            return
        try:
            # Without a password given, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(cert_path, key_path, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            place = str(access.client_cert_file or access.file)
            raise ConfigError(
                f"The client certificate of user {access.user!r} cannot be used ({place})",
                "Get certificate and key again; they must be PEM, belong together and have no passphrase.",
                file=place,
                key="client-certificate",
            ) from error


@contextlib.contextmanager
def _as_file(pem: str) -> Iterator[Path]:
    """Python reads client certificates from files only: one that nobody else can read, gone as soon as it is read."""
    descriptor, name = tempfile.mkstemp(prefix="quarterdeck-", suffix=".pem")  # created 0600
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(pem)
        yield path
    finally:
        path.unlink(missing_ok=True)


def certificate_trouble(error: ssl.SSLCertVerificationError, access: ClusterAccess) -> tuple[str, str]:
    """(what is wrong with the server's certificate, what to do)."""
    server = access.server
    name = access.tls_server_name or access.host
    code = error.verify_code
    if code == _EXPIRED:
        return (
            f"The certificate of {server} has expired",
            "Renew the API server's certificate (kubeadm: `kubeadm certs renew`), or check this host's clock.",
        )
    if code == _NOT_YET_VALID:
        return f"The certificate of {server} is not valid yet", "Check the clock of this host (`date`)."
    if code in _WRONG_NAME:
        return (
            f"The certificate of {server} is for another name than {name!r}",
            "Set `tls-server-name` for this cluster in the kubeconfig, or use the name that the certificate has.",
        )
    if code in _SELF_SIGNED:
        return (
            f"The certificate of {server} is signed by an authority that the kubeconfig does not name (self-signed)",
            "Put the cluster's CA in the kubeconfig (`certificate-authority-data`). If it was changed, fetch it anew.",
        )
    if code in _UNKNOWN_ISSUER:
        return (
            f"The certificate of {server} is signed by an authority that is not known here",
            "The cluster's CA may have been rotated: fetch the kubeconfig anew; or a proxy stands in between.",
        )
    return f"The certificate of {server} was not accepted: {error.verify_message}", "Check the cluster's certificate."
