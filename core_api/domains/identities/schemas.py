"""Other sites that vouch for a person, as the API takes and shows them."""

from datetime import datetime

from pydantic import BaseModel, Field

from core_api.domains.accounts.schemas import Code


class IdentityRead(BaseModel):
    """A person at another site with which they sign in here."""

    id: str
    provider: str
    label: str
    email: str | None
    created_at: datetime


class SecondFactorCreate(BaseModel):
    """The second step of a sign-in with another site: `pending` is from the address that it led to."""

    pending: str = Field(min_length=1, max_length=4000)
    code: Code
