"""Prompt templates: Markdown files with front matter that names them, gives their version and their variables.

---
name: assistant
version: 1
variables: [today, question_language]
---
Text with {{ today }}.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n(.*)", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_FIELDS = frozenset({"name", "version", "variables"})


class PromptError(ValueError):
    """A template is malformed, or was given the wrong variables."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template. `variables` are exactly the names that its text uses."""

    name: str
    version: int
    variables: frozenset[str]
    text: str

    def render(self, **values: str) -> str:
        """The text with its variables filled in. Raises PromptError unless all of them, and no others, are given.

        Values are put in as they are, once: what looks like a placeholder inside a value stays as it is.
        """
        missing, unknown = self.variables - values.keys(), values.keys() - self.variables
        if missing or unknown:
            raise PromptError(
                f"prompt {self.name!r} takes {sorted(self.variables)}; "
                f"missing: {sorted(missing)}, unknown: {sorted(unknown)}"
            )
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], self.text)


def parse_prompt(source: str, *, origin: str = "prompt") -> Prompt:
    """A template from its source. Raises PromptError, naming `origin`, when front matter and text do not agree."""
    match = _FRONT_MATTER.fullmatch(source)
    if match is None:
        raise PromptError(f"{origin}: a prompt begins with front matter between two lines of ---")
    fields: dict[str, str] = {}
    for line in match.group(1).splitlines():
        key, separator, value = line.partition(":")
        if not separator:
            raise PromptError(f"{origin}: front matter line without a colon: {line!r}")
        fields[key.strip()] = value.strip()
    if fields.keys() != _FIELDS:
        raise PromptError(f"{origin}: front matter has {sorted(fields)}, needs {sorted(_FIELDS)}")
    listed = fields["variables"]
    if not (listed.startswith("[") and listed.endswith("]")) or not fields["version"].isdecimal():
        raise PromptError(f"{origin}: `variables` is a list in brackets, `version` a whole number")
    variables = frozenset(name.strip() for name in listed[1:-1].split(",") if name.strip())
    text = match.group(2).strip()
    used = frozenset(_PLACEHOLDER.findall(text))
    if used != variables:
        raise PromptError(f"{origin}: declares {sorted(variables)} but uses {sorted(used)}")
    return Prompt(fields["name"], int(fields["version"]), variables, text)


@cache
def load_prompt(name: str) -> Prompt:
    """The template in `prompts/<name>.md`. Raises PromptError when there is none or it is malformed."""
    path = _FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z_]+", name) or not path.is_file():
        raise PromptError(f"there is no prompt {name!r}")
    prompt = parse_prompt(path.read_text(encoding="utf-8"), origin=path.name)
    if prompt.name != name:
        raise PromptError(f"{path.name}: is named {prompt.name!r}")
    return prompt


@cache
def prompt_names() -> tuple[str, ...]:
    """The names of all templates, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.md")))
