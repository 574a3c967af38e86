"""Bounds what one call of the model sees, in tokens (assistant.models.compaction)."""

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.compaction import compact
from assistant.models.tokens import estimate_tokens


class Compaction(Middleware):
    """Shortens the conversation where it has become longer than the options allow, the instructions included."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        system = estimate_tokens(request.system_message.text) if request.system_message else 0
        room = context.options.context_tokens - system

        def tell(turns: str) -> str:
            return context.prompt("earlier_turns").render(turns=turns)

        return handler(request.override(messages=compact(request.messages, room, tell)))  # type: ignore[arg-type]
