"""A terminal: enrol a device; then check, redeem and void tickets.

To run, to read, or to copy with `client_link.py`, `client_telling.py` and `client_wire.py`; it
needs `cryptography`.
`client.sh` does the same with openssl and curl, on the same folders.

    device = Device.make(Path("till"), "https://clearing.example.org")
    device.enrol("t-0123456789ab-…")  # once, with the invitation that the operator shows
    receipt = device.redeem(["BFC22-0001234-03-Y5XC1KP-2"])
    device.void(receipt["claim_id"], ["BFC22-0001234-03-Y5XC1KP-2"])

One rule can't be left out. What changes something has an id, which is made and kept *before* it is
sent, and it is sent again with that id until there is an answer: without one, the ticket may be
redeemed or not. The same id twice redeems it once.

A device is a folder that only its account can read, used by one process at a time:

    url          where the service is
    authority    only where it knows itself by another name than in `url`; signatures cover it
    key.pem      our private key (better: in the platform's key store)
    next.pem     while a key is rolled, the one that replaces it
    terminal     our name, once we are enrolled
    sequence     how many claims we have made
    pending/ID   what has no answer yet: its path, a line feed, its body
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from time import time  # noqa: TID251  # a device has a clock of its own

from api import client_telling as telling
from api import client_wire as wire
from api.client_link import Answer, Link, OutcomeUnknownError, ProblemError, encode


class Device:
    """A device: its key, its counter, and what it waits for. For one thread."""

    def __init__(self, folder: Path, *, patience: float = 60.0, timeout: float = 10.0) -> None:
        """Take up the device in `folder`; then `resume` what its last process left.

        `timeout` seconds for each try, `patience` seconds until a request is given up.
        """
        self.link = Link((folder / "url").read_text(), patience, timeout)
        if (folder / "authority").exists():
            self.link.authority = (folder / "authority").read_text()
        self._folder = folder
        self._key = wire.key_from_pem((folder / "key.pem").read_bytes())

    @classmethod
    def make(cls, folder: Path, url: str, algorithm: str = wire.ED25519) -> "Device":
        """A new device with a key of its own, in a new folder. It has to be enrolled."""
        key = wire.make_key(algorithm)
        Link(url, 0, 0)  # an address that won't do is refused here
        folder.mkdir(mode=0o700)
        (folder / "pending").mkdir()
        keep(folder / "key.pem", wire.key_to_pem(key))
        keep(folder / "url", url.rstrip("/").encode())
        return cls(folder)

    def close(self) -> None:
        self.link.close()

    @property
    def public_key(self) -> str:
        return wire.public_key(self._key)

    @property
    def terminal(self) -> str:
        return (self._folder / "terminal").read_text()

    def enrol(self, invitation: str) -> Answer:
        """Bind our key to an invitation. Without an answer, do it again."""
        message = wire.device_message("enrol", self.link.authority, invitation, self.public_key)
        asked = {"invitation": invitation, **wire.key_proof(self._key, message)}
        path, body = "/v1/terminals/enrol", encode(asked)
        enrolled = self.link.until_answered(lambda: self.link.post(path, body))
        keep(self._folder / "terminal", enrolled["terminal"].encode())
        return enrolled

    def check(self, codes: Iterable[str]) -> Answer:
        """Whether these tickets of one carnet would be taken now. Changes nothing."""
        return self._signed("/v1/checks", encode({"codes": _read(codes)}))

    def redeem(self, codes: Iterable[str], **workshop: str) -> Answer:
        """Take 1 to 10 tickets of one carnet, all or none, for `service_code`, `workshop_id`."""
        claim = self._claims([codes])[0] | workshop
        return self._once(claim["claim_id"], "/v1/redemptions", claim)

    def redeem_batch(self, claims: Iterable[Iterable[str]]) -> list[Answer]:
        """Redeem up to 500 claims, each on its own. There is a verdict for each, in order."""
        batch = {"claims": self._claims(claims)}
        verdicts: list[Answer] = self._once(_new_id(), "/v1/redemptions/batch", batch)["verdicts"]
        return verdicts

    def void(self, claim_id: str, codes: Iterable[str]) -> Answer:
        """Take a redemption back; `codes` are those that it took."""
        void_id = _new_id()
        void = {"void_id": void_id, "codes": _read(codes)}
        return self._once(void_id, f"/v1/redemptions/{claim_id}/void", void)

    def resume(self) -> dict[str, Answer]:
        """Ask again for all that has no answer yet: answers by id. A problem is an answer, too."""
        answers = {}
        for kept in sorted((self._folder / "pending").glob("[!.]*")):
            try:
                answers[kept.name] = self._settle(kept)
            except ProblemError as e:
                if e.is_about_us:
                    raise
                answers[kept.name] = e.told
        return answers

    def roll(self, algorithm: str = wire.ED25519) -> str:
        """Replace our key by a new one, and give that one's public part. Safe to do again."""
        kept = self._folder / "next.pem"
        if not kept.exists():
            keep(kept, wire.key_to_pem(wire.make_key(algorithm)))
        new = wire.key_from_pem(kept.read_bytes())
        self.link.until_answered(lambda: self._roll_to(new))
        self._key = new
        kept.replace(self._folder / "key.pem")
        return self.public_key

    def _roll_to(self, new: wire.Key) -> Answer:
        nonce, public = self.link.nonce(self.terminal), wire.public_key(new)
        message = wire.device_message("roll", self.link.authority, self.terminal, nonce, public)
        asked = {
            "terminal": self.terminal,
            "nonce": nonce,
            "old_signature": wire.sign(self._key, message),
            **wire.key_proof(new, message),
        }
        return self.link.post("/v1/terminals/roll", encode(asked))

    def _claims(self, claims: Iterable[Iterable[str]]) -> list[Answer]:
        """Ids and sequence numbers for claims. A number is never used again, whatever happens."""
        read = [_read(codes) for codes in claims]
        if not read:
            raise ValueError("no claims")
        counter = self._folder / "sequence"
        used = int(counter.read_text()) if counter.exists() else 0
        keep(counter, str(used + len(read)).encode())
        return [
            {"claim_id": _new_id(), "codes": codes, "sequence": number}
            for number, codes in enumerate(read, used + 1)
        ]

    def _once(self, name: str, path: str, asked: Answer) -> Answer:
        kept = self._folder / "pending" / name
        keep(kept, path.encode() + b"\n" + encode(asked))
        return self._settle(kept)

    def _settle(self, kept: Path) -> Answer:
        """Send what is kept until there is an answer, and only then forget it."""
        path, _, body = kept.read_bytes().partition(b"\n")
        try:
            answer = self._signed(path.decode(), body)
        except ProblemError as e:
            if not e.is_about_us:
                kept.unlink()
            raise
        kept.unlink()
        return answer

    def _signed(self, path: str, body: bytes) -> Answer:
        return self.link.until_answered(
            lambda: self.link.post_signed(path, body, self.terminal, self._key)
        )


def keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. It is on the disk when this returns."""
    draft = path.with_name(f".{path.name}")
    with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file)
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _read(codes: Iterable[str]) -> list[str]:
    read = [wire.read_code(code) for code in codes]
    if not read:
        raise ValueError("no codes")
    return read


def _new_id() -> str:
    return wire.make_id(int(time() * 1000))


def carry_out(folder: Path, word: str, *given: str) -> object:
    """Do what the command line says, and give the answer."""
    if word == "make":
        return Device.make(folder, *given).public_key
    patience = float(os.environ.get("SOUCHE_PATIENCE", "60"))
    timeout = float(os.environ.get("SOUCHE_TIMEOUT", "10"))
    with closing(Device(folder, patience=patience, timeout=timeout)) as device:
        device.link.on_wait = partial(_tell_of_waiting, word)
        commands: dict[str, Callable[..., object]] = {
            "enrol": device.enrol,
            "check": lambda *codes: device.check(codes),
            "redeem": lambda *codes: device.redeem(codes),
            "batch": lambda: {"verdicts": device.redeem_batch(map(str.split, sys.stdin))},
            "void": lambda claim_id, *codes: device.void(claim_id, codes),
            "resume": device.resume,
            "roll": device.roll,
        }
        return commands[word](*given)


def _tell_of_waiting(word: str, why: str, wait: float, left: float) -> None:
    if wait >= telling.WORTH_TELLING:
        sys.stderr.write(telling.waiting(word, why, wait, left))
        sys.stderr.flush()


def _understood(arguments: list[str]) -> list[str]:
    if len(arguments) < 2 or arguments[1] not in telling.WORDS:  # noqa: PLR2004
        raise ValueError(f"after FOLDER there is one of {', '.join(telling.WORDS)}")
    folder, word = Path(arguments[0]), arguments[1]
    if word == "make":
        if folder.exists():
            raise LookupError(f"{folder} is there already: a device is made in a new folder")
    elif not (folder / "key.pem").exists():
        raise LookupError(f"there is no device in {folder}; `make` one there")
    elif word != "enrol" and not (folder / "terminal").exists():
        raise LookupError(f"the device in {folder} is not enrolled; `enrol` it by an invitation")
    return arguments


def main(arguments: list[str]) -> int:
    """Print the answer as JSON."""
    if not arguments or not {"-h", "--help"}.isdisjoint(arguments):
        (sys.stdout if arguments else sys.stderr).write(telling.HELP)
        return 0 if arguments else 2
    try:
        folder, word, *given = _understood(arguments)
        answer, left = carry_out(Path(folder), word, *given), 0
    except ProblemError as e:
        answer, left = e.told, 1
    except OutcomeUnknownError as e:
        sys.stderr.write(telling.given_up(arguments[1], arguments[0], str(e)))
        return 4
    except (LookupError, OSError, TypeError, ValueError) as e:
        told = _in_words(e, arguments)
        sys.stderr.write(f"{told}\n`python -m api.client --help` tells how.\n")
        return 2
    sys.stdout.write(f"{json.dumps(answer, ensure_ascii=False)}\n")
    return left


def _in_words(error: Exception, arguments: list[str]) -> str:
    match error:
        case TypeError():
            return f"{arguments[1]} takes other arguments"
        case OSError():
            return f"{error.filename} can't be used: {error.strerror}"
        case _:
            return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
