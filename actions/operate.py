"""What can be asked of an operation that is there already: stop it, or go on with one whose runner is gone."""

from __future__ import annotations

from actions.action import Action, Danger, Group, View

_VIEWS = (View.OPERATIONS, View.OPERATION)

OPERATE = (
    Action(
        "abort",
        "Abort",
        ("X",),
        ("abort",),
        Group.ACT,
        "Stop before the next step; what is done stays done. Asks first.",
        danger=Danger.CHANGES,
        in_footer=True,
        views=_VIEWS,
        rank=12,
    ),
    Action(
        "take_up",
        "Take up",
        ("U",),
        ("take-up",),
        Group.ACT,
        "Go on with what a runner that is gone has left; nothing is done twice.",
        danger=Danger.CHANGES,
        in_footer=True,
        views=_VIEWS,
        rank=9,
    ),
)
