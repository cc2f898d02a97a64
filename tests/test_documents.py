"""Commands shown in the documents exist, with the options shown."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from xnorflow.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = (
    "train",
    "evaluate",
    "export",
    "integerise",
    "compile",
    "verify",
    "run",
    "estimate",
    "synth",
    "fifos",
    "explore",
    "report",
    "shell",
    "deploy",
    "models",
    "cost",
    "teachers",
    "plot",
    "landscape",
    "demo",
    "finn",
    "doctor",
)


def shown_commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                match = re.search(r"\bxnorflow [a-z].*", line.partition(" #")[0])
                if match:
                    found.append((page.name, match.group()))
    return found


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_every_shown_command_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(line)
    result = CliRunner().invoke(app, [words[1], "--help"])
    assert result.exit_code == 0, f"{page}: {line}"
    for option in (w.partition("=")[0] for w in words[2:] if w.startswith("--")):
        assert option in result.output, f"{page}: {line}: {option} is unknown"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 5


@pytest.mark.parametrize("name", [c for c in COMMANDS if c not in {"demo", "doctor"}])
def test_commands_that_print_figures_offer_json(name: str) -> None:
    assert "--json" in CliRunner().invoke(app, [name, "--help"]).output


def test_the_readme_shows_the_two_commands_of_the_set_up() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
