"""Mail, as the API shows it."""

from datetime import datetime

from pydantic import BaseModel


class MailRead(BaseModel):
    """A message that was sent, waits, or could not be sent. `body` is shown only while no SMTP server is set: then
    an admin passes it on."""

    id: str
    recipient: str
    subject: str
    created_at: datetime
    sent_at: datetime | None
    error: str | None
    body: str | None
