"""The command line: finds out what was asked, hands over, and turns what goes wrong into one message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from types import FrameType, TracebackType

from app.arguments import options_of, parse, program_name
from domain import exit_codes
from domain.errors import QuarterdeckError

_PIPE_CLOSED = exit_codes.SIGNAL_BASE + signal.SIGPIPE


def run(argv: list[str]) -> int:
    """The exit code. What nobody expected goes on to the interpreter, whose report is `_report`: no traceback."""
    sys.excepthook = _report
    try:
        code = _hand_over(parse(argv, program_name()))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _pipe_closed()
    except KeyboardInterrupt:
        return exit_codes.SIGNAL_BASE + signal.SIGINT
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else exit_codes.OK
    except QuarterdeckError as error:
        from app.report_error import report

        return report(error)


def _hand_over(arguments: Namespace) -> int:
    if not arguments.command:
        from app.require_terminal import require_terminal

        options = options_of(arguments)
        require_terminal()
        from app.boot import run as open_screen

        return open_screen(options)
    from importlib import import_module

    from app.log_file import log_to_file

    log_to_file()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    module = import_module(f"app.commands.{getattr(arguments, 'module', arguments.command.lstrip('_'))}")
    code: int = module.run(options_of(arguments), arguments)
    return code


def _report(_type: type[BaseException], error: BaseException, _traceback: TracebackType | None) -> None:
    from app.report_error import report_defect

    report_defect(error)


def _end(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(exit_codes.SIGNAL_BASE + number)


def _pipe_closed() -> int:
    """Whoever read our output has gone (`| head`): nothing to say, and nobody to say it to."""
    # The interpreter flushes stdout on its way out and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return _PIPE_CLOSED
