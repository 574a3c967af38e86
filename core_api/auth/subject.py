"""Who asks."""

from dataclasses import dataclass

from core_api.models.people import SystemRole


@dataclass(frozen=True, slots=True)
class Subject:
    """The person on whose behalf something is done. What they may read is decided in core_api.auth.access."""

    user_id: str
    name: str
    role: SystemRole

    @property
    def is_admin(self) -> bool:
        """Whether the person may run the system. It gives no right to read other people's content."""
        return self.role is SystemRole.ADMIN
