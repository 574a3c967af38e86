"""Gives each call of an endpoint's model its Watch: time-outs, and an end when the run is stopped."""

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.endpoint_model import EndpointModel, Watch, endpoint_name


class Watching(Middleware):
    """Hands on a copy of the model that belongs to this call."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context, model = context_of(request), request.model
        assert isinstance(model, EndpointModel)
        settings, run = context.settings, context.run
        watch = Watch(
            run,
            until=run.started + context.options.most_seconds,
            first_token_seconds=min(settings.llm_first_token_seconds, settings.llm_timeout_seconds),
            total_seconds=settings.llm_timeout_seconds,
            where=endpoint_name(settings),
        )
        return handler(request.override(model=model.model_copy(update={"watch": watch})))
