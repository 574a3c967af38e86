"""The load script, small: its company can be served, and all that it reads is there."""

from pathlib import Path

import httpx

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from evals.bench.report import Figure
from evals.bench.synthetic import Company
from evals.goals import compose
from evals.load.asking import ask
from evals.load.company import Sizes, fill
from evals.load.searchers import make_searchers
from evals.load.searches import measure
from evals.load.server import serving
from evals.load.visits import visit


def test_a_company_is_made_served_and_read_without_errors(tmp_path: Path, model_cache: Path) -> None:
    settings = Settings(data_dir=tmp_path, models_cache=model_cache)
    database = Database(settings.resolved_database_url)
    company = fill(database, Sizes(people=200, teams=10, projects=20), visitors=5)
    database.dispose()
    assert len(company.visitors) == 5
    with serving(settings) as url:
        seen = visit(url, company.visitors, think_seconds=0.01, seconds=2)
    assert (seen.errors, seen.first_error) == (0, "")
    assert len(seen.by_request) > 1
    assert seen.all.requests >= len(company.visitors)
    assert seen.all.p50 <= seen.all.p95 <= seen.all.p99 <= seen.all.worst


def test_people_search_and_ask_what_the_benchmark_makes(tmp_path: Path, model_cache: Path) -> None:
    settings = Settings(data_dir=tmp_path, models_cache=model_cache)
    searchers = make_searchers(settings, Company(chunks=500), readable=13, visitors=3)
    assert make_searchers(settings, Company(chunks=500), readable=13, visitors=3) == searchers  # kept
    headers = {"Authorization": f"Bearer {searchers[0].key}"}
    with serving(settings) as url, httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        first, whole = ask(client, "Who has to approve the travel budget?")
        assert 0 < first <= whole
        report = measure(url, tmp_path, searchers, Company(chunks=500), think=0.01, seconds=1, step_seconds=1)
    for seen in (report.thinking, *report.saturation, report.page, report.suggestions):
        assert (seen.errors, seen.first_error) == (0, "")
        assert seen.all.requests >= 1
    assert [step.visitors for step in report.saturation] == [1, 2]
    figures = {figure.name: figure for figure in report.figures}
    assert figures["errors"].met
    assert figures["one person: p95"].met is None  # its goals are of 100,000 and of a million
    assert compose("# Found\n", report.figures).count("## 500 chunks, 240 spaces") == 1


def test_a_goal_that_is_missed_is_in_the_report() -> None:
    figures = [
        Figure(part="search", name="p95", value=41.2, unit=" ms", goal=40, at_most=True),
        Figure(part="search", name="recall", value=0.97, goal=0.9),
        Figure(part="people", name="processor time", value=21, unit=" ms"),
    ]
    sections = compose("# Found\n", figures).split("## ")
    assert [section.splitlines()[0] for section in sections] == ["# Found", "search", "people"]
    assert "| p95 | 41.20 ms | ≤ 40 ms | **missed** |" in sections[1]
    assert "| recall | 0.97 | ≥ 0.9 | met |" in sections[1]
    assert "| processor time | 21.00 ms |  |  |" in sections[2]
