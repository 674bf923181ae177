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
_SEES_ALL: Final = ALL_ROLES - {Role.CUSTOMER}


@dataclass(frozen=True, slots=True)
class Caller:
    """`application` is the API key's id; `person` the subject of a token, None where the key calls for itself."""

    application: str
    roles: frozenset[Role]
    person: str | None = None

    def may(self, roles: Collection[Role]) -> bool:
        """Whether one of `roles` is the caller's; `admin` may always."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)

    def may_see(self, user_id: str) -> bool:
        """Whether orders of `user_id` are there for the caller; they are not for another customer."""
        return not self.only_own or user_id == self.person

    @property
    def only_own(self) -> bool:
        """Whether the caller is a customer and nothing else."""
        return self.roles.isdisjoint(_SEES_ALL)


def roles_of(names: Collection[str]) -> frozenset[Role]:
    """The roles among these names; a token may name roles of other systems, too, which mean nothing here."""
    return frozenset(role for role in Role if role in names)
