"""How commands begin a scan: what is wrong with a setting is told with the file that it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pitviper.cli import options
from pitviper.config import Settings
from pitviper.errors import RuleError, UsageError
from pitviper.look import Outcome
from pitviper.rules import loading
from pitviper.scanning import Scan
from pitviper.sources import has_repository


def start(
    targets: Sequence[str],
    settings: Settings,
    config_file: str | None,
    flags: Mapping[str, Any],
    *,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Scan:
    """A scan of `targets`. Raises as `Scan` does, with a suggestion for a rule that does not exist.

    Raises `UsageError` also for a flag that means nothing to any of them: whoever gave it expects something else.
    """
    _check_use(targets, settings, flags)
    try:
        with options.told_of_file(config_file, flags, "baseline"):
            return Scan(targets, settings, on_outcome=on_outcome)
    except RuleError:
        _check(settings, config_file, flags)
        raise


def _check_use(targets: Sequence[str], settings: Settings, flags: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a flag that no target has a use for. In a configuration file it may wait for another."""
    has_git = any(has_repository(target, history=True, staged=True) for target in targets)
    has_history = not settings.staged and any(
        has_repository(target, history=settings.git_history, staged=False) for target in targets
    )
    no_history = "no history is looked into", "Name a repository as git:PATH, or add --git-history; leave out --staged."
    uses = {
        "git_history": (has_git, "no target is a folder", "Name a folder, or a repository as git:PATH."),
        "staged": (has_git, "no target is a folder", "Name the folder of the repository, as in `--staged .`"),
        "unreachable": (has_history, *no_history),
        "since": (has_history, *no_history),
        "branch": (has_history, *no_history),
        "platform": (_names(targets, "image:"), "no target is an image in a registry", "Name one as image:NAME."),
        "index_url": (_names(targets, "pypi:"), "no target is in a package index", "Name one as pypi:NAME."),
    }
    for name, (is_used, why, hint) in uses.items():
        if flags.get(name) not in (None, False, ()) and not is_used:
            raise UsageError(f"--{name.replace('_', '-')}: {why}", hint=hint)


def _names(targets: Sequence[str], prefix: str) -> bool:
    return any(target.startswith(prefix) for target in targets)


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
