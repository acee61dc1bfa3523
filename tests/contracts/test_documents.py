"""What the documents promise exists: links lead somewhere, commands are understood, every method has its page."""

import re
import shlex
from pathlib import Path

import pytest
from bandbridge.engine.api.catalogue import METHODS
from bandbridge.engine.api.events import LABEL_FREE
from bandbridge.engine.api.video_catalogue import VIDEO_METHODS
from bandbridge.engine.cli.arguments import build_parser

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@pytest.fixture(scope="module")
def pages(project: Path) -> dict[Path, str]:
    files = [*(project / name for name in DOCUMENTS), *(project / "resources" / "manual").glob("*.md")]
    return {file: file.read_text(encoding="utf-8") for file in files}


def test_every_link_leads_somewhere(pages: dict[Path, str]):
    for file, text in pages.items():
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if "://" not in link and not link.endswith(".png"):
                assert (file.parent / link).exists(), f"{file.name} links to {link}"


def test_every_command_shown_is_understood(pages: dict[Path, str]):
    shown = 0
    for file, text in pages.items():
        for block in re.findall(r"^```\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
            for line in re.sub(r"\\\n", " ", block).splitlines():
                if not line.startswith("bandbridge "):
                    continue
                words = shlex.split(line.partition("    ")[0])[1:]
                if not words or any(word.isupper() or "..." in word for word in words):
                    continue  # an overview of verbs
                assert build_parser().parse_args(words).verb, f"{file.name}: {line}"
                shown += 1
    assert shown >= 10


def test_every_method_and_setting_is_explained(project: Path):
    manual = project / "resources" / "manual"
    overview = (manual / "method.md").read_text(encoding="utf-8")
    for info in METHODS:
        page = f"method-{info.key}.md"
        assert page in overview
        text = (manual / page).read_text(encoding="utf-8")
        for setting in info.settings:
            assert f"--set {setting.key}=" in text, f"{page} does not explain {setting.key}"
            assert setting.title in text, f"{page} does not name {setting.title}"


def test_every_method_for_clips_and_its_settings_are_explained(project: Path):
    text = (project / "resources" / "manual" / "video-methods.md").read_text(encoding="utf-8")
    for info in VIDEO_METHODS:
        assert f"| {info.title} | `{info.key}` |" in text
        for setting in info.settings:
            assert f"| {setting.title} | `--set {setting.key}=" in text, f"{info.key} does not explain {setting.key}"


def test_every_label_free_measure_is_explained(project: Path):
    text = (project / "resources" / "manual" / "label-free.md").read_text(encoding="utf-8")
    for title, _, _ in LABEL_FREE.values():
        assert f"| {title} |" in text


def test_f1_finds_its_chapter_on_every_page(project: Path):
    for page in (project / "gui" / "pages").glob("*.py"):
        for chapter in re.findall(r'manual_chapter = "([^"]+)"', page.read_text(encoding="utf-8")):
            assert (project / "resources" / "manual" / f"{chapter}.md").exists(), f"{page.name} opens {chapter}"


def test_every_dependency_has_its_reason(project: Path):
    import tomllib

    facts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*facts["dependencies"], *facts["optional-dependencies"]["test"]]
    text = (project / "CONTRIBUTING.md").read_text(encoding="utf-8").lower()
    for requirement in wanted:
        name = re.split(r"[<>=!~ ]", requirement)[0]
        assert f"| {name.lower()} |" in text, f"CONTRIBUTING.md does not say what {name} is for"
