"""Integers of the wire, read and written in compiled loops."""

import numpy as np
from numba import njit

__all__ = ["get_u16", "get_u32", "get_u48", "get_u64", "put", "read_stamps"]


@njit(cache=True)
def get_u16(data, at):
    """Return the 2-byte integer at byte ``at``."""
    return (np.int64(data[at]) << 8) | np.int64(data[at + 1])


@njit(cache=True)
def get_u32(data, at):
    """Return the 4-byte integer at byte ``at``."""
    return (get_u16(data, at) << 16) | get_u16(data, at + 2)


@njit(cache=True)
def get_u48(data, at):
    """Return the 6-byte integer at byte ``at``."""
    return (get_u16(data, at) << 32) | get_u32(data, at + 2)


@njit(cache=True)
def get_u64(data, at):
    """Return the 8-byte integer at byte ``at``; beyond 2^63 it comes out negative."""
    return (get_u32(data, at) << 32) | get_u32(data, at + 4)


@njit(cache=True)
def put(data, at, size, value):
    """Write ``value`` as ``size`` bytes at byte ``at``."""
    for place in range(size):
        data[at + size - 1 - place] = (value >> (8 * place)) & 0xFF


@njit(cache=True)
def read_stamps(data, offset, out):
    """Fill ``out`` with the 6-byte time stamps of the messages at ``offset``; bytes 5 to 10."""
    for row in range(len(offset)):
        out[row] = get_u48(data, offset[row] + 5)
