from __future__ import annotations

from collections import Counter

import pytest

from actions import ACTIONS, MOVES, Action, Danger, View, action, action_for_word, actions_on, moves_on
from actions.keys import KEPT_FOR_CHANGES, key_label
from domain.fleet import Fleet
from domain.scope import Scope
from domain.streams import Source, StreamPhase, StreamState
from domain.targets import Target
from domain.workloads import WorkloadKey, WorkloadKind

NOTHING = Target()
BACKEND = Target(workload=WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend"))


def _fleet(*, is_read_only: bool = False, metrics: StreamPhase = StreamPhase.LIVE) -> Fleet:
    scope = Scope("practice", "shop", "practice", is_production=False, is_read_only=is_read_only)
    return Fleet(scope, streams={Source.METRICS: StreamState(Source.METRICS, metrics)})


def test_names_and_words_mean_one_thing() -> None:
    for counted in (Counter(a.name for a in ACTIONS), Counter(w for a in ACTIONS for w in a.words)):
        assert [what for what, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("view", View)
def test_a_key_means_one_thing_on_a_view(view: View) -> None:
    keys = [key for a in actions_on(view) for key in a.keys] + [key for m in moves_on(view) for key in m.keys]
    assert [key for key, times in Counter(keys).items() if times > 1] == []


def test_no_bare_lower_case_letter_changes_anything() -> None:
    for a in ACTIONS:
        if a.danger is Danger.CHANGES:
            assert not any(len(key) == 1 and not key.isupper() for key in a.keys), a.name


def test_letters_kept_for_changes_are_free_wherever_the_cluster_is_shown() -> None:
    for view in View:
        taken = {key for a in actions_on(view) if a.danger is not Danger.CHANGES for key in a.keys} & KEPT_FOR_CHANGES
        assert taken - {"O"} == ({"N"} if view is View.TEXT else set()), "N inside a text goes back a match, as in less"


def test_every_key_has_a_word() -> None:
    assert [a.name for a in ACTIONS if a.keys and not a.words] == ["command"]


def test_words_can_be_typed_without_a_space() -> None:
    assert all(w == w.strip().lower() and " " not in w and ":" not in w for a in ACTIONS for w in a.words)


@pytest.mark.parametrize(
    "key, name",
    [("d", "describe"), ("y", "yaml"), ("l", "logs"), ("p", "previous_logs"), ("s", "shell"), ("c", "copy"), ("q", "back")],
)
def test_a_k9s_hand_finds_its_keys(key: str, name: str) -> None:
    assert [a.name for a in actions_on(View.WATCH) if key in a.keys] == [name]


@pytest.mark.parametrize("word, name", [("po", "pane_pods"), ("ns", "namespace"), ("q", "quit"), ("env", "environment")])
def test_words_of_k9s_and_vim_are_known(word: str, name: str) -> None:
    found = action_for_word(word)
    assert found is not None and found.name == name


def test_every_view_can_be_left_and_explained() -> None:
    for view in View:
        assert {"back", "help", "quit", "command"} <= {a.name for a in actions_on(view)}


@pytest.mark.parametrize("a", ACTIONS, ids=lambda a: a.name)
def test_help_is_a_short_sentence(a: Action) -> None:
    assert a.help.endswith(".") and len(a.help) <= 90 and a.title and len(a.title) <= 16


def test_moves_are_explained() -> None:
    assert all(m.keys and m.help.endswith(".") for m in MOVES)


@pytest.mark.parametrize(
    "name, fleet, target, says",
    [
        ("logs", _fleet(), NOTHING, "Nothing is selected"),
        ("logs", _fleet(), BACKEND, None),
        ("shell", _fleet(is_read_only=True), BACKEND, "Read-only"),
        ("chart", _fleet(metrics=StreamPhase.ABSENT), BACKEND, "prometheus.url"),
        ("compare", _fleet(), NOTHING, "Nothing is selected"),
    ],
)
def test_a_refusal_says_why(name: str, fleet: Fleet, target: Target, says: str | None) -> None:
    reason = action(name).refusal(fleet, target)
    assert reason is None if says is None else (reason is not None and says in reason)


@pytest.mark.parametrize(
    "key, label",
    [
        ("question_mark", "?"),
        ("ctrl+r", "Ctrl-r"),
        ("shift+left", "Shift-Left"),
        ("G", "G"),
        ("space", "Space"),
        ("1", "1"),
    ],
)
def test_keys_are_shown_as_people_read_them(key: str, label: str) -> None:
    assert key_label(key) == label
