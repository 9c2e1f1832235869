"""Deploy and revert: one script after the other, each with its entry in the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Literal

import psycopg

from pgjikan.errors import PgjikanError
from pgjikan.migrations.change import Change, DeployError, PlanError, find
from pgjikan.migrations.journal import Journal
from pgjikan.migrations.plan import Plan, load_plan
from pgjikan.migrations.project import Project
from pgjikan.migrations.registry import Registry, open_registry
from pgjikan.migrations.report import Action, Reporter, explain
from pgjikan.migrations.script import ScriptError, run_script
from pgjikan.migrations.state import deployed_changes, position_of, resolve

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
            if is_new:
                self.reporter.message(f"making the registry: schema {self.project.registry}")
                registry.create()
            if position < 0:
                registry.register(plan.uri)
            else:
                Journal(registry).log_new_tags(plan.changes[position])
            pending = plan.changes[position + 1 : target + 1]
            if not pending:
                return 0
            resolved = resolve(registry, plan, deployed, pending)
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
                        self._verify(change)
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
            raise DeployError(f"{change.title}: {explain(error)}", hint=AGAIN) from error
        self.reporter.end((perf_counter() - start) * 1000, None)

    def _deploy(
        self, journal: Journal, change: Change, resolved: Mapping[str, str], verify: bool
    ) -> None:
        with self._step("deploy", change):
            is_made = False
            try:
                with journal.registry.change():
                    self._run(change.deploy_file)
                    is_made = True
                    if verify:
                        self._verify(change)
                    journal.log_deploy(change, resolved)
            except (ScriptError, psycopg.Error):
                # A deploy script takes itself back; one that ended well needs its revert script.
                with self._salvage(f"{change.title} must be reverted by hand"):
                    if is_made:
                        with journal.registry.change():
                            self._run(change.revert_file)
                with self._salvage("the failure is not in the registry"):
                    journal.log_failure(change)
                raise

    def _verify(self, change: Change) -> None:
        if change.verify_file.is_file():
            self._run(change.verify_file)
        else:
            self.reporter.message(f"{change.title} has no verify script")

    def _revert(self, journal: Journal, change: Change) -> None:
        with self._step("revert", change), journal.registry.change():
            self._run(change.revert_file)
            journal.log_revert(change)

    def _undo(self, journal: Journal, done: list[Change], cause: DeployError) -> DeployError:
        """Take back what this run deployed; the error to raise says how far that went."""
        left = list(done)
        with self._salvage("the rest must be reverted by hand"):
            while left:
                self._revert(journal, left[-1])
                left.pop()
        hint = f"of this run's earlier changes {len(done) - len(left)} were reverted"
        return DeployError(str(cause), hint=f"{hint}, {len(left)} are left")

    @contextmanager
    def _salvage(self, consequence: str) -> Iterator[None]:
        """Clean up after a failure without hiding the failure."""
        try:
            yield
        except (PgjikanError, psycopg.Error) as error:
            self.reporter.message(f"{explain(error)}\n{consequence}")

    def _run(self, file: Path) -> None:
        run_script(self.conninfo, file, self.project.relative(file), self.reporter.notice)
