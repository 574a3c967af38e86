"""The standing instructions, with who asks and what day it is."""

from langchain_core.messages import SystemMessage

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.prompting import chosen_prompt
from core_api.models import utcnow


class SystemPrompt(Middleware):
    """Puts the chosen prompt before the messages, and notes its version in the run."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        prompt = context.prompt(chosen_prompt(context.options))
        name = " ".join(context.subject.name.split())
        text = prompt.render(today=utcnow().date().isoformat(), asker=name)
        return handler(request.override(system_message=SystemMessage(content=text)))
