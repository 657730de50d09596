"""The ledger's secrets: made once, read again, never taken when they are cut short."""

from pathlib import Path

import pytest

from ledger.secrets import open_secrets


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = open_secrets(tmp_path)

    assert open_secrets(tmp_path).session_key == first.session_key
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_a_pepper_that_is_put_there_later_issues_nothing(tmp_path: Path) -> None:
    """The ledger's first fact has no fingerprint of it, so nobody would miss it."""
    begun_with = open_secrets(tmp_path).peppers.keys()
    for name in ("p2", "p10", "zz"):
        (tmp_path / "secrets" / f"pepper-{name}.key").write_bytes(bytes(32))

    assert open_secrets(tmp_path).pepper_id in begun_with


@pytest.mark.parametrize("name", ["session.key", "pepper-p1.key"])
def test_a_secret_that_was_cut_short_is_not_used(tmp_path: Path, name: str) -> None:
    """With an empty key, anybody could sign as any terminal."""
    open_secrets(tmp_path)
    (tmp_path / "secrets" / name).write_bytes(b"")

    with pytest.raises(OSError, match="damaged"):
        open_secrets(tmp_path)
