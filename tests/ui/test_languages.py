"""A second language: every sentence is there, says the same, and nobody gets the other visitor's."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import glossary, language, strings
from pages.widgets.lesson_link import ANSWERS
from pages.widgets.strings import CATALOGUE, catalogue, sentences, t
from tests.ui.conftest import APP, TIMEOUT, Open, fine

PAGES = Path(__file__).parents[2] / "pages"
OTHERS = [one for one in language.LANGUAGES if one != language.DEFAULT]
TRANSLATED = [(one, file.name) for one in OTHERS for file in sorted((CATALOGUE / one).glob("*.toml"))]
SECTIONS = {
    "cipher_lab": ("watch", "keys", "strength", "break", "repair", "tamper"),
    "inversion_lab": ("table", "plane", "watch", "theory"),
    "adversarial_lab": ("attack", "flip", "space", "many"),
    "tuning": ("inference", "training", "large"),
    "results": ("curves", "pictures", "cem", "diffsem", "robust", "numbers"),
}


def _file(folder: Path, name: str) -> dict[str, str]:
    return dict(strings._flat(strings.tomllib.loads((folder / name).read_text(encoding="utf-8"))))


def _placeholders(sentence: str) -> list[tuple[str, str, str]] | None:
    """Names, format specifications and conversions; ``None`` for mathematics that ``str.format`` cannot read."""
    try:
        parts = list(string.Formatter().parse(_neutral(sentence)))
    except ValueError:
        return None
    return sorted((name, spec or "", conversion or "") for _, name, spec, conversion in parts if name is not None)


def _neutral(sentence: str) -> str:
    """Without the words in a formula, which are translated."""
    return re.sub(r"\\text\{[^}]*\}", r"\\text{}", sentence)


def _markup(sentence: str) -> dict[str, object]:
    """What a translation must leave alone: mathematics, code, links, tags, and how the text is built."""
    kept = {
        "mathematics": r"\$\$?[^$]+\$\$?",
        "code": r"`[^`]+`",
        "links": r"\]\(([^)]*)\)",
        "tags": r"<[^>]+>",
        "headings": r"(?m)^#+ ",
        "items": r"(?m)^(?:- |\d\. )",
    }
    sentence = _neutral(sentence)
    found: dict[str, object] = {name: sorted(re.findall(pattern, sentence)) for name, pattern in kept.items()}
    return found | {"bold": sentence.count("**"), "lines": sentence.count("\n")}


@pytest.mark.parametrize(("other", "name"), TRANSLATED)
class TestTranslation:
    def test_the_same_sentences(self, other: str, name: str) -> None:
        ours, theirs = _file(CATALOGUE, name), _file(CATALOGUE / other, name)
        assert not ours.keys() - theirs.keys(), "not translated"
        assert not theirs.keys() - ours.keys(), "no such English sentence"

    def test_the_same_placeholders_and_markup(self, other: str, name: str) -> None:
        ours, theirs = _file(CATALOGUE, name), _file(CATALOGUE / other, name)
        for key in ours.keys() & theirs.keys():
            assert _placeholders(theirs[key]) == _placeholders(ours[key]), key
            assert _markup(theirs[key]) == _markup(ours[key]), key


@pytest.mark.parametrize("name", [name for other, name in TRANSLATED if other == "fr"])
def test_french_typography(name: str) -> None:
    """No line may begin with a mark, and quotation marks and apostrophes are French."""
    for key, sentence in _file(CATALOGUE / "fr", name).items():
        if key.startswith("glossary.term.") and key.endswith((".formula", ".see")):
            continue  # mathematics and addresses
        prose = re.sub(r"\$\$?[^$]+\$\$?|`[^`]+`|%?\{[^}]*\}", "x", sentence)
        assert not re.search(r" [:;!?»](?!\S)|« |(?<=\d) %", prose), key
        assert not re.search(r"[“”\"']", prose), key
        assert not re.search(r"\w\w[;!?»](?=\s|$)|\w:(?=\s|$)|«\w", prose), key


def test_what_is_not_translated_is_in_english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "one.toml").write_text('[one]\na = "first"\nb = "second"\n', encoding="utf-8")
    (tmp_path / "two.toml").write_text('[two]\nc = "third"\n', encoding="utf-8")
    (tmp_path / "fr" / "one.toml").write_text('[one]\na = "premier"\n', encoding="utf-8")
    monkeypatch.setattr(strings, "CATALOGUE", tmp_path)
    sentences.cache_clear()
    try:
        assert sentences("fr") == {"one.a": "premier", "one.b": "second", "two.c": "third"}
        assert sentences("en") == {"one.a": "first", "one.b": "second", "two.c": "third"}
    finally:
        sentences.cache_clear()


@pytest.mark.parametrize(
    ("locale", "code"),
    [("fr", "fr"), ("fr-CA", "fr"), ("fr_BE", "fr"), ("FR-fr", "fr"), ("de", "en"), ("en-GB", "en"), ("frr", "en"),
     ("", "en"), (None, "en")],
)  # fmt: skip
def test_language_of_a_browser(locale: str | None, code: str) -> None:
    assert language.of_locale(locale) == code


def test_english_without_a_session() -> None:
    assert language.current() == "en"
    assert t("controls.channel") == "Channel"


class TestNothingIsWordedForEverybody:
    """A sentence made at import, or in a cache that sessions share, would be in one visitor's language for all."""

    def test_not_at_import(self) -> None:
        for file in PAGES.glob("*/**/*.py"):  # the router and the pages themselves run anew for each visitor
            tree = ast.parse(file.read_text(encoding="utf-8"))
            at_import = [call for call in _calls(tree, into_functions=False) if call.func.id == "t"]
            assert not at_import, f"{file}:{at_import[0].lineno}"

    def test_not_in_a_shared_cache(self) -> None:
        seen = 0
        for file in PAGES.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and any("cache" in ast.unparse(d) for d in node.decorator_list):
                    seen += 1
                    assert not [call for call in _calls(node) if call.func.id == "t"], f"{file}:{node.lineno}"
        assert seen > 10


