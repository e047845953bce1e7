"""``python -m geoplan`` is the program ``geoplan``."""

from geoplan.cli.main import run

if __name__ == "__main__":
    run()
