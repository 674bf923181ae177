"""Who calls: the application, the person it calls for, if any, and the roles they come with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a caller may be."""

    CUSTOMER = "customer"
    """Creates orders, and sees and cancels those that are its own."""
    SUPPORT = "support"
    """Sees and cancels any order; with `customer`, creates them for anybody."""
    INVENTORY = "inventory"
    """Updates stock."""
    PAYMENTS = "payments"
    """Processes payments, and sees them."""
    FULFILMENT = "fulfilment"
    """Has orders shipped, and sees shipments."""
    ADMIN = "admin"
    """All of it."""


ALL_ROLES: Final = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """`application` is the API key's id; `person` the subject of a token, None where the key calls for itself."""

    application: str
    roles: frozenset[Role]
    person: str | None = None

    def may(self, roles: Collection[Role]) -> bool:
        """Whether one of `roles` is the caller's; `admin` may always."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)

    def may_see(self, user_id: str, roles: Collection[Role]) -> bool:
        """Whether orders of `user_id` are there for the caller, in a call that is for `roles`."""
        return user_id == self.person or not self.only_own(roles)

    def only_own(self, roles: Collection[Role]) -> bool:
        """Whether the caller may make a call that is for `roles` as a customer only: about its own orders.

        Another role that it has opens other calls, and nothing of this one.
        """
        return self.roles.isdisjoint({*roles, Role.ADMIN} - {Role.CUSTOMER})


def roles_of(names: Collection[str]) -> frozenset[Role]:
    """The roles among these names; a token may name roles of other systems, too, which mean nothing here."""
    return frozenset(role for role in Role if role in names)
