"""Who am I, and may I? The reviews that clients ask before they show a key as usable."""

from __future__ import annotations

from aiohttp import web

from practice.access import Rights, User, Wish
from practice.kinds import KINDS, METRICS, verbs_of
from practice.objects import Json, rfc3339
from practice.paths import Target
from practice.replies import json_answer, object_of


class ReviewApi:
    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    async def answer(self, request: web.Request, target: Target, user: User, now: float) -> web.Response:
        body = await object_of(request)
        spec = body.get("spec") or {}
        match target.kind.name:
            case "SelfSubjectReview":
                status: Json = {"userInfo": {"username": user.name, "uid": user.uid, "groups": list(user.groups)}}
            case "SelfSubjectAccessReview":
                status = self._access(user, spec)
            case _:
                status = self._rules(user, str(spec.get("namespace", "")))
        meta = {"creationTimestamp": rfc3339(now) if target.kind.name == "SelfSubjectReview" else None}
        head = {"kind": target.kind.name, "apiVersion": target.kind.api_version, "metadata": meta}
        return await json_answer(request, {**head, "spec": spec, "status": status}, 201)

    def _access(self, user: User, spec: Json) -> Json:
        asked = spec.get("resourceAttributes")
        if asked is None:
            return {"allowed": True, "reason": ""}
        resource = str(asked.get("resource", ""))
        if asked.get("subresource"):
            resource += f"/{asked['subresource']}"
        wish = Wish(
            verb=str(asked.get("verb", "")),
            resource=resource,
            group=str(asked.get("group", "")),
            namespace=str(asked.get("namespace", "")),
            name=str(asked.get("name", "")),
        )
        return {"allowed": self._rights.is_allowed(user, wish)}

    def _rules(self, user: User, namespace: str) -> Json:
        rules = []
        for kind in (*KINDS, *METRICS):
            for resource in (kind.resource, *(f"{kind.resource}/{sub}" for sub in kind.subresources)):
                verbs = [
                    verb
                    for verb in verbs_of(kind)
                    if self._rights.is_allowed(user, Wish(verb, resource, kind.group, namespace))
                ]
                if verbs:
                    rules.append({"verbs": verbs, "apiGroups": [kind.group], "resources": [resource]})
        paths = {
            "verbs": ["get"],
            "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/api", "/apis", "/apis/*"],
        }
        return {"resourceRules": rules, "nonResourceRules": [paths], "incomplete": False}
