#!/usr/bin/python3
"""Prints the lines of `talker` from Python's asyncio, by the wait set's descriptor alone.

Without a binding: ctypes and the few calls that it takes.  EDDY_LIBRARY names libeddy.so.0.2 where the
loader does not find it.
SPDX-License-Identifier: Apache-2.0"""
import asyncio
import ctypes
import os
import sys

eddy = ctypes.CDLL(os.environ.get("EDDY_LIBRARY", "libeddy.so.0.2"))
eddy.eddy_last_error.restype = ctypes.c_char_p
NOT_NOW, POLL = -4, ctypes.c_uint64(0)


class TopicIdentity(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_char_p)]  # what is left out is zero


class Sample(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t),
                ("reserved", ctypes.c_uint64 * 32)]


def call(name, *arguments, answers=()):
    result = getattr(eddy, name)(*arguments)
    if result < 0 and result not in answers:
        sys.exit(f"{name}: {eddy.eddy_last_error().decode()}")
    return result


def lines(waitset, reader):
    """What there is to read.  The wait that finds nothing makes the descriptor unreadable again."""
    ready, count = ctypes.c_void_p(), ctypes.c_size_t()
    call("eddy_waitset_wait", waitset, POLL, ctypes.byref(ready), ctypes.c_size_t(1),
         ctypes.byref(count), answers=(NOT_NOW,))
    sample = Sample()
    while call("eddy_reader_take", reader, ctypes.byref(sample), answers=(NOT_NOW,)) == 0:
        yield ctypes.string_at(sample.data, sample.size).rstrip(b"\0").decode(errors="replace")
        call("eddy_reader_release", reader, ctypes.byref(sample))


async def listen(topic, most):
    domain, reader, waitset, fd = (ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(),
                                   ctypes.c_int())
    name = TopicIdentity(topic.encode(), b"text")
    nothing = None, ctypes.c_size_t(0)
    call("eddy_domain_open_sized", *nothing, ctypes.byref(domain))
    call("eddy_reader_open_sized", domain, ctypes.byref(name), ctypes.c_size_t(ctypes.sizeof(name)),
         *nothing, ctypes.byref(reader))
    call("eddy_waitset_open", domain, ctypes.byref(waitset))
    call("eddy_waitset_attach_reader", waitset, reader, ctypes.c_uint32(0), reader)
    call("eddy_waitset_fd", waitset, ctypes.byref(fd))

    heard, done = 0, asyncio.Event()

    def hear():
        nonlocal heard
        for line in lines(waitset, reader):
            print("heard:", line, flush=True)
            heard += 1
        if most and heard >= most:
            done.set()

    asyncio.get_running_loop().add_reader(fd.value, hear)
    await done.wait()
    asyncio.get_running_loop().remove_reader(fd.value)
    for what, handle in (("waitset", waitset), ("reader", reader), ("domain", domain)):
        call(f"eddy_{what}_close", handle)


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1] if len(sys.argv) > 1 else "greeting",
                       int(sys.argv[2]) if len(sys.argv) > 2 else 0))
