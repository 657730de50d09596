"""The ledger's secrets: made once, read again, never taken when they are cut short."""

from pathlib import Path

import pytest

from ledger.secrets import open_secrets


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = open_secrets(tmp_path)

    assert open_secrets(tmp_path).session_key == first.session_key
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["session.key", "pepper-p1.key"])
def test_a_secret_that_was_cut_short_is_not_used(tmp_path: Path, name: str) -> None:
    """With an empty key, anybody could sign as any terminal."""
    open_secrets(tmp_path)
    (tmp_path / "secrets" / name).write_bytes(b"")

    with pytest.raises(OSError, match="damaged"):
        open_secrets(tmp_path)
