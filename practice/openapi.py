"""Just enough of OpenAPI v3 for kubectl to leave the checking of fields to the server; no schemas, so no `explain`."""

from __future__ import annotations

from aiohttp import web

from practice.answers import no_such_path
from practice.kinds import KINDS, Kind, groups
from practice.nodes import VERSION
from practice.objects import Json
from practice.replies import json_answer

_ROOT = "/openapi/v3"


async def openapi_answer(request: web.Request) -> web.Response:
    path = request.path.rstrip("/")
    if path == _ROOT:
        places = [_place(group, version) for group, version in groups()]
        return await json_answer(
            request, {"paths": {each: {"serverRelativeURL": f"{_ROOT}/{each}?hash=1"} for each in places}}
        )
    for (group, version), kinds in groups().items():
        if path == f"{_ROOT}/{_place(group, version)}":
            return await json_answer(request, _document(kinds))
    raise no_such_path()


def _place(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _document(kinds: tuple[Kind, ...]) -> Json:
    paths = {_path(kind): {"patch": _patch(kind)} for kind in kinds if kind in KINDS}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def _path(kind: Kind) -> str:
    namespace = "namespaces/{namespace}/" if kind.is_namespaced else ""
    return f"/{_place(kind.group, kind.version)}/{namespace}{kind.resource}/{{name}}"


def _patch(kind: Kind) -> Json:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    return {
        "operationId": f"patch{kind.name}",
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.name},
    }
