"""Problem documents, and the gate that keeps requests out."""

import json

import pytest

from schemas.http import FieldProblem
from views.problems import Problem, conflict, invalid, not_found, problem_response, unavailable


def test_a_problem_is_told_as_rfc_9457_has_it() -> None:
    errors = (FieldProblem("/items/0", "wrong"),)
    response = problem_response(Problem(422, "Not so.", errors=errors, headers={"X": "1"}), "/v1/orders")

    assert (response.status, response.content_type, response.headers["X"]) == (422, "application/problem+json", "1")
    assert isinstance(response.body, bytes)
    document = json.loads(response.body)
    assert document.pop("title")
    assert document == {
        "type": "about:blank",
        "status": 422,
        "detail": "Not so.",
        "instance": "/v1/orders",
        "errors": [{"pointer": "/items/0", "detail": "wrong"}],
    }


@pytest.mark.parametrize(
    ("problem", "status"),
    [(not_found("order"), 404), (conflict("no"), 409), (invalid("no", "/a"), 422), (unavailable("later"), 503)],
)
def test_each_kind_has_its_status(problem: Problem, status: int) -> None:
    assert problem.status == status


def test_only_what_may_be_tried_again_says_when() -> None:
    assert int(unavailable("later").headers["Retry-After"]) >= 1
    assert "Retry-After" not in conflict("no").headers
