"""The command line's words, options and help. Nothing is imported for it but argparse: the screen's start pays for this."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import PurePath
from typing import Any, NoReturn

from app.manual import EPILOG, EXAMPLES
from app.operation_arguments import WORKLOAD_HELP, add_operations
from app.options import Options
from domain.errors import ConfigError

VERBS = ("status", "watch", "doctor", "init", "demo", "trust", "version", "_practice")
_CHOICE = re.compile(
    r"(?:argument (?P<name>[^:]+): )?invalid choice: '?(?P<value>[^' ]*)'? \(choose from (?P<choices>.*)\)"
)


class Parser(argparse.ArgumentParser):
    """Examples before options, and errors in the form every other error has."""

    examples = ""

    def format_help(self) -> str:
        return self.examples + super().format_help()

    def error(self, message: str) -> NoReturn:
        hint = f"`{self.prog} --help` shows what can be asked for."
        choice = _CHOICE.match(message)
        if choice:
            known = [c.strip(" '") for c in choice["choices"].split(",")]
            message, hint = _not_a_choice(choice["value"], choice["name"] or "", [c for c in known if c[:1] != "_"], hint)
        end = "" if message.endswith("?") else "."
        raise ConfigError(f"{message[:1].upper()}{message[1:]}{end}", hint)


def _not_a_choice(value: str, name: str, known: list[str], hint: str) -> tuple[str, str]:
    import difflib

    nearest = difflib.get_close_matches(value, known, 1)
    what = "an option" if value[:1] == "-" else "a command" if name == "COMMAND" else f"a value of {name}"
    message = f"{value!r} is not {what}" + (f", did you mean `{nearest[0]}`?" if nearest else "")
    return message, f"There are: {', '.join(known)}. {hint}"


def program_name() -> str:
    """`quarterdeck` or `qd`, however it was called."""
    name = PurePath(sys.argv[0] or "quarterdeck").name
    return name if name == "qd" else "quarterdeck"


def parse(argv: list[str], prog: str) -> argparse.Namespace:
    if not {"-h", "--help", *VERBS}.intersection(argv):
        # The screen, nearly always: making the verbs' parsers takes longer than all the rest.
        try:
            return parser_of(prog, verbs=False).parse_args(argv)
        except ConfigError:
            pass  # the whole parser says it better
    parser = parser_of(prog)
    first = argv[0].partition("=")[0] if argv else ""
    if first[:2] == "--" and first not in parser._option_string_actions:
        # Or argparse would complain about the command that it takes the option's value for.
        known = [option for option in parser._option_string_actions if option[:2] == "--"]
        parser.error(f"argument COMMAND: invalid choice: {first!r} (choose from {', '.join(known)})")
    return parser.parse_args(argv)


def options_of(arguments: argparse.Namespace) -> Options:
    options = Options(
        context=arguments.context,
        namespace=arguments.namespace,
        all_namespaces=arguments.all_namespaces,
        environment=arguments.env,
        config_file=arguments.config,
        no_config=arguments.no_config,
        is_read_only=arguments.readonly,
    )
    if options.namespace and options.all_namespaces:
        raise ConfigError("-n and -A were both given.", "Choose one namespace with -n, or all with -A.")
    if options.config_file and options.no_config:
        raise ConfigError("--config and --no-config were both given.", "Choose one of them.")
    return options


def parser_of(prog: str, *, verbs: bool = True) -> Parser:
    """The whole command line; without `verbs` only the screen's options."""
    parser = Parser(
        prog=prog,
        usage=f"{prog} [options]\n       {prog} COMMAND [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.examples = EXAMPLES.format(prog=prog)
    parser.set_defaults(command="")
    if verbs:
        commands = parser.add_subparsers(
            title="commands", metavar="COMMAND", dest="command", parser_class=Parser, prog=prog
        )
        for add in (_add_status, _add_watch, _add_doctor, _add_init, _add_demo, _add_trust, _add_version, _add_practice):
            add(commands)
        add_operations(commands, _verb)
    group = _add_common(parser, is_top=True)
    group.add_argument("-h", "--help", action=_Help, prog=prog)
    return parser


class _Help(argparse.Action):
    """The epilog names the user's own file, so it is put together only when somebody asks."""

    def __init__(self, option_strings: list[str], dest: str, prog: str, **_: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help="This text.")
        self.prog = prog

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from app.places import user_config_file

        parser.epilog = EPILOG.format(prog=self.prog, user_file=user_config_file())
        parser.print_help()
        parser.exit()


def _add_common(parser: argparse.ArgumentParser, *, is_top: bool) -> argparse._ArgumentGroup:
    """The same options before and after the command's name; only the first set has defaults, or it would be overwritten."""

    def default(value: Any) -> Any:
        return value if is_top else argparse.SUPPRESS

    group = parser.add_argument_group("options" if is_top else "where to look")
    group.add_argument("--context", metavar="C", default=default(""), help="A context of the kubeconfig.")
    group.add_argument("-n", "--namespace", metavar="NS", default=default(""), help="A namespace.")
    group.add_argument("-A", "--all-namespaces", action="store_true", default=default(False), help="All namespaces.")
    group.add_argument("--env", metavar="NAME", default=default(""), help="An environment of quarterdeck.toml.")
    group.add_argument("--config", metavar="F", default=default(""), help="This configuration file and no other.")
    group.add_argument("--no-config", action="store_true", default=default(False), help="No configuration file at all.")
    group.add_argument(
        "--readonly",
        action="store_true",
        default=default(False),
        help="Nothing but reading: no request that changes anything leaves the process, and no shell is opened.",
    )
    return group


def _verb(verbs: Any, name: str, help_: str, examples: str = "", *, has_scope: bool = False) -> argparse.ArgumentParser:
    parser: Parser = verbs.add_parser(
        name, help=help_, description=help_, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.examples = examples
    if has_scope:
        _add_common(parser, is_top=False)
    return parser


def _add_status(verbs: Any) -> None:
    parser = _verb(
        verbs,
        "status",
        "List the workloads, judge each, and answer with an exit code: 0 healthy, 10 in progress, 11 failing.",
        "  quarterdeck status\n  quarterdeck status deploy/shop-backend -o json\n\n",
        has_scope=True,
    )
    parser.add_argument("workload", nargs="?", default="", metavar="WORKLOAD", help=WORKLOAD_HELP)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="Default: table.")


def _add_watch(verbs: Any) -> None:
    parser = _verb(
        verbs,
        "watch",
        "Follow a rollout to its verdict: 0 succeeded, 11 failing, 12 timed out. In place of `kubectl rollout status`.",
        "  quarterdeck watch shop-backend\n  quarterdeck watch deploy/shop-backend --timeout 900 -o jsonl\n\n",
        has_scope=True,
    )
    parser.add_argument("workload", metavar="WORKLOAD", help=WORKLOAD_HELP)
    parser.add_argument("--timeout", type=_seconds, default=900.0, metavar="S", help="Seconds; default 900, 0: no limit.")
    parser.add_argument(
        "--soak", type=_seconds, default=None, metavar="S", help="Seconds it must stay available; default verdict.soak_s."
    )
    parser.add_argument("-o", "--output", choices=("text", "jsonl"), default="text", help="Default: text.")


def _add_doctor(verbs: Any) -> None:
    parser = _verb(
        verbs, "doctor", "What is configured, reachable and permitted, and what to do about what is not.", has_scope=True
    )
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="Default: table.")


