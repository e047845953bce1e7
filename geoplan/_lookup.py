"""The inner loop of the postcode look-up, compiled by numba.

One pass over the bytes of the column: tidy, parse, find in the directory, mend by the safe confusions.
The directory is two arrays: ``outward`` maps the packed outward code ("ME7", base 37) to a block, and
``unit`` holds, for each block, the directory row of each inward code ("1AB": 10 x 26 x 26 cells). A
look-up is two reads of memory and no hashing; 2.7 million postcodes take about 90 MB.

Kept apart because it is the only compiled module, and because the plain twin in
``tests/plain/postcodes.py`` says the same thing in thirty obvious lines.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# outcomes of one look-up
BLANK, EXACT, REFORMATTED, REPAIRED, SECTOR_ONLY, NOT_FOUND, MALFORMED, PSEUDO, FORCES, LOOK_CLOSER = range(10)

INWARD_CELLS = 10 * 26 * 26
OUTWARD_CELLS = 37**4

# 0 = space, 1-26 = A-Z, 27-36 = 0-9, 254 = punctuation, 255 = not ASCII
CODES = np.full(256, 254, dtype=np.uint8)
CODES[[9, 10, 11, 12, 13, 32]] = 0
CODES[ord("A") : ord("Z") + 1] = np.arange(1, 27)
CODES[ord("a") : ord("z") + 1] = np.arange(1, 27)
CODES[ord("0") : ord("9") + 1] = np.arange(27, 37)
CODES[128:] = 255

# the five confusions that never map two real postcodes together
PARTNER = np.zeros(37, dtype=np.uint8)
for _a, _b in ("O0", "I1", "S5", "B8", "Z2"):
    PARTNER[CODES[ord(_a)]], PARTNER[CODES[ord(_b)]] = CODES[ord(_b)], CODES[ord(_a)]

# inward letters that no live postcode has: C I K M O V
_NEVER_INWARD = np.zeros(37, dtype=np.bool_)
for _c in "CIKMOV":
    _NEVER_INWARD[CODES[ord(_c)]] = True


@njit(cache=True, nogil=True, inline="always")
def _outward_cell(c, n):
    """The packed outward code of the first ``n`` characters (2 to 4)."""
    cell = 0
    for i in range(4):
        cell = cell * 37 + (c[i] if i < n else 0)
    return cell


@njit(cache=True, nogil=True)
def _find(c, n, outward, unit):
    """The directory row of ``n`` characters (5 to 7), or -1."""
    d, a, b = c[n - 3], c[n - 2], c[n - 1]
    if d < 27 or a == 0 or a > 26 or b == 0 or b > 26:
        return -1
    block = outward[_outward_cell(c, n - 3)]
    if block < 0:
        return -1
    return unit[block * INWARD_CELLS + (d - 27) * 676 + (a - 1) * 26 + (b - 1)]


@njit(cache=True, nogil=True)
def _is_outward(c, n):
    """Whether the first ``n`` characters have the shape of an outward code."""
    if n < 2 or n > 4 or c[0] > 26:
        return False
    if n == 3 and c[0] == 7 and c[1] == 9 and c[2] == 18:  # GIR
        return True
    if n == 3 and c[0] == 14 and c[1] == 16 and c[2] == 20:  # NPT
        return True
    first = 1 if c[1] > 26 else 2  # where the digits begin
    if first == 2 and n < 3:
        return False
    if c[first] < 27:
        return False
    return n - first <= 2


@njit(cache=True, nogil=True)
def _is_postcode(c, n):
    """Whether ``n`` characters have the shape of a postcode (the loose pattern of the domain note)."""
    if n < 5 or n > 7 or not _is_outward(c, n - 3):
        return False
    d, a, b = c[n - 3], c[n - 2], c[n - 1]
    return d >= 27 and a <= 26 and b <= 26 and not _NEVER_INWARD[a] and not _NEVER_INWARD[b]


@njit(cache=True, nogil=True)
def _mend(c, n, outward, unit, trial):
    """The one directory row that look-alike swaps lead to; -1 for none, -2 for more than one."""
    found = -1
    positions = np.empty(7, dtype=np.int64)
    k = 0
    for i in range(n):
        if PARTNER[c[i]] != 0:
            positions[k] = i
            k += 1
    for subset in range(1, 1 << k):
        for i in range(n):
            trial[i] = c[i]
        for j in range(k):
            if subset >> j & 1:
                trial[positions[j]] = PARTNER[c[positions[j]]]
        row = _find(trial, n, outward, unit)
        if row >= 0:
            if found >= 0 and found != row:
                return -2
            found = row
    return found


@njit(cache=True, nogil=True)
def look_up_bytes(data, offsets, start, stop, outward, unit, sector, rows, outcomes):
    """Fill ``rows`` and ``outcomes`` for the strings ``start`` to ``stop`` of an Arrow text column."""
    c = np.zeros(8, dtype=np.uint8)
    trial = np.zeros(8, dtype=np.uint8)
    for i in range(start, stop):
        low, high = offsets[i], offsets[i + 1]
        n = 0
        other = 0  # characters that are not ASCII
        last_space = -1  # number of characters before the last dropped one
        dropped = 0
        lower = False
        spaced = True  # every dropped character was a plain space
        marks = 0  # bit k: punctuation after k characters
        for p in range(low, high):
            byte = data[p]
            code = CODES[byte]
            if code == 0 or code == 254:
                dropped += 1
                last_space = n
                if byte != 32:
                    spaced = False
                if code == 254:
                    marks |= 1 << min(n, 8)
            elif code == 255:
                other += 1
            else:
                if byte >= 97:
                    lower = True
                if n < 8:
                    c[n] = code
                n += 1
        rows[i] = -1
        if other:
            outcomes[i] = LOOK_CLOSER
            continue
        if n == 0:
            # nothing but spaces is blank; punctuation alone was somebody's way to say "none"
            outcomes[i] = BLANK
            continue
        # punctuation may stand before, after and between the halves, never inside one: M*7 1AB is not M7 1AB
        if n > 7 or marks & ~(1 | 1 << n | 1 << max(n - 3, 0)):
            outcomes[i] = LOOK_CLOSER
            continue
        row = _find(c, n, outward, unit) if n >= 5 else -1
        if row >= 0:
            rows[i] = row
            exact = not lower and spaced and dropped == 1 and last_space == n - 3
            outcomes[i] = EXACT if exact else REFORMATTED
            continue
        if n >= 4 and c[0] == 26 and c[1] == 26 and c[2] == 36 and c[3] == 36:  # ZZ99
            outcomes[i] = PSEUDO
            continue
        if c[0] == 2 and c[1] == 6 and n >= 3 and (c[2] >= 27 or (n >= 4 and c[2] == 16 and c[3] == 15)):
            outcomes[i] = FORCES  # BF1 ..., BFPO ...
            continue
        if n >= 5:
            row = _mend(c, n, outward, unit, trial)
            if row >= 0:
                rows[i] = row
                outcomes[i] = REPAIRED
                continue
        shaped = _is_postcode(c, n)
        m = n - 3 if shaped else n - 1  # where the sector's digit stands: "ME7 1AB", "ME7 1"
        if (shaped or (n <= 5 and n >= 3)) and _is_outward(c, m) and c[m] >= 27:
            block = outward[_outward_cell(c, m)]
            if block >= 0 and sector[block * 10 + c[m] - 27]:
                outcomes[i] = SECTOR_ONLY
                continue
        outcomes[i] = NOT_FOUND if shaped else MALFORMED


@njit(cache=True, nogil=True)
def index_directory(data, offsets, count, outward, block_of):
    """Give each outward code a block number in order of appearance; returns how many, or -1 - row if unreadable."""
    c = np.zeros(8, dtype=np.uint8)
    blocks = 0
    for i in range(count):
        n = 0
        for p in range(offsets[i], offsets[i + 1]):
            if n < 8:
                c[n] = CODES[data[p]]
            n += 1
        if n < 5 or n > 7:
            return -1 - i
        for j in range(n):
            if c[j] == 0 or c[j] > 36:
                return -1 - i
        if c[n - 3] < 27 or c[n - 2] > 26 or c[n - 1] > 26:
            return -1 - i
        cell = _outward_cell(c, n - 3)
        if outward[cell] < 0:
            outward[cell] = blocks
            blocks += 1
        block_of[i] = outward[cell] * INWARD_CELLS + (c[n - 3] - 27) * 676 + (c[n - 2] - 1) * 26 + (c[n - 1] - 1)
    return blocks
