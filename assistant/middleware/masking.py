"""Hides secrets and personal data from a model outside, where the options say so (assistant.models.masking).

What the model is sent is masked, what it calls tools with is put back before they run. The pieces of its answer are put
back by the Agent, as they come.
"""

from langchain_core.messages import AIMessage, BaseMessage

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.masking import Masker


class Masking(Middleware):
    """Masks all messages of a request; the same masker serves the whole run, so placeholders stay the same."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        if not context.options.masking:
            return handler(request)
        masker = context.run.masker
        system = request.system_message
        if system is not None:
            system = system.model_copy(update={"content": masker.mask(system.text)})
        masked = [_masked(message, masker) for message in request.messages]
        response = handler(request.override(messages=masked, system_message=system))  # type: ignore[arg-type]
        response.result = [_unmasked(message, masker) for message in response.result]
        return response


def _masked(message: BaseMessage, masker: Masker) -> BaseMessage:
    changes: dict[str, object] = {"content": masker.mask(message.text), "additional_kwargs": {}}
    if isinstance(message, AIMessage):
        calls = [{**call, "args": masker.mask_all(call["args"])} for call in message.tool_calls]
        changes |= {"tool_calls": calls, "invalid_tool_calls": []}
    return message.model_copy(update=changes)


def _unmasked(message: BaseMessage, masker: Masker) -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message
    calls = [{**call, "args": masker.unmask_all(call["args"])} for call in message.tool_calls]
    return message.model_copy(update={"content": masker.unmask(message.text), "tool_calls": calls})
