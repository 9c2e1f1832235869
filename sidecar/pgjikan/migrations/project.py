"""Where a sqitch project lies, and what its configuration says."""

from __future__ import annotations

import configparser
import os
import pwd
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pgjikan
from pgjikan.errors import PgjikanError

PACKAGE = Path(pgjikan.__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Scripts:
    """The three folders in which one kind of change keeps its scripts."""

    deploy: Path
    revert: Path
    verify: Path


@dataclass(frozen=True, slots=True)
class Project:
    """A sqitch project on disk, with the settings that decide what is run and recorded."""

    root: Path
    plan_file: Path
    scripts: Scripts
    reworked: Scripts
    extension: str
    registry: str
    with_verify: bool
    mode: str
    committer_name: str
    committer_email: str

    def relative(self, script: Path) -> str:
        """The path of `script` as a person at the project's root would type it."""
        return os.path.relpath(script, self.root)


def find_root(override: Path | None = None) -> Path:
    """The project asked for, else the one in the wheel, else the checkout around the package."""
    if override is not None:
        if not (override / "sqitch.plan").is_file() and not (override / "sqitch.conf").is_file():
            raise PgjikanError(
                f"no sqitch project in {override}",
                hint="--project (or PGJIKAN_PROJECT) names the folder that holds sqitch.plan",
            )
        return override.resolve()
    for root in (PACKAGE / "_project", PACKAGE.parents[1]):
        if (root / "sqitch.plan").is_file():
            return root
    raise PgjikanError(
        "no sqitch.plan beside the package or inside it",
        hint="name the project's folder with --project or PGJIKAN_PROJECT",
    )


def load_project(root: Path, environ: Mapping[str, str] = os.environ) -> Project:
    """Read the configuration as sqitch layers it: system, user, project; the later one wins."""
    conf: dict[str, str] = {}
    for file in (
        Path(environ.get("SQITCH_SYSTEM_CONFIG") or "/etc/sqitch/sqitch.conf"),
        Path(environ.get("SQITCH_USER_CONFIG") or Path.home() / ".sqitch" / "sqitch.conf"),
        root / (environ.get("SQITCH_CONFIG") or "sqitch.conf"),
    ):
        conf |= read_conf(file)
    engine = conf.get("core.engine", "pg")
    if engine != "pg":
        raise PgjikanError(
            f"sqitch.conf asks for the engine {engine!r}; pgjikan deploys to pg only",
            hint="set core.engine to pg",
        )
    target = conf.get("engine.pg.target") or conf.get("core.target") or ""

    def setting(key: str, default: str) -> str:
        names = (f"target.{target}.{key}", f"engine.pg.{key}", f"core.{key}")
        return next((conf[name] for name in names if conf.get(name)), default)

    top = root / setting("top_dir", ".")
    reworked = setting("reworked_dir", "")
    rework_root = root / reworked if reworked else top

    def folders(prefix: str, default: Path) -> Scripts:
        def folder(kind: str) -> Path:
            given = setting(f"{prefix}{kind}_dir", "")
            return (root / given) if given else default / kind

        return Scripts(folder("deploy"), folder("revert"), folder("verify"))

    plan_file = setting("plan_file", "")
    user, gecos = _system_user(environ)
    return Project(
        root=root,
        plan_file=root / plan_file if plan_file else top / "sqitch.plan",
        scripts=folders("", top),
        reworked=folders("reworked_", rework_root),
        extension=setting("extension", "sql"),
        registry=setting("registry", "sqitch"),
        with_verify=conf.get("deploy.verify", "false").lower() in ("true", "yes", "on", "1", ""),
        mode=conf.get("deploy.mode") or "all",
        committer_name=environ.get("SQITCH_FULLNAME") or conf.get("user.name") or gecos,
        committer_email=environ.get("SQITCH_EMAIL")
        or conf.get("user.email")
        or f"{user}@{socket.gethostname()}",
    )


def read_conf(file: Path) -> dict[str, str]:
    """A git-style configuration file as `section.subsection.key`; no file, no settings."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    parser = configparser.ConfigParser(
        delimiters=("=",),
        inline_comment_prefixes=("#", ";"),
        strict=False,
        interpolation=None,
        allow_no_value=True,
        default_section="",
    )
    # Indentation means nothing to git but "continued" to configparser, so it goes first.
    try:
        parser.read_string("\n".join(line.strip() for line in text.splitlines()))
    except configparser.Error as error:
        raise PgjikanError(f"cannot read {file}: {error}", hint="mend or remove it") from error
    conf = {}
    for section in parser.sections():
        name, _, subsection = section.partition(" ")
        prefix = ".".join(filter(None, (name.lower(), subsection.strip().strip('"'))))
        for key, value in parser[section].items():
            conf[f"{prefix}.{key}"] = (value or "").strip('"')
    return conf


def _system_user(environ: Mapping[str, str]) -> tuple[str, str]:
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        name = environ.get("LOGNAME") or environ.get("USER") or "pgjikan"
        return name, name
    return entry.pw_name, entry.pw_gecos.split(",")[0] or entry.pw_name
