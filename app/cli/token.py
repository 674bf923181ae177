"""`token SUBJECT --role ROLE`: a token for development, by the secret that the workers check."""

from __future__ import annotations

import time
from typing import Final

import click
from faust.cli import argument, option

from app.cli.api import Failure
from app.cli.command import AS_JSON, DONE, ClientCommand
from app.cli.ranges import LONGEST_DAYS, FiniteRange
from app.main import access, app
from app.security.caller import Role
from app.security.tokens import Person, make_token

_MINUTES: Final = FiniteRange(0, LONGEST_DAYS * 24 * 60)


@app.command(
    argument("subject", metavar="PERSON"),
    option(
        "--role",
        "roles",
        type=click.Choice([role.value for role in Role]),
        multiple=True,
        help="A role of the person; several are taken.",
    ),
    option("--minutes", type=_MINUTES, default=60.0, help="How long the token is good."),
    AS_JSON,
    base=ClientCommand,
)
async def token(self: ClientCommand, subject: str, roles: tuple[str, ...], minutes: float) -> int:
    """Make a token that names PERSON, for development.

    It goes into the header Authorization, behind Bearer. Give this command the settings of the workers: APP_ENV,
    JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE. Where tokens are signed by somebody else's key, only they can make one.
    """
    if not subject.strip():
        raise click.UsageError("Say whom the token names.")
    if not access.token_secret:
        raise Failure("These settings know no secret to sign with: tokens come from whoever has the private key")
    person = Person(subject, frozenset(map(Role, roles or (Role.CUSTOMER,))), time.time() + 60 * minutes)
    made = make_token(access.token_secret, person, access.expected)
    if self.out.as_json:
        self.out.json({"token": made})
    else:
        self.out.line(made)
    return DONE
