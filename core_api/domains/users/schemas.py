"""People, as the API shows them."""

from pydantic import BaseModel, ConfigDict

from core_api.models import SystemRole


class PersonRead(BaseModel):
    """Somebody's name."""

    id: str
    name: str


class UserRead(PersonRead):
    """The signed-in person."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a",
                "name": "Owner",
                "email": None,
                "role": "admin",
            }
        }
    )

    email: str | None
    role: SystemRole
