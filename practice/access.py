"""Who is asking, and whether they may: tokens, and rights that can be taken away while the cluster runs."""

from __future__ import annotations

from dataclasses import dataclass

from practice.answers import ApiError, details_of
from practice.kinds import Kind


@dataclass(frozen=True, slots=True)
class User:
    name: str
    groups: tuple[str, ...] = ("system:authenticated",)
    uid: str = ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
TOKENS = {
    f"practice-{name}": User(name, ("practice:operators", "system:authenticated"), f"uid-{name}")
    for name in ("oncall", "ops", "ci")
}


@dataclass(frozen=True, slots=True)
class Wish:
    """`resource` with its subresource: "pods", "pods/log"."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Refusal:
    verb: str
    resource: str
    namespace: str
    user: str

    def covers(self, user: User, wish: Wish) -> bool:
        return (
            self.verb in ("*", wish.verb)
            and self.resource in ("*", wish.resource)
            and self.namespace in ("", wish.namespace)
            and self.user in ("", user.name)
        )


class Rights:
    """Everybody with a token may do everything, less what was taken."""

    def __init__(self) -> None:
        self._refusals: list[_Refusal] = []

    def take(self, verb: str, resource: str, *, namespace: str = "", user: str = "") -> None:
        """ "*" is every verb or resource; "" every namespace or user. "pods/log" is a resource of its own."""
        self._refusals.append(_Refusal(verb, resource, namespace, user))

    def give(self, verb: str, resource: str, *, namespace: str = "", user: str = "") -> None:
        """Takes back exactly one `take`."""
        refusal = _Refusal(verb, resource, namespace, user)
        if refusal in self._refusals:
            self._refusals.remove(refusal)

    def give_all(self) -> None:
        self._refusals.clear()

    def is_allowed(self, user: User, wish: Wish) -> bool:
        if user is ANONYMOUS:
            return False
        return not any(each.covers(user, wish) for each in self._refusals)

    def check(self, user: User, wish: Wish, kind: Kind) -> None:
        if not self.is_allowed(user, wish):
            raise forbidden(user, wish, kind)


def forbidden(user: User, wish: Wish, kind: Kind) -> ApiError:
    subject = f'{kind.qualified} "{wish.name}"' if wish.name else kind.qualified
    place = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    text = (
        f'{subject} is forbidden: User "{user.name}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}" {place}'
    )
    return ApiError(403, "Forbidden", text, details_of(kind, wish.name))


def forbidden_path(user: User, verb: str, path: str) -> ApiError:
    return ApiError(403, "Forbidden", f'forbidden: User "{user.name}" cannot {verb} path "{path}"', {})


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def user_of(header: str | None, tokens: dict[str, User] = TOKENS) -> User:
    """From an Authorization header; nobody who shows nothing is `system:anonymous`, a wrong token is refused."""
    if not header:
        return ANONYMOUS
    scheme, _, token = header.partition(" ")
    user = tokens.get(token.strip()) if scheme.lower() == "bearer" else None
    if user is None:
        raise unauthorized()
    return user