def _add_init(verbs: Any) -> None:
    parser = _verb(verbs, "init", "Write a commented quarterdeck.toml from what is found in the cluster.", has_scope=True)
    parser.add_argument("-o", "--output", default="quarterdeck.toml", metavar="F", help="Where to; `-` prints it.")
    parser.add_argument("--force", action="store_true", help="Replace a file that is there already.")


def _add_demo(verbs: Any) -> None:
    parser = _verb(verbs, "demo", "Watch a rollout on the practice cluster; it lives only as long as the screen.")
    parser.add_argument("--scenario", default="healthy", metavar="NAME", help="Default: healthy.")
    parser.add_argument("--list", action="store_true", help="The scenarios there are.")


def _add_trust(verbs: Any) -> None:
    parser = _verb(
        verbs,
        "trust",
        "Show what URLs and commands a quarterdeck.toml names, and allow it as it is now; any change needs it again.",
    )
    parser.add_argument("file", nargs="?", default="", metavar="FILE", help="Default: the one found from here.")
    parser.add_argument("--revoke", action="store_true", help="Take it back.")


def _add_version(verbs: Any) -> None:
    _verb(verbs, "version", "The versions of this program and of what it stands on.")


def _add_practice(verbs: Any) -> None:
    parser: argparse.ArgumentParser = verbs.add_parser("_practice", allow_abbrev=False)
    parser.add_argument("--scenario", default="healthy")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--pods", type=int, default=0)
    parser.add_argument("--until-stdin-ends", action="store_true")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
