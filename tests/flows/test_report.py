from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from xnorflow.errors import BadInputError
from xnorflow.flows.compile import compile_
from xnorflow.flows.report import report
from xnorflow.flows.results import keep, kept
from xnorflow.flows.verify import verify
from xnorflow.hw.build import Build
from xnorflow.hw.random_networks import draw

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EVIL = "<script>alert(1)</script>"
VOID = {"meta"}


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    onnx.save(draw(3), folder / "model.onnx")
    return compile_(folder / "model.onnx", folder / "build").build.folder


class Nesting(HTMLParser):
    """Checks that every element is closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_shows_every_cell_and_loads_nothing(build: Path, tmp_path: Path) -> None:
    verify(build, images=4, links=("cpu",))
    text = report([build], tmp_path / "page.html").page.read_text()
    parser = Nesting()
    parser.feed(text)
    assert parser.open == []
    for node in Build.open(build).estimate.nodes:
        assert f"<title>{node.name}: " in text
    assert "equal on 4 images (cpu)" in text
    assert not re.search(r"(src|href)=|url\(|@import|https?://", text)


def test_what_was_found_of_another_build_is_not_shown(build: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(build, copy)
    opened = Build.open(copy)
    keep(opened, "verify", {"images": 7})
    assert kept(opened, "verify") == {"images": 7}
    (copy / "manifest.json").write_text((copy / "manifest.json").read_text() + "\n")
    assert kept(opened, "verify") is None
    (copy / "results" / "verify.json").write_text("[]")
    with pytest.raises(BadInputError, match=r"verify\.json is damaged; remove it"):
        report([copy], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("verify", {"images": 7}),
        ("verify", {"images": 7, "links": ["rtl"], "source": "digits", "engine": "verilator"}),
        ("verify", {"images": "many", "links": {}, "source": "digits", "engine": "verilator"}),
        ("verify", {"images": 7, "links": {}, "source": "digits", "engine": "verilator", "rtl": {"cycles_per_image": "9"}}),
        ("run", {"accuracy": "all", "images": 7, "source": "digits"}),
        ("run", {"accuracy": 1.0, "images": None, "source": "digits"}),
        ("synth", {"synthesised": {"lut": 1, "ff": 1, "bram18": 0}}),
    ],
)
def test_figures_that_were_edited_by_hand_are_named_in_one_line(build: Path, tmp_path: Path, name: str, figures: dict[str, object]) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(build, copy)
    keep(Build.open(copy), name, figures)
    with pytest.raises(BadInputError, match=rf"^\S+results/{name}\.json is damaged \([^\n]+\); remove it$"):
        report([copy], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_names_are_escaped_and_builds_stand_side_by_side(build: Path, tmp_path: Path) -> None:
    evil = tmp_path / EVIL.replace("/", "_")
    shutil.copytree(build, evil)
    run = {"backend": "cpu", "source": EVIL, "images": 10, "accuracy": 0.5}
    keep(Build.open(evil), "run", run)
    text = report([build, evil], tmp_path / "page.html", board="Ultra96").page.read_text()
    assert "<script>alert" not in text
    assert text.count("<h2>") == 2
    assert "50.00 % of 10 images right" in text
    assert "xczu3eg" in text


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium is installed")
def test_a_browser_draws_the_page(build: Path, tmp_path: Path) -> None:
    made = report([build], tmp_path / "page.html").page
    browser = next(path for path in map(shutil.which, BROWSERS) if path)
    shot = tmp_path / "page.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,1000", f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run([browser, *flags, f"--screenshot={shot}", made.as_uri()], check=True, timeout=120, capture_output=True)
    colours = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3)
    for wanted in ((0xFB, 0xE0, 0xCC), (0xE3, 0xED, 0xF8), (0xC8, 0x77, 0x2A)):  # a slow cell, another, a bar
        assert np.any(np.all(colours == wanted, axis=1)), wanted
    dom = subprocess.run([browser, *flags, "--dump-dom", made.as_uri()], check=True, timeout=120, capture_output=True, text=True).stdout
    assert 'data-ready="yes"' in dom
