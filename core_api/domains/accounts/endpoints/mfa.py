"""HTTP for the second factor."""

from fastapi import APIRouter, status

from core_api.auth import second_factor as factors
from core_api.auth.dependencies import AccountOwner, ReadSession
from core_api.domains.accounts import second_factor
from core_api.domains.accounts.desk import DeskDep
from core_api.domains.accounts.schemas import MfaCode, MfaRead, MfaSetup, MfaSetupRead, RecoveryCodesRead

router = APIRouter(prefix="/mfa")


@router.get("")
def read_second_factor(subject: AccountOwner, session: ReadSession) -> MfaRead:
    """Whether you have a second factor, and how many recovery codes are left."""
    return MfaRead(
        enabled=factors.is_enabled(session, subject.user_id),
        recovery_codes_left=factors.recovery_codes_left(session, subject.user_id),
    )


@router.post("/setup")
def set_up(body: MfaSetup, subject: AccountOwner, desk: DeskDep) -> MfaSetupRead:
    """Begin to set up an authenticator app."""
    return second_factor.set_up(desk, subject, body.password)


@router.post("/confirm")
def confirm(body: MfaCode, subject: AccountOwner, desk: DeskDep) -> RecoveryCodesRead:
    """Turn the second factor on with a first code of the app."""
    return RecoveryCodesRead(recovery_codes=second_factor.confirm(desk, subject, body.code))


@router.post("/recovery-codes")
def renew_recovery_codes(body: MfaCode, subject: AccountOwner, desk: DeskDep) -> RecoveryCodesRead:
    """New recovery codes; the old ones work no more."""
    return RecoveryCodesRead(recovery_codes=second_factor.renew_recovery_codes(desk, subject, body.code))


@router.post("/disable", status_code=status.HTTP_204_NO_CONTENT)
def turn_off(body: MfaCode, subject: AccountOwner, desk: DeskDep) -> None:
    """Turn the second factor off."""
    second_factor.turn_off(desk, subject, body.code)
