"""`nexus user`: people, managed by whoever has the data directory; and `nexus secret-key`."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nexus.options import DataDirOption, JsonOption, local_settings

if TYPE_CHECKING:  # they load only when a command runs, so that `nexus --help` is quick
    from sqlalchemy.orm import Session

    from core_api.infra.settings import Settings
    from core_api.models import User

app = typer.Typer(help="Add, list and deactivate people.", no_args_is_help=True)

ACTOR = "command line"

_out = Console()

EmailArgument = Annotated[str, typer.Argument(help="The person's e-mail address, or their id.")]


def secret_key() -> None:
    """Print a new key for NEXUS_SECRET_KEYS, which encrypts secrets at rest."""
    from core_api.infra.vault import new_key

    typer.echo(new_key())


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    email: Annotated[str, typer.Argument(help="Their e-mail address.")],
    role: Annotated[str, typer.Option(help="admin, manager, member or guest.")] = "member",
    data_dir: DataDirOption = None,
) -> None:
    """Add a person. They get mail with a link to choose a password; the same is printed."""
    from pydantic import ValidationError

    from core_api.audit import Actor
    from core_api.auth.mailed_links import password_link
    from core_api.domains.users.administration import add_user
    from core_api.domains.users.schemas import UserCreate
    from core_api.infra.errors import Invalid
    from core_api.infra.vault import Vault

    try:
        new = UserCreate.model_validate({"name": name, "email": email, "role": role})
    except ValidationError as error:
        raise Invalid("; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())) from error
    with _transaction(data_dir) as (session, settings):
        user = add_user(session, Actor(None, ACTOR), Vault.open(settings), settings, new)
        link = password_link(session, settings, user)
    _show_link(new.name, link)


@app.command("list")
def list_people(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """List people."""
    from sqlalchemy import select

    from core_api.domains.users.administration import show
    from core_api.models import User

    with _transaction(data_dir) as (session, _settings):
        users = session.scalars(select(User).where(User.deleted_at.is_(None)).order_by(User.name, User.id)).all()
        people = [show(user, to_manager=True).model_dump(mode="json", exclude={"avatar_url"}) for user in users]
    if as_json:
        typer.echo(json.dumps(people, ensure_ascii=False, indent=2))
        return
    table = Table("Name", "E-mail", "Role", "State", "Last seen")
    for person in people:
        cells = (person["name"], person["email"], person["role"], person["state"], person["last_seen_at"])
        table.add_row(*(escape(str(cell or "")) for cell in cells))
    _out.print(table)


@app.command()
def disable(email: EmailArgument, data_dir: DataDirOption = None) -> None:
    """Deactivate a person: they are signed out everywhere and cannot sign in."""
    _set_disabled(email, data_dir, disabled=True)


@app.command()
def enable(email: EmailArgument, data_dir: DataDirOption = None) -> None:
    """Let a deactivated person in again."""
    _set_disabled(email, data_dir, disabled=False)


@app.command("reset-password")
def reset_password(
    email: EmailArgument,
    mfa: Annotated[bool, typer.Option("--mfa", help="Also turn their second factor off: they have lost it.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Print a link with which a person chooses a new password. The old one works until then."""
    from core_api import audit
    from core_api.audit import Actor
    from core_api.auth import second_factor
    from core_api.auth.mailed_links import password_link
    from core_api.infra.errors import Conflict

    actor = Actor(None, ACTOR)
    with _transaction(data_dir) as (session, settings):
        user = _find(session, email)
        if user.email is None:
            raise Conflict(f"{user.name} has no e-mail address. `nexus token` prints a link that signs the owner in.")
        name, link = user.name, password_link(session, settings, user)
        audit.record(session, actor, "auth.password_reset_asked", "user", user.id)
        if mfa:
            second_factor.disable(session, user.id)
            audit.record(session, actor, "auth.mfa_disabled", "user", user.id)
    _show_link(name, link)


def _set_disabled(email: str, data_dir: Path | None, *, disabled: bool) -> None:
    from core_api.audit import Actor
    from core_api.domains.users.administration import change_user
    from core_api.domains.users.schemas import UserUpdate

    with _transaction(data_dir) as (session, _settings):
        user = change_user(session, Actor(None, ACTOR), _find(session, email).id, UserUpdate(disabled=disabled))
        name = user.name
    _out.print(f"{escape(name)} is {'deactivated' if disabled else 'active again'}.", highlight=False)


def _find(session: "Session", email_or_id: str) -> "User":
    from sqlalchemy import or_, select

    from core_api.infra.errors import NotFound
    from core_api.models import User

    named = or_(User.email == email_or_id.strip().lower(), User.id == email_or_id)
    user = session.scalar(select(User).where(named, User.deleted_at.is_(None)))
    if user is None:
        raise NotFound(f"There is nobody with the address {email_or_id!r} here. `nexus user list` shows everyone.")
    return user


@contextlib.contextmanager
def _transaction(data_dir: Path | None) -> "Iterator[tuple[Session, Settings]]":
    """A transaction on the data directory's database, and the settings, with the address that links begin with."""
    from nexus.datadir import DataDir
    from nexus.owner import open_database

    settings = local_settings(data_dir, "nexus user")
    directory = DataDir(settings.data_dir)
    directory.prepare()
    server = directory.running_server()
    if settings.public_url is None and server is not None:
        settings = settings.model_copy(update={"public_url": server.url})
    database = open_database(settings)
    try:
        with database.transaction() as session:
            yield session, settings
    finally:
        database.dispose()


def _show_link(name: str, link: str) -> None:
    _out.print(f"{escape(name)} chooses a password with this link; it works once:\n", highlight=False)
    _out.print(f"    {escape(link)}\n", highlight=False, soft_wrap=True)
