"""`dlq list|show|replay|drop`: look at the messages that were parked, and put them right."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from faust.cli import argument, option

from app.cli import handling
from app.cli.api import Failure
from app.cli.command import AS_JSON, DONE, FAILED, ClientCommand
from app.cli.handling import Deed, Done, Replays
from app.cli.letter_box import LetterBox
from app.cli.letter_options import NameType, TimeType, user
from app.cli.letters import Filter, Letter, Name, State
from app.cli.letters_shown import COLUMNS, cells, document, show
from app.cli.lost_letters import lost
from app.cli.output import Column
from app.cli.placing import check_placing
from app.cli.ranges import SECONDS
from app.main import app, settings
from app.topics import DEAD_LETTERS
from schemas.dead_letters import Action, Kind, bytes_of


@app.command(
    argument("action", type=click.Choice(["list", "show", "replay", "drop"])),
    argument("names", metavar="[LETTER]...", type=NameType(), nargs=-1),
    option("--topic", help="Of messages of this topic."),
    option("--key", help="Of messages with this key; replay and drop then take its queue, in order."),
    option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Parked for this reason."),
    option("--error", help="With this in the error."),
    option("--since", "since_ms", type=TimeType(), help="Parked at this time or later; or an age: 15m, 2h, 3d."),
    option("--until", "until_ms", type=TimeType(), help="Parked before this time."),
    option(
        "--state", type=click.Choice([*(state.value for state in State), "all"]), default="open", help="As it is now."
    ),
    option("--limit", type=click.IntRange(min=1), default=1000, help="Letters, at most; the oldest come first."),
    option("--reason", help="Why: kept on record. Replay and drop need it."),
    option("--by", default=user, show_default=False, help="Who: kept on record.  [default: the user]"),
    option("--value", "value_file", type=click.File("rb"), help="Replay the one letter with these bytes instead."),
    option("--edit", is_flag=True, show_default=False, help="Replay the one letter with its bytes edited."),
    option("--dry-run", is_flag=True, show_default=False, help="Only show which letters it would be."),
    option("--yes", is_flag=True, show_default=False, help="Don't ask."),
    option(
        "--force",
        is_flag=True,
        show_default=False,
        help="Replay also what was replayed, has failed 3 times, or may be an order once more.",
    ),
    option("--timeout", "timeout_s", type=SECONDS, default=20.0, help="Seconds to wait for the workers."),
    AS_JSON,
    base=ClientCommand,
)
async def dlq(self: ClientCommand, action: str, names: tuple[Name, ...], limit: int, **options: Any) -> int:
    """Look at parked messages; replay or drop them.

    Give letters by their names, or choose them by the options. A message that failed holds up those of its key: replay
    it, with --value or --edit if it must be repaired, and --key has what waits behind it follow in order. One whose
    letter is gone can be dropped by its name with --key. Who did what and why is kept among the dead letters. The exit
    code is 1 when a replayed message did not go through.
    """
    if not settings.kafka_url:
        raise click.UsageError(
            "KAFKA_URL is not set. Set it to the workers' Kafka; `make run` prints the one it starts."
        )
    with LetterBox(settings.bootstrap, DEAD_LETTERS, settings.app_id, app.security) as box:
        letters = box.letters()
        if action == Action.DROP:
            letters |= lost(letters, names, options["key"])
        chosen = _chosen(letters, names, options, handled=action in list(Action))
        if len(chosen) > limit:
            self.out.warn(f"These are the first {limit} of {len(chosen)} letters: see --limit.")
            chosen = chosen[:limit]
        if action in ("list", "show"):
            _tell(self, [letters[name] for name in chosen], whole=action == "show")
            return DONE
        if not names and not any(options[it] for it in ("topic", "key", "kind", "error", "since_ms", "until_ms")):
            raise click.UsageError(
                "Say which letters: by name, or by --topic, --key, --kind, --error, --since, --until."
            )
        return await _handle(
            self, box, letters, chosen, Action(action), options, follow=not names and bool(options["key"])
        )


def _chosen(letters: dict[Name, Letter], names: tuple[Name, ...], options: dict[str, Any], handled: bool) -> list[Name]:
    """The letters that the user means. Raises `Failure` for a name that none has.

    Who has them `handled` by their key means its queue, unless another kind is asked for.
    """
    unknown = [name for name in names if name not in letters]
    if unknown:
        raise Failure(f"There is no dead letter {unknown[0]}")
    if names:
        return sorted(set(names))
    meant = Filter(
        None if options["state"] == "all" else State(options["state"]),
        _full_name(options["topic"], letters),
        options["key"],
        Kind(options["kind"]) if options["kind"] else None,
        options["error"],
        options["since_ms"],
        options["until_ms"],
        queued=handled and options["key"] is not None and options["kind"] is None,
    )
    return [name for name, letter in letters.items() if meant.takes(letter)]


def _full_name(topic: str | None, letters: dict[Name, Letter]) -> str | None:
    """The topic, which may be given without the prefix that all of them have."""
    known = {name.topic for name in letters}
    return topic if topic is None or topic in known else settings.topic(topic)


def _tell(self: ClientCommand, letters: list[Letter], whole: bool) -> None:
    if self.out.as_json:
        self.out.json([document(letter) for letter in letters])
    elif whole:
        for letter in letters:
            show(self.out, letter)
    else:
        self.out.table("Dead letters", COLUMNS, [cells(letter) for letter in letters])


async def _handle(
    self: ClientCommand,
    box: LetterBox,
    letters: dict[Name, Letter],
    chosen: list[Name],
    action: Action,
    options: dict[str, Any],
    follow: bool,
) -> int:
    handling.check(letters, chosen, action, options["force"])
    if options["dry_run"] or not chosen:
        _tell(self, [letters[name] for name in chosen], whole=False)
        self.out.warn("Nothing was sent." if chosen else "There is no such letter.")
        return DONE
    if not options["reason"]:
        raise click.UsageError("Say why with --reason: it is kept on record.")
    deed = Deed(action, options["by"], options["reason"], repaired([letters[name] for name in chosen], action, options))
    if action is Action.REPLAY and not options["force"]:
        check_placing([letters[name] for name in chosen], deed.value, settings.order_retention_s, time.time())
    if not options["yes"]:
        _confirm(f"{action.value.capitalize()} {len(chosen)} letters?")
    if action is Action.DROP:
        done = handling.drop(box, letters, chosen, deed)
    else:
        with self.out.progress() as progress:
            bar = progress.add_task("Replayed", total=len(chosen))
            replays = Replays(box, deed, options["timeout_s"], lambda: progress.advance(bar))
            done = await replays.run(letters, chosen, follow)
    _report(self, done)
    return DONE if all(it.good for it in done) else FAILED


def repaired(letters: list[Letter], action: Action, options: dict[str, Any]) -> bytes | None:
    """The bytes that the user gives in place of a letter's own; None for these."""
    if not options["value_file"] and not options["edit"]:
        return None
    if action is not Action.REPLAY or len(letters) != 1 or (options["value_file"] and options["edit"]):
        raise click.UsageError("--value, or --edit, is for the replay of one letter, given by its name.")
    if options["value_file"]:
        return bytes(options["value_file"].read())
    try:
        text = (bytes_of(letters[0].parked.value) or b"").decode()
    except UnicodeDecodeError:
        raise Failure(f"{letters[0].name} is no text: give its bytes with --value") from None
    edited = click.edit(text, extension=".json")
    if edited is not None and not text.endswith("\n"):
        edited = edited.rstrip("\n")  # editors end the last line
    if edited is None or edited == text:
        raise Failure("Nothing was changed, so nothing was sent")
    return edited.encode()


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("There is nobody to ask: say --yes.")
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None
    if not agreed:
        raise Failure("Nothing was sent")


def _report(self: ClientCommand, done: list[Done]) -> None:
    if self.out.as_json:
        self.out.json([{"letter": str(it.name), "outcome": it.outcome, "good": it.good} for it in done])
    else:
        self.out.table("", (Column("letter"), Column("outcome")), [[str(it.name), it.outcome] for it in done])
