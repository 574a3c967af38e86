"""The second factor: an authenticator app's codes (TOTP, RFC 6238), and recovery codes for when it is lost."""

import re
import secrets
import time

import pyotp
import segno
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import digest
from core_api.infra.vault import Vault
from core_api.models import RecoveryCode, TotpDevice, utcnow

ISSUER = "Nexus Stream"
RECOVERY_CODES = 10
# Without letters and digits that look alike. 16 of 32: 80 bits, so that a plain hash cannot be reversed by guessing.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_CHARS = 16
_GROUP = 4
# One step before and after the current one: clocks differ, and people type slowly.
_WINDOW = 1
_TOTP_CODE = re.compile(r"[0-9]{6}")


def is_enabled(session: Session, user_id: str) -> bool:
    """Whether sign-in asks for a code."""
    return session.scalar(select(TotpDevice.confirmed_at).where(TotpDevice.user_id == user_id)) is not None


def recovery_codes_left(session: Session, user_id: str) -> int:
    """How many recovery codes are unused."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def start_setup(session: Session, vault: Vault, user_id: str) -> str:
    """A new secret for the person's app, in place of one that was never confirmed."""
    secret = pyotp.random_base32()
    session.execute(delete(TotpDevice).where(TotpDevice.user_id == user_id, TotpDevice.confirmed_at.is_(None)))
    session.add(TotpDevice(user_id=user_id, secret_encrypted=vault.encrypt(secret)))
    session.flush()
    return secret


def otpauth_url(secret: str, account: str) -> str:
    """What the app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def qr_svg(text: str) -> str:
    """A QR code, dark on white in any theme."""
    return segno.make_qr(text, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff")


def confirm_setup(session: Session, vault: Vault, user_id: str, code: str) -> bool:
    """Put the app into force with its first code; says whether the code was right."""
    if not _use_totp(session, vault, user_id, code, confirmed=False):
        return False
    session.execute(update(TotpDevice).where(TotpDevice.user_id == user_id).values(confirmed_at=utcnow()))
    return True


def use_code(session: Session, vault: Vault, user_id: str, code: str) -> str | None:
    """Use up a code: `totp` or `recovery_code` says which kind it was, None that it does not work (any more)."""
    code = re.sub(r"[\s-]", "", code).lower()
    if _TOTP_CODE.fullmatch(code):
        return "totp" if _use_totp(session, vault, user_id, code, confirmed=True) else None
    return "recovery_code" if _use_recovery_code(session, user_id, code) else None


def new_recovery_codes(session: Session, user_id: str) -> list[str]:
    """Codes in place of all before; they can be read only now."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_CHARS)) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user_id, code_sha256=digest(code)) for code in codes)
    session.flush()
    return ["-".join(code[at : at + _GROUP] for at in range(0, _RECOVERY_CHARS, _GROUP)) for code in codes]


def disable(session: Session, user_id: str) -> None:
    """Forget the app and the recovery codes."""
    session.execute(delete(TotpDevice).where(TotpDevice.user_id == user_id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


def _use_totp(session: Session, vault: Vault, user_id: str, code: str, *, confirmed: bool) -> bool:
    device = session.execute(
        select(TotpDevice.secret_encrypted, TotpDevice.confirmed_at).where(TotpDevice.user_id == user_id)
    ).first()
    if device is None or (device.confirmed_at is not None) is not confirmed:
        return False
    totp = pyotp.TOTP(vault.decrypt(device.secret_encrypted))
    try:
        step = totp.verify_and_get_timecode(code, for_time=time.time(), valid_window=_WINDOW)
    except OTPVerificationError:
        return False
    # One statement, so that of two requests with the same code only one succeeds.
    used = session.scalar(
        update(TotpDevice)
        .where(
            TotpDevice.user_id == user_id,
            TotpDevice.secret_encrypted == device.secret_encrypted,
            TotpDevice.last_step < step,
        )
        .values(last_step=step)
        .returning(TotpDevice.user_id),
        execution_options={"synchronize_session": False},
    )
    return used is not None


def _use_recovery_code(session: Session, user_id: str, code: str) -> bool:
    used = session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id, RecoveryCode.code_sha256 == digest(code), RecoveryCode.used_at.is_(None)
        )
        .values(used_at=utcnow())
        .returning(RecoveryCode.id),
        execution_options={"synchronize_session": False},
    )
    return used is not None
