"""What an admin has chosen for the assistant: the model, the prompt, the limits of one answer, and what leaves."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class Options(BaseModel):
    """The choices in force for one answer. Every limit holds for one question with its answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: _Name | None = Field(
        default=None, description="`extractive`, or a model of the endpoint; null: as the environment says."
    )
    prompt: _Name = Field(default="assistant", description="The prompt that instructs a language model.")
    most_model_calls: int = Field(default=6, ge=1, le=50, description="Calls of the model.")
    most_tool_calls: int = Field(default=8, ge=1, le=100, description="Calls of tools.")
    most_tokens: int = Field(
        default=60_000, ge=1_000, le=10_000_000, description="Tokens in and out, of all calls of the model together."
    )
    most_seconds: float = Field(
        default=120, ge=1, le=3_600, allow_inf_nan=False, description="From the question to the answer."
    )
    most_cost: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="By the prices of the environment; null: no limit.",
    )
    context_tokens: int = Field(
        default=12_000, ge=2_000, le=1_000_000, description="What one call of the model sees at most."
    )
    unsupported: Literal["drop", "show"] = Field(
        default="drop", description="Sentences that no source supports: left out, or shown and marked."
    )
    masking: bool = Field(
        default=False, description="Hide secrets and personal data from a model outside, and put them back after."
    )
