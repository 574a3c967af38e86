"""Which model answers: the extractive one, or an OpenAI-compatible endpoint where the settings name one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.engine import RetrievalEngine

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

_MOST_TOKENS = 800
_RETRIES = 1
# Endpoints on one's own machine usually ask for no key, but the client must send one.
_NO_KEY = "not-needed"
_OPENAI = "https://api.openai.com/v1"


class ModelUnavailable(Unavailable):
    """The language model's endpoint failed."""

    code, title = "model_unavailable", "The language model cannot be reached"


def uses_llm(settings: Settings) -> bool:
    """Whether the settings name a language model: a model, with an address or a key."""
    return bool(settings.llm_model and (settings.llm_base_url or settings.openai_api_key))


def model_name(settings: Settings) -> str:
    """The name of the model that answers, for people."""
    return settings.llm_model or "extractive" if uses_llm(settings) else "extractive"


def choose_model(settings: Settings, engine: RetrievalEngine) -> "BaseChatModel":
    """The chat model that the settings ask for. Imports what it needs; opens no connection."""
    if not uses_llm(settings):
        from assistant.extractive import ExtractiveChatModel

        return ExtractiveChatModel(engine=engine)
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=settings.llm_model or "",
        # Named here so that the client looks for no address in the environment.
        base_url=settings.llm_base_url or _OPENAI,
        api_key=settings.openai_api_key or SecretStr(_NO_KEY),
        timeout=settings.llm_timeout_seconds,
        max_retries=_RETRIES,
        max_completion_tokens=_MOST_TOKENS,
        streaming=True,
        stream_usage=False,
        use_responses_api=False,
    )


@contextmanager
def endpoint_errors(settings: Settings) -> Iterator[None]:
    """Turn the failures of the model's endpoint into `ModelUnavailable`, which says what to look at."""
    if not uses_llm(settings):
        yield
        return
    import httpx
    import openai

    where = settings.llm_base_url or "the OpenAI API"
    try:
        yield
    except openai.APITimeoutError as error:
        raise ModelUnavailable(
            f"{where} did not answer within {settings.llm_timeout_seconds:g} s. Try again, or raise "
            "NEXUS_LLM_TIMEOUT_SECONDS."
        ) from error
    except openai.AuthenticationError as error:
        raise ModelUnavailable(f"{where} refused the API key. Check OPENAI_API_KEY.") from error
    except openai.NotFoundError as error:
        raise ModelUnavailable(
            f"{where} has no model {settings.llm_model!r}. Check NEXUS_LLM_MODEL and NEXUS_LLM_BASE_URL."
        ) from error
    except openai.RateLimitError as error:
        raise ModelUnavailable(f"{where} takes no more requests right now. Try again later.") from error
    except openai.APIStatusError as error:
        raise ModelUnavailable(f"{where} answered with an error ({error.status_code}).") from error
    except (openai.APIError, httpx.HTTPError) as error:
        raise ModelUnavailable(f"{where} cannot be reached: {error}. Check NEXUS_LLM_BASE_URL.") from error
