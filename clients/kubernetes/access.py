"""Where an API server is and how to be let in: what a kubeconfig says about one context, files read only when used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from clients.kubernetes.credentials import Anonymous, Credential


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """`server` is scheme, host and port; a path behind it (Rancher's `/k8s/clusters/c-1`) is `path_prefix`.

    Certificates are PEM: text where the kubeconfig holds them (`*_pem`), else a file (`*_file`) that is read each time
    a connection is set up, so that a rotated one is noticed.
    """

    context: str
    cluster: str
    user: str
    namespace: str
    server: str
    path_prefix: str = ""
    ca_pem: str = ""
    ca_file: Path | None = None
    client_cert_pem: str = field(default="", repr=False)
    client_key_pem: str = field(default="", repr=False)
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    tls_server_name: str = ""
    proxy_url: str = field(default="", repr=False)
    is_tls_unverified: bool = False
    is_gzip_wanted: bool = True
    credential: Credential = field(default_factory=Anonymous, compare=False)
    impersonation: tuple[tuple[str, str], ...] = ()
    """Headers to send with every request; a name may come more than once."""
    file: str = ""
    """The kubeconfig that defines the context; "" in a cluster."""

    @property
    def is_tls(self) -> bool:
        return self.server.startswith("https://")

    @property
    def host(self) -> str:
        """Without port, as the certificate must name it where `tls_server_name` is not set."""
        authority = self.server.partition("://")[2]
        return authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
