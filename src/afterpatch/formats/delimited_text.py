"""One line of separated text -> its fields.

Enters: a record's text without line end. Leaves: unescaped field texts. These few functions say
what a record *is*; the vector checks in :mod:`afterpatch.formats.line_scan` only prove, for many
lines at once, that these functions would find the expected number of fields.
"""


def split_quoted(text: str, separator: str = ",", quote: str = '"') -> list[str] | None:
    """Split with quoting as in RFC 4180; None when a quoted field does not end.

    Lenient as Exchange and the csv module are: a quote inside an unquoted field is plain text,
    and text after a closing quote belongs to the field.
    """
    if quote not in text:
        return text.split(separator)
    fields: list[str] = []
    at = 0
    while True:
        value = ""
        if text.startswith(quote, at):
            end = _closing_quote(text, at + 1, quote)
            if end < 0:
                return None
            value = text[at + 1 : end].replace(quote * 2, quote)
            at = end + 1
        stop = text.find(separator, at)
        if stop < 0:
            fields.append(value + text[at:])
            return fields
        fields.append(value + text[at:stop])
        at = stop + 1


def _closing_quote(text: str, at: int, quote: str) -> int:
    """Offset of the quote that ends a field, or -1; a doubled quote is text."""
    while (end := text.find(quote, at)) >= 0 and text.startswith(quote, end + 1):
        at = end + 2
    return end


def split_around(text: str, separator: str, count: int, loose: int) -> list[str] | None:
    """Split into ``count`` fields where field ``loose`` may hold the separator; None if too few.

    The fields before it are taken from the left, the fields after it from the right.
    """
    parts = text.split(separator)
    surplus = len(parts) - count
    if surplus < 0:
        return None
    middle = separator.join(parts[loose : loose + surplus + 1])
    return [*parts[:loose], middle, *parts[loose + surplus + 1 :]]
