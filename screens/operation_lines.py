"""An operation in lines: who, what, why, then each step with its time and its word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from domain.ages import clock, short_duration
from domain.operations import Operation, OperationState, StepProgress, StepState
from widgets import palette
from widgets.text_lines import TextLine

_BAR_CELLS = 10
_SHORT = 28
"""A word of progress no longer than this has room beside bar and verdict on a small terminal."""
_DAY_S = 86_400
_TIME_WIDTH = 7
_INDENT = " " * (8 + _TIME_WIDTH)
"""As far as a step's words stand from the edge."""
STATE_STYLES = {
    OperationState.PLANNED: "quiet",
    OperationState.RUNNING: "accent",
    OperationState.LEFT: "bad",
    OperationState.SUCCEEDED: "good",
    OperationState.FAILED: "bad",
    OperationState.ABORTED: "warn",
}
_STEP_STYLES = {
    StepState.DONE: "good",
    StepState.ALREADY: "good",
    StepState.FAILED: "bad",
    StepState.UNKNOWN: "warn",
    StepState.RUNNING: "accent",
}
_NOTES = {
    StepState.ALREADY: "was so already",
    StepState.SKIPPED: "left out",
}


def state_sign(state: OperationState) -> str:
    signs = palette.signs
    return {
        OperationState.RUNNING: signs.busy,
        OperationState.LEFT: signs.warn,
        OperationState.SUCCEEDED: signs.good,
        OperationState.FAILED: signs.bad,
        OperationState.ABORTED: signs.bad,
    }.get(state, signs.waiting)


def step_sign(state: StepState) -> str:
    signs = palette.signs
    return {
        StepState.DONE: signs.good,
        StepState.ALREADY: signs.good,
        StepState.FAILED: signs.bad,
        StepState.UNKNOWN: "?",
        StepState.RUNNING: signs.busy,
        StepState.SKIPPED: signs.minus,
    }.get(state, signs.waiting)


def when(at: float, now: float) -> str:
    """ "14:03:11 UTC", with the date where that was another day."""
    time = datetime.fromtimestamp(at, UTC)
    return time.strftime("%H:%M:%S UTC" if abs(now - at) < _DAY_S else "%Y-%m-%d %H:%M UTC")


def lasted(operation: Operation, now: float) -> str:
    """ "0:12 of about 1:40" while it goes on, "took 0:58" once it is over."""
    began = operation.began_at
    if began is None or operation.state is OperationState.LEFT:
        return ""
    if operation.ended_at is not None:
        return f"took {clock(operation.ended_at - began)}"
    expected = operation.plan.expected_s
    return clock(now - began) + (f" of about {clock(expected)}" if expected is not None else "")


def took(progress: StepProgress, now: float) -> str:
    if progress.began_at is None or progress.state in (StepState.UNKNOWN, StepState.SKIPPED):
        return ""
    seconds = max(0.0, (progress.ended_at if progress.ended_at is not None else now) - progress.began_at)
    if progress.state is StepState.RUNNING:
        return f"{int(seconds)} s" if seconds < 120 else short_duration(seconds)
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 120 else short_duration(seconds)


def as_known(operation: Operation) -> tuple[StepProgress, ...]:
    """Of a step that ran when its runner went nobody can say whether it happened."""
    if operation.state is not OperationState.LEFT:
        return operation.steps
    return tuple(replace(s, state=StepState.UNKNOWN) if s.state is StepState.RUNNING else s for s in operation.steps)


def head_lines(operation: Operation, now: float) -> Iterator[TextLine]:
    plan = operation.plan
    began = operation.began_at if operation.began_at is not None else plan.created_at
    dot = f" {palette.signs.dot} "
    yield TextLine(plan.summary, "strong", ((" ", ""),))
    yield TextLine(dot.join((f"by {plan.who or 'somebody'}", f"since {when(began, now)}", plan.id)), "quiet", ((" ", ""),))
    yield TextLine(plan.reason or "none given", "", ((" reason ", "quiet"),))
    for warning in plan.warnings:
        yield TextLine(warning, "warn", ((f" {palette.signs.warn} ", "warn"),))


