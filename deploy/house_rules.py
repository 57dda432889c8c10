"""Rules no other checker knows: no big or binary files, secrets, addresses in locks, machine paths.

Run by ``make check`` and pre-commit; reads only what git tracks. Exits 1 and names each offence.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

LARGEST_BYTES = 400_000
BINARY_SUFFIXES = frozenset(
    {
        ".pyc",
        ".wav",
        ".flac",
        ".mp3",
        ".mp4",
        ".webm",
        ".opus",
        ".bin",
        ".onnx",
        ".whl",
        ".exe",
        ".so",
    }
)
FORBIDDEN_NAMES = frozenset({"uv.lock", "pylock.toml"})
LOCKS = re.compile(r"(requirements.*\.lock|package-lock\.json|\.npmrc)$")
SCAN_OPTIONS = (
    "--disable-plugin",  # sha256 sums of pinned models are not secrets
    "HexHighEntropyString",
    "--exclude-secrets",  # words that stand for a secret in a description
    "^(password|secrets?|scram-sha-256)$",
)
UNSCANNED = re.compile(r"\.lock$|package-lock\.json$|^tests/|^deploy/reference/")
ADDRESS = re.compile(rb"https?://|index-url")
MACHINE_PATH = re.compile(rb"(?<![\w.$}/-])/(?:work|root)/")


def tracked_files(top: Path) -> list[Path]:
    """Return every file git tracks or would track, as it is in the working tree."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607 - git from PATH
        cwd=top,
        check=True,
        capture_output=True,
    )
    names = [name for name in listing.stdout.decode().split("\0") if name]
    return [top / name for name in names if (top / name).is_file()]


def offences_in(path: Path, name: str) -> list[str]:
    """Return a sentence for each rule the file breaks."""
    found = []
    content = path.read_bytes()
    if len(content) > LARGEST_BYTES and not LOCKS.search(name):
        found.append(f"{name}: {len(content)} bytes is too large for the repository")
    if path.suffix in BINARY_SUFFIXES or b"\0" in content[:8192]:
        found.append(f"{name}: binary files do not belong here")
    if path.name in FORBIDDEN_NAMES:
        found.append(f"{name}: this lock records addresses; use the requirements locks")
    if LOCKS.search(name) and ADDRESS.search(content):
        found.append(f"{name}: a lock must not record addresses")
    if MACHINE_PATH.search(content):
        found.append(f"{name}: names a path of one machine")
    return found


def secrets_in(top: Path, paths: list[Path]) -> list[str]:
    """Return what detect-secrets finds outside the tests, whose servers are thrown away."""
    names = [str(path.relative_to(top)) for path in paths]
    scanned = [name for name in names if not UNSCANNED.search(name)]
    command = [sys.executable, "-m", "detect_secrets", "scan", *SCAN_OPTIONS, *scanned]
    scan = subprocess.run(command, cwd=top, check=True, capture_output=True)  # noqa: S603 - our list
    results = json.loads(scan.stdout)["results"]
    return [
        f"{name}:{hit['line_number']}: looks like a secret ({hit['type']})"
        for name, hits in results.items()
        for hit in hits
    ]


def main() -> int:
    """Check the whole tree and print each offence on a line of its own."""
    top = Path(__file__).resolve().parent.parent
    paths = tracked_files(top)
    found = [line for path in paths for line in offences_in(path, str(path.relative_to(top)))]
    found += secrets_in(top, paths)
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
