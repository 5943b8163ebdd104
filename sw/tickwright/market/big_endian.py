"""Integers and bytes of the wire, read and written in compiled loops."""

import numpy as np

from tickwright.market.compiled import compiled

__all__ = ["copy_bytes", "get_u16", "get_u32", "get_u48", "get_u64", "put", "read_stamps"]


@compiled
def get_u16(data, at):
    """Return the 2-byte integer at byte ``at``."""
    return (np.int64(data[at]) << 8) | np.int64(data[at + 1])


@compiled
def get_u32(data, at):
    """Return the 4-byte integer at byte ``at``."""
    return (get_u16(data, at) << 16) | get_u16(data, at + 2)


@compiled
def get_u48(data, at):
    """Return the 6-byte integer at byte ``at``."""
    return (get_u16(data, at) << 32) | get_u32(data, at + 2)


@compiled
def get_u64(data, at):
    """Return the 8-byte integer at byte ``at``; beyond 2^63 it comes out negative."""
    return (get_u32(data, at) << 32) | get_u32(data, at + 4)


@compiled
def put(data, at, size, value):
    """Write ``value`` as ``size`` bytes at byte ``at``."""
    for place in range(size):
        data[at + size - 1 - place] = (value >> (8 * place)) & 0xFF


@compiled
def read_stamps(data, offset, out):
    """Fill ``out`` with the 6-byte time stamps of the messages at ``offset``; bytes 5 to 10."""
    for row in range(len(offset)):
        out[row] = get_u48(data, offset[row] + 5)


@compiled
def copy_bytes(out, at, data, start, size):
    """Copy ``size`` bytes of ``data`` from ``start`` on to byte ``at`` of ``out``."""
    for place in range(size):
        out[at + place] = data[start + place]
