"""Becomes another program after tying its life to its parent's, and perhaps giving up root.

`python launch.py UID GID CAPABILITY STOP_SIGNAL PARENT_PID PROGRAM [ARGUMENT...]`, `-` for none.
The parent may be killed without a chance to clean up; then the kernel sends STOP_SIGNAL, and
nothing runs on unattended. The kernel counts the thread that started us as the parent.
"""

import ctypes
import os
import sys

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def launch_argv(
    argv: tuple[str, ...],
    *,
    stop_signal: int,
    uid: int | None = None,
    gid: int | None = None,
    may_search: bool = False,
) -> list[str]:
    """Return the command line that starts ``argv`` by way of this module.

    ``may_search`` lets a user other than root read and pass through folders closed to it: what is
    installed below /root could not be run otherwise. It still writes only where it may, unless we
    lack the smaller of the two capabilities that do.
    """
    how = [uid, gid, _search_capability() if may_search else None]
    told = ["-" if value is None else str(value) for value in how]
    # The launcher needs little of the standard library, so Python starts in its quickest way.
    return [sys.executable, "-ISE", __file__, *told, str(stop_signal), str(os.getpid()), *argv]


def _search_capability() -> int:
    """Return the smallest capability we hold that does; containers often lack the first."""
    from pathlib import Path  # noqa: PLC0415 - slow to import, and the launcher needs it not

    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = int(status.partition("CapPrm:")[2].split()[0], 16)
    return CAP_DAC_READ_SEARCH if held >> CAP_DAC_READ_SEARCH & 1 else CAP_DAC_OVERRIDE


def main() -> None:
    """Make a process group, give up root, ask for the parent's death signal, be the program."""
    uid, gid, capability, stop_signal, parent_pid, *argv = sys.argv[1:]
    # What a terminal sends to its group (Ctrl-C) is not for us, and who ends us ends all we start.
    # Not a session of our own: among those Linux may share out processors whatever the priorities.
    os.setpgid(0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if uid != "-":
        libc.prctl(_PR_SET_KEEPCAPS, int(capability != "-"), 0, 0, 0)
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
        if capability != "-":
            _keep(libc, int(capability))
    # What a program makes in the home is nobody else's to read.
    os.umask(0o077)
    # After setuid, which would clear it again (prctl(2)).
    libc.prctl(_PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
    if os.getppid() != int(parent_pid):
        # The parent died before we asked.
        sys.exit(1)
    os.execvp(argv[0], argv)  # noqa: S606 - becoming that program is the purpose


def _keep(libc: ctypes.CDLL, capability: int) -> None:
    """Keep one capability, also in the program we become, and drop all others."""
    header = _Header(_CAPABILITY_VERSION_3, 0)
    bits = 1 << capability
    sets = (_Sets * 2)(_Sets(bits, bits, bits), _Sets(0, 0, 0))
    libc.capset(ctypes.byref(header), ctypes.byref(sets))
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


if __name__ == "__main__":
    main()
