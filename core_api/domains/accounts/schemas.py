"""Signing in and one's account, as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core_api.auth.passwords import MAX_CHARS
from core_api.auth.permissions import Scope
from core_api.http.fields import Email, Name

# As it was typed: an address that was never valid is told like one that is unknown.
Login = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=254, pattern=r"^[^\x00-\x1f]*$"),
]
Password = Annotated[str, Field(min_length=1, max_length=MAX_CHARS)]
Code = Annotated[str, Field(min_length=1, max_length=64, description="Of the authenticator app, or a recovery code.")]
Secret = Annotated[str, Field(min_length=1, max_length=200)]


class SignInLink(BaseModel):
    """The token of a one-time sign-in link."""

    token: Secret


class LoginCreate(BaseModel):
    """Who signs in. With `cookie`, a browser's session cookie is set and no tokens are given."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "minji@example.com", "password": "three uncommon words"}}
    )

    email: Login
    password: Password
    code: Code | None = None
    cookie: bool = False


class TokensRead(BaseModel):
    """Tokens of a session: send the access token as a bearer token; the refresh token is good for one new pair."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a name
    expires_in: int = Field(description="Seconds that the access token is valid.")
    refresh_token: str


class SignedInRead(BaseModel):
    """The session cookie was set."""

    signed_in: Literal[True] = True


class RefreshCreate(BaseModel):
    """A refresh token that was not used yet."""

    refresh_token: Secret


class ProviderRead(BaseModel):
    """Another site to sign in with."""

    name: str
    label: str


class MethodsRead(BaseModel):
    """How one can sign in here, and whether one can register. `mail`: links really are mailed."""

    registration: Literal["open", "invite", "closed"]
    password: Literal[True] = True
    providers: list[ProviderRead]
    mail: bool


class RegisterCreate(BaseModel):
    """A new account; `invitation` is the token of one's invitation."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "Kim Minji", "email": "minji@example.com", "password": "three uncommon words"}
        }
    )

    name: Name
    email: Email
    password: Password
    invitation: Secret | None = None


class RegisteredRead(BaseModel):
    """Mail is on its way; what it says depends on whether the address has an account already."""

    verification: Literal["sent"] = "sent"


class VerifyCreate(BaseModel):
    """The token of the link that was mailed."""

    token: Secret


class PasswordChange(BaseModel):
    """A new password, and the one in force where there is one."""

    current_password: Password | None = None
    new_password: Password


class ForgotCreate(BaseModel):
    """Where to mail the link."""

    email: Email


class AskedRead(BaseModel):
    """A link is on its way, if there is such an account."""

    mail: Literal["sent"] = "sent"


class PasswordReset(BaseModel):
    """The token of the link that was mailed, and the new password."""

    token: Secret
    new_password: Password


class SessionRead(BaseModel):
    """A device that is signed in."""

    id: str
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime
    current: bool


class MfaRead(BaseModel):
    """The second factor."""

    enabled: bool
    recovery_codes_left: int


class MfaSetup(BaseModel):
    """The password, where there is one."""

    password: Password | None = None


class MfaSetupRead(BaseModel):
    """For the authenticator app: as text, as a link, and as a QR code."""

    secret: str
    otpauth_url: str
    qr_svg: str


class MfaCode(BaseModel):
    """A code of the authenticator app; but for the first one, a recovery code does as well."""

    code: Code


class RecoveryCodesRead(BaseModel):
    """Codes to be used once each when the app is lost. They are not shown again."""

    recovery_codes: list[str]


class ApiKeyCreate(BaseModel):
    """A new key. It can do what you can, as far as its scopes include it; none manages your account."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "backup script", "scopes": ["read"], "expires_in_days": 90}}
    )

    name: Name
    scopes: Annotated[set[Scope], Field(min_length=1)]
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)


class ApiKeyRead(BaseModel):
    """A key, without its secret; `prefix` is how that begins."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiKeyCreated(ApiKeyRead):
    """A new key; `key` is shown this once."""

    key: str