def _calls(node: ast.AST, *, into_functions: bool = True) -> Iterator[ast.Call]:
    """Calls of plain names; without function bodies, but with their decorators and default values."""
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.FunctionDef | ast.Lambda) and not into_functions:
        children = [*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield node
    for child in children:
        yield from _calls(child, into_functions=into_functions)


def shown(app: AppTest) -> str:
    """Every text on the page: labels, help, options, alternative texts, words in figures."""
    found: list[str] = []
    for node in app._tree:
        if (proto := getattr(node, "proto", None)) is not None:
            found.extend(_texts(proto))
    return "\n".join(found)


def _texts(message: Any) -> Iterator[str]:
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if hasattr(one, "ListFields"):
                yield from _texts(one)
            elif isinstance(one, str):
                yield json.dumps(json.loads(one), ensure_ascii=False) if one.startswith('{"') else one


def _fragments(sentence: str) -> list[str]:
    """The literal parts of a sentence that are long enough to be recognised."""
    return [part for part in re.split(r"%?\{[^}]*\}|\n", sentence) if len(part) > 12 and " " in part.strip()]


def english_on(page: str) -> set[str]:
    """Keys of English sentences that stand on a page and are no part of any French one."""
    ours, french = catalogue(CATALOGUE), "\n".join(sentences("fr").values())
    return {
        key
        for key, sentence in ours.items()
        if any(part not in french and part in page for part in _fragments(sentence))
    }


class TestLivePage:
    def test_no_english_sentence_remains(self, open_app: Open) -> None:
        page = shown(fine(open_app(lang="fr")))
        assert t("app.title") and sentences("fr")["verdict.utility.good"] in page
        assert not english_on(page)

    def test_the_check_finds_english(self, open_app: Open) -> None:
        assert len(english_on(shown(fine(open_app())))) > 40

    def test_the_browser_decides(self, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(language, "_browser_locale", lambda: "fr-CA")
        app = open_app()
        assert app.selectbox(key="channel").label == "Canal"
        assert "lang" not in app.query_params, "a link is for others, who may read another language"

    def test_the_address_wins(self, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(language, "_browser_locale", lambda: "fr-FR")
        app = open_app(lang="en", snr_db="3")
        assert app.selectbox(key="channel").label == "Channel"
        assert app.slider(key="snr_db").value == 3.0

    def test_a_language_that_is_not_there(self, open_app: Open) -> None:
        assert open_app(lang="de").selectbox(key="channel").label == "Channel"

    def test_a_share_link_keeps_a_language_that_was_asked_for(self, open_app: Open) -> None:
        assert any("lang=fr" in one.value for one in open_app(lang="fr").code)
        assert not any("lang=" in one.value for one in open_app().code)

    def test_visitors_do_not_share_a_language(self, open_app: Open) -> None:
        french, english = open_app(lang="fr"), open_app()
        assert english.selectbox(key="channel").label == "Channel"
        assert french.selectbox(key="channel").label == "Canal"


def _router() -> None:
    """What ``app.py`` does about the language, with a page of one button."""
    import streamlit as st

    from pages.widgets import language
    from pages.widgets.strings import t

    language.settle()
    language.switch()
    st.button("again", key="again")
    st.caption(t("controls.channel"))


def _choice() -> None:
    """The same with a select box."""
    import streamlit as st

    from pages.widgets import language
    from pages.widgets.strings import t

    language.settle()
    language.switch()
    st.selectbox("channel", ["awgn", "rayleigh"], format_func=lambda name: t(f"channel.{name}.name"), key="channel")


class TestSwitch:
    """From run to run; AppTest leaves ``app.py`` out of all but the first."""

    def opened(self, **query: str) -> AppTest:
        app = AppTest.from_function(_router)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    def test_there_and_back(self) -> None:
        app = self.opened(snr_db="3")
        assert app.button(key="switch_language").label == "Français"
        app.button(key="switch_language").click().run()
        assert app.caption[0].value == "Canal"
        assert app.query_params == {"snr_db": "3", "lang": "fr"}
        assert app.button(key="switch_language").label == "English"
        app.button(key="switch_language").click().run()
        assert app.caption[0].value == "Channel"
        assert app.query_params["lang"] == "en"

    def test_a_select_box_keeps_its_choice_and_is_told_the_new_words(self) -> None:
        app = AppTest.from_function(_choice).run()
        app.selectbox(key="channel").set_value("rayleigh").run()
        app.button(key="switch_language").click().run()
        assert app.session_state["channel"] == "rayleigh"
        sent = app.selectbox(key="channel").proto
        assert sent.set_value and sent.raw_value == sentences("fr")["channel.rayleigh.name"]

    def test_kept_where_the_menu_of_pages_drops_the_address(self) -> None:
        app = self.opened(lang="fr")
        del app.query_params["lang"]
        app.button(key="again").click().run()
        assert app.caption[0].value == "Canal"
        assert app.query_params["lang"] == "fr"

    def test_a_new_address_wins_over_the_button(self) -> None:
        app = self.opened(lang="en")
        app.button(key="switch_language").click().run()
        app.button(key="again").click().run()
        app.query_params["lang"] = "en"  # the browser's button "back"
        app.button(key="again").click().run()
        assert app.caption[0].value == "Channel"

    def test_a_click_with_the_address_of_before_does_not_turn_back(self) -> None:
        app = self.opened(lang="en")
        app.button(key="switch_language").click().run()
        app.query_params["lang"] = "en"  # the browser had not got the new one yet
        app.button(key="again").click().run()
        assert app.caption[0].value == "Canal"
        assert app.query_params["lang"] == "fr"


@pytest.mark.parametrize(
    ("page", "section"),
    [
        pytest.param(page, section, marks=[] if number == 0 else [pytest.mark.slow])
        for page, sections_ in SECTIONS.items()
        for number, section in enumerate(sections_)
    ],
)
def test_every_section_in_french(page: str, section: str) -> None:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=TIMEOUT)
    app.session_state["page"], app.session_state["language"] = page, "fr"  # as the router notes them
    app.query_params["section"] = section
    page_shown = shown(fine(app.run()))
    assert sentences("fr")[f"{page}.section.{section}"] in page_shown
    assert not english_on(page_shown)


def opened(page: str, state: dict[str, Any] | None = None, **query: str) -> AppTest:
    """A page in French, as the router opens it."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    app.switch_page(f"pages/{page}.py")
    for name, value in (state or {}).items():
        app.session_state[name] = value
    for name, value in (query | {"lang": "fr"}).items():
        app.query_params[name] = value
    return fine(app.run())


class TestGuideInFrench:
    def test_the_list_of_lessons(self) -> None:
        app = opened("lessons")
        assert [one.value for one in app.title] == ["Leçons"]
        assert not english_on(shown(app))

    def test_a_lesson_before_and_after_the_answer(self) -> None:
        before = opened("lessons", lesson="snr")
        assert [one.value for one in before.title] == ["Ce qu’est un rapport signal sur bruit"]
        assert not english_on(shown(before))
        after = opened("lessons", {ANSWERS: {"snr": "hundred"}}, lesson="snr")
        page_shown = shown(after)
        assert "Vous l’aviez prédit." in page_shown and "fois** la puissance du bruit" in page_shown
        assert not english_on(page_shown)

    @pytest.mark.parametrize("screen", ["1", "2", "3"])
    def test_the_story(self, screen: str) -> None:
        app = opened("story", screen=screen)
        page_shown = shown(app)
        assert sentences("fr")[f"story.screen.{screen}.title"] in page_shown
        assert not english_on(page_shown)

    def test_the_glossary(self) -> None:
        app = opened("glossary")
        assert any(one.value == "# Glossaire" for one in app.markdown)
        assert not english_on(shown(app))
        headings = [one.value.removeprefix("### ") for one in app.markdown if one.value.startswith("### ")]
        assert len(headings) == len(strings.names("glossary.term"))
        plain = [glossary._folded(one).lstrip("λετ (") for one in headings]
        assert plain == sorted(plain), "in the order of the French names"

    def test_the_glossary_leads_to_the_same_places(self) -> None:
        ours, french = sentences("en"), sentences("fr")
        places = [key for key in ours if re.fullmatch(r"glossary\.term\.\w+\.see", key)]
        assert len(places) > 50
        assert [french[key] for key in places] == [ours[key] for key in places]


def test_a_file_that_is_made_later_is_in_the_language_of_its_page() -> None:
    """Downloads are made on request, on a thread that knows no session."""

    def page() -> None:
        import streamlit as st

        from pages.widgets import language
        from pages.widgets.strings import t

        st.session_state["language"] = "fr"
        st.session_state["made"] = language.in_this(lambda: t("controls.channel"))

    made = fine(AppTest.from_function(page).run()).session_state["made"]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(made).result() == "Canal"
        assert pool.submit(t, "controls.channel").result() == "Channel", "nothing of it stays behind"


def test_titles_change_and_addresses_do_not(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    seen: dict[str, list[Any]] = {}

    def navigation(pages: dict[str, list[Any]], **options: Any) -> Any:
        seen[language.current()] = [page for group in pages.values() for page in group]
        return real(pages, **options)

    real = st.navigation
    monkeypatch.setattr(st, "navigation", navigation)
    open_app()
    open_app(lang="fr")
    ours, theirs = seen["en"], seen["fr"]
    assert [one.url_path for one in ours] == [one.url_path for one in theirs]
    assert "Liaison en direct" in [one.title for one in theirs] and "Live link" in [one.title for one in ours]
