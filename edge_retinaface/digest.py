"""SHA-256 by Python's own small module: `hashlib` loads OpenSSL, 3.6 MB that the service needs for nothing else."""

try:
    from _sha2 import sha256  # type: ignore[import-not-found] # Python 3.12 and newer
except ImportError:
    try:
        from _sha256 import sha256  # type: ignore[import-not-found]
    except ImportError:  # a Python built without either
        from hashlib import sha256


def sha256_hex(content: bytes) -> str:
    """The digest of `content`, 64 hexadecimal digits."""
    return str(sha256(content).hexdigest())
