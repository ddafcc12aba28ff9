"""The practice nodes, as the kubelet would register them."""

from __future__ import annotations

from practice.objects import Json, rfc3339

VERSION = "v1.34.4"


def node(name: str, now: float) -> Json:
    room = {"cpu": "16", "memory": "64Gi", "pods": "500", "ephemeral-storage": "200Gi"}
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    conditions = [_condition(each, "False", f"KubeletHasNo{each}", "kubelet has no pressure", now) for each in pressures]
    conditions.append(_condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", now))
    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "node-role.kubernetes.io/worker": "",
            },
        },
        "spec": {"podCIDR": "10.1.0.0/16"},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "kubeletVersion": VERSION,
                "osImage": "Quarterdeck practice",
                "kernelVersion": "6.1.0-practice",
                "containerRuntimeVersion": "containerd://2.1.4",
                "architecture": "amd64",
                "operatingSystem": "linux",
                "machineID": name,
                "systemUUID": name,
                "bootID": name,
                "kubeProxyVersion": "",
            },
        },
    }


def _condition(type_: str, status: str, reason: str, message: str, now: float) -> Json:
    stamp = rfc3339(now)
    times = {"lastHeartbeatTime": stamp, "lastTransitionTime": stamp}
    return {"type": type_, "status": status, "reason": reason, "message": message, **times}
