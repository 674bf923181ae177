"""Who may do what: by role, and for whose orders."""

import pytest

from app.security.caller import ALL_ROLES, Caller, Role, roles_of

OTHERS = sorted(ALL_ROLES - {Role.CUSTOMER})


def caller(*roles: Role, person: str | None = None) -> Caller:
    return Caller("app", frozenset(roles), person)


def test_a_role_opens_what_it_is_named_for_and_admin_opens_all() -> None:
    assert caller(Role.SUPPORT).may({Role.CUSTOMER, Role.SUPPORT})
    assert not caller(Role.SUPPORT).may({Role.INVENTORY})
    assert caller(Role.ADMIN).may({Role.INVENTORY})
    assert caller(Role.ADMIN).may(set())
    assert not caller().may(ALL_ROLES)


def test_a_customer_sees_its_own_orders_only() -> None:
    assert caller(Role.CUSTOMER, person="u-1").may_see("u-1")
    assert not caller(Role.CUSTOMER, person="u-1").may_see("u-2")
    assert not caller(Role.CUSTOMER).may_see("u-1")
    assert not caller(person="u-1").may_see("u-2")


@pytest.mark.parametrize("role", OTHERS)
def test_who_works_here_sees_all_that_its_role_opens(role: Role) -> None:
    assert caller(role, person="u-1").may_see("u-2")
    assert caller(role, Role.CUSTOMER).may_see("u-2")


def test_roles_of_other_systems_mean_nothing() -> None:
    assert roles_of(["support", "Support", "root", ""]) == {Role.SUPPORT}
