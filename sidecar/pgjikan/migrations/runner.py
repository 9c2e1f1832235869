"""Deploy and revert: one script after the other, each with its entry in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Literal

import psycopg

from pgjikan.errors import PgjikanError
from pgjikan.migrations.change import Change, DeployError, PlanError, find
from pgjikan.migrations.journal import Journal
from pgjikan.migrations.plan import Plan, load_plan
from pgjikan.migrations.project import Project
from pgjikan.migrations.registry import Registry
from pgjikan.migrations.registry_session import open_registry
from pgjikan.migrations.report import Action, Reporter, explain, is_there, way_out
from pgjikan.migrations.script import Script, ScriptError, read_script
from pgjikan.migrations.session import open_session
from pgjikan.migrations.state import deployed_changes, position_of, require_unedited, resolve

#: What to do about the two failures that happen to people.
NAMES = "`pgjikan log` tells what was deployed; sqitch.plan what may be"
AGAIN = "mend the cause and run the same command again"


@dataclass(frozen=True, slots=True)
class Runner:
    """Carries a project's changes out on one database."""

    conninfo: str
    project: Project
    reporter: Reporter
    lock_timeout: float

    def deploy(self, to: str | None, mode: str, verify: bool) -> int:
        """Deploy what is pending, up to the change `to`; the number of changes deployed."""
        plan = load_plan(self.project)
        if not plan.changes:
            raise PlanError(
                f"{self.project.plan_file} plans no change",
                hint="is it the right file? --project names its folder",
            )
        with self._session(plan) as registry:
            is_new = not registry.exists()
            if not is_new:
                registry.require()
            deployed = [] if is_new else registry.deployed()
            position = position_of(plan, deployed)
            target = len(plan.changes) - 1 if to is None else find(plan.changes, to)
            if target is None:
                raise PlanError(f"the plan has no change {to}", hint=NAMES)
            if target < position:
                raise DeployError(
                    f"{plan.changes[target].title} is deployed already, and others after it",
                    hint=f"`pgjikan revert --to {to}` goes back",
                )
            require_unedited(plan, deployed)
            if is_new:
                self.reporter.message(f"making the registry: schema {self.project.registry}")
                registry.create()
            if position < 0:
                registry.register()
            else:
                Journal(registry).log_new_tags(plan.changes[position])
            pending = plan.changes[position + 1 : target + 1]
            if not pending:
                return 0
            resolved = resolve(plan, deployed, pending)
            self._require_files(pending, "deploy")
            done: list[Change] = []
            for change in pending:
                try:
                    self._deploy(Journal(registry), change, resolved, verify)
                except DeployError as error:
                    if mode == "change" or not done:
                        raise
                    raise self._undo(Journal(registry), done, error) from error
                done.append(change)
                if mode == "tag" and change.tags:
                    done.clear()
        return len(pending)

    def revert(self, to: str | None, confirm: Callable[[Sequence[Change]], bool]) -> int:
        """Revert what was deployed after the change `to`, newest first; the number reverted."""
        plan = load_plan(self.project)
        with self._session(plan) as registry:
            registry.require()
            deployed = registry.deployed()
            index = -1 if to is None else find(deployed, to)
            if index is None:
                raise PlanError(f"no change {to} is deployed", hint=NAMES)
            doomed = deployed_changes(plan, deployed)[index + 1 :][::-1]
            if not doomed:
                return 0
            ids = {change.id for change in doomed}
            for change in doomed:
                for other, name in registry.dependents(change.id):
                    if other not in ids:
                        raise DeployError(
                            f"{name} is deployed and requires {change.title}",
                            hint="revert that project first",
                        )
            self._require_files(doomed, "revert")
            if not confirm(doomed):
                raise DeployError("nothing reverted", hint="answer y, or say -y beforehand")
            for change in doomed:
                self._revert(Journal(registry), change)
        return len(doomed)

    def verify(self, start: str | None, to: str | None) -> int:
        """Verify what is deployed between two changes; the number of changes verified."""
        plan = load_plan(self.project)
        with open_registry(self.conninfo, plan) as registry:
            registry.require()
            deployed = registry.deployed()
        bounds = [
            default if key is None else find(deployed, key)
            for key, default in ((start, 0), (to, len(deployed) - 1))
        ]
        for key, bound in zip((start, to), bounds, strict=True):
            if bound is None:
                raise PlanError(f"no change {key} is deployed", hint=NAMES)
        first, last = (bound or 0 for bound in bounds)
        changes = deployed_changes(plan, deployed)[first : last + 1]
        failures = 0
        for position, change in enumerate(changes, start=first):
            try:
                with self._step("verify", change):
                    if plan.index_of(change.id) != position:
                        raise ScriptError(
                            "not where the plan has it, or not in the plan",
                            hint="restore the plan it was deployed from",
                        )
                    if not change.is_reworked:  # else what it made may look different by now
                        script = self._verify_script(change)
                        if script is not None:
                            self._run(script)
            except DeployError:
                failures += 1
        if failures:
            raise DeployError(
                f"{failures} of {len(changes)} deployed changes do not verify",
                hint="each says why above; `pgjikan doctor` looks at what may be behind it",
            )
        return len(changes)

    @contextmanager
    def _session(self, plan: Plan) -> Iterator[Registry]:
        with open_registry(self.conninfo, plan) as registry:
            if not registry.lock():
                self.reporter.message(
                    f"another deployment is at work here; waiting up to {self.lock_timeout:g} s"
                )
                registry.wait_for_lock(self.lock_timeout)
            if registry.exists():
                registry.settle(self.lock_timeout)
            yield registry

    def _require_files(
        self, changes: Sequence[Change], action: Literal["deploy", "revert"]
    ) -> None:
        for change in changes:
            file = change.deploy_file if action == "deploy" else change.revert_file
            if not file.is_file():
                raise DeployError(
                    f"{change.title} has no {action} script",
                    hint=f"expected {self.project.relative(file)}; nothing was changed",
                )

    @contextmanager
    def _step(self, action: Action, change: Change) -> Iterator[None]:
        self.reporter.begin(action, change.title)
        start = perf_counter()
        try:
            yield
        except (ScriptError, psycopg.Error) as error:
            self.reporter.end((perf_counter() - start) * 1000, error)
            hint = way_out(change) if action == "deploy" and is_there(error) else AGAIN
            raise DeployError(f"{change.title}: {explain(error)}", hint=hint) from error
        self.reporter.end((perf_counter() - start) * 1000, None)

    def _deploy(
        self, journal: Journal, change: Change, resolved: Mapping[str, str], verify: bool
    ) -> None:
        with self._step("deploy", change):
            try:
                script = self._read(change.deploy_file)
                check = self._verify_script(change) if verify else None
                if script.is_transaction and (check is None or check.is_transaction):
                    with self._transaction(journal.registry, script, check) as inner:
                        inner.log_deploy(change, resolved)
                else:
                    self._deploy_apart(journal, change, resolved, script, check)
            except (ScriptError, psycopg.Error):
                with self._salvage("the failure is not in the registry"):
                    journal.log_failure(change)
                raise

    def _deploy_apart(
        self,
        journal: Journal,
        change: Change,
        resolved: Mapping[str, str],
        script: Script,
        check: Script | None,
    ) -> None:
        """What no transaction can hold (CREATE INDEX CONCURRENTLY) commits before its entry."""
        is_made = False
        try:
            with journal.registry.change():
                self._run(script)
                is_made = True
                if check is not None:
                    self._run(check)
                journal.log_deploy(change, resolved)
        except (ScriptError, psycopg.Error):
            # A deploy script takes itself back; one that ended well needs its revert script.
            with self._salvage(f"{change.title} must be reverted by hand"):
                if is_made:
                    with journal.registry.change():
                        self._run(self._read(change.revert_file))
            raise

    @contextmanager
    def _transaction(
        self, registry: Registry, script: Script, check: Script | None = None
    ) -> Iterator[Journal]:
        """The script's transaction once its body is done, as a journal to write the entry into.

        Script and entry commit together, so whatever ends this process leaves both or neither.
        """
        with (
            open_session(self.conninfo, self.reporter.notice) as session,
            session.transaction(script),
        ):
            replace(registry, connection=session.connection).lock_changes()
            session.run_body(script)
            if check is not None:
                session.run_nested(check)
            yield Journal(registry.joined_to(session.connection))
            registry.require_lock()

    def _verify_script(self, change: Change) -> Script | None:
        if change.verify_file.is_file():
            return self._read(change.verify_file)
        self.reporter.message(f"{change.title} has no verify script")
        return None

    def _revert(self, journal: Journal, change: Change) -> None:
        with self._step("revert", change):
            script = self._read(change.revert_file)
            if script.is_transaction:
                with self._transaction(journal.registry, script) as inner:
                    inner.log_revert(change)
            else:
                with journal.registry.change():
                    self._run(script)
                    journal.log_revert(change)

    def _undo(self, journal: Journal, done: list[Change], cause: DeployError) -> DeployError:
        """Take back what this run deployed; the error to raise says how far that went."""
        left = list(done)
        with self._salvage("the rest stays deployed; the same command goes on from there"):
            while left:
                self._revert(journal, left[-1])
                left.pop()
        hint = f"of this run's earlier changes {len(done) - len(left)} were reverted"
        hint = f"{hint}, {len(left)} are left"
        return DeployError(
            str(cause), hint=hint if cause.hint == AGAIN else f"{cause.hint}\n{hint}"
        )

    @contextmanager
    def _salvage(self, consequence: str) -> Iterator[None]:
        """Clean up after a failure without hiding the failure."""
        try:
            yield
        except (PgjikanError, psycopg.Error) as error:
            self.reporter.message(f"{explain(error)}\n{consequence}")

    def _read(self, file: Path) -> Script:
        return read_script(file, self.project.relative(file))

    def _run(self, script: Script) -> None:
        with open_session(self.conninfo, self.reporter.notice) as session:
            session.run(script)
