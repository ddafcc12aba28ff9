"""Locks by Leases: one holder, told to everybody else; they expire by what is seen to change, and by no clock."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.kubeconfig import load_access
from clients.kubernetes.leases import ClusterLeases, micro_time
from domain.errors import ConflictError
from tests.contract.servers import Server

LOCK = "quarterdeck-deployment-shop"
OURS = {"quarterdeck.dev/operation": "AAAA2222", "quarterdeck.dev/action": "rollback"}
OTHERS = {"quarterdeck.dev/operation": "BBBB3333"}


class Hand:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def cluster(server: Server) -> AsyncIterator[Cluster]:
    opened = Cluster(load_access(environ={"KUBECONFIG": str(server.kubeconfig)}))
    yield opened
    await opened.close()


def leases_of(cluster: Cluster, wall: float = 1_800_000_000.0) -> tuple[ClusterLeases, Hand]:
    """As another process on another host would have them, with a wall clock of its own."""
    hand = Hand()
    return ClusterLeases(cluster.writer, lambda: wall, hand), hand


async def test_a_lock_is_held_by_one_and_the_other_is_told_who(cluster: Cluster, namespace: str) -> None:
    (mine, _), (theirs, _) = leases_of(cluster), leases_of(cluster)
    held = await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    assert (held.holder, held.duration_s, held.transitions) == ("ops@jump1", 15, 0)
    assert held.annotations == OURS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", held.renew_time)
    with pytest.raises(ConflictError, match=r"ops@jump1 holds the lock .* \(operation AAAA2222\)"):
        await theirs.acquire(namespace, LOCK, "oncall@jump2", 15, OTHERS)


async def test_one_persons_two_operations_exclude_each_other(cluster: Cluster, namespace: str) -> None:
    (mine, _), (theirs, _) = leases_of(cluster), leases_of(cluster)
    await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    with pytest.raises(ConflictError):
        await theirs.acquire(namespace, LOCK, "ops@jump1", 15, OTHERS)
    again = await theirs.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    assert again.transitions == 0


async def test_it_expires_only_when_it_was_seen_unchanged_for_its_duration(cluster: Cluster, namespace: str) -> None:
    # Whoever wants it has a wall clock that is a day ahead: that counts for nothing.
    (mine, _), (theirs, hand) = leases_of(cluster), leases_of(cluster, 1_800_086_400.0)
    held = await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    for _ in range(3):
        with pytest.raises(ConflictError):
            await theirs.acquire(namespace, LOCK, "oncall@jump2", 15, OTHERS)
        hand.now_s += 14.9
        held = await mine.renew(held, namespace)
    seen = await theirs.read(namespace, LOCK)
    assert seen is not None and seen.seen_unchanged_s == 0
    hand.now_s += 14.9
    with pytest.raises(ConflictError):
        await theirs.acquire(namespace, LOCK, "oncall@jump2", 15, OTHERS)
    hand.now_s += 0.2
    taken = await theirs.acquire(namespace, LOCK, "oncall@jump2", 15, OTHERS)
    assert (taken.holder, taken.transitions, taken.uid) == ("oncall@jump2", 1, held.uid)
    assert taken.annotations["quarterdeck.dev/operation"] == "BBBB3333"
    with pytest.raises(ConflictError, match="oncall@jump2 holds the lock"):
        await mine.renew(held, namespace)
    await mine.release(held, namespace)
    seen = await mine.read(namespace, LOCK)
    assert seen is not None and seen.holder == "oncall@jump2"


async def test_a_renewal_is_a_change_even_when_the_clock_stands_still(cluster: Cluster, namespace: str) -> None:
    mine, _ = leases_of(cluster)
    times = [(held := await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)).renew_time]
    for _ in range(3):
        held = await mine.renew(held, namespace)
        times.append(held.renew_time)
    assert all(old != new for old, new in pairwise(times))


async def test_whoever_touches_it_besides_does_not_end_it(server: Server, cluster: Cluster, namespace: str) -> None:
    mine, _ = leases_of(cluster)
    held = await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LOCK}"
    server.must(server.api.patch(path, {"metadata": {"labels": {"team": "shop"}}}))
    renewed = await mine.renew(held, namespace)
    assert renewed.resource_version != held.resource_version
    # The answer to a renewal was lost: what is held is older than what the server has.
    again = await mine.renew(held, namespace)
    assert again.holder == "ops@jump1"
    assert server.api.get(path).json["metadata"]["labels"]["team"] == "shop"


async def test_a_lock_that_was_taken_away_is_lost(server: Server, cluster: Cluster, namespace: str) -> None:
    mine, _ = leases_of(cluster)
    held = await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    server.must(server.api.delete(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LOCK}"))
    with pytest.raises(ConflictError, match="is not held any more"):
        await mine.renew(held, namespace)
    await mine.release(held, namespace)


async def test_a_released_lock_is_free_at_once(cluster: Cluster, namespace: str) -> None:
    (mine, _), (theirs, _) = leases_of(cluster), leases_of(cluster)
    assert await theirs.read(namespace, LOCK) is None
    held = await mine.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    await mine.release(held, namespace)
    free = await theirs.read(namespace, LOCK)
    assert free is not None and not free.is_held
    taken = await theirs.acquire(namespace, LOCK, "oncall@jump2", 20, OTHERS)
    assert (taken.holder, taken.duration_s) == ("oncall@jump2", 20)
    with pytest.raises(ConflictError):
        await mine.renew(held, namespace)


async def test_a_runner_that_takes_up_the_same_operation_renews_what_it_only_knows_by_name(
    cluster: Cluster, namespace: str
) -> None:
    (first, _), (second, _) = leases_of(cluster), leases_of(cluster)
    held = await first.acquire(namespace, LOCK, "ops@jump1", 15, OURS)
    renewed = await second.renew(held, namespace)
    assert (renewed.holder, renewed.annotations, renewed.uid) == (held.holder, OURS, held.uid)


async def test_of_ten_who_want_it_at_once_one_gets_it(server: Server, cluster: Cluster, namespace: str) -> None:
    async def want(number: int) -> str:
        leases, _ = leases_of(cluster)
        try:
            return (await leases.acquire(namespace, LOCK, f"ops@host{number}", 15, {})).holder
        except ConflictError as error:
            assert re.search(r"ops@host\d holds the lock", error.message)
            return ""

    winners = [name for name in await asyncio.gather(*(want(number) for number in range(10))) if name]
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LOCK}"
    assert winners == [server.api.get(path).json["spec"]["holderIdentity"]]


@pytest.mark.parametrize(
    ("at", "old", "written"),
    [
        (0.0, "", "1970-01-01T00:00:00.000000Z"),
        (1_800_000_000.25, "", "2027-01-15T08:00:00.250000Z"),
        (1_800_000_000.25, "2027-01-15T08:00:00.250000Z", "2027-01-15T08:00:00.250010Z"),
        (1_800_000_000.25, "2027-01-15T09:00:00.250000Z", "2027-01-15T08:00:00.250000Z"),
    ],
)
def test_times_have_six_digits_and_are_never_the_old_one(at: float, old: str, written: str) -> None:
    assert micro_time(at, old) == written
