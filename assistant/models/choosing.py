"""Which model answers: the extractive one, or one of an OpenAI-compatible endpoint; and how an endpoint fails."""

from enum import StrEnum

from assistant.models.options import Options
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings

EXTRACTIVE = "extractive"


class Failure(StrEnum):
    """What is wrong with an endpoint, as far as it matters to who waits for an answer."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    BUSY = "busy"
    REFUSED = "refused"
    BROKEN = "broken"
    PAUSED = "paused"  # it was not asked, since it has failed too often
    UNSUPPORTED = "unsupported"  # it wrote nothing, or nothing that the sources support


class ModelUnavailable(Unavailable):
    """The language model's endpoint failed. `temporary`: it may do better in a moment (`retry_after` seconds, where it
    said so). `began`: a part of its words had come already."""

    code, title = "model_unavailable", "The language model cannot be reached"

    def __init__(
        self,
        detail: str,
        failure: Failure,
        *,
        temporary: bool = False,
        retry_after: float | None = None,
        began: bool = False,
    ) -> None:
        super().__init__(detail)
        self.failure = failure
        self.temporary = temporary
        self.retry_after = retry_after
        self.began = began


def has_endpoint(settings: Settings) -> bool:
    """Whether the settings name an endpoint: an address, or a key for OpenAI's."""
    return bool(settings.llm_base_url or settings.openai_api_key)


def uses_llm(settings: Settings) -> bool:
    """Whether the settings name a language model that answers unless an admin chose otherwise."""
    return bool(settings.llm_model and has_endpoint(settings))


def available_models(settings: Settings) -> tuple[str, ...]:
    """The models that an admin may choose from."""
    if not has_endpoint(settings):
        return (EXTRACTIVE,)
    named = [settings.llm_model, *settings.llm_models]
    return tuple(dict.fromkeys([EXTRACTIVE, *(name for name in named if name)]))


def model_name(settings: Settings, options: Options | None = None) -> str:
    """The name of the model that answers. A model that was chosen and is not available any more does not."""
    if options is not None and options.model is not None and options.model in available_models(settings):
        return options.model
    return settings.llm_model or EXTRACTIVE if uses_llm(settings) else EXTRACTIVE


def price(settings: Settings, model: str, input_tokens: int, output_tokens: int) -> float:
    """What so many tokens cost, by the prices of the settings; 0 where they name none."""
    of_input, of_output = _prices(settings, model) or (0.0, 0.0)
    return (input_tokens * of_input + output_tokens * of_output) / 1_000_000


def limits_nothing(settings: Settings, options: Options) -> bool:
    """Whether the options limit the cost of a model that the settings name no price for: it is never reached."""
    model = model_name(settings, options)
    return options.most_cost is not None and model != EXTRACTIVE and _prices(settings, model) is None


def _prices(settings: Settings, model: str) -> tuple[float, float] | None:
    return settings.llm_prices.get(model) or settings.llm_prices.get("*")
