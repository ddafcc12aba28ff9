"""What goes to another view, arranges this one, or leaves; and the keys that only move."""

from __future__ import annotations

from actions.action import EVERYWHERE, Action, Argument, Group, Move, View

_PANES = (
    ("1", "rollouts", "Rollouts", ("rollouts", "ro", "deployments", "dp")),
    ("2", "pods", "Pods", ("pods", "po")),
    ("3", "history", "History", ("history", "revisions", "rs")),
    ("4", "events", "Events", ("events", "ev")),
    ("5", "metrics", "Metrics", ("metrics", "top")),
    ("6", "health", "Health", ("health",)),
)

MOVE = (
    Action(
        "filter",
        "Filter",
        ("slash",),
        ("filter",),
        Group.MOVE,
        "Show only what holds a text: text, !text (not), -l key=value (label), -f text (fuzzy).",
        in_footer=True,
        views=(View.WATCH, View.LOGS, View.OPERATIONS, View.HELP),
        argument=Argument.TEXT,
        rank=15,
    ),
    Action(
        "command",
        "Command",
        ("colon",),
        (),
        Group.MOVE,
        "Type a command by name; Tab completes it.",
        in_footer=True,
        views=EVERYWHERE,
        rank=6,
    ),
    Action(
        "back",
        "Back",
        ("q",),
        ("back",),
        Group.MOVE,
        "Go back one view. Never quits.",
        in_footer=True,
        views=EVERYWHERE,
        rank=8,
    ),
    Action(
        "last_view", "Last view", ("minus",), ("last",), Group.MOVE, "Switch to the view before this one.", views=EVERYWHERE
    ),
    Action(
        "namespace",
        "Namespace",
        (),
        ("ns", "namespace"),
        Group.MOVE,
        "Watch another namespace (`:ns shop`, `:ns all`); without a name, choose from a list.",
        views=EVERYWHERE,
        argument=Argument.NAMESPACE,
    ),
    Action(
        "context",
        "Context",
        (),
        ("ctx", "context"),
        Group.MOVE,
        "Watch another context of the kubeconfig.",
        views=EVERYWHERE,
        argument=Argument.CONTEXT,
    ),
    Action(
        "environment",
        "Environment",
        (),
        ("env", "environment"),
        Group.MOVE,
        "Watch another configured environment.",
        views=EVERYWHERE,
        argument=Argument.ENVIRONMENT,
    ),
    Action(
        "side_by_side",
        "Two environments",
        (),
        ("both", "side-by-side", "drift"),
        Group.MOVE,
        "Two environments side by side, what differs lit.",
        views=EVERYWHERE,
        argument=Argument.ENVIRONMENT,
    ),
    *(
        Action(f"pane_{name}", title, (key,), words, Group.MOVE, f"The pane {title}; zoomed where only one pane has room.")
        for key, name, title, words in _PANES
    ),
)

ARRANGE = (
    Action("zoom", "Zoom", ("z",), ("zoom",), Group.VIEW, "The focused pane alone, or all again.", in_footer=True, rank=45),
    Action("all_panes", "All panes", ("0",), ("all",), Group.VIEW, "All panes again."),
    Action(
        "faults", "Faults only", ("ctrl+z",), ("faults",), Group.VIEW, "Only what is in trouble.", in_footer=True, rank=30
    ),
    Action("wide", "Wide", ("ctrl+w",), ("wide",), Group.VIEW, "More columns, or fewer."),
    Action("sort_next", "Sort by next", ("shift+right",), ("sort",), Group.VIEW, "Sort by the next column."),
    Action("sort_previous", "Sort by previous", ("shift+left",), ("sort-back",), Group.VIEW, "Sort by the column before."),
    Action("sort_up", "Sort upward", ("shift+up",), ("ascending",), Group.VIEW, "Smallest first."),
    Action("sort_down", "Sort downward", ("shift+down",), ("descending",), Group.VIEW, "Largest first."),
    Action(
        "refresh",
        "Refresh",
        ("ctrl+r",),
        ("refresh",),
        Group.VIEW,
        "Ask again for what is polled or was read once, and restart lost streams.",
        views=(View.WATCH, View.LOGS, View.TEXT, View.CHART, View.SIDE_BY_SIDE),
    ),
)

PROGRAM = (
    Action(
        "help",
        "Help",
        ("question_mark",),
        ("help", "h"),
        Group.PROGRAM,
        "Every key and every `:` word of this view.",
        in_footer=True,
        views=EVERYWHERE,
        rank=5,
    ),
    Action(
        "palette",
        "Palette",
        ("ctrl+p",),
        ("palette",),
        Group.PROGRAM,
        "Find a command by any word of it.",
        views=EVERYWHERE,
    ),
    Action(
        "quit",
        "Quit",
        ("ctrl+c",),
        ("q", "quit", "q!"),
        Group.PROGRAM,
        "Leave. Nothing that runs in the cluster is stopped by it.",
        views=EVERYWHERE,
    ),
)

MOVES = (
    Move(("j", "k", "down", "up"), "One line down, one line up."),
    Move(("ctrl+f", "ctrl+b", "pagedown", "pageup"), "One page down, one page up."),
    Move(("g", "G", "home", "end"), "To the beginning, to the end (a log is followed again from there)."),
    Move(("left", "right"), "Sideways, where lines are longer than the view.", (View.WATCH, View.LOGS, View.TEXT)),
    Move(("enter",), "Into it: open a workload, its pods, a revision's difference, a metric's chart.", (View.WATCH,)),
    Move(("escape",), "Up one level, or clear the filter or search; then back."),
    Move(("tab", "shift+tab"), "The next pane, the pane before.", (View.WATCH,)),
    Move(("tab", "shift+tab"), "The next metric, the one before.", (View.CHART,)),
    Move(("enter",), "What differs between the two, in full.", (View.SIDE_BY_SIDE,)),
    Move(("enter",), "Open it: its steps, live.", (View.OPERATIONS,)),
    Move(("space",), "One page down, as in less.", (View.LOGS, View.TEXT, View.COMPARE, View.OPERATION, View.HELP)),
)
