"""What makes a site of the repository's Markdown: pages that live elsewhere are taken in, their links follow.

A hook of mkdocs (mkdocs.yml).
"""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
# What is read in the repository as well: firmware/README.md, and each example.
ELSEWHERE = ["firmware/README.md", "examples/README.md", *sorted(f"examples/{path.parent.name}/README.md"
             for path in (ROOT / "examples").glob("*/README.md"))]  # fmt: skip
_FOLDER_LINK = re.compile(r"\]\((?P<name>[a-z0-9-]+)/?\)")


def on_files(files, config):
    """Pages from outside docs/."""
    for name in ELSEWHERE:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown, page, **_):
    """Links as they are in the repository become links between pages."""
    if page.file.src_uri in ELSEWHERE:
        up = "../" * page.file.src_uri.count("/")
        markdown = markdown.replace(f"]({up}docs/", f"]({up}")
        return _FOLDER_LINK.sub(r"](\g<name>/README.md)", markdown)
    return re.sub(r"\]\(\.\./(firmware|examples)/", r"](\1/", markdown)
