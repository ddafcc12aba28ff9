"""The command line of what changes something: one verb an action, and `ops` for what is under way."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

WORKLOAD_HELP = "NAME, or deployment/NAME, deploy/, statefulset/, sts/, daemonset/, ds/."
Verb = Callable[..., argparse.ArgumentParser]


def add_operations(verbs: Any, verb: Verb) -> None:
    """`verb(verbs, name, help, examples, has_scope=…)` makes a command as all others are made."""
    _add_rollback(verbs, verb)
    _add_deploy(verbs, verb)
    for name, help_ in (
        ("restart", "Roll every pod of a workload, on the version it has."),
        ("pause", "Hold a Deployment's rollout where it is."),
        ("resume", "Let a paused rollout go on."),
    ):
        _changing(verbs, verb, name, help_, f"  quarterdeck {name} deploy/shop-backend\n\n")
    scale = _changing(verbs, verb, "scale", "Set how many pods a workload has.", "  quarterdeck scale shop-web 4\n\n")
    scale.add_argument("replicas", type=_replicas, metavar="N", help="How many.")
    _add_ops(verbs, verb)
    _add_helm(verbs, verb)
    _add_secret(verbs, verb)
    runner: argparse.ArgumentParser = verbs.add_parser("_run", allow_abbrev=False)
    runner.set_defaults(module="run")


def _add_rollback(verbs: Any, verb: Verb) -> None:
    parser = _changing(
        verbs,
        verb,
        "rollback",
        "Go back to a version that was good, and verify it. Works in the midst of a rollout that is stuck.",
        '  quarterdeck rollback shop-backend\n  quarterdeck rollback shop-backend --to 12 --reason "errors since 14:02"\n'
        "  quarterdeck rollback shop-backend --dry-run\n\n",
    )
    parser.add_argument(
        "--to",
        default="last-good",
        metavar="VERSION",
        help="last-good (default), a revision's number, the hash of a pod template, or an image digest.",
    )


def _add_deploy(verbs: Any, verb: Verb) -> None:
    parser = _changing(
        verbs,
        verb,
        "deploy",
        "Set an image, by its digest, and follow it to its verification.",
        "  quarterdeck deploy shop-backend --image v1.9.1\n"
        "  quarterdeck deploy shop-backend --image registry.example.com/shop/backend:v1.9.1 --container backend\n\n",
    )
    parser.add_argument("--image", required=True, metavar="REF", help="An image, or a tag of the repository it has now.")
    parser.add_argument(
        "--container", action="append", default=[], metavar="NAME", help="Needed where there are several; may be repeated."
    )
    parser.add_argument(
        "--unverified", action="store_true", help="Go on although the registry cannot be asked; needs --reason."
    )


def _changing(verbs: Any, verb: Verb, name: str, help_: str, examples: str) -> argparse.ArgumentParser:
    parser = verb(verbs, name, help_, examples, has_scope=True)
    parser.set_defaults(module="change")
    parser.add_argument("workload", metavar="WORKLOAD", help=WORKLOAD_HELP)
    _add_going_ahead(parser, "WORKLOAD")
    return parser


def _add_going_ahead(parser: argparse.ArgumentParser, what: str) -> None:
    group = parser.add_argument_group("going ahead")
    group.add_argument(
        "--dry-run", action="store_true", help="Show the plan and the API server's own dry run; change nothing."
    )
    group.add_argument("--reason", default="", metavar="TEXT", help="Why. It is recorded, and others see it.")
    group.add_argument("--yes", action="store_true", help="Outside production: do not ask.")
    group.add_argument("--confirm", default="", metavar=what, help="In production: its name, in place of being asked.")
    group.add_argument("--force", action="store_true", help="Go on in spite of what speaks against it; needs --reason.")
    group.add_argument("--no-lock", action="store_true", help="Where no Lease may be made: go on without; needs --reason.")
    group.add_argument(
        "--take-over", action="store_true", help="Take over the lock of a runner that is dead; needs --reason."
    )
    group.add_argument("-o", "--output", choices=("text", "json"), default="text", help="Default: text.")


def _add_ops(verbs: Any, verb: Verb) -> None:
    parser = verb(
        verbs,
        "ops",
        "The operations of this host: they go on without the terminal that began them.",
        "  quarterdeck ops\n  quarterdeck ops attach 7KQ2\n\n",
    )
    parser.add_argument(
        "what", nargs="?", default="list", choices=("list", "show", "attach", "resume", "abort"), help="Default: list."
    )
    parser.add_argument("id", nargs="?", default="", metavar="ID", help="Or its beginning. Default: the newest.")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="Default: text.")


def _add_helm(verbs: Any, verb: Verb) -> None:
    parser = verb(
        verbs,
        "helm",
        "Helm's releases: list them, see what they were, compare two revisions, go back to one and verify it.",
        "  quarterdeck helm list\n  quarterdeck helm history shop\n  quarterdeck helm diff shop 4 5\n"
        '  quarterdeck helm rollback shop --to 4 --reason "v1.9.0 crashes"\n\n',
        has_scope=True,
    )
    parser.add_argument(
        "what", nargs="?", default="list", choices=("list", "history", "diff", "rollback"), help="Default: list."
    )
    parser.add_argument("release", nargs="?", default="", metavar="RELEASE", help="All but `list` need it.")
    parser.add_argument(
        "revisions", nargs="*", type=_revision, metavar="REVISION", help="Of `diff`: none, one (against the newest) or two."
    )
    parser.add_argument("--to", default="", metavar="REVISION", help="Of `rollback`. Default: the last that was good.")
    parser.add_argument(
        "--timeout",
        type=_helm_seconds,
        default=300.0,
        metavar="S",
        help="Helm's own, for each thing it waits for. Default 300.",
    )
    _add_going_ahead(parser, "RELEASE")


def _add_secret(verbs: Any, verb: Verb) -> None:
    parser = verb(
        verbs,
        "secret",
        "What is needed to log in elsewhere: kept in a keyring or found where you keep it, never in a file of ours.",
        "  quarterdeck secret list\n  quarterdeck secret set prometheus\n"
        "  pass show ghcr | quarterdeck secret set registry/ghcr.io\n\n",
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="list",
        choices=("list", "set", "test", "rm"),
        help="Default: list. `set` asks, or reads a pipe.",
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="prometheus, registry/HOST.")


def _revision(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a revision")
    return int(text)


def _helm_seconds(text: str) -> float:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 7200:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 to 7200")
    return float(text)


def _replicas(text: str) -> int:
    if not text.isdecimal() or int(text) > 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pods")
    return int(text)
