"""`Bytecode`: finds compiled Python and sources among what is searched, and has them held against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from pitviper.bytecode import pyc
from pitviper.bytecode.beside import SOURCE
from pitviper.bytecode.glance import Glance
from pitviper.engine.pack import Pack
from pitviper.hygiene.containers import Containers
from pitviper.hygiene.difference import SecretsIn
from pitviper.hygiene.held import Compiled, Holder, Told
from pitviper.hygiene.trees import Trees
from pitviper.model.blob import Blob, Inner, Span
from pitviper.model.finding import Finding
from pitviper.model.gap import Gap, Reason
from pitviper.rules.schema import Rule
from pitviper.secrets.judge import Judge
from pitviper.sources.directory import FileBlob


class Bytecode:
    """Of what one worker looks into. Not for two threads at once. To be closed."""

    def __init__(
        self,
        rules: Iterable[Rule],
        judge: Judge,
        secrets_in: SecretsIn,
        findings_in: Callable[[bytes], list[Finding]],
    ) -> None:
        self._holder = Holder(rules, judge, secrets_in, findings_in)
        self._trees = Trees(self._holder)
        self._glance: Glance | None = None
        self._artefact = ""
        self._containers: Containers | None = None
        """Of the artefact whose members pass by."""

    def look(self, pack: Pack, spans: list[Span], findings: list[Finding]) -> Told:
        """What comes of the `spans` of `pack` that are `half_of_a_pair`; `findings` in compiled ones are taken out.

        They may come later: when the source passes by, or in the `rest`.
        """
        told = Told()
        compiled = [span for span in spans if not _is_source(span.blob)]
        names = self._names_in(pack, compiled)
        found = _taken(findings, compiled)
        for span in spans:
            blob = span.blob
            try:
                if isinstance(blob, Inner):
                    self._member(pack, span, blob, names, found, told)
                else:
                    self._file(pack, span, names, found, told)
            except Exception as error:  # noqa: BLE001 - a defect on one blob must not end the scan
                told.findings += found.get(blob.path, ())
                detail = f"a defect in pitviper: {type(error).__name__} in comparing with the source; please report it"
                told.gaps.append(Gap(blob.path, Reason.FAILED, detail))
        return told

    def rest(self) -> Told | None:
        """What comes of the artefact whose members passed by, now that it ends; None if there was none."""
        if self._containers is None:
            return None
        told = Told()
        containers, self._containers = self._containers, None
        containers.rest(told)
        return told

    def close(self) -> None:
        """End what was started."""
        self._holder.close()
        if self._containers:
            self._containers.close()
            self._containers = None

    def _member(  # noqa: PLR0913, PLR0917 - what is known of it
        self,
        pack: Pack,
        span: Span,
        blob: Inner,
        names: dict[int, set[bytes]],
        found: dict[str, list[Finding]],
        told: Told,
    ) -> None:
        artefact = blob.path.partition("!/")[0]
        if artefact != self._artefact or self._containers is None:
            if rest := self.rest():
                told.add(rest)
            self._artefact, self._containers = artefact, Containers(self._holder)
        content = bytes(pack.data[span.start : span.end]) if span.last == span.end else None
        if _is_source(blob):
            self._containers.add_source(blob, content, told)
        elif one := _compiled(pack, span, names, found, told):
            self._containers.add_compiled(one, content, told)

    def _file(
        self, pack: Pack, span: Span, names: dict[int, set[bytes]], found: dict[str, list[Finding]], told: Told
    ) -> None:
        one = _compiled(pack, span, names, found, told)
        if one is None:
            return
        if span.last == span.end:
            self._trees.look(one, lambda: bytes(pack.data[span.start : span.end]), told)
            return
        blob = cast("FileBlob", span.blob)
        try:
            content = blob.open(b"").read(0, pyc.MAX_SIZE)
        except OSError as error:
            told.gaps.append(Gap(blob.path, Reason.UNREADABLE, error.strerror or ""))
            content = b""
        one.names = frozenset(self._glance.names_in(memoryview(content)).get(0, ())) if self._glance else one.names
        self._trees.look(one, lambda: content, told)

    def _names_in(self, pack: Pack, compiled: list[Span]) -> dict[int, set[bytes]]:
        if not compiled:
            return {}
        self._glance = self._glance or Glance()
        with memoryview(pack.data) as view, view[: pack.filled] as part:
            return self._glance.names_in(part, [span.start for span in pack.spans])


def _compiled(
    pack: Pack, span: Span, names: dict[int, set[bytes]], found: dict[str, list[Finding]], told: Told
) -> Compiled | None:
    """The compiled file in `span`; None if it is only called so, and then what was found in it is told."""
    head = bytes(pack.data[span.start : min(span.end, span.start + pyc.HEAD)])
    findings = found.get(span.blob.path, []) if found else []
    if not pyc.begins(head):
        told.findings += findings
        return None
    version, header = pyc.head(head)
    return Compiled(span.blob, version, header, frozenset(names.get(span.start, ())), findings)


def _is_source(blob: Blob) -> bool:
    return isinstance(blob, Inner) and blob.chain[-1].name.endswith(SOURCE)


def _taken(findings: list[Finding], compiled: list[Span]) -> dict[str, list[Finding]]:
    """The `findings` in compiled files, by path: they are no more among the others."""
    if not findings or not compiled:
        return {}
    paths = {span.blob.path for span in compiled}
    taken: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.place.path in paths:
            taken.setdefault(finding.place.path, []).append(finding)
    findings[:] = [finding for finding in findings if finding.place.path not in taken]
    return taken
