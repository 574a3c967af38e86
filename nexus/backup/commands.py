"""`nexus backup`, `nexus restore` and `nexus migrate-to-server`."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from nexus.evaluate import show_progress
from nexus.options import DataDirOption, JsonOption, load_settings

if TYPE_CHECKING:  # they load only when a command runs, so that `nexus --help` is quick
    from core_api.infra.settings import Settings
    from nexus.backup.contents import Progress
    from nexus.backup.place import Report

_LEAST_CHARACTERS = 10


class _CreateByDefault(TyperGroup):
    """`nexus backup FILE` is `nexus backup create FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is meant."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["create", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_CreateByDefault,
    help="Put everything into one file, while the product runs. `nexus backup FILE` is short for `nexus backup create "
    "FILE`; `nexus restore` brings it back.",
    no_args_is_help=True,
)
_out = Console()
_err = Console(stderr=True)

FileArgument = Annotated[Path, typer.Argument(help="The file of the backup.")]
PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="A file whose first line is the passphrase (NEXUS_BACKUP_PASSPHRASE; else it is asked for).",
    ),
]


@app.command()
def create(
    file: Annotated[Path, typer.Argument(help="The file to be made; it must not exist.")],
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encrypt it with a passphrase.")] = False,
    passphrase_file: PassphraseFileOption = None,
    without_key: Annotated[
        bool, typer.Option("--without-key", help="Leave out the key that encrypts secrets; keep it elsewhere.")
    ] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Write a backup: all rows, files and embeddings, of one moment. Nothing has to be stopped."""
    from core_api.audit import record
    from nexus.backup.file import write_backup
    from nexus.backup.live import LiveProduct, open_existing, vectors_of
    from nexus.backup.place import COMMAND_LINE

    settings = _local(data_dir)
    passphrase = None
    if encrypt or passphrase_file is not None or settings.backup_passphrase is not None:
        passphrase = _passphrase(settings, passphrase_file, new=True)
    with (
        show_progress(as_json) as progress,
        vectors_of(settings) as vectors,
        LiveProduct(settings, vectors, with_key=not without_key) as product,
    ):
        size = write_backup(file, product, passphrase, progress)
        head, summary = product.head, product.summary
    rows = sum(table.rows for table in summary.tables.values())
    database = open_existing(settings)
    with database.transaction() as session:
        counts = {"rows": rows, "files": summary.files, "vectors": sum(summary.vectors.values())}
        record(session, COMMAND_LINE, "backup.made", "backup", encrypted=passphrase is not None, size=size, **counts)
    database.dispose()
    if as_json:
        encrypted = passphrase is not None
        _print_json({"file": str(file), "size": size, "encrypted": encrypted, "has_key": head.has_key, **counts}
                    | {"missing_files": summary.missing_files})  # fmt: skip
        return
    _say(
        f"{file}: {rows} rows, {summary.files} files, {counts['vectors']} embeddings; {_megabytes(size)}"
        f"{', encrypted' if passphrase is not None else ''}."
    )
    _tell_missing(summary.missing_files)
    if passphrase is None and head.has_key:
        _err.print(
            "It is not encrypted, and holds everything, also the key of the secrets (second factors, signing keys): "
            "keep it where nobody else reads, or use --encrypt.",
            style="yellow",
            highlight=False,
        )


@app.command()
def verify(
    file: FileArgument,
    restore_it: Annotated[
        bool, typer.Option("--restore", help="Also restore it into a temporary place, and compare everything there.")
    ] = False,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Read a backup to its end and check every hash; exit code 1 when anything is not as it was written."""
    import tempfile

    from nexus.backup.place import fill

    settings = load_settings(data_dir)
    passphrase = _passphrase_of(file, settings, passphrase_file)
    with show_progress(as_json) as progress:
        found = _read_through(file, passphrase, progress)
        if restore_it:
            with tempfile.TemporaryDirectory(prefix="nexus-restore-") as folder, _opened(file, passphrase) as backup:
                changes = {"data_dir": Path(folder), "database_url": None, "chroma_url": None}
                report = fill(settings.model_copy(update=changes), backup, progress, is_the_same=False)
                found["to_embed"] = report.to_embed
    found["restored"] = restore_it
    if as_json:
        _print_json(found)
        return
    _say(
        f"{file} is whole: {found['rows']} rows, {found['files']} files, {found['vectors']} embeddings, made "
        f"{found['made_at'][:19]} by Nexus Stream {found['version']}."
    )
    if restore_it:
        _say("It was restored into a temporary place, and everything there is as it was.")
    _tell_missing(found["missing_files"])


def restore(
    file: FileArgument,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Bring a backup back into an empty place: a data directory, or a database and a Chroma server (NEXUS_DATABASE_URL,
    NEXUS_CHROMA_URL), whichever it was made of. Nothing is embedded again."""
    from nexus.backup.place import fill

    settings = _local(data_dir)
    passphrase = _passphrase_of(file, settings, passphrase_file)
    with show_progress(as_json) as progress:
        # First to its end: a damaged one is found before anything is written.
        _read_through(file, passphrase, progress)
        with _opened(file, passphrase) as backup:
            report = fill(settings, backup, progress, is_the_same=False)
    _show(report, as_json)
    if not as_json:
        _say("Everybody signs in anew; links and mail that waited are void. Start it with `nexus serve`.")


def migrate_to_server(
    source: Annotated[Path, typer.Option("--from", help="The data directory to move; it is not changed.")],
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Copy a data directory into PostgreSQL and a Chroma server (NEXUS_DATABASE_URL, NEXUS_CHROMA_URL; files into
    NEXUS_DATA_DIR), and compare everything. Nothing is embedded again, and the data directory stays as it is."""
    from core_api.infra.errors import Invalid
    from nexus.backup.live import SECRET_KEY, LiveProduct, vectors_of
    from nexus.backup.place import fill
    from nexus.datadir import DataDir

    settings = _local(data_dir)
    if settings.database_url is None or settings.chroma_url is None:
        raise Invalid(
            "Where to? Set NEXUS_DATABASE_URL (postgresql+psycopg://…) and NEXUS_CHROMA_URL (http://…) to the servers "
            "that are to be used, and NEXUS_DATA_DIR to the data directory of the new server."
        )
    if settings.data_dir.resolve() == source.resolve():
        raise Invalid(f"{source} is what is moved: choose another data directory for the new server (--data-dir).")
    changes: dict[str, Any] = {"data_dir": source, "database_url": None, "chroma_url": None}
    if (source / SECRET_KEY).exists():
        changes["secret_keys"] = []  # those of the settings are the new server's
    embedded = settings.model_copy(update=changes)
    datadir = DataDir(source)
    if (server := datadir.running_server()) is not None:
        raise Invalid(f"The server at {server.url} works on {source}. Stop it first: what it takes in would be lost.")
    with (
        show_progress(as_json) as progress,
        vectors_of(embedded) as vectors,  # holds the lock of the data directory
        LiveProduct(embedded, vectors) as product,
    ):
        report = fill(settings, product, progress, is_the_same=True)
    _show(report, as_json)
    if not as_json:
        _say(f"Nothing was changed in {source}. Start the new server, and keep the old directory until you trust it.")


def _local(data_dir: Path | None) -> "Settings":
    """The settings of what is here. Raises Invalid where they name a server elsewhere."""
    from core_api.infra.errors import Invalid

    settings = load_settings(data_dir)
    if settings.server_url is not None:
        raise Invalid(
            "This works where the data are, not over NEXUS_SERVER_URL: run it on the server's machine, with the "
            "server's settings."
        )
    return settings


def _opened(file: Path, passphrase: str | None) -> Any:
    from nexus.backup.file import BackupFile

    return BackupFile(file, passphrase)


def _read_through(file: Path, passphrase: str | None, progress: "Progress") -> dict[str, Any]:
    """Read a backup to its end, which finds whatever is wrong with it; gives what it holds."""
    from nexus.backup.contents import File

    with _opened(file, passphrase) as backup:
        for part in backup.parts(progress):
            if isinstance(part, File):
                with part.open():
                    pass  # leaving it reads it
        summary = backup.summary
        return {
            "file": str(file),
            "made_at": backup.head.made_at,
            "version": backup.head.version,
            "schema": backup.head.revision,
            "has_key": backup.head.has_key,
            "rows": sum(table.rows for table in summary.tables.values()),
            "files": summary.files,
            "vectors": sum(summary.vectors.values()),
            "missing_files": summary.missing_files,
        }


def _passphrase_of(file: Path, settings: "Settings", passphrase_file: Path | None) -> str | None:
    """The passphrase of a backup, where it has one."""
    from nexus.backup.file import is_encrypted

    return _passphrase(settings, passphrase_file, new=False) if is_encrypted(file) else None


def _passphrase(settings: "Settings", passphrase_file: Path | None, *, new: bool) -> str:
    """From the file, the settings, or the terminal: arguments of commands are seen by everybody on a machine."""
    from core_api.infra.errors import Invalid

    if passphrase_file is not None:
        try:
            lines = passphrase_file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise Invalid(f"{passphrase_file} cannot be read: {error.strerror}.") from error
        passphrase = lines[0] if lines else ""
    elif settings.backup_passphrase is not None:
        passphrase = settings.backup_passphrase.get_secret_value()
    elif sys.stdin.isatty():
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
    else:
        raise Invalid("A passphrase is needed: --passphrase-file, NEXUS_BACKUP_PASSPHRASE, or a terminal to ask.")
    if new and len(passphrase) < _LEAST_CHARACTERS:
        raise Invalid(
            f"The passphrase needs {_LEAST_CHARACTERS} characters or more; `openssl rand -base64 32` makes one."
        )
    return str(passphrase)


def _show(report: "Report", as_json: bool) -> None:
    if as_json:
        _print_json(report.to_json())
        return
    table = Table("Compared", "Count", "Sum of hashes", "")
    same = "[green]the same[/green]"
    for name, found in sorted(report.tables.items()):
        if found.rows:
            table.add_row(name, str(found.rows), found.sha256_sum[:16], same)
    empty = sum(not found.rows for found in report.tables.values())
    table.add_row(f"{empty} tables without rows", "0", "", same)
    table.add_row("files", str(report.files), "each by its own", same)
    for fingerprint, vectors in report.vectors.items():
        table.add_row(f"embeddings of {fingerprint}", str(vectors), "number by number", same)
    _out.print(table)
    if report.to_embed:
        _say(f"{report.to_embed} passages were being changed meanwhile; they are embedded again at the next start.")
    if report.purged_documents:
        _say(f"{report.purged_documents} documents were being deleted meanwhile, and are deleted here as well.")
    _tell_missing(report.missing_files)


def _tell_missing(files: list[str]) -> None:
    if files:
        _err.print(
            f"{len(files)} files that documents name were missing or damaged before, and are not in there: "
            f"{', '.join(sha[:12] for sha in files[:5])}{' …' if len(files) > 5 else ''}",
            style="yellow",
            highlight=False,
        )


def _say(text: str) -> None:
    _out.print(text, highlight=False, soft_wrap=True, markup=False)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"


def _print_json(result: dict[str, Any]) -> None:
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