def step_lines(number: int, progress: StepProgress, now: float, verdict: tuple[str, str] | None) -> Iterator[TextLine]:
    """`verdict` is what the watch says of the rollout now, and its style: it stands beside the step that runs."""
    style = _STEP_STYLES.get(progress.state, "quiet")
    sign = (f" {step_sign(progress.state)} ", style)
    lead = (sign, (f"{number:>2} ", "quiet"), (f"{took(progress, now):>{_TIME_WIDTH}}  ", "quiet"))
    words = progress.step.words
    is_told_below = progress.state in (StepState.RUNNING, StepState.FAILED, StepState.UNKNOWN)
    note = _NOTES.get(progress.state, "")
    beside = note if is_told_below else ": ".join(part for part in (note, progress.message) if part)
    if beside:
        words += f" {palette.signs.dot} {beside}"
    yield TextLine(words, "quiet" if style == "quiet" else "strong" if is_told_below else "", lead)
    if progress.state is StepState.RUNNING:
        yield from _running(progress, verdict)
    elif is_told_below:
        message = progress.message
        if progress.state is StepState.UNKNOWN:
            message = "begun; not known whether it happened" + (f" (last heard: {message})" if message else "")
        if message:
            yield TextLine(message, style, ((_INDENT, ""),))
        if progress.hint:
            yield TextLine(progress.hint, "", ((f"{_INDENT}{palette.signs.arrow} ", "quiet"),))


def _running(progress: StepProgress, verdict: tuple[str, str] | None) -> Iterator[TextLine]:
    lead: list[tuple[str, str]] = [(_INDENT, "")]
    if progress.fraction is not None:
        lead.append((f"{bar(progress.fraction)} ", "accent"))
    if verdict is None:
        if progress.message or len(lead) > 1:
            yield TextLine(progress.message, "", tuple(lead))
    elif len(progress.message) <= _SHORT:
        lead.append((palette.shown(f"{progress.message}  " if progress.message else ""), ""))
        yield TextLine(verdict[0], verdict[1], tuple(lead))
    else:
        yield TextLine(verdict[0], verdict[1], tuple(lead))
        yield TextLine(progress.message, "", ((_INDENT, ""),))


def bar(fraction: float) -> str:
    signs = palette.signs
    full = round(max(0.0, min(1.0, fraction)) * _BAR_CELLS) if fraction == fraction else 0
    return signs.bar_left + signs.bar_full * full + signs.bar_empty * (_BAR_CELLS - full) + signs.bar_right


def end_lines(operation: Operation, now: float, *, is_elsewhere: bool) -> Iterator[TextLine]:
    """What it has come to and what comes next; while it goes on, how to come back to it."""
    plan, signs = operation.plan, palette.signs
    state = operation.state
    if operation.outcome:
        style = STATE_STYLES[state]
        yield TextLine(operation.outcome, style, ((f" {state_sign(state)} ", style),))
    elif state.is_over:
        yield TextLine(str(state), STATE_STYLES[state], ((f" {state_sign(state)} ", STATE_STYLES[state]),))
    if operation.proposal:
        yield TextLine(operation.proposal, "strong", ((f" {signs.arrow} next: ", "quiet"),))
    if state.is_over:
        return
    if state is OperationState.LEFT:
        heard = f" for {short_duration(now - operation.heard_at)}" if operation.heard_at is not None else ""
        host = f" on {operation.runner_host}" if operation.runner_host else ""
        yield TextLine(f"Its runner{host} is gone, silent{heard}.", "bad", ((f" {signs.warn} ", "bad"),))
        yield TextLine(
            "U takes it up where it stands, X has it stopped and unlocked.", "", ((f" {signs.arrow} ", "quiet"),)
        )
        yield TextLine(f"quarterdeck ops resume {plan.id}", "strong", (("   or: ", "quiet"),))
        return
    if operation.is_abort_asked:
        yield TextLine("Abort asked: it stops before its next step.", "warn", ((f" {signs.warn} ", "warn"),))
    if is_elsewhere:
        host = operation.runner_host or plan.who.partition("@")[2] or "another host"
        yield TextLine(
            f"It runs from {host}; to follow or abort it there: quarterdeck ops attach {plan.id}", "quiet", ((" ", ""),)
        )
    else:
        yield TextLine(
            f"quarterdeck ops attach {plan.id} comes back to it {signs.dot} Ctrl-c leaves it running", "quiet", ((" ", ""),)
        )
