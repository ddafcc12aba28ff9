"""Kubernetes events as controllers write them: the same event again raises its count instead of standing twice."""

from __future__ import annotations

from collections import deque

from practice.kinds import EVENTS
from practice.objects import Json, micro_time, name_of, namespace_of, rfc3339, uid_of
from practice.store import Store

_LIFE_S = 3600.0
_MOST = 5000


class Recorder:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[str, str, str, str], tuple[str, str]] = {}
        self._written: deque[tuple[float, str, str]] = deque()

    def tell(
        self,
        about: Json,
        reason: str,
        message: str,
        *,
        source: str,
        host: str = "",
        is_warning: bool = False,
        field: str = "",
    ) -> None:
        """As client-go's recorder: count, first and last time stamp; `field` is the container's path."""
        now = self._store.clock.now()
        key = (uid_of(about), reason, message, field)
        known = self._known.get(key)
        old = self._store.find(EVENTS, *known) if known else None
        if old is not None:
            count = {"count": old["count"] + 1, "lastTimestamp": rfc3339(now)}
            self._store.replace(EVENTS, {**old, "metadata": dict(old["metadata"]), **count}, manager="kubelet")
            return
        event = self._event(about, reason, message, is_warning=is_warning, field=field)
        event |= {
            "source": {"component": source, "host": host} if host else {"component": source},
            "firstTimestamp": rfc3339(now),
            "lastTimestamp": rfc3339(now),
            "count": 1,
            "eventTime": None,
            "reportingComponent": source,
            "reportingInstance": host,
        }
        self._write(event)
        self._known[key] = (namespace_of(event), name_of(event))

    def tell_new_style(
        self, about: Json, reason: str, message: str, *, source: str, action: str, is_warning: bool = False
    ) -> None:
        """As the scheduler does through events.k8s.io: eventTime, no count, no first and last time stamp."""
        event = self._event(about, reason, message, is_warning=is_warning, field="")
        event |= {
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": micro_time(self._store.clock.now()),
            "action": action,
            "reportingComponent": source,
            "reportingInstance": f"{source}-practice",
        }
        self._write(event)

    def _event(self, about: Json, reason: str, message: str, *, is_warning: bool, field: str) -> Json:
        involved = {
            "kind": about["kind"],
            "namespace": namespace_of(about),
            "name": name_of(about),
            "uid": uid_of(about),
            "apiVersion": about["apiVersion"],
            "resourceVersion": about["metadata"].get("resourceVersion", ""),
        }
        if field:
            involved["fieldPath"] = field
        stamp = f"{self._store.names.random.getrandbits(60):016x}"
        return {
            "metadata": {"name": f"{name_of(about)}.{stamp}", "namespace": namespace_of(about) or "default"},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": "Warning" if is_warning else "Normal",
        }

    def _write(self, event: Json) -> None:
        """Events live for an hour, as they do in a real cluster."""
        now = self._store.clock.now()
        self._store.create(EVENTS, event)
        self._written.append((now, namespace_of(event), name_of(event)))
        while self._written[0][0] < now - _LIFE_S or len(self._written) > _MOST:
            _, namespace, name = self._written.popleft()
            if self._store.find(EVENTS, namespace, name):
                self._store.remove(EVENTS, namespace, name)
        if len(self._known) > 2 * _MOST:
            self._known.clear()
