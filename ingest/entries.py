"""What an import is made of: the files behind the folders, globs, files and archives that a person names."""

import glob
import os
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from ingest.parsers.archive import member_name
from ingest.parsers.limits import Limits

_SMALL = 2**20  # bytes below which an expansion ratio says nothing
_IN_MEMORY = 8 * 2**20
_BLOCK = 2**18
_MOST_FOLDERS = 8
_JUNK = frozenset({"node_modules", "__pycache__", "__MACOSX", "CVS", "Thumbs.db", "desktop.ini"})


class Unreadable(Exception):
    """A file or archive cannot be imported; the message is for a person, `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder or archive are taken. A pattern with a slash is matched against the path below the named
    folder, another one against the name alone; `*` does not stop at slashes. Hidden files, and what tools leave about,
    are left out unless `hidden`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False

    def takes(self, relative: str) -> bool:
        """Whether the file at this path below the named folder is taken."""
        if not self.hidden and any(_is_clutter(part) for part in relative.split("/")):
            return False
        if self.include and not any(_matches(relative, pattern) for pattern in self.include):
            return False
        return not any(_matches(relative, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to import. `path` identifies its document in the space: the name of the named folder (or of the folder
    that holds a named file), and the path below it; importing again from anywhere gives the same path. `absolute` is
    where the file is (for a member of an archive: as if the archive were a folder); `path` is its end."""

    path: str
    size: int
    absolute: str
    open: Callable[[], IO[bytes]] = field(repr=False)

    @property
    def filename(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name

    def longer_paths(self) -> list[str]:
        """What the path would be, had a folder further up been named; the longest first."""
        return longer_paths(self.absolute, self.path)

    def deeper(self, folders: int) -> "Entry":
        """The same file with so many more folders in its path."""
        count = len(self.path.split("/")) + folders
        return replace(self, path="/".join(self.absolute.strip("/").split("/")[-count:]))


def longer_paths(absolute: str, path: str) -> list[str]:
    """The ends of an absolute path that are longer than `path`, the longest first, within reason."""
    parts, own = absolute.strip("/").split("/"), len(path.split("/"))
    return ["/".join(parts[-count:]) for count in range(min(len(parts), own + _MOST_FOLDERS), own, -1)]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something named or found that cannot be imported."""

    path: str
    code: str
    message: str


def without_doubles(items: Iterable[Entry | Problem]) -> Iterator[Entry | Problem]:
    """Each file once, however often it is named; another file with the same path is a problem."""
    taken: dict[str, str] = {}
    for item in items:
        if not isinstance(item, Entry) or item.path not in taken:
            if isinstance(item, Entry):
                taken[item.path] = item.absolute
            yield item
        elif taken[item.path] != item.absolute:
            yield Problem(item.path, "same_path", f"{taken[item.path]} has the same path. Import them separately.")


def roots(sources: Sequence[str]) -> list[tuple[Path, Path]]:
    """What to watch for changes: each existing (folder or file, folder from which its paths are counted)."""
    found: list[tuple[Path, Path]] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found.append((path.resolve(), path.resolve()))
        elif path.exists():
            found.append((path.resolve(), path.resolve().parent))
        elif glob.has_magic(source):
            base = _glob_base(source)
            if base.is_dir():
                found.append((base.resolve(), base.resolve()))
    return found


def file_entries(path: Path, base: Path, limits: Limits, selection: Selection) -> Iterator[Entry | Problem]:
    """A file as it is imported when its paths count from `base`: itself, or the members of an archive."""
    relative = f"{base.name}/{path.relative_to(base).as_posix()}".lstrip("/")
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        yield from _members(path, relative, selection, limits)
        return
    try:
        size = path.stat().st_size
    except OSError as error:
        yield Problem(relative, "unreadable", f"It cannot be read: {error.strerror}.")
        return
    yield Entry(relative, size, path.as_posix(), lambda: path.open("rb"))


def expand(source: str, selection: Selection, limits: Limits) -> Iterator[Entry | Problem]:
    """The files behind a folder, a glob, a file or a zip archive, in a stable order."""
    path = Path(source).expanduser()
    if path.is_dir():
        base = path.resolve()
        for file in _walk(base):
            if selection.takes(file.relative_to(base).as_posix()):
                yield from file_entries(file, base, limits, selection)
    elif path.is_file():
        resolved = Path(os.path.abspath(path))
        yield from file_entries(resolved, resolved.parent, limits, selection)
    elif glob.has_magic(source):
        base = _glob_base(source)
        matches = sorted(match for match in glob.glob(os.path.expanduser(source), recursive=True))
        files = [file for file in map(Path, matches) if file.is_file()]
        if not files:
            yield Problem(source, "nothing_found", "No file matches.")
        for file in files:
            absolute = Path(os.path.abspath(file))
            if selection.takes(absolute.relative_to(base).as_posix()):
                yield from file_entries(absolute, base, limits, selection)
    elif path.exists():
        yield Problem(source, "unsupported", "It is neither a file nor a folder.")
    else:
        yield Problem(source, "nothing_found", "There is no such file or folder.")


def _glob_base(source: str) -> Path:
    """The folder before the first part with a wildcard."""
    parts = Path(os.path.abspath(os.path.expanduser(source))).parts
    fixed = next((index for index, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    return Path(*parts[:fixed])


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted. Links to folders are not followed: they may lead in circles."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            if path.is_file():
                yield path


def _members(archive: Path, path: str, selection: Selection, limits: Limits) -> Iterator[Entry | Problem]:
    """The members of an archive as files of their own, within bounds. Nothing is unpacked to disk under its name."""
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = [info for info in opened.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        yield Problem(path, "malformed", f"The archive is damaged or cut off: {error}.")
        return
    if len(infos) > limits.archive_max_members:
        message = f"It holds {len(infos)} files; at most {limits.archive_max_members} are imported. Split it."
        yield Problem(path, "too_large", message)
        return
    if sum(info.file_size for info in infos) > limits.archive_max_bytes:
        message = f"Unpacked it is larger than {limits.archive_max_bytes // 2**20} MB. Split it."
        yield Problem(path, "too_large", message)
        return
    for info in sorted(infos, key=member_name):
        name = member_name(info)
        if not selection.takes(name):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            yield Problem(f"{path}/{name}", "unsupported", "It is a link, not a file.")
            continue
        where = f"{archive.as_posix()}/{name}"
        yield Entry(f"{path}/{name}", info.file_size, where, _opener(archive, info, limits))


def _opener(archive: Path, info: zipfile.ZipInfo, limits: Limits) -> Callable[[], IO[bytes]]:
    def unpack() -> IO[bytes]:
        if info.flag_bits & 1:
            raise Unreadable("password_protected", "It is protected by a password. Unpack the archive first.")
        # What the archive's directory declares may be a lie, so it is counted.
        most = min(limits.archive_max_bytes, max(_SMALL, info.compress_size * limits.archive_max_ratio))
        size = 0
        target = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
        try:
            with zipfile.ZipFile(archive) as opened, opened.open(info) as member:
                while block := member.read(_BLOCK):
                    size += len(block)
                    if size > most:
                        raise Unreadable("too_large", "It expands more than documents do, as archives made to harm.")
                    target.write(block)
        except Unreadable:
            target.close()
            raise
        except Exception as error:
            target.close()
            raise Unreadable("malformed", f"It is damaged in the archive: {error}.") from error
        target.seek(0)
        return target

    return unpack


def _is_clutter(part: str) -> bool:
    return part.startswith((".", "~$")) or part in _JUNK


def _matches(relative: str, pattern: str) -> bool:
    name = relative.rsplit("/", 1)[-1]
    if "/" not in pattern:
        return fnmatchcase(name, pattern)
    return fnmatchcase(relative, pattern) or fnmatchcase(relative, pattern.replace("**/", ""))
