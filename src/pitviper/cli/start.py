"""How commands begin a scan: what is wrong with a setting is told with the file that it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pitviper.cli import options
from pitviper.config import Settings
from pitviper.errors import RuleError
from pitviper.look import Outcome
from pitviper.rules import loading
from pitviper.scanning import Scan


def start(
    targets: Sequence[str],
    settings: Settings,
    config_file: str | None,
    flags: Mapping[str, Any],
    *,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Scan:
    """A scan of `targets`. Raises as `Scan` does, with a suggestion for a rule that does not exist."""
    try:
        with options.told_of_file(config_file, flags, "baseline"):
            return Scan(targets, settings, on_outcome=on_outcome)
    except RuleError:
        _check(settings, config_file, flags)
        raise


def _check(settings: Settings, config_file: str | None, flags: Mapping[str, Any]) -> None:
    """Raise `RuleError` if `settings` have a rule file that is wrong, or disable a rule that does not exist."""
    with options.told_of_file(config_file, flags, "rules"):
        known = {rule.id for rule in loading.load(settings.rules).rules}
    with options.told_of_file(config_file, flags, "disable"):
        for rule_id in settings.disable:
            if rule_id not in known:
                raise RuleError(f"no rule is named {rule_id!r}", hint=nearest(rule_id, known))


def nearest(rule_id: str, known: Iterable[str]) -> str:
    """A hint for who wrote `rule_id`, which is not among the `known` ones."""
    close = get_close_matches(rule_id, sorted(known), n=3)
    return f"Did you mean {' or '.join(close)}?" if close else "See `pitviper rules list`."
