"""The tool that proposes a reminder. It is set once the person has confirmed it."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from langchain.tools import ToolRuntime, tool

from assistant.actions.reminders import local_time
from assistant.context import AssistantContext
from assistant.proposals import proposing
from assistant.proposals.schemas import ProposalKind
from assistant.tools.giving import Given, proposed, say, spoken
from assistant.wording.times import read_time
from core_api.models import User, utcnow

_TEXT_CHARS = 1_000
_WORDS = {
    "en": {
        "when": "Say when: a day, a time, or both, in the future (“on Friday at 9”).",
        "what": "Say what to remind you of.",
        "remind": "Remind you on {when}{mail}: {text}",
        "mail": ", here and by mail",
    },
    "ko": {
        "when": "언제 알려 드릴지 앞으로의 날짜나 시각으로 말씀해 주세요(“금요일 오전 9시에”).",
        "what": "무엇을 알려 드릴지 말씀해 주세요.",
        "remind": "{when}에 알려 드립니다{mail}: {text}",
        "mail": "(메일 포함)",
    },
}


@tool(response_format="content_and_artifact")
def remind(text: str, when: str, mail: bool = True, *, runtime: ToolRuntime[AssistantContext]) -> Given:
    """Propose to remind the person of something at a time, in the product and by mail. The person confirms it; do not
    say that it has been done.

    Args:
        text: What to remind them of, in their words.
        when: The time: ISO 8601 (YYYY-MM-DDTHH:MM, in the person's time zone), or as people say it ("on Friday at 9").
        mail: Whether to send a mail as well.
    """
    context, speaking = runtime.context, spoken(runtime)
    words = _WORDS[speaking]
    text = " ".join(text.split())[:_TEXT_CHARS]
    if not text:
        return say(context, words["what"])
    with context.database.transaction() as session:
        user = session.get_one(User, context.subject.user_id)
        zone = _zone(user.time_zone)
        found = read_time(when[:200], utcnow(), zone)
        if found is None:
            return say(context, words["when"])
        mail = mail and user.email is not None and user.email_verified_at is not None
        summary = words["remind"].format(
            when=local_time(found[0], zone.key), mail=words["mail"] if mail else "", text=text
        )
        parameters = {"text": text, "due_at": found[0].isoformat(), "time_zone": zone.key, "mail": mail}
        proposal = proposing.propose(session, context.subject, ProposalKind.REMIND, summary, parameters)
    return proposed(context, proposal, speaking)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
