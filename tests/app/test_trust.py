"""A quarterdeck.toml that may be anybody's reaches nothing before somebody has said so."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.app.command import Answer, quarterdeck

REACHES = '[prometheus]\nurl = "https://prometheus.example.com"\n'
REACHES_BY_PRODUCT = 'product = "shop"\n'
HARMLESS = '[screen]\nbell = false\n[environments.alpha]\nnamespace = "x"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "checkout" / ".git").mkdir(parents=True)
    (tmp_path / "checkout" / "deep" / "inside").mkdir(parents=True)
    return tmp_path / "checkout"


def status(home: Path, cwd: Path, *arguments: str) -> Answer:
    """There is no kubeconfig: who gets past the configuration is told that."""
    return quarterdeck(*arguments, "status", home=home, cwd=cwd)


def is_refused(answer: Answer) -> bool:
    return answer.code == 2 and "has not been trusted" in answer.err and "`quarterdeck trust`" in answer.err


def is_used(answer: Answer) -> bool:
    return answer.code == 2 and "There is no kubeconfig" in answer.err


@pytest.mark.parametrize("content", [REACHES, REACHES_BY_PRODUCT])
@pytest.mark.parametrize("folder", [".", "deep/inside"])
def test_a_file_that_reaches_out_is_refused_until_it_is_trusted(
    content: str, folder: str, tmp_path: Path, checkout: Path
) -> None:
    (checkout / "quarterdeck.toml").write_text(content)
    assert is_refused(status(tmp_path, checkout / folder))

    trusted = quarterdeck("trust", home=tmp_path, cwd=checkout / folder)

    assert trusted.code == 0
    assert "https://" in trusted.out
    assert is_used(status(tmp_path, checkout / folder))


def test_any_change_and_any_other_place_need_trust_again(tmp_path: Path, checkout: Path) -> None:
    file = checkout / "quarterdeck.toml"
    file.write_text(REACHES)
    quarterdeck("trust", home=tmp_path, cwd=checkout)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "quarterdeck.toml").write_text(REACHES)
    assert is_refused(status(tmp_path, elsewhere))

    file.write_text(REACHES + "# another line\n")

    assert is_refused(status(tmp_path, checkout))
    file.write_text(REACHES)
    assert is_used(status(tmp_path, checkout))


def test_trust_can_be_taken_back(tmp_path: Path, checkout: Path) -> None:
    (checkout / "quarterdeck.toml").write_text(REACHES)
    quarterdeck("trust", home=tmp_path, cwd=checkout)

    assert quarterdeck("trust", "--revoke", home=tmp_path, cwd=checkout).code == 0

    assert is_refused(status(tmp_path, checkout))


def test_a_file_that_reaches_nothing_needs_no_trust(tmp_path: Path, checkout: Path) -> None:
    (checkout / "quarterdeck.toml").write_text(HARMLESS)

    assert is_used(status(tmp_path, checkout))


def test_what_the_person_names_or_keeps_themselves_needs_no_trust(tmp_path: Path, checkout: Path) -> None:
    own = tmp_path / ".config" / "quarterdeck" / "quarterdeck.toml"
    own.parent.mkdir(parents=True)
    own.write_text(REACHES)
    (checkout / "quarterdeck.toml").write_text(REACHES)

    assert is_used(status(tmp_path, tmp_path))
    assert is_used(status(tmp_path, checkout, "--config", "quarterdeck.toml"))
    assert is_used(status(tmp_path, checkout, "--no-config"))


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path, checkout: Path) -> None:
    real = checkout / "deep" / "other.toml"
    real.write_text(REACHES)
    link = checkout / "quarterdeck.toml"
    link.symlink_to(checkout / "deep" / ".." / "deep" / "other.toml")
    quarterdeck("trust", home=tmp_path, cwd=checkout)
    assert is_used(status(tmp_path, checkout))

    swapped = tmp_path / "swapped.toml"
    swapped.write_text(REACHES)
    link.unlink()
    link.symlink_to(swapped)

    assert is_refused(status(tmp_path, checkout))


def test_a_file_above_the_checkout_is_not_found(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "quarterdeck.toml").write_text(REACHES)

    assert is_used(status(tmp_path, checkout / "deep"))


@pytest.mark.parametrize("content", ["not json", "[]"])
def test_a_broken_list_trusts_nothing(content: str, tmp_path: Path, checkout: Path) -> None:
    store = stored(tmp_path, checkout)
    store.write_text(content)

    answer = status(tmp_path, checkout)

    assert answer.code == 2
    assert "trusted" in answer.err
    assert "Traceback" not in answer.err


def test_a_list_that_others_may_write_trusts_nothing(tmp_path: Path, checkout: Path) -> None:
    store = stored(tmp_path, checkout)
    store.chmod(0o666)

    assert "others may write to it" in status(tmp_path, checkout).err


def test_the_list_is_for_its_owner_alone(tmp_path: Path, checkout: Path) -> None:
    store = stored(tmp_path, checkout)

    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o700
    (entry,) = json.loads(store.read_text()).values()
    assert entry["file"] == str(checkout / "quarterdeck.toml")


def stored(home: Path, checkout: Path) -> Path:
    (checkout / "quarterdeck.toml").write_text(REACHES)
    assert quarterdeck("trust", home=home, cwd=checkout).code == 0
    return home / ".local" / "state" / "quarterdeck" / "trusted.json"


def test_where_there_is_no_file_it_says_so(tmp_path: Path) -> None:
    answer = quarterdeck("trust", home=tmp_path)

    assert answer.code == 2
    assert "There is no quarterdeck.toml here" in answer.err
