"""Tells from the first bytes whether a recording can be decoded while it still arrives. Pure.

Only for choosing the road: a wrong yes ends in an error of the decoder, a wrong no in waiting for
the last byte, and both are settled by decoding the complete file.
"""

HEAD_BYTES = 1 << 20
"""Undecided after this many bytes means no."""

_MAGIC: tuple[tuple[int, bytes], ...] = (
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),  # MP3, sometimes ADTS or FLAC
    (0, b"FLV\x01"),
    (0, b"#!AMR"),
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
)
_RIFF = (b"RIFF", b"RF64", b"BW64")
_RIFF_FORMS = (b"WAVE", b"AVI ")
_TS_PACKET_BYTES = 188
_TS_SYNC = 0x47
_BOX_HEADER_BYTES = 8
_LARGE_BOX_HEADER_BYTES = 16
_FIRST_BOXES = frozenset(
    (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx")
)
_LONGEST_SIGN = 12


def is_streamable(first_bytes: bytes) -> bool | None:
    """Return whether what begins so can be decoded as it arrives; None: more bytes are needed.

    An MP4 can when its index (``moov``) comes before its media; an unknown format cannot.
    """
    if len(first_bytes) < _LONGEST_SIGN:
        return None
    if any(first_bytes.startswith(magic, at) for at, magic in _MAGIC):
        return True
    if first_bytes[:4] in _RIFF:
        return first_bytes[8:12] in _RIFF_FORMS
    if first_bytes[4:8] in _FIRST_BOXES:
        return _index_comes_first(first_bytes)
    if _is_mpeg_audio(first_bytes):
        return True
    return _is_transport_stream(first_bytes)


def _index_comes_first(head: bytes) -> bool | None:
    position = 0
    while position + _BOX_HEADER_BYTES <= len(head):
        size = int.from_bytes(head[position : position + 4], "big")
        kind = head[position + 4 : position + 8]
        if kind in (b"moov", b"moof"):
            return True
        if kind == b"mdat" or size == 0:
            return False
        least = _BOX_HEADER_BYTES
        if size == 1:
            if position + _LARGE_BOX_HEADER_BYTES > len(head):
                break
            size = int.from_bytes(head[position + 8 : position + 16], "big")
            least = _LARGE_BOX_HEADER_BYTES
        if size < least:
            return False
        position += size
    return None if max(position, len(head)) < HEAD_BYTES else False


def _is_mpeg_audio(head: bytes) -> bool:
    """Recognise MP3 and ADTS by a frame header whose fields are all allowed."""
    if head[0] != 0xFF:  # noqa: PLR2004 - the sync word of ISO 11172-3 and 13818-7
        return False
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS: twelve set bits, layer 0
        return (head[2] >> 2) & 0xF < 13  # noqa: PLR2004 - thirteen sampling rates exist
    has_layer = head[1] & 0xE0 == 0xE0 and head[1] & 0x06 != 0  # noqa: PLR2004
    has_version = head[1] & 0x18 != 0x08  # noqa: PLR2004 - 01 is reserved
    has_rates = head[2] >> 4 not in (0x0, 0xF) and (head[2] >> 2) & 3 != 3  # noqa: PLR2004
    return has_layer and has_version and has_rates


def _is_transport_stream(head: bytes) -> bool | None:
    if head[0] != _TS_SYNC:
        return False
    if len(head) <= 2 * _TS_PACKET_BYTES:
        return None
    return head[_TS_PACKET_BYTES] == _TS_SYNC and head[2 * _TS_PACKET_BYTES] == _TS_SYNC
