"""HTTP for those who run the product."""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from core_api.auth.dependencies import Anybody
from core_api.ops.access import allow_metrics
from core_api.ops.state import Everything

# Its own rule holds (core_api.ops.access): whoever asks is a program without an account. It belongs to no client's API.
router = APIRouter(dependencies=[Anybody], include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """All metrics, as Prometheus reads them."""
    state, headers = request.app.state, request.headers
    address = request.client.host if request.client is not None else None
    allow_metrics(state.settings, address, headers.get("authorization", ""))
    encode, media_type = choose_encoder(headers.get("accept", ""))
    return Response(encode(Everything(state.collectors)), headers={"Content-Type": media_type})
