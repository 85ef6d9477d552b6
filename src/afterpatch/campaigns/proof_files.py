"""The proof files of a pack: ``tests/rules/*.yml``, read as text; detection judges them."""

from pathlib import Path


def proof_texts(folder: Path) -> dict[str, str]:
    """File name below the pack -> its text, in order of name."""
    files = sorted((folder / "tests" / "rules").glob("*.yml"))
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in files}
