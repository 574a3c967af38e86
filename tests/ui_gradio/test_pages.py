"""The pages around the app, and the words of all pages."""

import re
from pathlib import Path

import pytest
from starlette.requests import Request

import ui_gradio
from ui_gradio import pages
from ui_gradio.words import CATALOGUE, catalogue_module, language_of

FOLDER = Path(ui_gradio.__file__).parent


def request(path: str = "/", language: str = "", query: bytes = b"") -> Request:
    headers = [(b"accept-language", language.encode()), (b"host", b"nexus.test")]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers}
    return Request({**scope, "scheme": "http", "server": ("nexus.test", 80)})


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ko", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("fr-FR, ko;q=0.5", "ko"),
        ("de", "en"),
        ("EN-us", "en"),
    ],
)
def test_the_first_language_that_there_are_words_for_is_taken(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/search?q=a#b", "/search?q=a#b"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\..\\b", "/"),
        ("//[", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("search", "/"),
        ("", "/"),
    ],
)
def test_signing_in_never_leads_to_another_site(asked: str, path: str) -> None:
    assert pages.local_path(asked) == path


@pytest.mark.parametrize(
    "entered",
    ["abc_-1", "  abc_-1\n", "http://127.0.0.1:7700/sign-in?token=abc_-1", "http://x/sign-in?next=%2F&token=abc_-1"],
)
def test_the_token_is_found_in_what_a_person_pastes(entered: str) -> None:
    assert pages.token_of(entered) == "abc_-1"


def test_a_visitor_is_sent_to_sign_in_and_back() -> None:
    there = pages.to_sign_in(request("/search", query=b"q=a b&days=7"))
    assert (there.status_code, there.headers["location"]) == (303, "/sign-in?next=%2Fsearch%3Fq%3Da%20b%26days%3D7")
    assert pages.to_sign_in(request("/")).headers["location"] == "/sign-in"


def test_the_starting_page_comes_back_by_itself() -> None:
    page = pages.starting(request())
    assert page.status_code == 503
    assert 'http-equiv="refresh"' in bytes(page.body).decode()


def test_every_word_is_there_in_both_languages_with_the_same_blanks() -> None:
    for key, (english, korean) in CATALOGUE.items():
        assert english.strip(), key
        assert korean.strip(), key
        # A number of something may go without saying in one of the languages, a name may not.
        assert set(re.findall(r"\{(\w+)\}", english)) - {"n"} == set(re.findall(r"\{(\w+)\}", korean)) - {"n"}, key
    assert catalogue_module().startswith("export default {")


def test_the_pages_use_only_words_that_exist_and_no_word_is_left_over() -> None:
    scripts = "\n".join(path.read_text() for path in (FOLDER / "assets").glob("*.js"))
    templates = "\n".join(path.read_text() for path in (FOLDER / "pages").glob("*.html"))
    templates += "\n".join(path.read_text() for path in (FOLDER / "entrance").glob("*.py"))
    used = set(re.findall(r"""\b(?:t|word)\(["']([\w.]+)["']""", scripts + templates))
    used |= {f"{key}.{n}" for key in re.findall(r"""\btn\(["']([\w.]+)["']""", scripts) for n in ("one", "many")}
    assert used <= set(CATALOGUE)

    # Keys that are put together: t(`state.${status}`), tn(`ask.${level}`, n), t(name + ".title").
    together = re.findall(r"\btn?\(`([\w.]+)\$\{", scripts) + re.findall(r"""f["']([\w.]+\.)\{""", templates)
    together += ["teams.", "projects."]  # t(`${kind}.title`)
    listed = {key for key in CATALOGUE if f'"{key}"' in scripts + templates or f"'{key}'" in scripts + templates}
    messages = {"lost", "failed", "unreachable", "foreign", "badlink"}
    done = set(re.findall(r'''(?:name=|_done\(request, )"(\w+)"''', templates))
    around = {key for key in CATALOGUE if key.split(".")[0] in messages | done}
    left_over = {key for key in CATALOGUE if key not in used | listed | around and not key.startswith(tuple(together))}
    assert left_over == set()


def test_the_audit_log_can_be_narrowed_to_all_that_is_recorded_and_names_it() -> None:
    script = (FOLDER / "assets" / "audit.js").read_text()
    listed = re.search(r"const AREAS = \[(.*?)\];", script, re.DOTALL)
    assert listed is not None
    areas = re.findall(r'"(\w+)"', listed.group(1))
    named = {key.removeprefix("audit.area.") for key in CATALOGUE if key.startswith("audit.area.")} - {"all"}
    assert sorted(areas) == sorted(named)
    done = {key.split(".")[2] for key in CATALOGUE if key.startswith("audit.do.")}
    assert done <= set(areas)
    assert {"conversation", "answer", "gap", "assistant", "backup", "proposal"} <= set(areas)
