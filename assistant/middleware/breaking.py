"""Keeps calls from an endpoint that has failed several times in a row."""

from assistant.middleware.base import CallModel, Middleware, Request, Response
from assistant.models.breaker import Breaker


class Breaking(Middleware):
    """Every try counts. While the endpoint is left alone, a call fails at once and is not tried again."""

    def __init__(self, breaker: Breaker) -> None:
        super().__init__()
        self._breaker = breaker

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        return self._breaker.call(lambda: handler(request))
