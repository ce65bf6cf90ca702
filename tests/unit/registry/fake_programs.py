"""apt and dpkg, played by a shell's script each."""

from registry.machine.apt import Apt
from registry.machine.apt_sources import AptSources
from registry.machine.docker_packages import DockerPackages
from registry.machine.records import Records
from registry.machine.short_sources import ShortSources

NAMES = ("apt-get", "apt-cache", "apt-mark", "add-apt-repository", "dpkg", "dpkg-deb", "dpkg-query")
NOISE = "--yes --quiet -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "
EXACTLY = "--allow-downgrades --allow-change-held-packages"


class FakePrograms:
    """The programs below a folder, and the parts of the machine that run them."""

    def __init__(self, folder, lock_seconds=300):
        self.folder = folder
        self.apt_folder = folder / "apt"
        self._programs = folder / "programs"
        self.apt = Apt(str(self._programs), lock_seconds=lock_seconds, retry_seconds=0.01)
        self.sources = AptSources(self.apt, self.apt_folder)
        self.short_sources = ShortSources(self.apt, Records(folder / "records"), self.apt_folder)
        self.docker = DockerPackages(self.apt, self.sources)
        (self.apt_folder / "sources.list.d").mkdir(parents=True)
        self.say()

    def say(self, **scripts):
        """Make programs do what a script says, the name of each with underscores; the others succeed in silence."""
        helper = self.folder / "lib/apt/apt-helper"
        for path in (helper, *(self._programs / name for name in NAMES)):
            path.parent.mkdir(parents=True, exist_ok=True)
            script = scripts.get(path.name.replace("-", "_"), "")
            path.write_text(
                f'#!/bin/sh\ncd {self.folder}\necho "{path.name} $*" >> calls\ncase "$*" in\n{script}\nesac\n'
            )
            path.chmod(0o755)

    def remove(self, name):
        (self._programs / name).unlink()

    def calls(self):
        """Return what the programs were called with, apt's usual options left out."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.replace(NOISE, "").replace(EXACTLY, "--exactly") for line in lines]

    def apt_files(self, name):
        """Return apt's files that the charm made under a name, with their texts."""
        paths = sorted(path for path in self.apt_folder.rglob("*") if path.is_file())
        return {path: path.read_text() for path in paths if f"docker-registry-{name}" in path.name}
