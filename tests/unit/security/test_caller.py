"""Who may do what: by role, and for whose orders."""

import pytest

from app.security.caller import ALL_ROLES, Caller, Role, roles_of
from views.contract import CALLS, Call

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
    assert caller(Role.CUSTOMER, person="u-1").may_see("u-1", ALL_ROLES)
    assert not caller(Role.CUSTOMER, person="u-1").may_see("u-2", ALL_ROLES)
    assert not caller(Role.CUSTOMER).may_see("u-1", ALL_ROLES)
    assert not caller(person="u-1").may_see("u-2", ALL_ROLES)


@pytest.mark.parametrize("role", OTHERS)
def test_who_works_here_sees_all_in_the_calls_that_its_role_opens(role: Role) -> None:
    for roles in ((role,), (role, Role.CUSTOMER)):
        assert caller(*roles, person="u-1").may_see("u-2", {Role.CUSTOMER, role})


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_a_role_that_does_not_open_a_call_opens_nobodys_orders_in_it(call: Call) -> None:
    """A customer who works in the warehouse saw, and cancelled, the orders of everybody."""
    opened = {role for role in OTHERS if caller(Role.CUSTOMER, role, person="u-1").may_see("u-2", call.who or ())}
    assert opened == ({*(call.who or ()), Role.ADMIN} - {Role.CUSTOMER})


def test_roles_of_other_systems_mean_nothing() -> None:
    assert roles_of(["support", "Support", "root", ""]) == {Role.SUPPORT}
