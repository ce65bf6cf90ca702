"""Build the documentation as a website: tools/website.py SOURCE SITE, run by `make docs` with .venv-docs.

The pages are those of docs/ and whatever they link to, at the same paths, so that the links are right on GitHub too.
docs/README.md is the first page, and its sections are the navigation. Drawings become SVG here: the site has no script
of others and asks no other server. A link or an anchor that leads nowhere fails the build.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INDEX = Path("docs/README.md")
LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")
DRAWING = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//[^>]*>|"""
    r"""<link[^>]*\srel=["']?(?:stylesheet|preload|preconnect|icon)[^>]*//[^>]*>|"""
    r"""(?:@import|url\()\s*["']?(?:https?:)?//[^)]*"""
)
"""What makes a browser ask another server."""


def main(arguments: list[str]) -> int:
    """Write the pages to the folder SOURCE, and the website to the folder SITE."""
    source, site = (ROOT / argument for argument in arguments)
    write_pages(source)
    options = ["--fail-on-warning", "--keep-going", "--fresh-env", "--quiet", "--jobs", "auto"]
    folders = ["--conf-dir", str(ROOT / "docs"), str(source), str(site)]
    shutil.rmtree(site, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "sphinx", "--builder", "html", *options, *folders], check=False)
    if done.returncode:
        return done.returncode
    if found := sorted(find_requests(site)):
        print("\n".join(["The site asks other servers:", *found]), file=sys.stderr)
        return 1
    print(f"Open {os.path.relpath(site / 'index.html')} in a browser.")
    return 0


def write_pages(source: Path) -> None:
    """Write the pages, and the files that they link to, to the folder *source*."""
    shutil.rmtree(source, ignore_errors=True)
    for path in find_files(ROOT):
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".md":
            shutil.copyfile(ROOT / path, target)
            continue
        text = draw((ROOT / path).read_text(), partial(_write_picture, target.parent))
        if path == INDEX:
            (source / "index.md").write_text(render_index(text))
        else:
            target.write_text(f"---\norphan: true\n---\n{text}" if path.parts[0] != "docs" else text)


def find_files(root: Path) -> list[Path]:
    """Return all pages in docs/ and, from page to page, all files that they link to."""
    found: dict[Path, None] = {}
    queue = [path.relative_to(root) for path in sorted((root / "docs").rglob("*.md"))]
    while queue:
        path = queue.pop()
        if path not in found and (root / path).is_file():
            found[path] = None
            queue += find_targets(path, (root / path).read_text()) if path.suffix == ".md" else []
    return sorted(found)


def find_targets(page: Path, text: str) -> Iterator[Path]:
    """Return the files that *text*, that of *page*, links to."""
    for target, _ in LINK.findall(text):
        if ":" not in target:
            yield Path(os.path.normpath(page.parent / target))


def render_index(text: str) -> str:
    """Return the first page: *text* with its links as seen from the root, and the navigation that it lists."""
    moved = LINK.sub(lambda link: f"]({_from_root(link[1])}{link[2] or ''})", text)
    trees = []
    for section in re.split(r"^## ", moved, flags=re.MULTILINE)[1:]:
        pages = [target for target, _ in LINK.findall(section) if target.endswith(".md")]
        listed = "".join(f"{page}\n" for page in pages)
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {section.splitlines()[0]}\n\n{listed}```\n")
    return "\n".join([moved, *trees])


def _from_root(target: str) -> str:
    return target if ":" in target else os.path.normpath(INDEX.parent / target)


def draw(text: str, picture: Callable[[str], str]) -> str:
    """Return *text* with the file that *picture* makes of a drawing in place of each drawing."""

    def replacement(drawing: re.Match[str]) -> str:
        heading = re.findall(r"^#+ (.*)$", text[: drawing.start()], re.MULTILINE)[-1]
        return f"![Drawing: {heading}]({picture(drawing[1])})"

    return DRAWING.sub(replacement, text)


def _write_picture(folder: Path, drawing: str) -> str:
    """Write what Mermaid makes of *drawing* to *folder* and return its name; one that has not changed is kept."""
    kept = ROOT / ".cache/drawings" / f"{hashlib.sha256(drawing.encode()).hexdigest()[:16]}.svg"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(".new.svg")
        mermaid = [str(Path(sys.executable).parent / "mermaidx"), "--quiet", "-t", "neutral", "-i", "-"]
        subprocess.run([*mermaid, "-o", str(fresh)], input=drawing, text=True, check=True)
        fresh.replace(kept)
    shutil.copyfile(kept, folder / kept.name)
    return kept.name


def find_requests(site: Path) -> Iterator[str]:
    """Return what in the pages and style sheets of *site* makes a browser ask another server."""
    for path in site.rglob("*"):
        if path.suffix in {".html", ".css"}:
            yield from (f"{path.relative_to(site)}: {found}" for found in ELSEWHERE.findall(path.read_text()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
