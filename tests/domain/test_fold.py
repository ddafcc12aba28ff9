"""State changes in one place: whatever order and number events come in, the fleet ends as a fresh list would have it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from domain.attention import order_key
from domain.facts import (
    Fact,
    Gone,
    HealthAnswered,
    Identified,
    Listed,
    LogLinesRead,
    RecordsRead,
    ScopeLearned,
    Seen,
    StreamChanged,
    Ticked,
)
from domain.fleet import Fleet, RevisionRecord
from domain.fold import fold
from domain.health import HealthAnswer, HealthEndpoint
from domain.pods import Pod, PodUsage
from domain.scope import Scope
from domain.streams import Source, StreamPhase
from domain.verdict import Degree
from domain.workloads import Revision, Workload
from tests.domain.making import (
    KEY,
    SCOPE,
    T0,
    after,
    crashed,
    deployment,
    fleet_of,
    listed,
    new_revision,
    occurrence,
    old_pods,
    old_revision,
    only,
    pod,
    settled,
    source_of,
    waiting,
)


def versioned(value: Pod, version: int, **changes: object) -> Pod:
    return replace(value, resource_version=str(version), **changes)  # type: ignore[arg-type]


def seen(value: Identified) -> Seen:
    return Seen(source_of(value), value)


def test_an_older_version_changes_nothing() -> None:
    fleet = fleet_of(versioned(pod("a"), 10))
    assert fold(fleet, [seen(versioned(pod("a"), 9, node="elsewhere"))]).pods is fleet.pods


def test_versions_are_compared_as_numbers() -> None:
    fleet = fold(fleet_of(versioned(pod("a"), 9)), [seen(versioned(pod("a"), 10, node="elsewhere"))])
    assert fleet.pods["a"].node == "elsewhere"


def test_a_repetition_is_the_same_fleet() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), versioned(pod("a"), 9))
    copy = versioned(pod("a"), 9)
    assert copy is not fleet.pods["a"]
    assert fold(fleet, [seen(copy), Ticked(fleet.now)]) is fleet
    assert fold(fleet, []) is fleet


def test_what_did_not_change_keeps_its_identity() -> None:
    other = settled(uid="other", name="other")
    fleet = fleet_of(deployment(), other, old_revision(), new_revision(), pod("a"), pod("b"))
    after_ = fold(fleet, [seen(pod("a", crashed()))])
    assert after_.pods["b"] is fleet.pods["b"]
    assert after_.rollouts[other.key] is fleet.rollouts[other.key]
    assert after_.rollouts[KEY] is not fleet.rollouts[KEY]
    assert after_.revisions is fleet.revisions


def test_a_tick_leaves_settled_rollouts_alone() -> None:
    fleet = fleet_of(settled(), old_revision(), new_revision(), pod("a"), pod("b"), pod("c"))
    assert fold(fleet, [Ticked(T0 + 5)]).rollouts is fleet.rollouts


def test_a_quick_first_page_only_adds() -> None:
    fleet = fleet_of(pod("a"))
    fleet = fold(fleet, [Listed(Source.PODS, (pod("b"),), is_first=False, is_last=False)])
    assert set(fleet.pods) == {"a", "b"}


def test_what_a_whole_list_does_not_hold_is_gone() -> None:
    fleet = fleet_of(deployment(), new_revision(), pod("a"), pod("b"), pod("c"))
    pages: list[Fact] = [
        Listed(Source.PODS, (pod("a"),), is_first=True, is_last=False, expected=2, at=T0),
        Listed(Source.PODS, (pod("d"),), is_first=False, is_last=True, at=T0),
    ]
    fleet = fold(fold(fleet, pages[:1]), pages[1:])
    assert set(fleet.pods) == {"a", "d"}
    assert set(only(fleet.rollouts).new_pods) == {"a", "d"}
    assert fleet.listing == {}


def test_what_is_seen_while_a_list_is_under_way_belongs_to_it() -> None:
    facts: list[Fact] = [
        Listed(Source.PODS, (pod("a"), pod("b")), is_first=True, is_last=False),
        seen(pod("c")),
        Gone(Source.PODS, "b"),
        Listed(Source.PODS, (), is_first=False, is_last=True),
    ]
    assert set(fold(fleet_of(), facts).pods) == {"a", "c"}


def test_a_list_that_broke_off_takes_nothing_away() -> None:
    fleet = fold(
        fleet_of(pod("a"), pod("b")),
        [
            Listed(Source.PODS, (pod("a"),), is_first=True, is_last=False),
            StreamChanged(Source.PODS, StreamPhase.STALE, T0, "connection reset"),
            Listed(Source.PODS, (pod("c"),), is_first=False, is_last=False),
        ],
    )
    assert set(fleet.pods) == {"a", "b", "c"}


def test_kinds_that_share_a_shelf_do_not_take_each_other_away() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(uid="c1", kind="ControllerRevision"))
    fleet = fold(
        fleet,
        [
            Listed(Source.STATEFUL_SETS, (), is_first=True, is_last=True),
            Listed(Source.REPLICA_SETS, (), is_first=True, is_last=True),
        ],
    )
    assert set(fleet.workloads) == {"d"}
    assert set(fleet.revisions) == {"c1"}


def test_a_late_event_does_not_bring_back_what_is_gone() -> None:
    fleet = fold(fleet_of(pod("a")), [Gone(Source.PODS, "a"), seen(versioned(pod("a"), 99))])
    assert "a" not in fleet.pods
    assert fleet.pods_by_owner == {}
    fleet = fold(fleet, [Listed(Source.PODS, (pod("a"),), is_first=True, is_last=True)])
    assert "a" in fleet.pods, "a list is the truth"


@pytest.mark.parametrize("is_told", [True, False], ids=["deletion told", "deletion missed"])
@pytest.mark.parametrize("is_late", [True, False], ids=["late", "in order"])
def test_the_same_name_made_again_is_a_new_workload(is_told: bool, is_late: bool) -> None:
    again = settled(uid="d2", created_at=T0)
    facts: list[Fact] = [seen(again)]
    if is_told:
        facts.insert(1 if is_late else 0, Gone(Source.DEPLOYMENTS, "d"))
    fleet = fold(fleet_of(deployment(), new_revision()), facts)
    assert only(fleet.rollouts).workload is again
    assert set(fleet.workloads) == {"d2"}
    assert set(fleet.seen_rollouts) == {"d2"}
    if not is_told:
        assert only(fold(fleet, [seen(deployment())]).rollouts).workload is again


def test_a_workload_that_is_gone_takes_its_panes_along() -> None:
    answer = HealthAnswer(HealthEndpoint("/health", "u", "direct"), T0, 200, 4.0, True)
    fleet = fold(fleet_of(deployment()), [HealthAnswered(KEY, (answer,), T0), Gone(Source.DEPLOYMENTS, "d")])
    assert (fleet.rollouts, fleet.health, fleet.wakes) == ({}, {}, {})


def test_pods_before_their_replica_set_find_their_workload() -> None:
    fleet = fold(fleet_of(), [seen(pod("a")), seen(new_revision()), seen(deployment())])
    assert only(fleet.rollouts).new_pods == ("a",)
    assert fleet.owner_of(fleet.pods["a"]) == KEY


def test_a_pod_taken_from_its_owner_leaves_the_index() -> None:
    fleet = fold(fleet_of(deployment(), new_revision(), pod("a")), [seen(versioned(pod("a"), 2, owner_uid=""))])
    assert (fleet.pods_by_owner, only(fleet.rollouts).new_pods) == ({}, ())


def test_kubernetes_forgets_its_events_and_we_do_not() -> None:
    fleet = fleet_of(occurrence("BackOff", "back-off", "a"), occurrence("Failed", "failed", "b"))
    fleet = fold(fleet, [Gone(Source.OCCURRENCES, "BackOff-a"), Listed(Source.OCCURRENCES, (), True, True)])
    assert {o.is_remembered for o in fleet.occurrences.values()} == {True}
    assert len(fleet.occurrences) == 2


def test_events_remembered_are_bounded() -> None:
    many = tuple(occurrence("BackOff", "x", str(i), uid=str(i), last_at=float(i)) for i in range(10_001))
    fleet = fold(fleet_of(), [Listed(Source.OCCURRENCES, many, is_first=False, is_last=False)])
    assert len(fleet.occurrences) == 9_000
    assert "0" not in fleet.occurrences
    assert len(fleet.occurrences_by_about) == 9_000


def test_an_older_count_of_an_event_changes_nothing() -> None:
    fleet = fleet_of(occurrence("BackOff", "x", "a", count=5, last_at=T0))
    assert fold(fleet, [seen(occurrence("BackOff", "x", "a", count=4))]) is fleet


def test_signs_of_life_are_not_changes_of_phase() -> None:
    fleet = fold(fleet_of(), [StreamChanged(Source.PODS, StreamPhase.LIVE, T0 + 60)])
    state = fleet.stream(Source.PODS)
    assert (state.phase, state.since_at, state.heard_at) == (StreamPhase.LIVE, T0, T0 + 60)
    fleet = fold(fleet, [StreamChanged(Source.PODS, StreamPhase.STALE, T0 + 130, "silent for 70 s", "restarted")])
    state = fleet.stream(Source.PODS)
    assert (state.since_at, state.heard_at, state.reason) == (T0 + 130, T0 + 60, "silent for 70 s")


def test_loading_counts_up() -> None:
    facts: list[Fact] = [
        Listed(Source.PODS, (pod("a"),), is_first=False, is_last=False, expected=3, at=T0),
        Listed(Source.PODS, (pod("a"), pod("b")), is_first=True, is_last=False, expected=3, at=T0),
    ]
    state = fold(Fleet(SCOPE), facts).stream(Source.PODS)
    assert (state.phase, state.loaded, state.expected) == (StreamPhase.LOADING, 2, 3)


def test_usage_goes_when_the_cluster_has_none() -> None:
    usage = PodUsage("shop/web", "shop", "web", T0, 10, 10)
    fleet = fold(fleet_of(), [Listed(Source.POD_USAGE, (usage,), True, True, at=T0)])
    assert fleet.usage == {"shop/web": usage}
    assert fold(fleet, [StreamChanged(Source.POD_USAGE, StreamPhase.ABSENT, T0)]).usage == {}


def test_another_namespace_starts_anew_and_keeps_what_was_learned() -> None:
    record = {(KEY, "1"): RevisionRecord(good_for_s=900.0)}
    fleet = fold(fleet_of(deployment(), pod("a")), [RecordsRead(record)])
    elsewhere = fold(fleet, [ScopeLearned(replace(SCOPE, namespace="other"))])
    assert (elsewhere.pods, elsewhere.rollouts, elsewhere.streams, elsewhere.records) == ({}, {}, {}, record)
    assert elsewhere.now == T0
    assert fold(fleet, [ScopeLearned(replace(SCOPE, context="other"))]).records == {}


def test_learning_who_we_are_keeps_everything() -> None:
    fleet = fleet_of(deployment(), pod("a"))
    known = fold(fleet, [ScopeLearned(replace(SCOPE, user="oncall"))])
    assert known.scope.user == "oncall"
    assert known.pods is fleet.pods


def test_lines_of_a_pod_that_is_gone_are_not_kept() -> None:
    fleet = fold(
        fleet_of(pod("a")), [LogLinesRead("a", "web", False, ("x",), T0), LogLinesRead("b", "web", False, ("x",), T0)]
    )
    assert set(fleet.log_tails) == {"a"}
    assert fold(fleet, [Gone(Source.PODS, "a")]).log_tails == {}


def test_sightings_go_with_their_pod_and_with_time() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", waiting("InvalidImageName")), *old_pods())
    assert len(fleet.sightings) == 1
    assert fold(fleet, [Gone(Source.PODS, "a")]).sightings == {}
    cured = after(fleet, 1.0, seen=[pod("a")])
    assert len(cured.sightings) == 1
    assert after(cured, 70.0).sightings == {}


@pytest.mark.parametrize("jump_s", [-3600.0, 7200.0], ids=["set back", "set ahead"])
def test_a_clock_that_was_set_starts_all_timing_anew(jump_s: float) -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", waiting("InvalidImageName")), *old_pods())
    fleet = fold(fleet, [Ticked(T0 + 2), Ticked(T0 + jump_s)])
    assert only(fleet.rollouts).degree is not Degree.DOOMED
    assert only(after(fleet, jump_s + 1, jump_s + 3).rollouts).degree is Degree.DOOMED


def test_the_servers_seconds_may_jitter() -> None:
    fleet = fleet_of(deployment(), old_revision(), new_revision(), pod("a", waiting("InvalidImageName")), *old_pods())
    assert only(after(fleet, 2.0, 1.0, 3.0).rollouts).degree is Degree.DOOMED


class History:
    """A cluster's life at random, from a seed: what happened, and what is there at the end."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.version = 0
        self.alive: dict[str, Workload | Revision | Pod] = {}
        self.facts: list[Fact] = []
        for name in ("web", "api"):
            self._put(settled(uid=f"d-{name}", name=name, revision=2))
            for number in (1, 2):
                uid, owner = f"{name}-r{number}", f"d-{name}"
                self._put(new_revision(uid=uid, name=uid, owner_uid=owner, number=number, template_hash=uid))
        for step in range(120):
            self._step(step)

    def _put(self, value: Workload | Revision | Pod) -> None:
        self.version += 1
        value = replace(value, resource_version=str(self.version))
        self.alive[value.uid] = value
        self.facts.append(seen(value))

    def _step(self, step: int) -> None:
        name = self.random.choice(("web", "api"))
        pods = [v for v in self.alive.values() if isinstance(v, Pod)]
        match self.random.randrange(6):
            case 0 | 1:
                owner = f"{name}-r{self.random.choice((1, 2))}"
                self._put(pod(f"p{step}", owner_uid=owner, template_hash=owner))
            case 2 if pods:
                gone = self.random.choice(pods)
                del self.alive[gone.uid]
                self.facts.append(Gone(Source.PODS, gone.uid))
            case 3 if pods:
                old = self.random.choice(pods)
                state = self.random.choice((crashed(), waiting("InvalidImageName"), waiting("ContainerCreating")))
                self._put(replace(old, ready=False, containers=(state,), restarts=state.restarts))
            case 4:
                workload = self.alive[f"d-{name}"]
                assert isinstance(workload, Workload)
                self._put(replace(workload, available=self.random.randrange(4), revision=self.random.choice((1, 2))))
            case _ if pods:
                self._put(replace(self.random.choice(pods), node=f"node-{step}"))

    def disturbed(self) -> list[Fact]:
        """Repeated, and out of order wherever objects differ or versions tell."""
        facts = [*self.facts, *self.random.sample(self.facts, len(self.facts) // 3)]
        self.random.shuffle(facts)
        return facts


@pytest.mark.parametrize("seed", range(40))
def test_disturbed_events_end_as_a_fresh_list(seed: int) -> None:
    history = History(seed)
    fresh = fold(Fleet(Scope("c", "shop", "e", False)), [Ticked(T0), *listed(history.alive.values())])
    fleet = fold(Fleet(Scope("c", "shop", "e", False)), [Ticked(T0), *listed(())])
    facts = history.disturbed()
    while facts:
        size = history.random.randint(1, 20)
        fleet, facts = fold(fleet, facts[:size]), facts[size:]
    for name in ("workloads", "revisions", "pods", "pods_by_owner", "revisions_by_owner"):
        assert getattr(fleet, name) == getattr(fresh, name), name
    assert list(fleet.rollouts.values()) == sorted(fleet.rollouts.values(), key=order_key)
    for key, rollout in fresh.rollouts.items():
        ours = fleet.rollouts[key]
        assert (set(ours.new_pods), set(ours.old_pods)) == (set(rollout.new_pods), set(rollout.old_pods))
        assert (ours.new, ours.is_complete) == (rollout.new, rollout.is_complete)


@pytest.mark.parametrize("seed", range(40))
def test_judging_only_what_was_touched_misses_nothing(seed: int) -> None:
    history = History(seed)
    fleet = fold(Fleet(SCOPE), [Ticked(T0), *listed(())])
    now, facts = T0, history.facts
    while facts:
        size = history.random.randint(1, 10)
        now += history.random.choice((0.0, 0.5, 1.0, 5.0))
        fleet, facts = fold(fleet, [*facts[:size], Ticked(now)]), facts[size:]
    everything = fold(replace(fleet, wakes=dict.fromkeys(fleet.workloads, 0.0)), [Ticked(now)])
    assert everything.rollouts == fleet.rollouts
