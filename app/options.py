"""What was asked for on the command line, before any file has been read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What is empty was not given: the configuration decides, then the kubeconfig."""

    context: str = ""
    namespace: str = ""
    all_namespaces: bool = False
    environment: str = ""
    config_file: str = ""
    no_config: bool = False
    """Use no quarterdeck.toml at all, not even the one in the user's own folder."""
    is_read_only: bool = False
