"""The website: which files are pages, what the navigation lists, and that it asks no other server."""

import pytest
import website


@pytest.fixture
def tree(tmp_path):
    files = {
        "docs/README.md": "# All\n\n## Guides\n\n[1](how-to/one.md#top) [x](../lib/x.py)\n\n## More\n\n[N](../NEWS.md)",
        "docs/how-to/one.md": "[news](../../NEWS.md) [gone](gone.md) [other](https://example.com)",
        "NEWS.md": "[far](far/away.md)",
        "far/away.md": "",
        "lib/x.py": "[no](y.py)",
        "lib/y.py": "",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_page_is_in_docs_or_linked_from_a_page(tree):
    found = {str(path) for path in website.find_files(tree)}
    assert found == {"docs/README.md", "docs/how-to/one.md", "NEWS.md", "far/away.md", "lib/x.py"}


def test_the_sections_of_the_first_page_are_the_navigation(tree):
    index = website.render_index((tree / "docs/README.md").read_text())
    assert "[1](docs/how-to/one.md#top)" in index
    assert ":caption: Guides\n\ndocs/how-to/one.md\n```" in index
    assert ":caption: More\n\nNEWS.md\n```" in index


def test_what_asks_another_server_is_noticed(tmp_path):
    (tmp_path / "page.html").write_text(
        '<a href="https://example.com">x</a> <link rel="author" href="//example.com"><script src="x.js"></script>'
        '<script async src="//example.com/x.js"></script><link rel="stylesheet" href="https://example.com/x.css">'
    )
    (tmp_path / "page.css").write_text("a { background: url(x.png) } @font-face { src: url('https://example.com/f') }")
    assert len(list(website.find_requests(tmp_path))) == 3


def test_a_drawing_becomes_a_picture_named_by_its_section():
    text = "# Page\n\n## Part\n\n```mermaid\na --> b\n```\n"
    assert (
        website.draw(text, lambda drawing: f"{drawing.strip()}.svg")
        == "# Page\n\n## Part\n\n![Drawing: Part](a --> b.svg)\n"
    )
