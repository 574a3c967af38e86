"""Which prompts may instruct a language model: `prompts/assistant.md` and its variants `prompts/assistant_*.md`."""

from assistant.models.options import Options
from prompts.loader import Prompt, load_prompt, prompt_names

DEFAULT_PROMPT = "assistant"


def available_prompts() -> tuple[Prompt, ...]:
    """The prompts to choose from, the default one first: those that take the same variables."""
    default = load_prompt(DEFAULT_PROMPT)
    others = (load_prompt(name) for name in prompt_names() if name.startswith(f"{DEFAULT_PROMPT}_"))
    return (default, *(prompt for prompt in others if prompt.variables == default.variables))


def chosen_prompt(options: Options) -> str:
    """The name of the prompt in force; the default one where the chosen one is not there any more."""
    names = {prompt.name for prompt in available_prompts()}
    return options.prompt if options.prompt in names else DEFAULT_PROMPT
