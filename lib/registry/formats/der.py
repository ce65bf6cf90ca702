"""DER, the binary form of certificates and keys: only as much as it takes to tell what a text is."""

from __future__ import annotations

from typing import NamedTuple

INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30


class Element(NamedTuple):
    """One element: its tag, its content, and both of them with the length in between."""

    tag: int
    content: bytes
    raw: bytes

    def children(self) -> list[Element]:
        """Return the elements in the content. Raises ValueError."""
        return elements(self.content)


def elements(data: bytes) -> list[Element]:
    """Return the elements that follow each other in *data*. Raises ValueError where it is no DER."""
    found: list[Element] = []
    while data:
        element = first(data)
        found.append(element)
        data = data[len(element.raw) :]
    return found


def first(data: bytes) -> Element:
    """Return the first element of *data*, whatever follows it. Raises ValueError."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise ValueError("no element")
    begin, length = 2, data[1]
    if length >= 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin], "big")
        # An indefinite length is BER, and nobody has more than four bytes of length.
        if not 2 < begin <= 6 or length < 0x80:
            raise ValueError("no length of DER")
    if len(data) < begin + length:
        raise ValueError("an element is cut off")
    return Element(data[0], data[begin : begin + length], data[: begin + length])


def oid(content: bytes) -> str:
    """Return an object identifier as it is written: ``2.5.4.3``."""
    numbers, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    if not numbers:
        raise ValueError("no object identifier")
    high = min(numbers[0] // 40, 2)
    return ".".join(map(str, (high, numbers[0] - 40 * high, *numbers[1:])))
