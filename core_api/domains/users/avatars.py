"""Pictures of people: made small and clean from whatever image is uploaded."""

import io
import logging
import struct
from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.domains.users.service import get_user
from core_api.infra.errors import Invalid, StorageUnavailable, TooLarge
from core_api.infra.storage import FileStore, StoredFile
from core_api.models import DocumentVersion, User

logger = logging.getLogger(__name__)

MAX_BYTES = 5 * 2**20
_MAX_PIXELS = 25_000_000
_SIDE = 256
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def clean_picture(upload: BinaryIO) -> bytes:
    """A square PNG of the image, turned upright, without anything that the file said besides its pixels.

    Raises TooLarge and Invalid.
    """
    data = upload.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"A picture may have {MAX_BYTES // 2**20} MB at most.", max_bytes=MAX_BYTES)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:  # known before a pixel is unpacked
                raise TooLarge(f"A picture may have {_MAX_PIXELS // 1_000_000} million pixels at most.")
            image.draft("RGB", (_SIDE * 2, _SIDE * 2))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise Invalid("The file is not a PNG, JPEG, WebP or GIF image that can be read.", field="file") from error
    except Image.DecompressionBombError as error:
        raise TooLarge(f"A picture may have {_MAX_PIXELS // 1_000_000} million pixels at most.") from error
    square = ImageOps.fit(upright, (_SIDE, _SIDE), Image.Resampling.LANCZOS)
    clean = Image.new("RGBA", square.size)
    clean.paste(square)
    target = io.BytesIO()
    clean.save(target, "PNG", optimize=True)
    return target.getvalue()


def set_avatar(session: Session, subject: Subject, files: FileStore, picture: StoredFile) -> None:
    """Make a stored picture (from `clean_picture`) the subject's."""
    user = get_user(session, subject.user_id)
    before, user.avatar_sha256 = user.avatar_sha256, picture.sha256
    drop_file(session, files, before)
    audit.record(session, Actor.of(subject), "user.changed", "user", user.id, changed=["avatar"])


def remove_avatar(session: Session, subject: Subject, files: FileStore) -> None:
    """Take the subject's picture away."""
    user = get_user(session, subject.user_id)
    if user.avatar_sha256 is not None:
        before, user.avatar_sha256 = user.avatar_sha256, None
        drop_file(session, files, before)
        audit.record(session, Actor.of(subject), "user.changed", "user", user.id, changed=["avatar"])


def drop_file(session: Session, files: FileStore, sha256: str | None) -> None:
    """Remove a picture's file that nobody's row names any more, once that is committed."""
    session.flush()
    if sha256 is None:
        return
    used = select(User.id).where(User.avatar_sha256 == sha256).limit(1)
    stored = select(DocumentVersion.id).where(DocumentVersion.sha256 == sha256).limit(1)
    if session.scalar(used) is None and session.scalar(stored) is None:
        event.listen(session, "after_commit", lambda _session: _delete(files, sha256), once=True)


def _delete(files: FileStore, sha256: str) -> None:
    try:
        files.delete(sha256)
    except StorageUnavailable as error:
        logger.warning("a picture that nobody has any more is left to reconciling: %s", error)
