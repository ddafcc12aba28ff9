"""Which operations need a person, and in which order a list of operations is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.operations import Operation, OperationState


def needs_person(operation: Operation, all_of_them: Iterable[Operation]) -> bool:
    """Left by its runner; or failed, and nothing has been done to its workload since."""
    if operation.state is OperationState.LEFT:
        return True
    if operation.state is not OperationState.FAILED:
        return False
    workload, place = operation.plan.workload, operation.plan.place
    return not any(
        _begun(other) > _begun(operation)
        and other.plan.workload == workload
        and (other.plan.place.context, other.plan.place.server) == (place.context, place.server)
        and other.state is not OperationState.PLANNED
        for other in all_of_them
    )


def in_order_of_need(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """What needs a person first, then what is under way, then the rest; the newest first within each."""
    return tuple(sorted(operations, key=lambda o: (_urgency(o, operations), -_begun(o))))


def _urgency(operation: Operation, all_of_them: Sequence[Operation]) -> int:
    if needs_person(operation, all_of_them):
        return 0 if operation.state is OperationState.LEFT else 1
    return 2 if operation.state is OperationState.RUNNING else 3


def _begun(operation: Operation) -> float:
    return operation.began_at if operation.began_at is not None else operation.plan.created_at
