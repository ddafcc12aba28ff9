"""The registry of everything a key, a `:` word or the palette can ask for. Footer, help, keymap and docs read it."""

from __future__ import annotations

from actions.action import Action, Danger, Group
from domain.fleet import Fleet
from domain.streams import Source, StreamPhase
from domain.targets import Target


def _needs_pod_or_workload(fleet: Fleet, target: Target) -> str | None:
    if target.pod_uid or target.workload:
        return None
    return "Nothing is selected: choose a workload or a pod first."


def _needs_metrics(fleet: Fleet, target: Target) -> str | None:
    if fleet.stream(Source.METRICS).phase is StreamPhase.ABSENT:
        return "No Prometheus was found: set `prometheus.url` in quarterdeck.toml."
    return None


def _shell_refusal(fleet: Fleet, target: Target) -> str | None:
    if fleet.scope.is_read_only:
        return f"Read-only: {fleet.scope.read_only_reason or 'no session is opened inside a container'}."
    return _needs_pod_or_workload(fleet, target)


_LOOK = (
    Action(
        "logs",
        "Logs",
        ("l",),
        ("logs", "log"),
        Group.LOOK,
        "Follow the log of a pod, or of all pods of a workload.",
        refusal=_needs_pod_or_workload,
        in_footer=True,
    ),
    Action(
        "previous_logs",
        "Previous logs",
        ("p",),
        ("previous",),
        Group.LOOK,
        "The log of the container's run before this one.",
        refusal=_needs_pod_or_workload,
    ),
    Action(
        "describe",
        "Describe",
        ("d",),
        ("describe", "desc"),
        Group.LOOK,
        "Everything known about what is selected, with its events.",
        refusal=_needs_pod_or_workload,
        in_footer=True,
    ),
    Action(
        "yaml",
        "YAML",
        ("y",),
        ("yaml",),
        Group.LOOK,
        "The object as the API server has it; secrets' values are left out.",
        refusal=_needs_pod_or_workload,
    ),
    Action(
        "shell",
        "Shell",
        ("s",),
        ("shell", "exec"),
        Group.LOOK,
        "A shell inside the container.",
        danger=Danger.REACHES_IN,
        refusal=_shell_refusal,
    ),
    Action("copy", "Copy name", ("c",), ("copy",), Group.LOOK, "Copy the selected name to the clipboard."),
    Action("chart", "Chart", (), ("chart",), Group.LOOK, "The selected metric, large.", refusal=_needs_metrics),
    Action(
        "compare",
        "Compare",
        ("space",),
        ("mark", "diff"),
        Group.LOOK,
        "Mark a revision; on a second one, Enter shows what differs between the two.",
    ),
)

_MOVE = (
    Action(
        "filter",
        "Filter",
        ("slash",),
        ("filter",),
        Group.MOVE,
        "Filter the pane: text, !text (not), -l key=value (label), -f text (fuzzy).",
        in_footer=True,
    ),
    Action("command", "Command", ("colon",), (), Group.MOVE, "Type a command by name.", in_footer=True),
    Action("back", "Back", ("q",), ("back",), Group.MOVE, "Go back one view. Never quits."),
    Action("last_view", "Last view", ("minus",), ("last",), Group.MOVE, "Switch to the view before this one."),
    Action(
        "namespace", "Namespace", (), ("ns", "namespace"), Group.MOVE, "Watch another namespace (`:ns shop`, `:ns all`)."
    ),
    Action("context", "Context", (), ("ctx", "context"), Group.MOVE, "Watch another context of the kubeconfig."),
    Action("environment", "Environment", (), ("env", "environment"), Group.MOVE, "Watch another configured environment."),
    Action(
        "side_by_side",
        "Two environments",
        (),
        ("compare", "both"),
        Group.MOVE,
        "Two environments side by side, what differs lit.",
    ),
)

_VIEW = (
    Action("zoom", "Zoom", ("z",), ("zoom",), Group.VIEW, "The focused pane alone, or all again."),
    Action("all_panes", "All panes", ("0",), ("all",), Group.VIEW, "All panes again."),
    Action("faults", "Faults only", ("ctrl+z",), ("faults",), Group.VIEW, "Only what is in trouble.", in_footer=True),
    Action("wide", "Wide", ("ctrl+w",), ("wide",), Group.VIEW, "More columns, or fewer."),
    Action(
        "refresh",
        "Refresh",
        ("ctrl+r",),
        ("refresh",),
        Group.VIEW,
        "Ask again for what is polled, and restart lost streams.",
    ),
)

_PROGRAM = (
    Action("help", "Help", ("question_mark",), ("help", "h"), Group.PROGRAM, "Every key of this view.", in_footer=True),
    Action(
        "quit",
        "Quit",
        ("ctrl+c",),
        ("q", "quit", "q!"),
        Group.PROGRAM,
        "Leave. Nothing that runs in the cluster is stopped by it.",
    ),
)

ACTIONS: tuple[Action, ...] = (*_LOOK, *_MOVE, *_VIEW, *_PROGRAM)


def action(name: str) -> Action:
    """The action of that name; KeyError where the registry has none."""
    return _BY_NAME[name]


def action_for_word(word: str) -> Action | None:
    return _BY_WORD.get(word)


_BY_NAME = {a.name: a for a in ACTIONS}
_BY_WORD = {word: a for a in ACTIONS for word in a.words}
